"""A batch on its way in: which of its ticks are believed, and what these come to. Pure.

Tick by tick or, where they are many, all at once; both ways say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from marketdata import outcomes
from marketdata.batches import conflation, screening
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import rules
from marketdata.cleaning.rules import Known, Suspect
from marketdata.outcomes import Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Ingested:
    """What is believed of a batch, and what that comes to; the rest; what is known after it."""

    believed: TickColumns
    outcome: Outcome
    suspects: Sequence[Suspect]
    known: Mapping[str, Known]


def ingest(
    told: TickColumns, *, known: Mapping[str, Known], source: str, now: datetime | None
) -> Ingested:
    """Judge what `source` has told, in its order, by what is `known`."""
    if not screening.pays(told):
        cleaned = rules.clean(ticks=told.ticks(), known=known, source=source, now=now)
        places = told.places
        return Ingested(
            told.without([places[position] for position in cleaned.positions]),
            outcomes.of_ticks(cleaned.believed),
            cleaned.suspects,
            cleaned.known,
        )
    screened = screening.clean(told, known=known, source=source, now=now)
    suspects = [suspect for _, suspect in screened.suspects]
    outcome = conflation.outcome(screened.believed)
    return Ingested(screened.believed, outcome, suspects, screened.known)
