"""What is unusual for a customer: size, hours, haste and transfers, against its own habit. Pure.

One function for each pattern: rows in, findings out. A finding says what a person should look at;
it proves nothing. Values are in USD. What trades look like that are made to deceive the market is
in `risk.surveillance.manipulation`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Context, Decimal
from statistics import median
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from risk.findings import Finding, Kind, Severity

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

    transfer_floor: Decimal = Decimal(25_000)
    transfer_first_floor: Decimal = Decimal(250_000)
    transfer_history: int = 5
    passing_through: timedelta = timedelta(days=5)
    passing_share: Decimal = Decimal("0.9")
    passing_traded_share: Decimal = Decimal("0.1")


SHIPPED: Final = Thresholds()


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill: `sign` is 1 for what was bought, -1 for what was sold; `owner` is the person."""

    trade_id: UUID
    order_id: UUID
    account_id: UUID
    owner: UUID
    instrument_id: UUID
    symbol: str
    sign: int
    quantity: Decimal
    price: Decimal
    at: datetime

    @property
    def value(self) -> Decimal:
        return self.quantity * self.price


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
class Moved:
    """A deposit (`sign` 1) or a withdrawal (-1)."""

    transfer_id: str
    account_id: UUID
    sign: int
    amount: Decimal
    at: datetime


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
                summary=f"{order.symbol} for {_usd(order.value)}; usual is "
                f"{_usd(stands_out.usual)}, at most {_usd(stands_out.limit)}",
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
    by_account = defaultdict(list)
    for each in sorted(executions, key=lambda execution: execution.at):
        by_account[each.account_id].append(each)
    for account_id, fills in by_account.items():
        found += _turnover(account_id, fills, habits.get(account_id, Habit()), since, limits)
        by_instrument = defaultdict(list)
        for fill in fills:
            by_instrument[fill.instrument_id].append(fill)
        for of_one in by_instrument.values():
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
                summary=f"{_usd(total)} traded in {_minutes(limits.velocity_window)}; the "
                f"busiest day before had {_usd(max(habit.turnovers))}",
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
                f"{_minutes(limits.velocity_window)}, for {_usd(value)}",
                key=key,
                happened_at=fill.at,
                evidence={"trades": [each.trade_id for each in turned], "value": value},
            ),
        )
    return list(found.values())


def unusual_transfers(
    new: Iterable[Moved],
    before: Mapping[UUID, Sequence[Moved]],
    traded: Mapping[UUID, Decimal],
    limits: Thresholds = SHIPPED,
) -> list[Finding]:
    """Find deposits and withdrawals far beyond the account's own, and money that only passes.

    `before` are all transfers of an account, also later ones; only what came earlier is compared
    with. `traded` is what each account has traded in the time of `passing_through`.
    """
    found = []
    for moved in new:
        earlier = [each for each in before.get(moved.account_id, ()) if each.at < moved.at]
        if moved.sign < 0 and (finding := _passing(moved, earlier, traded, limits)):
            found.append(finding)
        amounts = [each.amount for each in earlier if each.sign == moved.sign]
        if len(amounts) < limits.transfer_history:
            is_large, usual = moved.amount >= limits.transfer_first_floor, None
        else:
            stands_out = unusual(
                moved.amount,
                amounts,
                floor=limits.transfer_floor,
                deviations=limits.large_deviations,
                deviation_min=limits.large_deviation_min,
            )
            is_large, usual = stands_out is not None, stands_out
        if not is_large:
            continue
        what = "Deposit" if moved.sign > 0 else "Withdrawal"
        compared = f"usual is {_usd(usual.usual)}" if usual else "nothing to compare it with"
        found.append(
            Finding(
                kind=Kind.UNUSUAL_TRANSFER,
                severity=Severity.WARNING,
                account_id=moved.account_id,
                summary=f"{what} of {_usd(moved.amount)}; {compared}",
                key=f"transfer:{moved.transfer_id}",
                happened_at=moved.at,
                evidence={
                    "transfer": moved.transfer_id,
                    "amount": moved.amount,
                    "transfers_before": len(amounts),
                },
            )
        )
    return found


def _passing(
    moved: Moved,
    earlier: Sequence[Moved],
    traded: Mapping[UUID, Decimal],
    limits: Thresholds,
) -> Finding | None:
    """Return money that leaves within days of its coming, with hardly a trade between."""
    start = moved.at - limits.passing_through
    came = sum((each.amount for each in earlier if each.sign > 0 and each.at >= start), D(0))
    is_quick = came > 0 and moved.amount >= limits.passing_share * came
    was_used = traded.get(moved.account_id, D(0)) >= limits.passing_traded_share * came
    if moved.amount < limits.transfer_floor or not is_quick or was_used:
        return None
    return Finding(
        kind=Kind.UNUSUAL_TRANSFER,
        severity=Severity.SEVERE,
        account_id=moved.account_id,
        summary=f"{_usd(moved.amount)} withdrawn of {_usd(came)} that came in within "
        f"{limits.passing_through.days} days, with hardly a trade",
        key=f"passing:{moved.transfer_id}",
        happened_at=moved.at,
        evidence={"transfer": moved.transfer_id, "amount": moved.amount, "came_in": came},
    )


def _minute(at: datetime) -> int:
    local = at.astimezone(NEW_YORK)
    return local.hour * 60 + local.minute


def _apart(one: int, other: int) -> int:
    """Return how many minutes of the day lie between, the shorter way round the clock."""
    apart = abs(one - other)
    return min(apart, DAY_MINUTES - apart)


def _minutes(span: timedelta) -> str:
    return f"{math.ceil(span.total_seconds() / 60)} minutes"


def _usd(amount: Decimal) -> str:
    return f"{amount:,.2f} USD"
