"""How an account stands beyond its value: what is settled, lent, called for and on its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from accounts.models import Account
from marketdata import calendars
from marketdata.models import Instrument
from orders import day_trading
from portfolio import interest, particulars
from risk.margin import calls, day_trades

if TYPE_CHECKING:
    from portfolio.models import Funding, GoodFaithViolation
    from risk.margin.models import MarginCall


@dataclass(frozen=True, slots=True)
class DayTrades:
    """What was opened and closed on one day, in one instrument."""

    day: date
    symbol: str
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Amounts in USD. `unsettled` is what settles, by day; `accrued` the interest of this month,
    at `rate` a year, None where none is known. `calls` are not met, the one due first in front."""

    settled: Decimal
    unsettled: dict[date, Decimal]
    settled_only_until: date | None
    accrued: Decimal
    rate: Decimal | None
    day_trades: tuple[DayTrades, ...]
    day_trade_count: int
    calls: tuple[MarginCall, ...]
    violations: tuple[GoodFaithViolation, ...]
    fundings: tuple[Funding, ...]

    @property
    def day_trades_allowed(self) -> int:
        return day_trades.ALLOWED


def standing(account: Account, *, now: datetime) -> Standing:
    """Return how the account stands now."""
    today = calendars.date_of(now)
    cash = particulars.settled_cash(account.pk, today)
    made = _day_trades(account, now) if account.margin else ()
    return Standing(
        settled=cash.settled,
        unsettled=cash.unsettled,
        settled_only_until=cash.settled_only_until,
        accrued=interest.accrued(account.pk, since=today.replace(day=1)),
        rate=_rate(today),
        day_trades=made,
        day_trade_count=sum(each.count for each in made),
        calls=tuple(calls.unmet().filter(account=account)),
        violations=tuple(particulars.latest_violations(account.pk)),
        fundings=tuple(particulars.latest_fundings(account.pk)),
    )


def _rate(today: date) -> Decimal | None:
    try:
        return interest.rate_on(today) * 100
    except interest.NoInterestRate:
        return None


def _day_trades(account: Account, now: datetime) -> tuple[DayTrades, ...]:
    days = day_trading.records([account.pk], now=now)[account.pk].days
    counted = {key: day.count for key, day in days.items() if day.count}
    symbols = Instrument.objects.in_bulk([instrument for instrument, _ in counted])
    return tuple(
        DayTrades(day=day, symbol=symbols[instrument].symbol, count=count)
        for (instrument, day), count in sorted(counted.items(), key=lambda each: each[0][1])
    )
