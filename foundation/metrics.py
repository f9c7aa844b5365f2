"""What a room counts of its own work: instruments, which whoever watches the program reads.

A room names an instrument once, at the top of a module, and counts; it knows nothing of who reads.
Each process counts for itself, from its start. Labels are words of ours (codes, calls, states),
never what somebody outside has written. A child with its labels bound (`of.labels("place")`,
kept in a name) counts in half a microsecond, so that an order may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY: Final = CollectorRegistry()

SECONDS: Final = (
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
)  # fmt: skip
"""Upper bounds of times from a millisecond to the longest that a call may take."""
SIZES: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
"""Upper bounds of how many go together in one transaction."""


def counter(name: str, meaning: str, *labels: str) -> Counter:
    """Return what counts how often something happened; `name` ends in `_total`."""
    return Counter(name, meaning, labels, registry=REGISTRY)


def histogram(
    name: str, meaning: str, *labels: str, bounds: Sequence[float] = SECONDS
) -> Histogram:
    """Return what tells how sizes are spread; `name` ends in their unit."""
    return Histogram(name, meaning, labels, buckets=bounds, registry=REGISTRY)


def level(name: str, meaning: str, *labels: str) -> Gauge:
    """Return what shows how many of something there are now."""
    return Gauge(name, meaning, labels, registry=REGISTRY)


def reading(
    name: str,
    meaning: str,
    *labels: str,
    read: Callable[[], Iterable[tuple[tuple[str, ...], float]]],
) -> None:
    """Have `read` asked for a number for each set of labels, whenever somebody looks."""
    REGISTRY.register(_Reading(name, meaning, labels, read))


class _Reading(Collector):
    def __init__(
        self,
        name: str,
        meaning: str,
        labels: tuple[str, ...],
        read: Callable[[], Iterable[tuple[tuple[str, ...], float]]],
    ) -> None:
        self._name, self._meaning, self._labels, self._read = name, meaning, labels, read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._meaning, labels=self._labels)
        for labels, value in self._read():
            family.add_metric(labels, value)
        yield family

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(self._name, self._meaning, labels=self._labels)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many observations fell at or below each of `bounds`, each for itself, and beyond."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def count(self) -> int:
        return sum(self.counts)

    def since(self, earlier: Spread) -> Spread:
        """Return what was observed after `earlier`."""
        pairs = zip(self.counts, earlier.counts, strict=True)
        return Spread(self.bounds, tuple(now - then for now, then in pairs))

    def quantile(self, part: float) -> float | None:
        """Return below what `part` (0 to 1) of the observations lie, None without any.

        Inside a bucket as if they lay evenly in it; beyond the last bound it is that bound.
        Prometheus' histogram_quantile says the same.
        """
        if not self.count:
            return None
        rank, below, floor = part * self.count, 0, 0.0
        for bound, count in zip(self.bounds, self.counts, strict=False):
            if count and below + count >= rank:
                return floor + (bound - floor) * max(rank - below, 0.0) / count
            below, floor = below + count, bound
        return self.bounds[-1]


def spread(of: Histogram) -> Spread:
    """Return what `of` has observed since the process began, whatever its labels."""
    upper: dict[float, float] = {}
    for family in of.collect():
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                bound = float(sample.labels["le"])
                upper[bound] = upper.get(bound, 0) + sample.value
    bounds = sorted(upper)
    rising = [int(upper[bound]) for bound in bounds]
    counts = [now - then for then, now in zip([0, *rising], rising, strict=False)]
    return Spread(tuple(bounds[:-1]), tuple(counts))


def sum_of(spreads: Iterable[Spread], *, bounds: Sequence[float] = SECONDS) -> Spread:
    """Return all of `spreads` as one; those of other bounds count for nothing."""
    counts = [0] * (len(bounds) + 1)
    for each in spreads:
        if each.bounds == tuple(bounds):
            counts = [so_far + more for so_far, more in zip(counts, each.counts, strict=True)]
    return Spread(tuple(bounds), tuple(counts))
