"""Who trades on the simulated market. Pure: a look at the market and a die in, commands out.

All think in ticks and lots. None knows of the others or of customers: they see the best bid and
offer, what was printed, and what the instrument is worth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from venues.exchange.book import BUY, SELL
from venues.exchange.commands import MassQuote, Take
from venues.exchange.listing import Best

LADDER: Final = 10


@dataclass(frozen=True, slots=True)
class Terms:
    """What a participant must know of an instrument.

    `spread` is the usual distance of bid and offer in ticks, `level_lots` what usually lies at one
    price, `take_lots` what a small customer usually wants. Sizes are rounded to `round_lots`, those
    of people who do not care for that to `odd_lots`. `takes_a_second`
    counts the small customers, on average over the day.
    """

    symbol: str
    spread: float
    level_lots: float
    take_lots: float
    round_lots: int
    odd_lots: int
    takes_a_second: float


@dataclass(frozen=True, slots=True)
class View:
    """What a participant sees: `at` in seconds, the fair price in ticks, how lively it is."""

    at: float
    fair: float
    best: Best
    pace: float


class Maker:
    """Bids and offers a ladder around the fair price; refills within a second of being hit."""

    def __init__(
        self, name: str, terms: Terms, random: Random, *, spread: float, size: float
    ) -> None:
        self.name = name
        self._terms = terms
        self._random = random
        # Rounding outwards to whole ticks adds one tick on average.
        self._half = max(terms.spread * spread - 1, 0.0) / 2
        self._step = max(1, round(terms.spread * 0.4))
        self._size = size
        self._sizes: dict[int, int] = {}
        self._lean = 0.0
        self._looks_at = 0.0
        self._quoted: tuple[int, int] | None = None
        self._was_hit = True

    def notice_hit(self) -> None:
        self._was_hit = True

    def act(self, view: View) -> MassQuote | None:
        """Return new quotes when it is time or the price has run; None to let them stand."""
        bid = math.floor(view.fair + self._lean - self._half)
        ask = max(math.ceil(view.fair + self._lean + self._half), bid + 1)
        stood = self._quoted or (0, 0)
        has_run = abs(bid - stood[0]) + abs(ask - stood[1]) > 2 * self._step
        if view.at < self._looks_at and not has_run:
            return None
        self._looks_at = view.at + self._random.uniform(0.4, 1.2)
        if (bid, ask) == self._quoted and not self._was_hit and self._random.random() < 0.8:
            return None
        self._lean = self._random.gauss(0, self._half / 3)
        self._quoted = (bid, ask)
        self._was_hit = False
        bids = [(bid - i * self._step, i) for i in range(LADDER) if bid - i * self._step > 0]
        asks = [(ask + i * self._step, i) for i in range(LADDER)]
        before, self._sizes = self._sizes, {}
        return MassQuote(
            self.name,
            self._terms.symbol,
            tuple((price, self._size_at(price, BUY, rung, before)) for price, rung in bids),
            tuple((price, self._size_at(price, SELL, rung, before)) for price, rung in asks),
        )

    def _size_at(self, price: int, sign: int, rung: int, before: dict[int, int]) -> int:
        """Return how much to show at `price`: mostly what was shown there before."""
        size = before.get(sign * price)
        if size is None or self._random.random() < 0.04:
            usual = self._terms.level_lots * self._size * (0.4 + 0.16 * rung)
            size = _rounded(usual * self._random.lognormvariate(0, 0.5), self._terms.round_lots)
        self._sizes[sign * price] = size
        return size


class Crowd:
    """Small customers who trade at once: in bursts, after each other, and few of them large."""

    name = "crowd"

    def __init__(self, terms: Terms, random: Random) -> None:
        self._terms = terms
        self._random = random
        self._mood = BUY
        self._heat = 0.0

    def act(self, view: View, seconds: float) -> Sequence[Take]:
        """Return what those want who came within the last `seconds`."""
        self._heat *= math.exp(-seconds / 6)
        rate = self._terms.takes_a_second * view.pace * (0.6 + self._heat)
        takes: list[Take] = []
        wait = self._random.expovariate(max(rate, 1e-9))
        while wait < seconds and len(takes) < 5:
            wait += self._random.expovariate(rate)
            self._heat = min(self._heat + 0.12, 3.0)
            if self._random.random() < 0.35:
                self._mood = -self._mood
            # A heavy tail: one in a hundred wants some thirty times what is usual.
            lots = self._terms.take_lots * min(self._random.paretovariate(1.3), 60.0) * 0.6
            is_round = lots >= self._terms.round_lots and self._random.random() < 0.6
            step = self._terms.round_lots if is_round else self._terms.odd_lots
            takes += _take(self.name, view, self._terms, self._mood, _rounded(lots, step), reach=3)
        return takes


class TrendFollower:
    """Buys what has been rising and sells what has been falling, within a limit."""

    name = "trend"

    def __init__(self, terms: Terms, random: Random) -> None:
        self._terms = terms
        self._random = random
        self._fast = self._slow = 0.0
        self._position = 0
        self._looks_at = 0.0

    def act(self, view: View, seconds: float) -> Sequence[Take]:
        middle = view.fair
        if not self._fast:
            self._fast = self._slow = middle
        self._fast += (middle - self._fast) * min(seconds / 20, 1.0)
        self._slow += (middle - self._slow) * min(seconds / 180, 1.0)
        if view.at < self._looks_at:
            return ()
        self._looks_at = view.at + self._random.uniform(4, 15) / view.pace
        trend = (self._fast - self._slow) / self._terms.spread
        wanted = round(max(-3.0, min(3.0, trend / 2)))
        if wanted == self._position:
            return ()
        sign = BUY if wanted > self._position else SELL
        self._position += sign
        lots = _rounded(self._terms.take_lots * 3, self._terms.round_lots)
        return _take(self.name, view, self._terms, sign, lots, reach=4)


class LargeTrader:
    """Comes a few times an hour and walks the book with a handful of clips in a row."""

    name = "large"

    def __init__(self, terms: Terms, random: Random) -> None:
        self._terms = terms
        self._random = random
        self._clips = 0
        self._sign = BUY
        self._acts_at: float | None = None

    def act(self, view: View) -> Sequence[Take]:
        if self._acts_at is None:
            self._rest(view)
        if self._acts_at is None or view.at < self._acts_at:
            return ()
        if not self._clips:
            self._clips = self._random.randint(3, 8)
            self._sign = self._random.choice((BUY, SELL))
        self._clips -= 1
        lots = _rounded(self._terms.level_lots * self._random.uniform(2, 7), self._terms.round_lots)
        if self._clips:
            self._acts_at = view.at + self._random.uniform(0.5, 4)
        else:
            self._rest(view)
        return _take(self.name, view, self._terms, self._sign, lots, reach=8)

    def _rest(self, view: View) -> None:
        self._acts_at = view.at + self._random.expovariate(1 / 900) / view.pace


def _take(name: str, view: View, terms: Terms, sign: int, lots: int, *, reach: int) -> list[Take]:
    """Return an order that goes at most `reach` usual spreads beyond the best opposite price."""
    opposite = view.best.ask if sign > 0 else view.best.bid
    if opposite is None:
        return []
    price = opposite + sign * max(1, round(terms.spread * reach))
    return [Take(name, terms.symbol, sign, price, lots)] if price > 0 else []


def _rounded(lots: float, step: int) -> int:
    """Return a whole number of `step`, at least one."""
    return max(step, round(lots / step) * step)
