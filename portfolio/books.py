"""The books of some locked accounts, open for one transaction.

A batch of orders or fills touches the same balances again and again. Opening reads them once,
each entry then changes them in memory in the order of arrival, so that every entry sees what the
ones before it left, and closing writes all of it with one statement a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final, LiteralString
from uuid import UUID

from accounts.locks import LockedAccount
from foundation import bulk, decimals
from foundation.decimals import CASH
from foundation.trips import Answer
from marketdata.models import Instrument
from portfolio import accounting
from portfolio.accounting import Holding
from portfolio.models import Balance, Hold, LedgerAccount, Position, Transfer

ZERO: Final = Decimal(0)
LedgerKey = tuple[UUID | None, str, str]
"""Owner (None for the house), kind, asset."""


class Uncovered(ValueError):
    """The account does not have what this needs; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill to book.

    `value_before` is the exact value of the order's earlier fills, `filled_quantity` and
    `leaves_quantity` are the order's after this one.
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


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer between a customer and a house account: credited if positive, else debited."""

    asset: str
    amount: Decimal
    kind: Transfer.Kind
    house: LedgerAccount.Kind
    reference: str
    at: datetime
    reason: str = ""


class Books:
    """The balances, holds and positions of locked accounts; make one with `ask_books`."""

    def __init__(
        self,
        *,
        balances: Iterable[Balance],
        holds: Iterable[Hold] = (),
        positions: Iterable[Position] = (),
        house: Mapping[LedgerKey, int] = MappingProxyType({}),
    ) -> None:
        self._balances = {(b.account_id, b.asset): b for b in balances}
        self._stored = set(self._balances)
        self._holds = {h.order_id: h for h in holds}
        self._positions = {(p.account_id, p.instrument_id): p for p in positions}
        self._stored_positions = set(self._positions)
        self._house = house
        self._new_holds: list[Hold] = []
        self._changed_balances: set[tuple[UUID, str]] = set()
        self._changed_holds: set[UUID] = set()
        self._changed_positions: set[tuple[UUID, UUID]] = set()
        self._moves: list[tuple[Transfer, LedgerKey, LedgerKey]] = []

    def balance(self, account: LockedAccount, asset: str) -> Decimal:
        amount: Decimal = self._balance(account, asset).amount
        return amount

    def available(self, account: LockedAccount, asset: str) -> Decimal:
        return self._balance(account, asset).available

    def hold(
        self,
        account: LockedAccount,
        *,
        order_id: UUID,
        asset: str,
        per_unit: Decimal,
        quantity: Decimal,
    ) -> Decimal:
        """Set aside what an order may need, in place of what was; return how much.

        Raises Uncovered.
        """
        amount = accounting.hold_of(asset=asset, per_unit=per_unit, quantity=quantity)
        self._set_aside(account, order_id, asset, per_unit=per_unit, amount=amount)
        return amount

    def hold_amount(self, account: LockedAccount, *, order_id: UUID, amount: Decimal) -> None:
        """Set aside this cash for an order by value, which uses up what it spends.

        Raises Uncovered.
        """
        self._set_aside(account, order_id, CASH, per_unit=ZERO, amount=amount)

    def take_over(
        self,
        account: LockedAccount,
        *,
        old_id: UUID,
        new_id: UUID,
        asset: str,
        per_unit: Decimal,
        quantity: Decimal,
    ) -> None:
        """Let an order have what the one that it replaces was held for.

        `accounting.replaced_hold` has seen to it that this covers what it needs, but for cents of
        rounding where the account has no more.
        """
        self.release(account, order_id=old_id)
        needed = accounting.hold_of(asset=asset, per_unit=per_unit, quantity=quantity)
        amount = min(needed, self.available(account, asset) + self.held(new_id))
        self._set_aside(account, new_id, asset, per_unit=per_unit, amount=amount)

    def held(self, order_id: UUID) -> Decimal:
        """Return what is still set aside for the order."""
        hold = self._pending_hold(order_id)
        return hold.remaining if hold else ZERO

    def held_per_unit(self, order_id: UUID) -> Decimal | None:
        """Return the price that the order is held for, None when nothing is."""
        hold = self._pending_hold(order_id)
        return hold.per_unit if hold and hold.per_unit else None

    def release(self, account: LockedAccount, *, order_id: UUID) -> Decimal:
        """Give back what is still held for an order that has ended; return how much."""
        hold = self._pending_hold(order_id)
        if hold is None:
            return ZERO
        released: Decimal = hold.remaining
        self._keep(account, hold, ZERO, Hold.Status.RELEASED)
        return released

    def book_fill(self, account: LockedAccount, fill: Fill) -> None:
        """Move cash and securities, use up the hold and carry the position on. Raises Uncovered."""
        value = fill.price * abs(fill.signed_quantity)
        cash = accounting.cash_of_fill(value_before=fill.value_before, value=value)
        paid_asset, paid = (
            (CASH, cash)
            if fill.signed_quantity > 0
            else (fill.instrument.code, -fill.signed_quantity)
        )
        hold = self._pending_hold(fill.order_id)
        remaining = _still_held(hold, fill, value) if hold else ZERO
        usable = self.available(account, paid_asset) + (
            hold.remaining - remaining if hold else ZERO
        )
        if paid > usable:
            takes, may = decimals.text(paid), decimals.text(usable)
            raise Uncovered(f"the fill takes {takes} {paid_asset}, the order may use {may}")
        if hold:
            ended = Hold.Status.PENDING if fill.leaves_quantity else Hold.Status.POSTED
            self._keep(account, hold, remaining, ended)
        self._book(account, fill, Transfer.Kind.TRADE, cash, fill.signed_quantity)

    def book_bust(self, account: LockedAccount, bust: Fill) -> None:
        """Take a fill back: what it moved goes back. Raises Uncovered.

        `bust` has the terms of the fill, with the value and quantities of the order as they are
        once it is gone. What is still held for the order stays held.
        """
        value = bust.price * abs(bust.signed_quantity)
        cash = accounting.cash_of_fill(value_before=bust.value_before, value=value)
        back = -bust.signed_quantity
        paid_asset, paid = (
            (CASH, cash) if back > 0 else (bust.instrument.code, bust.signed_quantity)
        )
        available = self.available(account, paid_asset)
        if paid > available:
            takes, there = decimals.text(paid), decimals.text(available)
            raise Uncovered(f"the bust takes back {takes} {paid_asset}, {there} is available")
        hold = self._pending_hold(bust.order_id)
        if hold:
            used = accounting.used_of(
                asset=hold.asset,
                per_unit=hold.per_unit,
                filled=bust.filled_quantity,
                spent=bust.value_before,
            )
            hold.amount = hold.remaining + used
            self._changed_holds.add(hold.order_id)
        self._book(account, bust, Transfer.Kind.BUST, cash, back)

    def move(self, account: LockedAccount, move: Move) -> None:
        """Credit or debit the account. Raises Uncovered when it does not have what is debited."""
        available = self.available(account, move.asset)
        if move.amount + available < 0:
            raise Uncovered(f"{available} {move.asset} is available")
        self._move(account, move)

    def close(self) -> None:
        """Write everything that changed."""
        ids = self._ledger_ids()
        for key in self._changed_balances - self._stored:
            self._balances[key].ledger_account_id = ids[(key[0], "customer", key[1])]
        bulk.insert([self._balances[k] for k in sorted(self._changed_balances - self._stored)])
        bulk.update(
            [self._balances[k] for k in self._changed_balances & self._stored],
            fields=("amount", "held"),
        )
        for transfer, debit, credit in self._moves:
            transfer.debit_id, transfer.credit_id = ids[debit], ids[credit]
        bulk.insert([transfer for transfer, _, _ in self._moves])
        bulk.insert(self._new_holds)
        new = {hold.order_id for hold in self._new_holds}
        bulk.update(
            [self._holds[k] for k in self._changed_holds - new],
            fields=("per_unit", "amount", "remaining", "status"),
        )
        new_positions = self._changed_positions - self._stored_positions
        bulk.insert([self._positions[k] for k in new_positions])
        bulk.update(
            [self._positions[k] for k in self._changed_positions - new_positions],
            fields=("quantity", "cost_basis", "realised", "opened_at"),
        )

    def _balance(self, account: LockedAccount, asset: str) -> Balance:
        key = (account.id, asset)
        if key not in self._balances:
            self._balances[key] = bulk.new(Balance, account_id=account.id, asset=asset)
        return self._balances[key]

    def _pending_hold(self, order_id: UUID) -> Hold | None:
        hold = self._holds.get(order_id)
        return hold if hold is not None and hold.status == Hold.Status.PENDING else None

    def _set_aside(
        self,
        account: LockedAccount,
        order_id: UUID,
        asset: str,
        *,
        per_unit: Decimal,
        amount: Decimal,
    ) -> None:
        balance, before = self._balance(account, asset), self.held(order_id)
        if amount - before > balance.available:
            raise Uncovered(f"needs {amount} {asset}, {balance.available + before} is available")
        hold = self._holds.get(order_id)
        if hold is None:
            hold = self._holds[order_id] = bulk.new(
                Hold, order_id=order_id, account_id=account.id, asset=asset, remaining=ZERO
            )
            self._new_holds.append(hold)
        hold.per_unit, hold.amount = per_unit, amount
        self._keep(account, hold, amount, Hold.Status.PENDING)

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
            reason=move.reason,
        )
        self._moves.append((transfer, debit, credit))
        self._change(self._balance(account, move.asset), amount=move.amount)

    def _book(
        self,
        account: LockedAccount,
        fill: Fill,
        kind: Transfer.Kind,
        cash: Decimal,
        signed_quantity: Decimal,
    ) -> None:
        """Move the securities, the cash against them, and carry the position on."""
        for moved, amount in (
            (CASH, -cash.copy_sign(signed_quantity)),
            (fill.instrument.code, signed_quantity),
        ):
            self._move(
                account,
                Move(
                    asset=moved,
                    amount=amount,
                    kind=kind,
                    house=LedgerAccount.Kind.SETTLEMENT,
                    reference=f"{kind}:{fill.trade_id}",
                    at=fill.at,
                ),
            )
        self._carry_position(account, fill, signed_quantity, cash)

    def _carry_position(
        self, account: LockedAccount, fill: Fill, signed_quantity: Decimal, cash: Decimal
    ) -> None:
        key = (account.id, fill.instrument.pk)
        position = self._positions.get(key)
        if position is None:
            position = self._positions[key] = bulk.new(
                Position,
                account_id=account.id,
                instrument_id=fill.instrument.pk,
                opened_at=fill.at,
            )
        if not position.quantity:
            position.opened_at = fill.at
        after = accounting.after_fill(
            Holding(position.quantity, position.cost_basis, position.realised),
            signed_quantity=signed_quantity,
            cash=cash,
        )
        position.quantity, position.cost_basis = after.quantity, after.cost_basis
        position.realised = after.realised
        self._changed_positions.add(key)

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
        return known | _open_ledger_accounts(missing) if missing else known


def _still_held(hold: Hold, fill: Fill, value: Decimal) -> Decimal:
    if not fill.leaves_quantity:
        return ZERO
    return accounting.still_held(
        asset=hold.asset,
        amount=hold.amount,
        per_unit=hold.per_unit,
        filled=fill.filled_quantity,
        spent=fill.value_before + value,
    )


def _ids_of(found: Iterable[LedgerAccount]) -> dict[LedgerKey, int]:
    return {(row.owner_id, row.kind, row.asset): row.pk for row in found}


def _ledger_accounts(owners: set[UUID], assets: set[str]) -> dict[LedgerKey, int]:
    """Return those of these owners and of the house, in these assets."""
    found = bulk.select(
        LedgerAccount,
        "asset = ANY(%s) AND (owner_id = ANY(%s) OR owner_id IS NULL)",
        [list(assets), list(owners)],
    )
    return _ids_of(found)


def _open_ledger_accounts(keys: set[LedgerKey]) -> dict[LedgerKey, int]:
    """Return the ids of these ledger accounts, and open those that do not exist."""
    owners = {owner for owner, _, _ in keys if owner is not None}
    assets = {asset for _, _, asset in keys}
    known = _ledger_accounts(owners, assets)
    missing = keys - known.keys()
    if not missing:
        return known
    # In order, so that two processes that open the same house account cannot deadlock.
    ordered = sorted(missing, key=lambda key: (str(key[0] or ""), key[1], key[2]))
    LedgerAccount.objects.bulk_create(
        [LedgerAccount(owner_id=owner, kind=kind, asset=asset) for owner, kind, asset in ordered],
        ignore_conflicts=True,
    )
    return _ledger_accounts(owners, assets)


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
    these = [list(set(symbols)), list(set(instrument_ids))]
    balances = bulk.ask(Balance, "account_id = ANY(%s) AND asset IN " + _ASSETS, [owners, *these])
    holds = bulk.ask(Hold, "order_id = ANY(%s)", [orders]) if orders else None
    positions = house = None
    if for_fills:
        positions = bulk.ask(
            Position, "account_id = ANY(%s) AND instrument_id = ANY(%s)", [owners, these[1]]
        )
        house = bulk.ask(LedgerAccount, "owner_id IS NULL AND asset IN " + _ASSETS, these)
    return Answer(
        lambda: Books(
            balances=balances.get(),
            holds=holds.get() if holds else (),
            positions=positions.get() if positions else (),
            house=_ids_of(house.get()) if house else {},
        )
    )
