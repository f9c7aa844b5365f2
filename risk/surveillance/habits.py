"""What is unusual for a customer: size, hours and haste, against its own habit. Pure.

One function for each pattern: rows in, findings out. A finding says what a person should look at;
it proves nothing. Values are in USD. Money that moves is in `risk.surveillance.transfers`, what
trades look like that are made to deceive the market in `risk.surveillance.manipulation`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from statistics import median
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from risk.findings import Finding, Kind, Severity
from risk.surveillance.executed import Execution, grouped

D = Decimal
NEW_YORK: Final = ZoneInfo("America/New_York")
DAY_MINUTES: Final = 24 * 60

_LOGARITHMS: Final = Context(prec=12)
_OF_NORMAL: Final = D("1.4826")
"""A median deviation times this is the standard deviation of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something is worth a look. A `floor` in USD keeps small things out of it."""

    large_floor: Decimal = Decimal(25_000)
    large_deviations: Decimal = Decimal(4)
    large_deviation_min: Decimal = Decimal("0.4")
    """Of the logarithm, so that a customer of the same size each time may double it in peace."""
    large_history: int = 10

    hours_history: int = 30
    hours_days: int = 5
    hours_around: timedelta = timedelta(hours=2)
    hours_share: Decimal = Decimal("0.02")

    velocity_window: timedelta = timedelta(minutes=10)
    velocity_floor: Decimal = Decimal(100_000)
    velocity_days: int = 5
    velocity_times: Decimal = Decimal(3)
    turns: int = 8


SHIPPED: Final = Thresholds()


@dataclass(frozen=True, slots=True)
class Dealt:
    """What was executed of one order until now."""

    order_id: UUID
    account_id: UUID
    instrument_id: UUID
    symbol: str
    value: Decimal
    at: datetime


@dataclass(frozen=True, slots=True)
class Earlier:
    """An order of before: when it was placed, and the value that was executed of it."""

    order_id: UUID
    placed_at: datetime
    value: Decimal


@dataclass(frozen=True, slots=True)
class Habit:
    """What an account does: its orders, and the value traded on each earlier day with trades.

    Orders may be later ones, too: each is held against those that were placed before it.
    """

    orders: Sequence[Earlier] = ()
    turnovers: Sequence[Decimal] = ()

    def before(self, at: datetime, *, but: UUID) -> list[Earlier]:
        """Return the orders that were placed before `at`, without the one that is looked at."""
        return [each for each in self.orders if each.placed_at < at and each.order_id != but]


@dataclass(frozen=True, slots=True)
class Unusual:
    """How far a value lies outside: `usual` is the median of before, `limit` what was exceeded."""

    usual: Decimal
    limit: Decimal


def unusual(
    value: Decimal,
    before: Sequence[Decimal],
    *,
    floor: Decimal,
    deviations: Decimal,
    deviation_min: Decimal,
) -> Unusual | None:
    """Return how `value` stands out from the values `before` it; None when it does not.

    Sizes of trades spread by factors, not by sums, so their logarithms are looked at: the limit is
    the median and `deviations` times the robust standard deviation (1.4826 x the median of the
    distances from the median; Hampel 1974), which a few large trades of before do not widen.
    """
    known = [each for each in before if each > 0]
    if value < floor or not known:
        return None
    logs = [_LOGARITHMS.ln(each) for each in known]
    middle = median(logs)
    deviation = max(_OF_NORMAL * median(abs(log - middle) for log in logs), deviation_min)
    limit = max(_LOGARITHMS.exp(middle + deviations * deviation), floor)
    if value <= limit:
        return None
    cent = Decimal("0.01")
    return Unusual(_LOGARITHMS.exp(middle).quantize(cent), limit.quantize(cent))


def large_trades(
    dealt: Iterable[Dealt], habits: Mapping[UUID, Habit], limits: Thresholds = SHIPPED
) -> list[Finding]:
    """Find orders that were executed for far more than is usual for their account."""
    found = []
    for order in dealt:
        habit = habits.get(order.account_id, Habit())
        before = [e.value for e in habit.before(order.at, but=order.order_id) if e.value]
        if len(before) < limits.large_history:
            continue
        stands_out = unusual(
            order.value,
            before,
            floor=limits.large_floor,
            deviations=limits.large_deviations,
            deviation_min=limits.large_deviation_min,
        )
        if stands_out is None:
            continue
        is_huge = order.value > 3 * stands_out.limit
        found.append(
            Finding(
                kind=Kind.LARGE_TRADE,
                severity=Severity.WARNING if is_huge else Severity.NOTICE,
                account_id=order.account_id,
                instrument_id=order.instrument_id,
                summary=f"{order.symbol} for {usd(order.value)}; usual is "
                f"{usd(stands_out.usual)}, at most {usd(stands_out.limit)}",
                key=f"order:{order.order_id}",
                happened_at=order.at,
                evidence={
                    "order": order.order_id,
                    "value": order.value,
                    "usual": stands_out.usual,
                    "limit": stands_out.limit,
                    "orders_before": len(before),
                },
            )
        )
    return found


def odd_hours(
    placed: Iterable[tuple[UUID, UUID, datetime]],
    habits: Mapping[UUID, Habit],
    limits: Thresholds = SHIPPED,
) -> list[Finding]:
    """Find orders placed at an hour of New York's day at which the account hardly ever does.

    `placed` are (order, account, time). It is said once for an account and day.
    """
    found: dict[str, Finding] = {}
    for order_id, account_id, at in placed:
        before = habits.get(account_id, Habit()).before(at, but=order_id)
        minutes = [_minute(each.placed_at) for each in before]
        days = {each.placed_at.astimezone(NEW_YORK).date() for each in before}
        if len(before) < limits.hours_history or len(days) < limits.hours_days:
            continue
        around, minute = limits.hours_around.total_seconds() / 60, _minute(at)
        near = sum(1 for each in minutes if _apart(each, minute) <= around)
        if near > limits.hours_share * len(before):
            continue
        local = at.astimezone(NEW_YORK)
        key = f"hours:{account_id}:{local:%Y-%m-%d}"
        found.setdefault(
            key,
            Finding(
                kind=Kind.ODD_HOURS,
                severity=Severity.NOTICE,
                account_id=account_id,
                summary=f"An order at {local:%H:%M} in New York; {near} of {len(before)} before "
                "were placed at about that time",
                key=key,
                happened_at=at,
                evidence={"order": order_id, "near": near, "orders_before": len(before)},
            ),
        )
    return list(found.values())


def velocity(
    executions: Sequence[Execution],
    habits: Mapping[UUID, Habit],
    *,
    since: datetime,
    limits: Thresholds = SHIPPED,
) -> list[Finding]:
    """Find haste: more traded in some minutes than on the busiest of the account's days, or a
    position turned round again and again.

    `executions` are the latest, with the window before `since`; what ended before is known.
    """
    found = []
    in_time = sorted(executions, key=lambda each: each.at)
    for account_id, fills in grouped(in_time, lambda each: each.account_id).items():
        found += _turnover(account_id, fills, habits.get(account_id, Habit()), since, limits)
        for of_one in grouped(fills, lambda each: each.instrument_id).values():
            found += _turns(of_one, since, limits)
    return found


def _turnover(
    account_id: UUID,
    fills: Sequence[Execution],
    habit: Habit,
    since: datetime,
    limits: Thresholds,
) -> list[Finding]:
    """Return what was traded in a window more than `velocity_times` the busiest day, once an
    hour."""
    if len(habit.turnovers) < limits.velocity_days:
        return []
    limit = max(limits.velocity_times * max(habit.turnovers), limits.velocity_floor)
    found: dict[str, Finding] = {}
    first, total = 0, D(0)
    for fill in fills:
        total += fill.value
        while fills[first].at < fill.at - limits.velocity_window:
            total -= fills[first].value
            first += 1
        if fill.at < since or total <= limit:
            continue
        key = f"turnover:{account_id}:{fill.at:%Y-%m-%dT%H}"
        found.setdefault(
            key,
            Finding(
                kind=Kind.VELOCITY,
                severity=Severity.WARNING,
                account_id=account_id,
                summary=f"{usd(total)} traded in {_minutes(limits.velocity_window)}; the "
                f"busiest day before had {usd(max(habit.turnovers))}",
                key=key,
                happened_at=fill.at,
                evidence={"trade": fill.trade_id, "turnover": total, "limit": limit},
            ),
        )
    return list(found.values())


def _turns(fills: Sequence[Execution], since: datetime, limits: Thresholds) -> list[Finding]:
    """Return where buying and selling took turns too often within a window, once an hour."""
    turned: list[Execution] = []
    found: dict[str, Finding] = {}
    last = fills[0].sign
    for fill in fills:
        if fill.sign == last:
            continue
        last = fill.sign
        start = fill.at - limits.velocity_window
        turned = [each for each in turned if each.at >= start] + [fill]
        value = sum((each.value for each in turned), D(0))
        if fill.at < since or len(turned) < limits.turns or value < limits.velocity_floor:
            continue
        key = f"turns:{fill.account_id}:{fill.instrument_id}:{fill.at:%Y-%m-%dT%H}"
        found.setdefault(
            key,
            Finding(
                kind=Kind.VELOCITY,
                severity=Severity.NOTICE,
                account_id=fill.account_id,
                instrument_id=fill.instrument_id,
                summary=f"{fill.symbol} bought and sold in turns {len(turned)} times in "
                f"{_minutes(limits.velocity_window)}, for {usd(value)}",
                key=key,
                happened_at=fill.at,
                evidence={"trades": [each.trade_id for each in turned], "value": value},
            ),
        )
    return list(found.values())


def _minute(at: datetime) -> int:
    local = at.astimezone(NEW_YORK)
    return local.hour * 60 + local.minute


def _apart(one: int, other: int) -> int:
    """Return how many minutes of the day lie between, the shorter way round the clock."""
    apart = abs(one - other)
    return min(apart, DAY_MINUTES - apart)


def _minutes(span: timedelta) -> str:
    return f"{math.ceil(span.total_seconds() / 60)} minutes"


def usd(amount: Decimal) -> str:
    return f"{amount:,.2f} USD"
