"""Limit-up and limit-down: how far from its recent mean a price may trade. Pure, on ticks.

The reference price is the mean of the trades of the last five minutes, and follows it only when
that has moved by a percent, as in the plan of the US markets. The half minute that is still
running does not count, so that a run does not carry its own bands along. No execution happens
outside the bands around it. Interest that stands at a band is a limit state; one that lasts
pauses trading.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from marketdata.price_steps import PriceSteps
from venues.exchange.commands import BandTerms

_BUCKET_SECONDS: Final = 30
_BUCKETS: Final = 10
_MOVE_PERCENT: Final = 1
_NO_BAND: Final = 10**18


class Bands:
    """The bands of one instrument as they stand. Without a reference price there are none."""

    __slots__ = ("_buckets", "_steps", "limit_since", "lower", "reference", "terms", "upper")

    def __init__(self, terms: BandTerms, steps: PriceSteps[int]) -> None:
        self.terms = terms
        self._steps = steps
        self.reference: int | None = None
        self.lower, self.upper = 1, _NO_BAND
        self.limit_since: datetime | None = None
        # By half minute: the sum of the prices traded then, and how many they were.
        self._buckets: dict[int, list[int]] = {}

    def _refer_to(self, reference: int) -> None:
        """Lay the bands around `reference`, each at a price that there is."""
        steps = self._steps
        width = max(steps.at(reference), int(reference * self.terms.percent / 100))
        self.reference = reference
        self.lower = steps.up(max(1, reference - width))
        self.upper = steps.down(reference + width)

    def clip(self, sign: int, price: int) -> int:
        """Return the price itself, or the band beyond which an order with it may not execute."""
        return min(price, self.upper) if sign > 0 else max(price, self.lower)

    def note(self, price: int, at: datetime) -> None:
        """Take note of a trade."""
        number = int(at.timestamp()) // _BUCKET_SECONDS
        bucket = self._buckets.setdefault(number, [0, 0])
        bucket[0] += price
        bucket[1] += 1
        if self.reference is None:
            self._refer_to(price)

    def start_from(self, price: int | None) -> None:
        """Forget what was: an auction has found a price, or None, and trading begins anew."""
        self._buckets = {}
        self.limit_since = None
        if price is not None:
            self._refer_to(price)

    def follow(self, at: datetime) -> bool:
        """Let the reference follow the recent trades; return whether it has moved."""
        running = int(at.timestamp()) // _BUCKET_SECONDS
        if any(number < running - _BUCKETS for number in self._buckets):
            recent = {n: each for n, each in self._buckets.items() if n >= running - _BUCKETS}
            self._buckets = recent
        past = [each for number, each in self._buckets.items() if number < running]
        count = sum(count for _, count in past)
        if not count or self.reference is None:
            return False
        mean = sum(total for total, _ in past) // count
        if abs(mean - self.reference) * 100 < self.reference * _MOVE_PERCENT:
            return False
        self._refer_to(mean)
        return True

    def watch(self, bid: int | None, ask: int | None, at: datetime) -> None:
        """Begin or end the limit state by the best bid and offer."""
        is_at_band = self.reference is not None and (
            (bid is not None and bid >= self.upper) or (ask is not None and ask <= self.lower)
        )
        if not is_at_band:
            self.limit_since = None
        elif self.limit_since is None:
            self.limit_since = at

    @property
    def pauses_at(self) -> datetime | None:
        """Return when trading pauses, unless the limit state ends before."""
        if self.limit_since is None:
            return None
        return self.limit_since + timedelta(seconds=self.terms.limit_seconds)

    def state(self) -> list[Any]:
        """Return what is not in the terms, in plain values."""
        since = self.limit_since.isoformat() if self.limit_since else None
        return [self.reference, since, [[number, *each] for number, each in self._buckets.items()]]

    @classmethod
    def restore(cls, terms: BandTerms, steps: PriceSteps[int], state: list[Any]) -> Bands:
        reference, since, buckets = state
        bands = cls(terms, steps)
        if reference is not None:
            bands._refer_to(reference)
        bands.limit_since = datetime.fromisoformat(since) if since else None
        bands._buckets = {number: each for number, *each in buckets}
        return bands
