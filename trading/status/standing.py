"""How well it goes now, from what is measured; nothing in it is a secret or names anybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from django.conf import settings

from foundation import metrics
from foundation.metrics import Spread
from foundation.models import Measured
from marketdata import selectors as market
from marketdata.selectors import Freshness
from reconciliation.day import selectors as days
from trading import health

MEASURED_AGE_SECONDS_MAX: Final = 30.0
LAST_DAYS: Final = 3


class Level(StrEnum):
    """Of a part of the service, and of all of it: the worst of its parts."""

    GOOD = "good"
    IMPAIRED = "impaired"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took in the last five minutes, in milliseconds; None without any."""

    count: int
    median_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One part of the service, in words."""

    name: str
    level: Level
    says: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All of it, at `at`."""

    at: datetime
    level: Level
    lines: tuple[Line, ...]
    orders: Times
    commits: Times
    sources: tuple[Freshness, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "at": self.at.isoformat(),
            "status": self.level.value,
            "parts": [
                {"name": line.name, "status": line.level.value, "says": line.says}
                for line in self.lines
            ],
            "orders": _plain(self.orders),
            "durable_commits": _plain(self.commits),
            "prices": [
                {
                    "source": each.source,
                    "age_seconds": round(_age(each.newest_at, self.at), 1),
                    "quoted": each.quoted,
                    "stale": each.stale,
                }
                for each in self.sources
            ],
        }


def standing(*, now: datetime) -> Standing:
    """Return how well it goes now. Raises django.db.Error where the database does not answer."""
    rows = [
        row
        for row in Measured.objects.exclude(commit_ms=None).order_by("pk")
        if _age(row.at, now) <= MEASURED_AGE_SECONDS_MAX
    ]
    sources = tuple(market.freshness(now=now))
    ready = health.readiness(now=now)
    lines = (_trading(ready), _prices(sources, now), _durability(rows), _close_of_day())
    return Standing(
        at=now,
        level=worst(line.level for line in lines),
        lines=lines,
        orders=times(row.acknowledgements for row in rows),
        commits=times(row.commits for row in rows),
        sources=sources,
    )


def worst(levels: Iterable[Level]) -> Level:
    """Return the worst of `levels`."""
    order = tuple(Level)
    return max(levels, key=order.index, default=Level.GOOD)


def times(counts: Iterable[list[int]]) -> Times:
    """Return what processes have measured as one; what was measured by other bounds is left out."""
    spreads = (Spread(metrics.SECONDS, tuple(each)) for each in counts if _fits(each))
    whole = metrics.sum_of(spreads)
    median, p95, p99 = (_milliseconds(whole.quantile(part)) for part in (0.5, 0.95, 0.99))
    return Times(whole.count, median, p95, p99)


def _fits(counts: list[int]) -> bool:
    return len(counts) == len(metrics.SECONDS) + 1


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)


def _trading(ready: health.Readiness) -> Line:
    if ready.is_ready:
        return Line("Orders", Level.GOOD, "Orders are taken and carried out.")
    venues = ready.checks.get("venues", {})
    if not venues.get("ready", False):
        return Line("Orders", Level.DOWN, "No venue can be reached: new orders are denied.")
    return Line("Orders", Level.IMPAIRED, "Orders may be denied or wait.")


def _prices(sources: tuple[Freshness, ...], now: datetime) -> Line:
    fresh = [s for s in sources if _age(s.newest_at, now) <= settings.QUOTE_AGE_SECONDS_MAX]
    if not fresh:
        return Line("Prices", Level.DOWN, "No price is fresh: nothing trades on old ones.")
    if len(fresh) < len(sources):
        return Line("Prices", Level.IMPAIRED, "Some prices are old: what they are of is denied.")
    return Line("Prices", Level.GOOD, "Prices are fresh.")


def _durability(rows: list[Measured]) -> Line:
    if not rows:
        return Line("Records", Level.IMPAIRED, "Nobody has measured for half a minute.")
    if not all(row.is_durable for row in rows):
        return Line("Records", Level.IMPAIRED, "Commits do not wait for the disk.")
    slowest = max(row.commit_ms or 0.0 for row in rows)
    says = f"What is confirmed lies on the disk; the last took {slowest:.1f} ms."
    return Line("Records", Level.GOOD, says)


def _close_of_day() -> Line:
    closings = days.recent(LAST_DAYS)
    if any(each.failed for each in closings):
        return Line("Close of day", Level.IMPAIRED, "A job has failed: statements may be late.")
    closed = [each.day for each in closings if each.ended_at is not None]
    says = f"The last day that was closed is {max(closed)}." if closed else "No day was closed yet."
    return Line("Close of day", Level.GOOD, says)


def _plain(times: Times) -> dict[str, Any]:
    return {
        "count": times.count,
        "p50_ms": times.median_ms,
        "p95_ms": times.p95_ms,
        "p99_ms": times.p99_ms,
    }


def _age(at: datetime, now: datetime) -> float:
    return max(0.0, (now - at).total_seconds())
