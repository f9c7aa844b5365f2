"""What a venue says of a day, over a path that no order and no report ever takes.

Whoever holds our books against a venue's reads here; the order flow never does.
"""

from __future__ import annotations

from datetime import date

from venues.exchange import statement
from venues.exchange.commands import OURSELVES
from venues.models import Venue


def fetchable() -> list[str]:
    """Return the venues whose statements can be had at any time: those that live in the house."""
    found = Venue.objects.filter(kind=Venue.Kind.EMBEDDED).order_by("name")
    return list(found.values_list("name", flat=True))


def fetch(*, day: date) -> bytes:
    """Return the embedded exchange's statement of `day`, as its file has it.

    Of a day that is not over it says what has happened so far.
    """
    return statement.as_csv(statement.lines(member=OURSELVES, day=day)).encode()


def file_name(*, day: date) -> str:
    return statement.file_name(member=OURSELVES, day=day)
