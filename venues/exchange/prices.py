"""What a simulated instrument is worth: a walk that wanders, clusters and comes home.

Pure. The value is `anchor * exp(beta * market + own)`. Both deviations are Ornstein-Uhlenbeck
processes, drawn back with a half-life of days, so that a price neither dies nor explodes however
long the program runs; the speed of the own one follows a volatility that clusters over minutes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

NEW_YORK: Final = ZoneInfo("America/New_York")

_TRADING_SECONDS_A_YEAR: Final = 252 * 6.5 * 3600
_REVERSION: Final = math.log(2) / (5 * 86_400)
_MARKET_VOLATILITY: Final = 0.16 / math.sqrt(_TRADING_SECONDS_A_YEAR)
_CLUSTER_REVERSION: Final = math.log(2) / 900
_CLUSTER_SIZE: Final = 0.45
_DEVIATION_MAX: Final = 0.4
_STEP_SECONDS_MAX: Final = 60.0


def rhythm(at: datetime, *, is_round_the_clock: bool) -> float:
    """Return how lively the market is at `at`: 1 on average over a New York trading day.

    US shares are busy at the open and the close, calmer at noon, quiet outside; crypto hardly
    knows the hour.
    """
    local = at.astimezone(NEW_YORK)
    hour = local.hour + local.minute / 60 + local.second / 3600
    if is_round_the_clock:
        return 0.85 + 0.25 * math.sin((hour - 8) / 24 * 2 * math.pi)
    if 9.5 <= hour < 16:
        from_noon = (hour - 12.75) / 3.25
        return 0.7 + 0.95 * from_noon * from_noon
    return 0.45 if 4 <= hour < 20 else 0.35


class MarketFactor:
    """What all instruments share: the deviation of the market from where it belongs."""

    def __init__(self, random: Random) -> None:
        self.deviation = 0.0
        self._random = random

    def step(self, seconds: float, pace: float) -> None:
        """Move on by `seconds` at the liveliness `pace`."""
        seconds = min(seconds, _STEP_SECONDS_MAX)
        self.deviation -= self.deviation * _REVERSION * seconds
        self.deviation += _MARKET_VOLATILITY * math.sqrt(seconds * pace) * self._random.gauss(0, 1)


@dataclass(slots=True)
class FairPrice:
    """The value of one instrument.

    `volatility` is that of its own deviation, for a year of trading hours; `beta` says how much
    of the market's it shares.
    """

    anchor: float
    volatility: float
    beta: float
    own: float = 0.0
    excitement: float = 0.0

    def value(self, market: MarketFactor) -> float:
        return self.anchor * math.exp(self.beta * market.deviation + self.own)

    def start_from(self, price: float, market: MarketFactor) -> None:
        """Let the value be `price` now: where the book stands, or a recording has ended.

        A price too far from the anchor to have wandered there becomes the anchor.
        """
        own = math.log(price / self.anchor) - self.beta * market.deviation
        if abs(own) > _DEVIATION_MAX / 2:
            self.anchor = price * math.exp(-self.beta * market.deviation)
            own = 0.0
        self.own = own

    def step(self, seconds: float, pace: float, random: Random) -> None:
        """Move on by `seconds` at the liveliness `pace`."""
        seconds = min(seconds, _STEP_SECONDS_MAX)
        self.excitement -= self.excitement * _CLUSTER_REVERSION * seconds
        self.excitement += (
            _CLUSTER_SIZE * math.sqrt(2 * _CLUSTER_REVERSION * seconds) * random.gauss(0, 1)
        )
        speed = self.volatility / math.sqrt(_TRADING_SECONDS_A_YEAR) * math.exp(self.excitement)
        self.own -= self.own * _REVERSION * seconds
        self.shift(speed * math.sqrt(seconds * pace) * random.gauss(0, 1))

    def shift(self, log_change: float) -> None:
        """Move the value for good, as news or a large trade does."""
        self.own = min(max(self.own + log_change, -_DEVIATION_MAX), _DEVIATION_MAX)
