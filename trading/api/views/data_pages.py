"""Pages of the market's past: over symbols, and then over time, each going on where one ended."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from marketdata import calendars
from marketdata.history.records import Place
from marketdata.models import Instrument
from trading.api import errors, queries

RECORDS: Final = 1000
RECORDS_MAX: Final = 10_000
MOMENT: Final = timedelta(microseconds=1)
_NUMBER_MAX: Final = 2**63 - 1


class Piece(NamedTuple):
    """What is asked of one instrument: from `start` to `end`, at most `limit`, after a place."""

    start: datetime
    end: datetime
    limit: int
    is_ascending: bool
    after: Place | None


Read = Callable[[Instrument, Piece], Sequence[Any]]
"""Reads a piece; what it returns has a `place`, or is a bar, whose place is its start."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which span a call asks for, and after which place of which symbol to go on."""

    start: datetime
    end: datetime
    limit: int
    is_ascending: bool
    after: tuple[str, Place | None] | None

    @classmethod
    def of(cls, query: queries.Query, *, now: datetime) -> Wanted:
        return cls(
            start=queries.moment(query, "start") or calendars.midnight(calendars.date_of(now)),
            end=queries.moment(query, "end") or now,
            limit=queries.whole(query, "limit", default=RECORDS, most=RECORDS_MAX),
            is_ascending=queries.choice(query, "sort", ("asc", "desc"), default="asc") == "asc",
            after=_after(queries.text(query, "page_token")),
        )


def page(
    instruments: dict[str, Instrument], wanted: Wanted, *, read: Read
) -> tuple[dict[str, Sequence[Any]], str | None]:
    """Return one page by symbol, and the token of the next page if there is one."""
    found: dict[str, Sequence[Any]] = {}
    left = wanted.limit
    for symbol, instrument in instruments.items():
        after = None
        if wanted.after is not None:
            last_symbol, last_place = wanted.after
            if symbol < last_symbol:
                continue
            after = last_place if symbol == last_symbol else None
        # One more than fits tells whether there is another page.
        piece = Piece(wanted.start, wanted.end, left + 1, wanted.is_ascending, after)
        records = read(instrument, piece)
        if records[:left]:
            found[symbol] = records[:left]
        if len(records) > left:
            return found, _token(symbol, _place(records[left - 1]) if left else None)
        left -= len(records)
    return found, None


def _place(record: Any) -> Place:
    place: Place = getattr(record, "place", None) or Place(record.start, 0)
    return place


def _token(symbol: str, place: Place | None) -> str:
    told = f"{place.at.astimezone(UTC).isoformat()}|{place.number}" if place else ""
    return base64.urlsafe_b64encode(f"{symbol}|{told}".encode()).decode()


def _after(token: str | None) -> tuple[str, Place | None] | None:
    if token is None:
        return None
    try:
        symbol, _, told = base64.urlsafe_b64decode(token).decode().partition("|")
        if not told:
            return symbol, None
        at, _, number = told.partition("|")
        place = Place(
            # Within what dates can say.
            datetime.fromisoformat(at).astimezone(UTC) + MOMENT - MOMENT,
            int(number or 0),
        )
        if not 0 <= place.number <= _NUMBER_MAX:
            raise ValueError(number)
    except (binascii.Error, UnicodeDecodeError, ValueError, OverflowError):
        raise errors.invalid("page_token is not one that was given here.") from None
    return symbol, place
