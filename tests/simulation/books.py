"""The accounts of the simulated firm: what is owned, what is set aside, what a fill moves.

It keeps with `portfolio.accounting` what `portfolio.books` keeps in tables, and finds out when
that does not add up: a breach raises `AssertionError`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from portfolio import accounting
from portfolio.accounting import Holding
from venues.messages import Side

ZERO = Decimal(0)
CASH = "USD"
CENT = Decimal("0.01")


class Uncovered(Exception):
    """The account has not what would have to be set aside, or to be paid."""


@dataclass(slots=True)
class Hold:
    customer: int
    asset: str
    per_unit: Decimal
    amount: Decimal
    remaining: Decimal


@dataclass(slots=True)
class Customer:
    """What a customer owns (`settled`) and what of it is set aside (`held`), by asset."""

    settled: dict[str, Decimal]
    held: dict[str, Decimal] = field(default_factory=dict)
    holdings: dict[str, Holding] = field(default_factory=dict)

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

    def open_account(self, owned: dict[str, Decimal]) -> None:
        """Open an account that owns these quantities of these assets."""
        holdings = {a: Holding(n, ZERO, ZERO) for a, n in owned.items() if a != CASH}
        self.customers.append(Customer(dict(owned), holdings=holdings))
        for asset, amount in owned.items():
            self._brought_in[asset] = self._brought_in.get(asset, ZERO) + amount

    def hold(
        self, name: str, customer: int, asset: str, *, per_unit: Decimal, amount: Decimal
    ) -> None:
        """Set `amount` aside for an order, in place of what was. Raises Uncovered."""
        owner, before = self.customers[customer], self.holds.get(name)
        more = amount - (before.remaining if before else ZERO)
        if more > owner.available(asset):
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

    def book(self, fill: Fill) -> None:
        """Pay out of the hold, or out of what is available when the fill came late.

        Raises Uncovered, and then nothing has moved.
        """
        cash = accounting.cash_of_fill(value_before=fill.value, value=fill.worth)
        is_buy = fill.side is Side.BUY
        paid, asset = (cash, CASH) if is_buy else (fill.quantity, fill.symbol)
        customer, hold = self.customers[fill.customer], self.holds.get(fill.order)
        remaining = self._still_held(hold, fill) if hold else ZERO
        freed = hold.remaining - remaining if hold else ZERO
        if paid > customer.available(asset) + freed:
            raise Uncovered("uncovered fill")
        if hold is not None:
            assert paid <= freed, f"{fill} costs {paid}, its hold frees {freed}"
            hold.remaining = remaining
            customer.held[asset] -= freed
        self._move(fill, fill.signed_quantity, cash)

    def take_back(self, fill: Fill) -> None:
        """Take a fill back, as far as the account still has what it brought. Raises Uncovered."""
        cash = accounting.cash_of_fill(value_before=fill.value, value=fill.worth)
        is_buy = fill.side is Side.BUY
        taken, asset = (fill.quantity, fill.symbol) if is_buy else (cash, CASH)
        if taken > self.customers[fill.customer].available(asset):
            raise Uncovered("uncovered bust")
        hold = self.holds.get(fill.order)
        if hold is not None:
            hold.amount = hold.remaining + accounting.hold_of(
                asset=hold.asset, per_unit=hold.per_unit, quantity=fill.filled
            )
        self._move(fill, -fill.signed_quantity, cash)

    def _still_held(self, hold: Hold, fill: Fill) -> Decimal:
        if not fill.leaves:
            return ZERO
        return accounting.still_held(
            asset=hold.asset,
            amount=hold.amount,
            per_unit=hold.per_unit,
            filled=fill.filled + fill.quantity,
            spent=fill.value + fill.worth,
        )

    def _move(self, fill: Fill, signed_quantity: Decimal, cash: Decimal) -> None:
        """Move the securities, and the cash against them, between customer and house."""
        customer = self.customers[fill.customer]
        before = customer.holdings.get(fill.symbol, Holding(ZERO, ZERO, ZERO))
        customer.holdings[fill.symbol] = accounting.after_fill(
            before, signed_quantity=signed_quantity, cash=cash
        )
        for asset, amount in (
            (CASH, -cash.copy_sign(signed_quantity)),
            (fill.symbol, signed_quantity),
        ):
            customer.settled[asset] = customer.settled.get(asset, ZERO) + amount
            self._moved[asset] = self._moved.get(asset, ZERO) + amount

    # --- What must be true -----------------------------------------------------------------

    def check_account(self, number: int, symbol: str) -> None:
        """Nothing that is available is negative."""
        for asset in (CASH, symbol):
            available = self.customers[number].available(asset)
            assert available >= 0, f"customer {number} has {available} {asset} available"

    def check_hold(self, name: str, leaves: Decimal) -> None:
        """What is set aside covers what is left of the order."""
        hold = self.holds.get(name)
        assert hold is not None, f"order {name} is open and holds nothing"
        needed = accounting.hold_of(asset=hold.asset, per_unit=hold.per_unit, quantity=leaves)
        # Totals are rounded, not parts: what is left may be a cent less than its own product.
        assert needed - hold.remaining <= CENT, f"order {name} needs {needed}: {hold}"

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
                assert asset == CASH or customer.holdings[asset].quantity == amount
        for asset, amount in settled.items():
            came = self._brought_in.get(asset, ZERO) + self._moved.get(asset, ZERO)
            assert amount == came, f"{amount} {asset} are there, {came} came"
