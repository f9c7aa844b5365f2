"""The accounts of the simulated firm: what is owned, what is set aside, what a fill moves.

It keeps with `portfolio.accounting`, `fees` and `lots` what `portfolio.books` keeps in tables, and
finds out when that does not add up: a breach raises `AssertionError`. Customers differ: every
third pays fees, every fifth has a margin account, and each has a method for its lots.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from portfolio import accounting
from portfolio.accounting import HoldTerms
from portfolio.fees import rules as fees
from portfolio.fees.rules import NO_FEES, FeeRule, FeeTerms
from portfolio.lots.records import Closing, Deal, Method
from portfolio.lots.relief import Lots
from venues.messages import Side

ZERO = Decimal(0)
CASH = "USD"
CENT = Decimal("0.01")
DEAR = FeeTerms(Decimal("1.00"), Decimal("0.005"), Decimal("0.0025"))
TAF = FeeTerms(per_unit=Decimal("0.000195"), most=Decimal("9.79"))
OF_SALES = (
    FeeRule("section_31", "regulatory", date(2026, 4, 4), FeeTerms(rate=Decimal("0.0000206"))),
    FeeRule(
        "taf",
        "regulatory",
        date(2026, 1, 1),
        FeeTerms(per_unit=Decimal("0.000195"), most=CENT * 979),
    ),
)
METHODS = (Method.FIFO, Method.LIFO, Method.HIGHEST_COST)
LONG_AGO = datetime(2026, 1, 2, 15, tzinfo=UTC)


class Uncovered(Exception):
    """The account has not what would have to be set aside, or to be paid."""


@dataclass(slots=True)
class Hold:
    customer: int
    asset: str
    per_unit: Decimal
    amount: Decimal
    remaining: Decimal
    paid: Decimal = ZERO


@dataclass(slots=True)
class Customer:
    """What a customer owns (`settled`) and what of it is set aside (`held`), by asset.

    `paid` is what all purchases of a symbol cost, less what all sales brought, fees aside.
    """

    settled: dict[str, Decimal]
    terms: FeeTerms
    has_margin: bool
    method: Method
    held: dict[str, Decimal] = field(default_factory=dict)
    lots: dict[str, Lots] = field(default_factory=dict)
    paid: dict[str, Decimal] = field(default_factory=dict)
    charged: Decimal = ZERO

    def available(self, asset: str) -> Decimal:
        return self.settled.get(asset, ZERO) - self.held.get(asset, ZERO)


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill of the order `order`, which had `filled` worth `value` before and `leaves` after."""

    order: str
    customer: int
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    filled: Decimal
    value: Decimal
    leaves: Decimal

    @property
    def worth(self) -> Decimal:
        return self.price * self.quantity

    @property
    def signed_quantity(self) -> Decimal:
        return self.quantity * self.side.sign


class Books:
    def __init__(self) -> None:
        self.customers: list[Customer] = []
        self.holds: dict[str, Hold] = {}
        self._brought_in: dict[str, Decimal] = {}
        self._moved: dict[str, Decimal] = {}
        self._ids = map(UUID, (f"{number:032x}" for number in itertools.count(1)))
        self._trades: dict[str, Deal] = {}
        self._clock = LONG_AGO

    def open_account(self, owned: dict[str, Decimal]) -> None:
        """Open an account that owns these quantities of these assets."""
        number = len(self.customers)
        customer = Customer(
            dict(owned),
            terms=NO_FEES if number % 3 else DEAR,
            has_margin=number % 5 == 4,
            method=METHODS[number % 3],
        )
        self.customers.append(customer)
        for asset, amount in owned.items():
            self._brought_in[asset] = self._brought_in.get(asset, ZERO) + amount
            if asset != CASH and amount:
                self._lots_of(customer, asset).bring(
                    quantity=amount, cost=ZERO, acquired_at=LONG_AGO
                )

    def terms_of(self, customer: int, asset: str) -> FeeTerms:
        """Return the fees that an order which holds `asset` is held for."""
        return self.customers[customer].terms if asset == CASH else NO_FEES

    def needed(self, customer: int, asset: str, *, per_unit: Decimal, quantity: Decimal) -> Decimal:
        """Return what an order is to be held for, its fees with it."""
        return HoldTerms(asset, per_unit, fees=self.terms_of(customer, asset)).of(quantity)

    def _lots_of(self, customer: Customer, symbol: str) -> Lots:
        if symbol not in customer.lots:
            customer.lots[symbol] = Lots(
                lots={}, method=customer.method, new_id=lambda: next(self._ids)
            )
        return customer.lots[symbol]

    def hold(
        self, name: str, customer: int, asset: str, *, per_unit: Decimal, amount: Decimal
    ) -> None:
        """Set `amount` aside for an order, in place of what was. Raises Uncovered."""
        owner, before = self.customers[customer], self.holds.get(name)
        more = amount - (before.remaining if before else ZERO)
        if more > owner.available(asset) and not owner.has_margin:
            raise Uncovered(f"uncovered order {name}")
        owner.held[asset] = owner.held.get(asset, ZERO) + more
        self.holds[name] = Hold(customer, asset, per_unit, amount, amount)

    def release(self, name: str) -> Decimal | None:
        """Give back what is set aside; return the price that it was set aside for."""
        hold = self.holds.pop(name, None)
        if hold is None:
            return None
        self.customers[hold.customer].held[hold.asset] -= hold.remaining
        return hold.per_unit

    def book(self, name: str, fill: Fill) -> None:
        """Pay out of the hold, or out of what is available when the fill came late.

        Raises Uncovered, and then nothing has moved.
        """
        cash = accounting.cash_of_fill(value_before=fill.value, value=fill.worth)
        customer, hold = self.customers[fill.customer], self.holds.get(fill.order)
        charged = self._charged(customer, fill)
        is_buy = fill.side is Side.BUY
        paid, asset = (cash + charged, CASH) if is_buy else (fill.quantity, fill.symbol)
        remaining = self._still_held(hold, fill) if hold else ZERO
        freed = hold.remaining - remaining if hold else ZERO
        if paid > customer.available(asset) + freed and not customer.has_margin:
            raise Uncovered("uncovered fill")
        if hold is not None:
            hold.paid += paid
            used = hold.amount - remaining
            assert hold.paid <= used, f"{fill}: {hold.paid} in all, its hold frees {used}"
            hold.remaining = remaining
            customer.held[asset] -= freed
        deal = Deal(next(self._ids), fill.signed_quantity, cash, self._now())
        self._trades[name] = deal
        self._lots_of(customer, fill.symbol).trade(deal)
        self._move(fill, fill.signed_quantity, cash, charged)

    def take_back(self, name: str, fill: Fill) -> None:
        """Take a fill back, as far as the account still has what it brought. Raises Uncovered."""
        cash = accounting.cash_of_fill(value_before=fill.value, value=fill.worth)
        customer = self.customers[fill.customer]
        charged = self._charged(customer, fill)
        is_buy = fill.side is Side.BUY
        taken, asset = (fill.quantity, fill.symbol) if is_buy else (cash - charged, CASH)
        if taken > customer.available(asset) and not customer.has_margin:
            raise Uncovered("uncovered bust")
        done = self._trades.pop(name)
        lots = self._lots_of(customer, fill.symbol)
        lots.bust(
            Deal(done.trade_id, done.signed_quantity, cash, done.at),
            bust_id=next(self._ids),
            at=self._now(),
            done=_to_undo(lots, done.trade_id),
        )
        self._move(fill, -fill.signed_quantity, cash, -charged)
        hold = self.holds.get(fill.order)
        if hold is not None:
            terms = self.terms_of(fill.customer, hold.asset)
            used = HoldTerms(hold.asset, hold.per_unit, fees=terms).used(
                filled=fill.filled, value=fill.value
            )
            back = cash + charged if hold.asset == CASH else ZERO
            hold.amount = hold.remaining + back + used
            remaining = self._still_held(hold, replace(fill, quantity=ZERO))
            customer.held[hold.asset] += remaining - hold.remaining
            hold.amount, hold.remaining = remaining + used, remaining
            hold.paid = min(hold.paid, used)

    def _now(self) -> datetime:
        """Return a time: each trade is a minute after the last, so that days and years go by."""
        self._clock += timedelta(minutes=1)
        return self._clock

    def _charged(self, customer: Customer, fill: Fill) -> Decimal:
        if fill.side is Side.BUY:
            before = fees.fee_of(customer.terms, quantity=fill.filled, value=fill.value)
            after = fees.fee_of(
                customer.terms,
                quantity=fill.filled + fill.quantity,
                value=fill.value + fill.worth,
            )
            return after - before
        charges = fees.fees_of_sale(
            OF_SALES,
            quantity_before=fill.filled,
            value_before=fill.value,
            quantity=fill.quantity,
            value=fill.worth,
        )
        return sum((charge.amount for charge in charges), ZERO)

    def _still_held(self, hold: Hold, fill: Fill) -> Decimal:
        if not fill.leaves:
            return ZERO
        terms = self.terms_of(fill.customer, hold.asset)
        return HoldTerms(hold.asset, hold.per_unit, fees=terms).left(
            amount=hold.amount,
            filled=fill.filled + fill.quantity,
            leaves=fill.leaves,
            value=fill.value + fill.worth,
        )

    def _move(self, fill: Fill, signed_quantity: Decimal, cash: Decimal, charged: Decimal) -> None:
        """Move securities, cash and fees between customer and house."""
        customer = self.customers[fill.customer]
        paid = cash.copy_sign(signed_quantity)
        customer.paid[fill.symbol] = customer.paid.get(fill.symbol, ZERO) + paid
        customer.charged += charged
        for asset, amount in ((CASH, -paid - charged), (fill.symbol, signed_quantity)):
            customer.settled[asset] = customer.settled.get(asset, ZERO) + amount
            self._moved[asset] = self._moved.get(asset, ZERO) + amount

    # --- What must be true -----------------------------------------------------------------

    def check_account(self, number: int, symbol: str) -> None:
        """Nothing that is available is negative."""
        if self.customers[number].has_margin:
            return
        for asset in (CASH, symbol):
            available = self.customers[number].available(asset)
            assert available >= 0, f"customer {number} has {available} {asset} available"

    def check_hold(self, name: str, leaves: Decimal) -> None:
        """What is set aside covers what is left of the order."""
        hold = self.holds.get(name)
        assert hold is not None, f"order {name} is open and holds nothing"
        needed = self.needed(hold.customer, hold.asset, per_unit=hold.per_unit, quantity=leaves)
        # With its first fill an order has paid what it costs at all.
        needed -= self.terms_of(hold.customer, hold.asset).per_order if hold.paid else ZERO
        # Totals are rounded, not parts: what is left may be a cent less than its own product, and
        # so may its fee.
        assert needed - hold.remaining <= 2 * CENT, f"order {name} needs {needed}: {hold}"

    def check_everything(self, open_orders: Iterable[str]) -> None:
        """What is held is the sum of the holds; what is owned came from somewhere."""
        held: dict[tuple[int, str], Decimal] = {}
        alive = set(open_orders)
        for name, hold in self.holds.items():
            key = hold.customer, hold.asset
            held[key] = held.get(key, ZERO) + hold.remaining
            assert name in alive, f"the hold of {name} outlived it"
        settled: dict[str, Decimal] = {}
        for number, customer in enumerate(self.customers):
            for asset, amount in customer.settled.items():
                settled[asset] = settled.get(asset, ZERO) + amount
                assert customer.held.get(asset, ZERO) == held.get((number, asset), ZERO)
                assert asset == CASH or _check_lots(customer, asset) == amount
                assert asset != CASH or amount >= 0 or customer.has_margin
        for asset, amount in settled.items():
            came = self._brought_in.get(asset, ZERO) + self._moved.get(asset, ZERO)
            assert amount == came, f"{amount} {asset} are there, {came} came"


def _check_lots(customer: Customer, symbol: str) -> Decimal:
    """Return what the lots add up to, after making sure that they do."""
    lots = customer.lots.get(symbol)
    if lots is None:
        return ZERO
    assert lots.moved.quantity == lots.quantity, f"{symbol}: {lots.moved}"
    assert lots.moved.cost == lots.cost, f"{symbol}: {lots.moved}"
    assert lots.cost - lots.moved.realised == customer.paid.get(symbol, ZERO), f"{symbol}: {lots}"
    signs = {lot.quantity > 0 for lot in lots.lots.values() if lot.quantity}
    assert len(signs) < 2, f"{symbol} is both long and short"
    assert _replayed(lots) == {lot.id: (lot.quantity, lot.cost) for lot in lots.lots.values()}
    return lots.quantity


def _replayed(lots: Lots) -> dict[UUID, tuple[Decimal, Decimal]]:
    """Return what is left of each lot by what was opened and closed."""
    left = {lot.id: (lot.quantity, lot.cost) for lot in lots.opened}
    for closing in lots.closings:
        quantity, cost = left[closing.lot_id]
        left[closing.lot_id] = quantity - closing.quantity, cost - closing.cost
    return left


def _to_undo(lots: Lots, trade_id: UUID) -> list[Closing]:
    """Return the closings that a bust of the trade takes back."""
    own = {lot.id for lot in lots.lots.values() if lot.opened_by == trade_id}
    undone = {closing.undoes for closing in lots.closings}
    return [
        each
        for each in lots.closings
        if each.undoes is None
        and each.id not in undone
        and (each.closed_by == trade_id or each.lot_id in own)
    ]
