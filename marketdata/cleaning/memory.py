"""What this process remembers of prices between two batches: where their levels stand.

An estimate, and nothing that anybody is owed: a process that starts has none, and believes what
the widest fence allows until it has seen enough. Pure, but for the memory itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from marketdata.cleaning.rules import Known

_levels: dict[UUID, Known] = {}  # bounded by how many instruments there are


def recall(instrument_id: UUID, known: Known) -> Known:
    """Return `known` with the levels that were kept, if nobody has told prices since."""
    kept = _levels.get(instrument_id)
    if kept is None or not _stands(kept, known):
        return known
    return replace(known, bid=kept.bid, ask=kept.ask, last=kept.last)


def keep(learned: Mapping[UUID, Known]) -> None:
    """Remember what is known of instruments after a batch."""
    _levels.update(learned)


def forget() -> None:
    """Begin as a process does."""
    _levels.clear()


def _stands(kept: Known, known: Known) -> bool:
    """Tell whether `known` is what was `kept`. Of an instrument without a quote no time is kept."""
    printed = (kept.source, kept.trade_at, kept.trade_id)
    is_quote_same = kept.quote_at is None or kept.quote_at == known.quote_at
    return is_quote_same and printed == (known.source, known.trade_at, known.trade_id)
