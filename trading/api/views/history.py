"""How the account's worth went: GET /v2/account/portfolio/history."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata import calendars
from portfolio import selectors
from portfolio.worth import curve, history
from portfolio.worth.curve import Hours, Mark, Timeframe
from trading.api import errors, queries, wire_history
from trading.api.scopes import reads
from trading.api.views.base import Call

_PERIOD: Final = re.compile(r"([1-9][0-9]{0,3})([DWMA])")
_TIMEFRAMES: Final = {
    **{each.value.lower(): each for each in Timeframe},
    "1hour": Timeframe.HOUR,
    "1day": Timeframe.DAY,
}
_DAYS_MAX: Final = {
    Timeframe.MINUTE: 7,
    Timeframe.FIVE_MINUTES: 31,
    Timeframe.QUARTER: 31,
    Timeframe.HOUR: 31,
    Timeframe.DAY: 3_660,
}
_SESSION_WITHIN: Final = timedelta(days=14)  # however long the holidays


@dataclass(frozen=True, slots=True)
class _Wanted:
    start: datetime
    end: datetime
    timeframe: Timeframe
    hours: Hours
    resets_daily: bool
    cashflow_types: frozenset[str]


class PortfolioHistory(Call):
    """Equity and profit over a period, one value for each window of time, as of its end.

    Profit is net of deposits and withdrawals.
    """

    @reads
    def get(self, request: Request) -> Response:
        self.take_only(
            request, "period", "timeframe", "start", "end", "date_end", "intraday_reporting",
            "pnl_reset", "extended_hours", "cashflow_types",
        )  # fmt: skip
        now = self.origin.received_at
        snapshot = selectors.snapshot(self.origin.account_id, now=now)
        wanted = _wanted(request.query_params, opened_at=snapshot.account.opened_at, now=now)
        start, end = wanted.start, wanted.end
        marks = history.marks(
            self.origin.account_id,
            start=start,
            end=end,
            is_intraday=wanted.timeframe is not Timeframe.DAY,
        )
        base = history.base_of(marks, start)
        if end >= now:
            marks.append(Mark(now, snapshot.equity, snapshot.paid_in))
        windows = [
            window
            for window in curve.windows(
                wanted.timeframe,
                calendar=settings.MARKET_HOURS,
                hours=wanted.hours,
                start=start,
                end=end,
            )
            if window.end > snapshot.account.opened_at
        ]
        samples = curve.samples(windows, marks, base=base, resets_daily=wanted.resets_daily)
        flows = (
            history.flows(self.origin.account_id, start=start, end=end)
            if wanted.cashflow_types
            else []
        )
        return Response(
            wire_history.portfolio_history(
                samples,
                base=base,
                timeframe=wanted.timeframe,
                flows=flows,
                cashflow_types=wanted.cashflow_types,
            )
        )


def _wanted(query: queries.Query, *, opened_at: datetime, now: datetime) -> _Wanted:
    """Return what is asked for. Raises ApiError."""
    hours = _hours(query)
    start, end = _span(query, hours, opened_at=opened_at, now=now)
    # Whole days: a period that begins this morning began with this day.
    days = (calendars.date_of(end) - calendars.date_of(start)).days + 1
    named = (queries.text(query, "timeframe") or _usual_timeframe(query, days)).lower()
    if named not in _TIMEFRAMES:
        raise errors.invalid("timeframe must be one of 1Min, 5Min, 15Min, 1H, 1D.")
    timeframe = _TIMEFRAMES[named]
    if days > _DAYS_MAX[timeframe]:
        raise errors.invalid(f"{timeframe} goes back {_DAYS_MAX[timeframe]} days at most.")
    reset = queries.choice(query, "pnl_reset", ("per_day", "no_reset"), default="per_day")
    return _Wanted(
        start=max(start, calendars.midnight(calendars.date_of(opened_at))),
        end=end,
        timeframe=timeframe,
        hours=hours,
        resets_daily=reset == "per_day" and timeframe is not Timeframe.DAY,
        cashflow_types=wire_history.types_of(queries.symbols(query, "cashflow_types")),
    )


def _usual_timeframe(query: queries.Query, days: int) -> str:
    """Return the windows of who asks for none: a month's are days, those of February too."""
    if days < 7:
        return Timeframe.MINUTE
    is_by_month = (queries.text(query, "period") or "1M")[-1].upper() in "MA"
    is_period = not (queries.moment(query, "start") and queries.moment(query, "end"))
    return Timeframe.QUARTER if days < (28 if is_by_month and is_period else 30) else Timeframe.DAY


def _hours(query: queries.Query) -> Hours:
    usual = Hours.EXTENDED if queries.flag(query, "extended_hours") else Hours.REGULAR
    return Hours(queries.choice(query, "intraday_reporting", tuple(Hours), default=usual.value))


def _span(
    query: queries.Query, hours: Hours, *, opened_at: datetime, now: datetime
) -> tuple[datetime, datetime]:
    """Return from when until when: two of start, end and period say it, and the end is now."""
    start, end = queries.moment(query, "start"), queries.moment(query, "end")
    if end is None and (day := queries.day(query, "date_end")) is not None:
        end = calendars.midnight(day + timedelta(days=1)) - timedelta(microseconds=1)
    named = queries.text(query, "period")
    if start and end and named:
        raise errors.invalid("Give two of start, end and period, not all three.")
    if start is None and named and named.lower() == "all":
        start, named = calendars.midnight(calendars.date_of(opened_at)), None
    count, unit = _period(named or "1M")
    try:
        if start is None:
            until = min(end or now, now)
            start = calendars.midnight(
                curve.first_day(_session_day(until, hours), count=count, unit=unit)
            )
        elif end is None and named:
            last = curve.last_day(calendars.date_of(start), count=count, unit=unit)
            end = calendars.midnight(last + timedelta(days=1)) - timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise errors.invalid("That is longer ago than anything here.") from None
    end = min(end or now, now)
    if start > end:
        raise errors.invalid("start must be before end, and not in the future.")
    return start, end


def _period(named: str) -> tuple[int, str]:
    found = _PERIOD.fullmatch(named.upper())
    if found is None:
        raise errors.invalid("period must be a number with D, W, M or A, such as 1M; or all.")
    return int(found[1]), found[2]


def _session_day(at: datetime, hours: Hours) -> date:
    """Return the day that a period ends with: where the market is closed, its last session's."""
    day = calendars.date_of(at)
    if hours is Hours.ALL or settings.MARKET_HOURS == calendars.ALWAYS:
        return day
    sessions = calendars.sessions(settings.MARKET_HOURS, first=day - _SESSION_WITHIN, last=day)
    return next((each.date for each in reversed(sessions) if each.open <= at), day)
