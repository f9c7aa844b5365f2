"""What accounts are worth, kept up to date by what changes.

Pure. Books come in (`Owned`) and prices come in (`Price`); what follows from them comes out. All
amounts are USD in cents, exact:

    market value   round(price x quantity), half to even; that of a short position is negative
    equity         cash + the market values of all positions
    profit         equity - all that was ever paid in: what is realised and what is not, less costs
    day's profit   equity - equity at the start of the day - what was paid in since

A position without a price is valued at what it cost. `worth_of` values one account from the start;
`Valuation` keeps many of them valued, and touches only those that hold what has a new price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from foundation import decimals

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit of an instrument is worth, None before anybody said so, and was a day ago.

    `sequence` rises with every price of any instrument.
    """

    price: Decimal | None
    previous_close: Decimal | None
    sequence: int


UNKNOWN: Final = Price(price=None, previous_close=None, sequence=-1)


@dataclass(frozen=True, slots=True)
class OwnedPosition:
    """A position as the books have it; a short one has a negative quantity and cost basis.

    `available` is what open orders that close it have left of it, with the sign of the quantity.
    """

    instrument_id: UUID
    quantity: Decimal
    available: Decimal
    cost_basis: Decimal
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class DayStart:
    """What the books said when the last day was closed: `paid_in` and `realised` so far."""

    at: datetime
    equity: Decimal
    paid_in: Decimal
    realised: Decimal


@dataclass(frozen=True, slots=True)
class Owned:
    """An account as the books have it at one moment.

    `paid_in` is all that ever came in from outside less all that left, `realised` the profit of
    all that was ever closed. `day_start` is None before the first day was closed.
    """

    account_id: UUID
    cash: Decimal
    held: Decimal
    paid_in: Decimal
    realised: Decimal
    day_start: DayStart | None
    positions: tuple[OwnedPosition, ...]


@dataclass(frozen=True, slots=True)
class PositionWorth:
    """A position at a price. `unrealised_day` is its part that came about since the last close."""

    position: OwnedPosition
    price: Decimal | None
    previous_close: Decimal | None
    market_value: Decimal
    unrealised: Decimal
    unrealised_day: Decimal


@dataclass(frozen=True, slots=True)
class Worth:
    """What an account is worth; `short_market_value` is zero or negative."""

    owned: Owned
    long_market_value: Decimal
    short_market_value: Decimal
    unrealised: Decimal
    unrealised_day: Decimal
    positions: tuple[PositionWorth, ...]

    @property
    def equity(self) -> Decimal:
        return self.owned.cash + self.long_market_value + self.short_market_value

    @property
    def last_equity(self) -> Decimal:
        """The equity at the end of the last day that was closed; zero before the first."""
        return self.owned.day_start.equity if self.owned.day_start else ZERO

    @property
    def paid_in_since(self) -> Decimal:
        """What came in after that, less what left, so that neither is taken for profit."""
        start = self.owned.day_start
        return self.owned.paid_in - (start.paid_in if start else ZERO)

    @property
    def realised_day(self) -> Decimal:
        start = self.owned.day_start
        return self.owned.realised - (start.realised if start else ZERO)


def market_value(price: Decimal, quantity: Decimal) -> Decimal:
    """Return what `quantity` is worth at `price`, in cents; negative for a short quantity."""
    return decimals.quantize(price * quantity, asset=decimals.CASH, rounding=decimals.NEAREST)


def position_worth(
    position: OwnedPosition, price: Price, *, day_start: DayStart | None
) -> PositionWorth:
    """Value one position. What was opened today has gained all of its gain today."""
    is_of_today = day_start is None or position.opened_at > day_start.at
    cost, previous = position.cost_basis, price.previous_close
    value = cost if price.price is None else market_value(price.price, position.quantity)
    at_day_start = (
        cost if is_of_today or previous is None else market_value(previous, position.quantity)
    )
    return PositionWorth(
        position=position,
        price=price.price,
        previous_close=previous,
        market_value=value,
        unrealised=value - cost,
        unrealised_day=value - at_day_start,
    )


def worth_of(owned: Owned, prices: Mapping[UUID, Price]) -> Worth:
    """Value an account from the start. An instrument that is not in `prices` has no price."""
    return _summed(
        owned,
        tuple(
            position_worth(each, prices.get(each.instrument_id, UNKNOWN), day_start=owned.day_start)
            for each in owned.positions
        ),
    )


def _summed(owned: Owned, positions: tuple[PositionWorth, ...]) -> Worth:
    long = short = unrealised = unrealised_day = ZERO
    for each in positions:
        if each.position.quantity > 0:
            long += each.market_value
        else:
            short += each.market_value
        unrealised += each.unrealised
        unrealised_day += each.unrealised_day
    return Worth(
        owned=owned,
        long_market_value=long,
        short_market_value=short,
        unrealised=unrealised,
        unrealised_day=unrealised_day,
        positions=positions,
    )


class Valuation:
    """Many accounts, valued at the latest prices."""

    def __init__(self) -> None:
        self._prices: dict[UUID, Price] = {}
        self._accounts: dict[UUID, _Account] = {}
        self._holders: dict[UUID, set[UUID]] = {}

    def __contains__(self, account_id: UUID) -> bool:
        return account_id in self._accounts

    def knows(self, instrument_id: UUID) -> bool:
        """Tell whether the instrument was ever priced here."""
        return instrument_id in self._prices

    def put(self, owned: Owned) -> None:
        """Let the account own this, in place of what it did."""
        self.drop(owned.account_id)
        worth = worth_of(owned, self._prices)
        self._accounts[owned.account_id] = _Account(worth)
        for position in owned.positions:
            self._holders.setdefault(position.instrument_id, set()).add(owned.account_id)

    def drop(self, account_id: UUID) -> None:
        """Forget the account, if it is known."""
        account = self._accounts.pop(account_id, None)
        for instrument_id in account.positions if account else ():
            holders = self._holders[instrument_id]
            holders.discard(account_id)
            if not holders:
                del self._holders[instrument_id]

    def reprice(self, prices: Iterable[tuple[UUID, Price]]) -> dict[UUID, set[UUID]]:
        """Take new prices; return which instruments are worth something else to which account.

        One that is older than what is known already is passed over.
        """
        touched: dict[UUID, set[UUID]] = {}
        for instrument_id, price in prices:
            before = self._prices.get(instrument_id, UNKNOWN)
            if price.sequence <= before.sequence:
                continue
            self._prices[instrument_id] = price
            if (price.price, price.previous_close) == (before.price, before.previous_close):
                continue
            for account_id in self._holders.get(instrument_id, ()):
                self._accounts[account_id].reprice(instrument_id, price)
                touched.setdefault(account_id, set()).add(instrument_id)
        return touched

    def worth(self, account_id: UUID) -> Worth:
        """Return what a known account is worth. Raises KeyError."""
        return self._accounts[account_id].worth()


class _Account:
    """An account's figures, of which a new price changes those that it is about."""

    __slots__ = ("_long", "_owned", "_short", "_unrealised", "_unrealised_day", "positions")

    def __init__(self, worth: Worth) -> None:
        self._owned = worth.owned
        self._long, self._short = worth.long_market_value, worth.short_market_value
        self._unrealised, self._unrealised_day = worth.unrealised, worth.unrealised_day
        self.positions = {each.position.instrument_id: each for each in worth.positions}

    def reprice(self, instrument_id: UUID, price: Price) -> None:
        before = self.positions[instrument_id]
        after = position_worth(before.position, price, day_start=self._owned.day_start)
        self.positions[instrument_id] = after
        if after.position.quantity > 0:
            self._long += after.market_value - before.market_value
        else:
            self._short += after.market_value - before.market_value
        self._unrealised += after.unrealised - before.unrealised
        self._unrealised_day += after.unrealised_day - before.unrealised_day

    def worth(self) -> Worth:
        return Worth(
            owned=self._owned,
            long_market_value=self._long,
            short_market_value=self._short,
            unrealised=self._unrealised,
            unrealised_day=self._unrealised_day,
            positions=tuple(self.positions.values()),
        )
