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
from foundation import bulk
from foundation.decimals import CASH, CASH_QUANTUM
from foundation.trips import Answer
from marketdata import calendars
from marketdata.models import Instrument
from portfolio import accounting, holds, ledger, settlement
from portfolio.fees import charging
from portfolio.fees.charging import SaleCharges
from portfolio.fees.rules import Charge, Traded
from portfolio.holds import Uncovered as Uncovered
from portfolio.ledger import LedgerKey
from portfolio.lots import book as lot_book
from portfolio.lots import good_faith
from portfolio.lots.book import LotBook
from portfolio.lots.records import Deal, Lot
from portfolio.models import Balance, GoodFaithViolation, Hold, LedgerAccount, Transfer
from portfolio.transfers import Move as Move
from portfolio.transfers import Transfers

ZERO: Final = Decimal(0)
NOTHING_REPLACED: Final = Traded()
ROUNDINGS: Final = 4 * CASH_QUANTUM
"""What a hold may lack: of an order that has replaced another, or was held for by an older rule."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill to book.

    `value_before` is the exact value of the order's earlier fills, `filled_quantity` and
    `leaves_quantity` are the order's after this one. `replaced` is what those orders have traded
    in all that this one has replaced, or that have replaced it: a sale pays its fees with them. Of
    a bust, `busted_id` is the trade that is taken back, and `busted_at` when that was booked.
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
    replaced: Traded = NOTHING_REPLACED
    busted_id: UUID | None = None
    busted_at: datetime | None = None


class Books(Transfers):
    """The balances, holds and positions of locked accounts; make one with `ask_books`."""

    def __init__(
        self,
        *,
        balances: Iterable[Balance],
        holds: Iterable[Hold] = (),
        lots: LotBook | None = None,
        house: Mapping[LedgerKey, int] = MappingProxyType({}),
    ) -> None:
        super().__init__(balances=balances, holds=holds, house=house)
        self.lots = lots or LotBook(positions=(), found=())
        self._sales = SaleCharges()
        self._violations: list[GoodFaithViolation] = []

    def book_fill(self, account: LockedAccount, fill: Fill) -> GoodFaithViolation | None:
        """Move cash, securities and fees, use up the hold, close and open lots.

        Returns the good faith violation that the fill is, if it is one. Raises Uncovered in a cash
        account; in a margin account what was executed can be booked.
        """
        value = fill.price * abs(fill.signed_quantity)
        cash = accounting.cash_of_fill(value_before=fill.value_before, value=value)
        hold = self._pending_hold(fill.order_id)
        remaining = ZERO
        if hold:
            remaining = holds.still_held(
                hold,
                filled=fill.filled_quantity,
                value=fill.value_before + value,
                leaves=fill.leaves_quantity,
            )
        freed = hold.remaining - remaining if hold else ZERO
        charges = self._charges(account, fill, quantity_before=_filled_before(fill))
        charged = sum((charge.amount for charge in charges), ZERO)
        if fill.signed_quantity > 0:
            spare = ROUNDINGS if hold else ZERO
            self._make_sure(account, CASH, cash + charged, freed, spare=spare)
        else:
            self._make_sure(account, fill.instrument.code, -fill.signed_quantity, freed)
            if not account.margin and charged > cash + max(self.available(account, CASH), ZERO):
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
            named=holds.lots_named(self._holds.get(fill.order_id)),
            funds_settle_on=funds_settle_on,
        )
        return self._violation(account, fill, [lot for _, lot in closed])

    def book_bust(self, account: LockedAccount, bust: Fill) -> None:
        """Take a fill back: what it moved goes back, fees too.

        `bust` has the terms of the fill, with the value and quantities of the order as they are
        once it is gone. What is still held for the order stays held. What the venue takes back is
        gone, whether the account still has it or not: a cash account then owes the cash, or is
        short of the securities.
        """
        value = bust.price * abs(bust.signed_quantity)
        cash = accounting.cash_of_fill(value_before=bust.value_before, value=value)
        charges = self._charges(account, bust, quantity_before=bust.filled_quantity)
        charged = sum((charge.amount for charge in charges), ZERO)
        back = -bust.signed_quantity
        asset, taken = (CASH, cash - charged) if back > 0 else (bust.instrument.code, -back)
        if taken > self.available(account, asset):
            self._balance(account, asset).may_be_negative = True
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
            self._give_back(
                account,
                hold,
                filled=bust.filled_quantity,
                value=bust.value_before,
                leaves=bust.leaves_quantity,
                paid_back=cash + charged,
            )

    def close(self) -> None:
        """Write everything that changed."""
        self._close_transfers()
        self._close_holds()
        self.lots.close()
        bulk.insert(self._violations, skips_known=True)

    def _charges(
        self, account: LockedAccount, fill: Fill, *, quantity_before: Decimal
    ) -> tuple[Charge, ...]:
        """Return what the fill is charged, given what the order had traded before it."""
        quantity = abs(fill.signed_quantity)
        if fill.signed_quantity > 0:
            return charging.of_buy(
                self._holds.get(fill.order_id),
                quantity_before=quantity_before,
                value_before=fill.value_before,
                quantity=quantity,
                value=fill.price * quantity,
            )
        return self._sales.of(
            account,
            fill.instrument,
            fill.busted_at or fill.at,
            quantity_before=fill.replaced.quantity + quantity_before,
            value_before=fill.replaced.value + fill.value_before,
            quantity=quantity,
            value=fill.price * quantity,
        )

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


def _filled_before(fill: Fill) -> Decimal:
    return fill.filled_quantity - abs(fill.signed_quantity)


def _refund(charge: Charge) -> Charge:
    return Charge(charge.beneficiary, -charge.amount)


_IN_ASSETS: LiteralString = """asset = ANY(ARRAY(SELECT code FROM marketdata_instrument
                                                   WHERE symbol = ANY(%s) OR id = ANY(%s))
                                             || 'USD'::varchar)"""


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
    balances = bulk.ask(Balance, "account_id = ANY(%s) AND " + _IN_ASSETS, [owners, *these])
    holds = bulk.ask(Hold, "order_id = ANY(%s)", [orders]) if orders else None
    lots = house = None
    if for_fills:
        lots = lot_book.ask_lots(account_ids=owners, instrument_ids=wanted, order_ids=orders)
        house = bulk.ask(LedgerAccount, "owner_id IS NULL AND " + _IN_ASSETS, these)
    return Answer(
        lambda: Books(
            balances=balances.get(),
            holds=holds.get() if holds else (),
            lots=lots.get() if lots else None,
            house=ledger.ids_of(house.get()) if house else {},
        )
    )
