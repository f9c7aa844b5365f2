"""A batch on its way in: which of its ticks are believed, and what these come to. Pure.

Tick by tick or, where they are many, in columns that are made once; both ways say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from marketdata import outcomes
from marketdata.batches import conflation, screening
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import rules
from marketdata.cleaning.rules import Cleaned, Known
from marketdata.outcomes import Outcome
from marketdata.ticks import Tick


@dataclass(frozen=True, slots=True)
class Ingested:
    """How a batch was judged, and what its believed ticks come to."""

    cleaned: Cleaned
    outcome: Outcome


def ingest(
    *, ticks: Sequence[Tick], known: Mapping[str, Known], source: str, now: datetime | None
) -> Ingested:
    """Judge `ticks`, told by `source`, in their order, by what is `known`."""
    if len(ticks) < screening.AT_ONCE_MIN:
        cleaned = rules.clean(ticks=ticks, known=known, source=source, now=now)
        return Ingested(cleaned, outcomes.of_ticks(cleaned.believed))
    screened = screening.clean(TickColumns.of(ticks), known=known, source=source, now=now)
    return Ingested(screened.cleaned(ticks), conflation.outcome(screened.believed))
