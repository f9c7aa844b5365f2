"""Why a row was changed, as django-simple-history writes it beside the row's next version."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

REASON_LENGTH_MAX: Final = 100


def because(row: Any, reason: str, *, at: datetime | None = None) -> None:
    """Have the next version of a row say why it was changed, and when, if not now.

    What is too long for a version is cut. The row is one of any model with a history: what is set
    on it are no fields, but what the library looks for when the row is saved.
    """
    row._change_reason = reason[:REASON_LENGTH_MAX]
    if at is not None:
        row._history_date = at
