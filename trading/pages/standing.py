"""How an account stands beyond its value: what is settled, lent, called for and on its way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from accounts.models import Account
from foundation.decimals import CASH
from marketdata import calendars
from marketdata.models import Instrument
from orders import day_trading
from portfolio import interest, settlement
from portfolio.models import Balance, Funding, GoodFaithViolation
from risk import calls, day_trades
from risk.margin_models import MarginCall

FUNDINGS_SHOWN: Final = 20
VIOLATIONS_SHOWN: Final = 10
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class DayTrades:
    """What was opened and closed on one day, in one instrument."""

    day: date
    symbol: str
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Amounts in USD. `unsettled` is what settles, by day; `accrued` the interest of this month,
    at `rate` a year, None where none is known. `call` is the margin call that is not met."""

    settled: Decimal
    unsettled: dict[date, Decimal]
    settled_only_until: date | None
    accrued: Decimal
    rate: Decimal | None
    day_trades: tuple[DayTrades, ...]
    day_trade_count: int
    call: MarginCall | None
    violations: tuple[GoodFaithViolation, ...]
    fundings: tuple[Funding, ...]

    @property
    def day_trades_allowed(self) -> int:
        return day_trades.ALLOWED


def standing(account: Account, *, now: datetime) -> Standing:
    """Return how the account stands now."""
    today = calendars.date_of(now)
    balance = Balance.objects.filter(account=account, asset=CASH).first()
    unsettled = settlement.after(balance.unsettled, today) if balance else {}
    cash = balance.amount if balance else ZERO
    until = balance.settled_only_until if balance else None
    made = _day_trades(account, now) if account.margin else ()
    return Standing(
        settled=cash - sum(unsettled.values(), ZERO),
        unsettled=unsettled,
        settled_only_until=until if until and until >= today else None,
        accrued=interest.accrued(account.pk, since=today.replace(day=1)),
        rate=_rate(today),
        day_trades=made,
        day_trade_count=sum(each.count for each in made),
        call=calls.unmet().filter(account=account).first(),
        violations=tuple(
            GoodFaithViolation.objects.filter(account=account)
            .select_related("lot__instrument")
            .order_by("-at")[:VIOLATIONS_SHOWN]
        ),
        fundings=tuple(account.fundings.order_by("-asked_at")[:FUNDINGS_SHOWN]),
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
