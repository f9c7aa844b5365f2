"""The books of some locked accounts, open for one transaction.

A batch of orders or fills touches the same balances again and again. Opening reads them once,
each entry then changes them in memory in the order of arrival, so that every entry sees what the
ones before it left, and closing writes all of it with one statement a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final, LiteralString
from uuid import UUID

from accounts.locks import LockedAccount
from foundation import bulk, decimals
from foundation.decimals import CASH
from foundation.trips import Answer
from marketdata import calendars
from marketdata.models import Instrument
from portfolio import accounting, charging, good_faith, ledger, lot_book, settlement
from portfolio.charging import SaleCharges
from portfolio.fees import NO_FEES, Charge, FeeTerms, fee_of
from portfolio.ledger import LedgerKey
from portfolio.lot_book import LotBook
from portfolio.lots import Deal, Lot
from portfolio.models import Balance, GoodFaithViolation, Hold, LedgerAccount, Transfer

ZERO: Final = Decimal(0)
HOLD_CHANGING: Final = (
    "per_unit",
    "price",
    "fee_per_order",
    "fee_per_unit",
    "fee_rate",
    "amount",
    "remaining",
    "lots",
    "status",
)


class Uncovered(ValueError):
    """The account does not have what this needs, `needed` in all; nothing was changed."""

    def __init__(self, message: str, *, needed: Decimal = ZERO) -> None:
        super().__init__(message)
        self.needed = needed


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill to book.

    `value_before` is the exact value of the order's earlier fills, `filled_quantity` and
    `leaves_quantity` are the order's after this one. Of a bust, `busted_id` is the trade that is
    taken back, and `busted_at` when that was booked.
    """

    trade_id: UUID
    order_id: UUID
    instrument: Instrument
    signed_quantity: Decimal
    price: Decimal
    value_before: Decimal
    filled_quantity: Decimal
    leaves_quantity: Decimal
    at: datetime
    busted_id: UUID | None = None
    busted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer between a customer and a house account: credited if positive, else debited.

    It is final on `settles_on`, or at once. One that takes another back (`reverses`) may have
    to be booked even if the money is gone: it `may_overdraw` a cash account.
    """

    asset: str
    amount: Decimal
    kind: Transfer.Kind
    house: LedgerAccount.Kind
    reference: str
    at: datetime
    reason: str = ""
    settles_on: date | None = None
    reverses: int | None = None
    may_overdraw: bool = False


class Books:
    """The balances, holds and positions of locked accounts; make one with `ask_books`."""

    def __init__(
        self,
        *,
        balances: Iterable[Balance],
        holds: Iterable[Hold] = (),
        lots: LotBook | None = None,
        house: Mapping[LedgerKey, int] = MappingProxyType({}),
    ) -> None:
        self._balances = {(b.account_id, b.asset): b for b in balances}
        self._stored = set(self._balances)
        self._holds = {h.order_id: h for h in holds}
        self.lots = lots or LotBook(positions=(), found=())
        self._house = house
        self._sales = SaleCharges()
        self._violations: list[GoodFaithViolation] = []
        self._new_holds: list[Hold] = []
        self._changed_balances: set[tuple[UUID, str]] = set()
        self._changed_holds: set[UUID] = set()
        self._moves: list[tuple[Transfer, LedgerKey, LedgerKey]] = []

    def balance(self, account: LockedAccount, asset: str) -> Decimal:
        amount: Decimal = self._balance(account, asset).amount
        return amount

    def available(self, account: LockedAccount, asset: str) -> Decimal:
        return self._balance(account, asset).available

    def spendable(self, account: LockedAccount, day: date) -> Decimal:
        """Return the cash available for purchases: settled cash if the account may use no other."""
        available = self.available(account, CASH)
        until = self.settled_only_until(account)
        if until is None or until < day:
            return available
        return available - sum(self.unsettled(account, day).values(), ZERO)

    def unsettled(self, account: LockedAccount, day: date) -> dict[date, Decimal]:
        """Return the proceeds in cash that are not final on `day` yet, by when they are."""
        return settlement.after(self._balance(account, CASH).unsettled, day)

    def settled_only_until(self, account: LockedAccount) -> date | None:
        """Return the last day on which the account may spend settled cash only, if there is one."""
        until: date | None = self._balance(account, CASH).settled_only_until
        return until

    def name_lots(self, order_id: UUID, lot_ids: Iterable[UUID]) -> None:
        """Let a sale close these lots first; what it sells is held already."""
        hold = self._holds[order_id]
        hold.lots = [str(lot_id) for lot_id in lot_ids]
        self._changed_holds.add(order_id)

    def hold(
        self,
        account: LockedAccount,
        *,
        order_id: UUID,
        asset: str,
        per_unit: Decimal,
        quantity: Decimal,
        price: Decimal | None = None,
        fees: FeeTerms = NO_FEES,
    ) -> Decimal:
        """Set aside what an order may need, in place of what was; return how much.

        `fees` are what it is charged when it is a buy, of the value at `price`: the worst that it
        may pay, which is `per_unit` if not given. Raises Uncovered.
        """
        amount = accounting.hold_of(
            asset=asset, per_unit=per_unit, quantity=quantity, price=price, fees=fees
        )
        hold = self._set_aside(account, order_id, asset, amount)
        charging.agree(hold, per_unit=per_unit, price=price, fees=fees)
        return amount

    def hold_amount(
        self,
        account: LockedAccount,
        *,
        order_id: UUID,
        amount: Decimal,
        quantity: Decimal = ZERO,
        fees: FeeTerms = NO_FEES,
    ) -> Decimal:
        """Set aside this cash for an order by value, which uses up what it spends, and its fees.

        `quantity` is the most that it may buy. Returns how much is set aside. Raises Uncovered.
        """
        whole = amount + fee_of(fees, quantity=quantity, value=amount)
        hold = self._set_aside(account, order_id, CASH, whole)
        charging.agree(hold, per_unit=ZERO, price=ZERO, fees=fees)
        return whole

    def hold_beyond(
        self,
        account: LockedAccount,
        *,
        old_id: UUID,
        leaves: Decimal,
        order_id: UUID,
        asset: str,
        per_unit: Decimal,
        quantity: Decimal,
        price: Decimal | None = None,
        fees: FeeTerms = NO_FEES,
    ) -> Decimal:
        """Set aside what an order needs beyond the hold of the one that it is to replace.

        `leaves` is what that one has left. Both may execute until the venue has decided; then
        `take_over`, or a release, is to follow. Returns how much is set aside. Raises Uncovered.
        """

        def needed(quantity: Decimal) -> Decimal:
            return accounting.hold_of(
                asset=asset, per_unit=per_unit, quantity=quantity, price=price, fees=fees
            )

        old = self._pending_hold(old_id)
        extra = accounting.replaced_hold(
            asset=asset,
            needed=needed(quantity),
            needed_beyond=needed(max(quantity - leaves, ZERO)),
            held=old.remaining if old else ZERO,
            due=old.fee_per_order if old and old.remaining == old.amount else ZERO,
            available=self._free(account, asset),
            roundings=2 if fees is NO_FEES else 4,
        )
        hold = self._set_aside(account, order_id, asset, extra)
        charging.agree(hold, per_unit=per_unit, price=price, fees=fees)
        return extra

    def take_over(
        self, account: LockedAccount, *, old_id: UUID, new_id: UUID, quantity: Decimal
    ) -> None:
        """Let an order have what the one that it replaces was held for.

        `hold_beyond` has seen to it that this covers what it needs, but for cents of rounding
        where the account has no more.
        """
        self.release(account, order_id=old_id)
        new = self._pending_hold(new_id)
        if new is None:
            return
        new.lots = self._holds[old_id].lots if old_id in self._holds else []
        needed = accounting.hold_of(
            asset=new.asset,
            per_unit=new.per_unit,
            quantity=quantity,
            price=new.price,
            fees=charging.terms_of(new),
        )
        if not _may_owe(account, new.asset):
            needed = min(needed, self._free(account, new.asset) + new.remaining)
        self._set_aside(account, new_id, new.asset, needed)

    def held(self, order_id: UUID) -> Decimal:
        """Return what is still set aside for the order."""
        hold = self._pending_hold(order_id)
        return hold.remaining if hold else ZERO

    def held_price(self, order_id: UUID) -> Decimal | None:
        """Return the worst price that the order is held for, None when it is held for none."""
        hold = self._pending_hold(order_id)
        return hold.price if hold and hold.price else None

    def release(self, account: LockedAccount, *, order_id: UUID) -> Decimal:
        """Give back what is still held for an order that has ended; return how much."""
        hold = self._pending_hold(order_id)
        if hold is None:
            return ZERO
        released: Decimal = hold.remaining
        self._keep(account, hold, ZERO, Hold.Status.RELEASED)
        return released

    def book_fill(self, account: LockedAccount, fill: Fill) -> GoodFaithViolation | None:
        """Move cash, securities and fees, use up the hold, close and open lots.

        Returns the good faith violation that the fill is, if it is one. Raises Uncovered in a cash
        account; in a margin account what was executed can be booked.
        """
        value = fill.price * abs(fill.signed_quantity)
        cash = accounting.cash_of_fill(value_before=fill.value_before, value=value)
        hold = self._pending_hold(fill.order_id)
        remaining = _still_held(hold, fill, value) if hold else ZERO
        freed = hold.remaining - remaining if hold else ZERO
        charges = self._charges(account, fill, quantity_before=_filled_before(fill))
        charged = sum((charge.amount for charge in charges), ZERO)
        if fill.signed_quantity > 0:
            self._make_sure(account, CASH, cash + charged, freed)
        else:
            self._make_sure(account, fill.instrument.code, -fill.signed_quantity, freed)
            if not account.margin and charged > self.available(account, CASH) + cash:
                charges = ()  # a fill of dust brings less than the cent that it was to cost
        if hold:
            ended = Hold.Status.PENDING if fill.leaves_quantity else Hold.Status.POSTED
            self._keep(account, hold, remaining, ended)
        funds_settle_on = self._funds_settle_on(account, fill, cash + charged)
        self._book(account, fill, Transfer.Kind.TRADE, cash, fill.signed_quantity, charges)
        closed = self.lots.trade(
            account,
            fill.instrument.pk,
            Deal(fill.trade_id, fill.signed_quantity, cash, fill.at),
            named=_named(self._holds.get(fill.order_id)),
            funds_settle_on=funds_settle_on,
        )
        return self._violation(account, fill, [lot for _, lot in closed])

    def book_bust(self, account: LockedAccount, bust: Fill) -> None:
        """Take a fill back: what it moved goes back, fees too. Raises Uncovered as `book_fill`.

        `bust` has the terms of the fill, with the value and quantities of the order as they are
        once it is gone. What is still held for the order stays held.
        """
        value = bust.price * abs(bust.signed_quantity)
        cash = accounting.cash_of_fill(value_before=bust.value_before, value=value)
        charges = self._charges(account, bust, quantity_before=bust.filled_quantity)
        charged = sum((charge.amount for charge in charges), ZERO)
        back = -bust.signed_quantity
        if back > 0:
            self._make_sure(account, CASH, cash - charged)
        else:
            self._make_sure(account, bust.instrument.code, -back)
        self._book(account, bust, Transfer.Kind.BUST, cash, back, tuple(map(_refund, charges)))
        self.lots.bust(
            account,
            bust.instrument.pk,
            Deal(bust.busted_id or bust.trade_id, bust.signed_quantity, cash, bust.at),
            bust_id=bust.trade_id,
            at=bust.at,
        )
        hold = self._pending_hold(bust.order_id)
        if hold:
            # The fee of an order that has no fill any more falls due again with its next one.
            due = hold.fee_per_order if not bust.filled_quantity else ZERO
            hold.amount = (
                hold.remaining + due + _used(hold, bust.filled_quantity, bust.value_before)
            )
            self._keep(account, hold, hold.remaining + due, Hold.Status.PENDING)

    def move(self, account: LockedAccount, move: Move) -> None:
        """Credit or debit the account.

        Raises Uncovered when a cash account does not have what is debited, unless the move
        `may_overdraw` it.
        """
        available = self.available(account, move.asset)
        if move.may_overdraw:
            self._balance(account, move.asset).may_be_negative = True
        elif move.amount + available < 0 and not account.margin:
            raise Uncovered(f"{available} {move.asset} is available", needed=-move.amount)
        self._move(account, move)

    def close(self) -> None:
        """Write everything that changed."""
        ids = self._ledger_ids()
        for key in self._changed_balances - self._stored:
            self._balances[key].ledger_account_id = ids[(key[0], "customer", key[1])]
        bulk.insert([self._balances[k] for k in sorted(self._changed_balances - self._stored)])
        bulk.update(
            [self._balances[k] for k in self._changed_balances & self._stored],
            fields=("amount", "held", "may_be_negative", "unsettled", "settled_only_until"),
        )
        for transfer, debit, credit in self._moves:
            transfer.debit_id, transfer.credit_id = ids[debit], ids[credit]
        bulk.insert([transfer for transfer, _, _ in self._moves])
        bulk.insert(self._new_holds)
        new = {hold.order_id for hold in self._new_holds}
        bulk.update(
            [self._holds[k] for k in self._changed_holds - new],
            fields=HOLD_CHANGING,
        )
        self.lots.close()
        bulk.insert(self._violations, skips_known=True)

    def _balance(self, account: LockedAccount, asset: str) -> Balance:
        key = (account.id, asset)
        if key not in self._balances:
            self._balances[key] = bulk.new(Balance, account_id=account.id, asset=asset)
        balance = self._balances[key]
        if account.margin:
            balance.may_be_negative = True
        return balance

    def _pending_hold(self, order_id: UUID) -> Hold | None:
        hold = self._holds.get(order_id)
        return hold if hold is not None and hold.status == Hold.Status.PENDING else None

    def _set_aside(
        self, account: LockedAccount, order_id: UUID, asset: str, amount: Decimal
    ) -> Hold:
        """Hold `amount` for the order in place of what was; return the hold. Raises Uncovered."""
        there = self._free(account, asset) + self.held(order_id)
        if amount > there and not _may_owe(account, asset):
            raise Uncovered(f"needs {amount} {asset}, {there} is available", needed=amount)
        hold = self._holds.get(order_id)
        if hold is None:
            hold = self._holds[order_id] = bulk.new(
                Hold, order_id=order_id, account_id=account.id, asset=asset, remaining=ZERO
            )
            self._new_holds.append(hold)
        hold.amount = amount
        self._keep(account, hold, amount, Hold.Status.PENDING)
        return hold

    def _free(self, account: LockedAccount, asset: str) -> Decimal:
        """Return what may still be held of the asset; of a short position, to buy it back."""
        balance = self._balance(account, asset)
        there = abs(balance.amount) if account.margin else balance.amount
        free: Decimal = there - balance.held
        return free

    def _change(self, balance: Balance, *, amount: Decimal = ZERO, held: Decimal = ZERO) -> None:
        balance.amount += amount
        balance.held += held
        self._changed_balances.add((balance.account_id, balance.asset))

    def _keep(
        self,
        account: LockedAccount,
        hold: Hold,
        remaining: Decimal,
        status: Hold.Status,
    ) -> None:
        self._change(self._balance(account, hold.asset), held=remaining - hold.remaining)
        hold.remaining, hold.status = remaining, status
        self._changed_holds.add(hold.order_id)

    def _move(self, account: LockedAccount, move: Move) -> None:
        if not move.amount:
            return  # a fill of dust moves less than half a cent
        customer: LedgerKey = (account.id, LedgerAccount.Kind.CUSTOMER.value, move.asset)
        house: LedgerKey = (None, move.house.value, move.asset)
        debit, credit = (house, customer) if move.amount > 0 else (customer, house)
        transfer = bulk.new(
            Transfer,
            at=move.at,
            kind=move.kind,
            reference=move.reference,
            asset=move.asset,
            amount=abs(move.amount),
            settles_on=move.settles_on,
            reverses_id=move.reverses,
            reason=move.reason,
        )
        self._moves.append((transfer, debit, credit))
        self._change(self._balance(account, move.asset), amount=move.amount)

    def _make_sure(
        self, account: LockedAccount, asset: str, taken: Decimal, freed: Decimal = ZERO
    ) -> None:
        """Raise Uncovered unless a cash account has what is taken, with what its hold frees."""
        usable = self.available(account, asset) + freed
        if taken > usable and not account.margin:
            takes, there = decimals.text(taken), decimals.text(usable)
            raise Uncovered(f"it takes {takes} {asset}, {there} is available", needed=taken)

    def _charges(
        self, account: LockedAccount, fill: Fill, *, quantity_before: Decimal
    ) -> tuple[Charge, ...]:
        """Return what the fill is charged, given what the order had traded before it."""
        quantity = abs(fill.signed_quantity)
        totals = {
            "quantity_before": quantity_before,
            "value_before": fill.value_before,
            "quantity": quantity,
            "value": fill.price * quantity,
        }
        if fill.signed_quantity > 0:
            return charging.of_buy(self._holds.get(fill.order_id), **totals)
        return self._sales.of(account, fill.instrument, fill.busted_at or fill.at, **totals)

    def _funds_settle_on(self, account: LockedAccount, fill: Fill, cost: Decimal) -> date | None:
        """Return when the proceeds settle that a cash account buys with, None if they have."""
        if account.margin or fill.signed_quantity < 0:
            return None
        return settlement.funds_settle_on(
            cash=self.balance(account, CASH),
            unsettled=self.unsettled(account, calendars.date_of(fill.at)),
            cost=cost,
        )

    def _violation(
        self, account: LockedAccount, fill: Fill, closed: list[Lot]
    ) -> GoodFaithViolation | None:
        """Note that what unsettled proceeds had paid for was sold before they settled."""
        day = calendars.date_of(fill.at)
        too_early = [lot for lot in closed if lot.funds_settle_on and lot.funds_settle_on > day]
        known = {violation.order_id for violation in self._violations}
        if not too_early or account.margin or fill.order_id in known:
            return None
        if good_faith.is_known(account, fill.order_id):
            return None
        violation = good_faith.violation(
            account, too_early[0], order_id=fill.order_id, trade_id=fill.trade_id, at=fill.at
        )
        self._violations.append(violation)
        until = good_faith.settled_only_until(account, self._violations, at=fill.at)
        if until is not None:
            self._balance(account, CASH).settled_only_until = until
        return violation

    def _book(
        self,
        account: LockedAccount,
        fill: Fill,
        kind: Transfer.Kind,
        cash: Decimal,
        signed_quantity: Decimal,
        charges: tuple[Charge, ...],
    ) -> None:
        """Move the securities, the cash against them and the fees; carry the position on."""
        settlement_ = LedgerAccount.Kind.SETTLEMENT
        legs = [
            (CASH, -cash.copy_sign(signed_quantity), kind, settlement_),
            (fill.instrument.code, signed_quantity, kind, settlement_),
        ]
        for charge in charges:
            beneficiary = LedgerAccount.Kind(charge.beneficiary)
            legs.append((CASH, -charge.amount, Transfer.Kind.FEE, beneficiary))
        settles_on = settlement.settles_on(
            is_at_once=fill.instrument.asset_class == Instrument.AssetClass.CRYPTO,
            calendar=fill.instrument.calendar,
            traded_at=fill.busted_at or fill.at,
        )
        for asset, amount, kind_, house in legs:
            self._move(
                account,
                Move(
                    asset=asset,
                    amount=amount,
                    kind=kind_,
                    house=house,
                    reference=f"{kind}:{fill.trade_id}",
                    at=fill.at,
                    settles_on=settles_on,
                ),
            )
        if fill.signed_quantity < 0 and settles_on is not None:
            proceeds = -cash.copy_sign(signed_quantity)
            balance = self._balance(account, CASH)
            balance.unsettled = settlement.with_proceeds(
                balance.unsettled, settles_on, proceeds, today=calendars.date_of(fill.at)
            )

    def _ledger_ids(self) -> dict[LedgerKey, int]:
        """Return the ids of the ledger accounts concerned, opening those that are new."""
        customer = LedgerAccount.Kind.CUSTOMER.value
        known: dict[LedgerKey, int] = {
            **self._house,
            **{
                (owner, customer, asset): self._balances[owner, asset].ledger_account_id
                for owner, asset in self._stored
            },
        }
        needed: set[LedgerKey] = {
            (owner, customer, asset) for owner, asset in self._changed_balances - self._stored
        }
        for _, debit, credit in self._moves:
            needed |= {debit, credit}
        missing = needed - known.keys()
        return known | ledger.opened(missing) if missing else known


def _filled_before(fill: Fill) -> Decimal:
    return fill.filled_quantity - abs(fill.signed_quantity)


def _refund(charge: Charge) -> Charge:
    return Charge(charge.beneficiary, -charge.amount)


def _still_held(hold: Hold, fill: Fill, value: Decimal) -> Decimal:
    if not fill.leaves_quantity:
        return ZERO
    left: Decimal = hold.amount - _used(hold, fill.filled_quantity, fill.value_before + value)
    return max(left, ZERO)  # after a bust it may lack a cent of rounding


def _used(hold: Hold, filled: Decimal, spent: Decimal) -> Decimal:
    return accounting.used_of(
        asset=hold.asset,
        per_unit=hold.per_unit,
        filled=filled,
        spent=spent,
        price=hold.price,
        fees=charging.terms_of(hold),
    )


def _named(hold: Hold | None) -> list[UUID]:
    """Return the lots that the customer wants to be closed first."""
    return [UUID(name) for name in hold.lots] if hold else []


def _may_owe(account: LockedAccount, asset: str) -> bool:
    """Tell whether risk alone decides what the account may spend: we then lend what is missing."""
    return bool(account.margin) and asset == CASH


_ASSETS: LiteralString = """(SELECT 'USD' UNION SELECT code FROM marketdata_instrument
                                WHERE symbol = ANY(%s) OR id = ANY(%s))"""


def ask_books(
    *,
    account_ids: Iterable[UUID],
    symbols: Iterable[str] = (),
    instrument_ids: Iterable[UUID] = (),
    order_ids: Iterable[UUID] = (),
    for_fills: bool = False,
) -> Answer[Books]:
    """Ask for what these accounts own: cash, and these instruments by symbol or id.

    With it come the holds of `order_ids` and, where fills will be booked, the positions. It is to
    be asked behind the locks of the accounts.
    """
    owners, orders = list(account_ids), list(order_ids)
    wanted = list(set(instrument_ids))
    these = [list(set(symbols)), wanted]
    balances = bulk.ask(Balance, "account_id = ANY(%s) AND asset IN " + _ASSETS, [owners, *these])
    holds = bulk.ask(Hold, "order_id = ANY(%s)", [orders]) if orders else None
    lots = house = None
    if for_fills:
        lots = lot_book.ask_lots(account_ids=owners, instrument_ids=wanted, order_ids=orders)
        house = bulk.ask(LedgerAccount, "owner_id IS NULL AND asset IN " + _ASSETS, these)
    return Answer(
        lambda: Books(
            balances=balances.get(),
            holds=holds.get() if holds else (),
            lots=lots.get() if lots else None,
            house=ledger.ids_of(house.get()) if house else {},
        )
    )
