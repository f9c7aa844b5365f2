"""What all customers have at stake, added up aside and kept: for a page that must not wait."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from foundation import decimals
from risk import firm
from risk.firm import Exposure, Largest, Stress, Totals
from risk.models import FirmMeasurement

ROWS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Measured:
    """What customers had at stake at `at`; adding it up took so many seconds.

    The instruments and accounts with the most, long and short added; `stress` are the shocks of
    all prices and of each sector's, `now` how it stood before them.
    """

    at: datetime
    seconds: float
    totals: Totals
    exposures: Sequence[Exposure]
    largest: Sequence[Largest]
    now: Stress
    stress: Sequence[Stress]

    @property
    def gross(self) -> Decimal:
        return self.totals.long_value - self.totals.short_value

    @property
    def net(self) -> Decimal:
        return self.totals.long_value + self.totals.short_value

    @property
    def worst(self) -> Stress | None:
        """Return the shock that costs the firm the most, of those the one that customers lack
        the most after."""
        return max(
            self.stress,
            key=lambda each: (each.loss, each.deficit, -each.change),
            default=None,
        )


def measure(*, now: datetime) -> Measured:
    """Add it up, and keep it in place of what was kept before."""
    begun = time.monotonic()
    stands, stress = firm.stressed()
    found = Measured(
        at=now,
        seconds=0.0,
        totals=firm.totals(),
        exposures=firm.exposures()[:ROWS_MAX],
        largest=firm.largest()[:ROWS_MAX],
        now=stands,
        stress=stress,
    )
    seconds = time.monotonic() - begun
    figures = asdict(found)
    del figures["at"], figures["seconds"]
    FirmMeasurement.objects.update_or_create(
        pk=1,
        defaults={
            "at": now,
            "seconds": seconds,
            "figures": orjson.loads(orjson.dumps(figures, default=_as_text)),
        },
    )
    return replace(found, seconds=seconds)


def last() -> Measured | None:
    """Return what was measured last, None before the first time."""
    row = FirmMeasurement.objects.filter(pk=1).first()
    if row is None:
        return None
    told = row.figures
    return Measured(
        at=row.at,
        seconds=row.seconds,
        totals=Totals(**_exact(told["totals"])),
        exposures=[Exposure(**_exact(each)) for each in told["exposures"]],
        largest=[Largest(**_exact(each)) for each in told["largest"]],
        now=Stress(**_exact(told["now"])),
        stress=[Stress(**_exact(each)) for each in told["stress"]],
    )


_WORDS: Final = frozenset({"symbol", "sector", "number"})


def _as_text(value: object) -> str:
    if isinstance(value, Decimal):
        return decimals.text(value)
    raise TypeError(type(value).__name__)


def _exact(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a figure as they were before they were written down."""
    return {name: _of(name, value) for name, value in told.items()}


def _of(name: str, value: Any) -> Any:
    if name == "account_id":
        return UUID(value)
    return Decimal(value) if isinstance(value, str) and name not in _WORDS else value
