"""Momentum ignition: prices that somebody pushes, to trade the other way when others follow. Pure.

What FINRA 5210 and article 12(2)(c) of the EU's Market Abuse Regulation mean by starting or
exacerbating a trend. docs/surveillance.md says what it cannot see. It takes two looks: the pushes
among a person's own executions, and for each what share of the market's trading they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from risk.findings import Finding, Kind, Severity
from risk.surveillance.executed import Executed, Execution, by_order, grouped
from risk.surveillance.manipulation import Resting

D = Decimal


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a push and its use are worth a look. Shares: 0.003 is 0.3 %."""

    window: timedelta = timedelta(minutes=2)
    aggressive: timedelta = timedelta(seconds=1)
    """An order that executes within so long of its placing took what others showed."""
    orders: int = 3
    move: Decimal = Decimal("0.003")
    floor: Decimal = Decimal(25_000)
    share: Decimal = Decimal("0.25")
    """Of what the market traded in the minutes of the push."""
    used_within: timedelta = timedelta(minutes=5)
    used_share: Decimal = Decimal("0.5")
    """Of the quantity of the push, traded the other way, at the least."""
    kept_move: Decimal = Decimal("0.5")
    """So much of the move is left in the price at which it is used, on average."""


SHIPPED: Final = Thresholds()


@dataclass(frozen=True, slots=True)
class Push:
    """Orders of one person on one side that moved the price, and those that used it after.

    `last` is what completed it. Times are those of executions.
    """

    orders: tuple[Executed, ...]
    used: tuple[Executed, ...]

    @property
    def first(self) -> Executed:
        return self.orders[0]

    @property
    def instrument_id(self) -> UUID:
        return self.first.instrument_id

    @property
    def since(self) -> datetime:
        return self.first.first_at

    @property
    def until(self) -> datetime:
        return self.orders[-1].last_at

    @property
    def last(self) -> Executed:
        return self.used[-1]

    @property
    def quantity(self) -> Decimal:
        return _quantity(self.orders)

    @property
    def move(self) -> Decimal:
        """Return by how much the price moved with it, as a share; falling with what was sold."""
        return (self.orders[-1].price - self.first.price) / self.first.price


def pushes(
    executions: Iterable[Execution],
    orders: Iterable[Resting],
    *,
    since: datetime,
    limits: Thresholds = SHIPPED,
) -> list[Push]:
    """Return where a person's orders went after the price and the other side followed at a gain.

    Several orders on one side that took what others showed, within the window, each at a price no
    better than the one before and the last beyond the first by the move; then, soon, orders on the
    other side for a good part of their quantity, which keep half of the move. Limits that had
    rested push nothing. Only what was completed after `since` is told, and each order is part of
    one push.
    """
    placed = {each.order_id: each.placed_at for each in orders}
    found = []
    decided = grouped(by_order(executions), lambda each: (each.owner, each.instrument_id))
    for of_one in decided.values():
        in_time = sorted(of_one, key=lambda each: (each.first_at, each.last_at))
        told_until: datetime | None = None
        for at, order in enumerate(in_time):
            if told_until is not None and order.first_at <= told_until:
                continue
            orders_of = _pushing(in_time[at:], placed, limits)
            if orders_of is None:
                continue
            used = _using(in_time[at:], orders_of, limits)
            if not used:
                continue
            told_until = used[-1].last_at
            if told_until >= since:
                found.append(Push(orders=orders_of, used=used))
    return found


def momentum_ignition(
    found: Iterable[Push], volumes: Mapping[int, Decimal], limits: Thresholds = SHIPPED
) -> list[Finding]:
    """Find the pushes that were a large share of what the market traded meanwhile.

    `volumes` is the market's volume in the minutes of each push, by its place in `found`; where
    the market is not known to have traded, nobody else has moved the price.
    """
    return [
        _finding(push, volume)
        for place, push in enumerate(found)
        if push.quantity >= limits.share * (volume := volumes.get(place, D(0)))
    ]


def _pushing(
    orders: Sequence[Executed], placed: Mapping[UUID, datetime], limits: Thresholds
) -> tuple[Executed, ...] | None:
    """Return the push that begins with the first of these orders, as far as it goes; else None."""
    first = orders[0]
    taken: list[Executed] = []
    for order in orders:
        if order.sign != first.sign or order.last_at > first.first_at + limits.window:
            break
        has_rested = order.first_at - placed.get(order.order_id, order.first_at) > limits.aggressive
        is_back = bool(taken) and (order.price - taken[-1].price) * first.sign < 0
        if has_rested or is_back:
            break
        taken.append(order)
    move = (taken[-1].price - first.price) * first.sign if taken else D(0)
    value = sum((each.value for each in taken), D(0))
    if len(taken) < limits.orders or move < limits.move * first.price or value < limits.floor:
        return None
    return tuple(taken)


def _using(
    orders: Sequence[Executed], push: Sequence[Executed], limits: Thresholds
) -> tuple[Executed, ...]:
    """Return the orders on the other side that complete it; none when they do not."""
    first, until = push[0], push[-1].last_at
    kept = first.price + limits.kept_move * (push[-1].price - first.price)
    used: list[Executed] = []
    for order in orders:
        if order.sign == first.sign or order.first_at < until:
            continue
        if order.first_at > until + limits.used_within:
            break
        used.append(order)
        quantity = _quantity(used)
        if quantity < limits.used_share * _quantity(push):
            continue
        average = sum((each.value for each in used), D(0)) / quantity
        return tuple(used) if (average - kept) * first.sign >= 0 else ()
    return ()


def _quantity(orders: Iterable[Executed]) -> Decimal:
    return sum((each.quantity for each in orders), D(0))


def _finding(push: Push, volume: Decimal) -> Finding:
    bought, sold = ("bought", "sold") if push.first.sign > 0 else ("sold", "bought")
    used = _quantity(push.used)
    share = f"{push.quantity / volume:.0%} of the volume" if volume else "all of the volume"
    return Finding(
        kind=Kind.MOMENTUM_IGNITION,
        severity=Severity.WARNING,
        account_id=push.last.account_id,
        instrument_id=push.instrument_id,
        summary=f"{push.first.symbol}: {push.quantity.normalize():f} {bought} in "
        f"{len(push.orders)} orders, {share}, the price {push.move:+.2%} with it; then "
        f"{used.normalize():f} {sold}",
        # Its first order may lie too far back the next time that somebody looks.
        key=f"ignition:{push.orders[-1].order_id}",
        happened_at=push.last.last_at,
        evidence={
            "orders": [each.order_id for each in push.orders],
            "executed": [each.order_id for each in push.used],
            "quantity": push.quantity,
            "volume": volume,
            "before": push.first.price,
            "last": push.orders[-1].price,
        },
    )
