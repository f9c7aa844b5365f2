"""A past for the simulated market, so that no chart is empty on the first day. Pure.

A random walk that is drawn backwards from where the living market starts: it ends on the
reference price, so that the first real trade joins it without a jump. The same seed gives the
same past. Prices are drawn as floats and rounded to ticks once; from there on all is exact.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

from marketdata import bars, calendars
from marketdata.bars import Bar
from marketdata.calendars import Session

DAYS: Final = 365
DAYS_IN_MINUTES: Final = 2  # and today
MINUTES_OF_A_YEAR: Final = 365 * 24 * 60
SHARES_OF_A_TRADE: Final = 120  # on average; a crypto pair trades a thousandth of its day at once

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Character:
    """How an instrument trades: its level, its grain, how much and how wildly."""

    code: str
    calendar: str
    price: Decimal
    price_increment: Decimal
    volume_increment: Decimal
    daily_volume: Decimal
    volatility: Decimal


@dataclass(frozen=True, slots=True)
class Past:
    minutes: Sequence[Bar]
    days: Sequence[Bar]


def simulate(character: Character, *, seed: int, now: datetime) -> Past:
    """Return minute bars of the last days and day bars of a year, up to `now`, oldest first.

    Only minutes that are over have a bar, and the last one closes at `character.price`.
    """
    random = np.random.default_rng([seed, zlib.crc32(character.code.encode())])
    today = calendars.date_of(now)
    sessions = [
        session
        for session in calendars.sessions(
            character.calendar, first=today - timedelta(days=DAYS), last=today
        )
        if session.open < bars.minute_of(now)
    ]
    recent, before = sessions[-1 - DAYS_IN_MINUTES :], sessions[: -1 - DAYS_IN_MINUTES]
    minutes = _minutes(character, recent, until=bars.minute_of(now), random=random)
    days = bars.aggregate(minutes, timeframe=bars.parse_timeframe("1Day"))
    first_price = minutes[0].open if minutes else None
    return Past(
        minutes=minutes,
        days=[
            *_days(character, before, end=first_price or character.price, random=random),
            *days,
        ],
    )


def _minutes(
    character: Character,
    sessions: Sequence[Session],
    *,
    until: datetime,
    random: np.random.Generator,
) -> list[Bar]:
    starts = [
        session.open + number * bars.MINUTE
        for session in sessions
        for number in range((min(session.close, until) - session.open) // bars.MINUTE)
    ]
    activity = np.array([_activity(start) for start in starts])
    wildness = float(character.volatility) / MINUTES_OF_A_YEAR**0.5
    share = activity / (24 * 60)
    return _walk(
        character, starts, end=character.price, wildness=wildness, share=share, random=random
    )


def _days(
    character: Character,
    sessions: Sequence[Session],
    *,
    end: Decimal,
    random: np.random.Generator,
) -> list[Bar]:
    starts = [calendars.midnight(session.date) for session in sessions]
    wildness = float(character.volatility) / DAYS**0.5
    share = np.ones(len(starts))
    return _walk(character, starts, end=end, wildness=wildness, share=share, random=random)


def _activity(start: datetime) -> float:
    """Return how lively a minute is against the day's average: most at the open and the close."""
    local = start.astimezone(calendars.NEW_YORK)
    hour = local.hour + local.minute / 60
    if not 9.5 <= hour < 16:
        return 0.25
    return 1.6 + 0.35 * (hour - 12.75) ** 2


def _walk(
    character: Character,
    starts: Sequence[datetime],
    *,
    end: Decimal,
    wildness: float,
    share: Floats,
    random: np.random.Generator,
) -> list[Bar]:
    """Return one bar for each of `starts`, each opening where the one before closed."""
    count = len(starts)
    if not count:
        return []
    steps = random.normal(0.0, wildness, count)
    tick = float(character.price_increment)
    level = np.exp(np.cumsum(steps) - np.sum(steps))  # of the close, against `end`
    closes = np.maximum(1, np.rint(float(end) * level / tick)).astype(np.int64)
    closes[-1] = int(end / character.price_increment)
    first = max(1, round(float(end) * float(np.exp(-np.sum(steps))) / tick))
    opens = np.concatenate(([first], closes[:-1])).astype(np.int64)
    reach = np.abs(random.normal(0.0, wildness / 2, (2, count)))
    highs = np.maximum(opens, closes) + np.rint(closes * reach[0]).astype(np.int64)
    lows = np.maximum(1, np.minimum(opens, closes) - np.rint(closes * reach[1]).astype(np.int64))
    volumes = _volumes(character, share, random)
    return _exact(character, starts, (opens, highs, lows, closes), volumes)


def _volumes(character: Character, share: Floats, random: np.random.Generator) -> Integers:
    a_day = float(character.daily_volume / character.volume_increment)
    drawn = a_day * share * random.lognormal(-0.08, 0.4, len(share))
    return np.maximum(1, np.rint(drawn)).astype(np.int64)


def _exact(
    character: Character,
    starts: Sequence[datetime],
    prices: tuple[Integers, Integers, Integers, Integers],
    volumes: Integers,
) -> list[Bar]:
    tick, lot = character.price_increment, character.volume_increment
    size_of_a_trade = min(Decimal(SHARES_OF_A_TRADE), character.daily_volume / 1000)
    lots_of_a_trade = max(1, int(size_of_a_trade / lot))
    typical = (prices[1] + prices[2] + prices[3]) // 3
    columns = (column.tolist() for column in (*prices, typical, volumes))
    return [
        Bar(
            start=start,
            open=opened * tick,
            high=high * tick,
            low=low * tick,
            close=closed * tick,
            volume=(volume := lots * lot),
            turnover=volume * (middle * tick),
            trades=max(1, lots // lots_of_a_trade),
        )
        for start, opened, high, low, closed, middle, lots in zip(starts, *columns, strict=True)
    ]
