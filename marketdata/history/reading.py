"""Time and sales, and the quotes as they changed, in pieces that a reader can go on from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import Model, Q

from marketdata.history.models import TapeQuote, TapeTrade
from marketdata.history.records import Place, Print, Sides

_PRINT: Final = ("at", "number", "source", "price", "size", "trade_id", "sets_last")
_SIDES: Final = ("at", "number", "source", "bid", "bid_size", "ask", "ask_size")

Record = TypeVar("Record", Print, Sides)


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked for of one instrument: from `start` to `end`, both included.

    At most `limit` records; with `after`, those that follow that place in the order asked for.
    """

    instrument_id: UUID
    start: datetime
    end: datetime
    limit: int
    is_ascending: bool = True
    after: Place | None = None


def trades(span: Span) -> list[Print]:
    return _stored(TapeTrade, _PRINT, Print, span)


def quotes(span: Span) -> list[Sides]:
    return _stored(TapeQuote, _SIDES, Sides, span)


def _stored(
    model: type[Model], columns: tuple[str, ...], record: type[Record], span: Span
) -> list[Record]:
    rows = model._default_manager.filter(
        instrument_id=span.instrument_id, at__gte=span.start, at__lte=span.end
    )
    if span.after is not None:
        at, number = span.after
        # The first condition says no more than the second; the index understands it.
        if span.is_ascending:
            rows = rows.filter(Q(at__gte=at) & (Q(at__gt=at) | Q(number__gt=number)))
        else:
            rows = rows.filter(Q(at__lte=at) & (Q(at__lt=at) | Q(number__lt=number)))
    order = ("at", "number") if span.is_ascending else ("-at", "-number")
    found = rows.order_by(*order).values_list(*columns)[: span.limit]
    return [record(*row) for row in found]
