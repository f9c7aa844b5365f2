"""What was said on the tape, as it is read again. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID


class ArchiveIncomplete(RuntimeError):
    """A file of `day` is missing of which the tables say that it has ticks, or it is unreadable."""

    def __init__(self, message: str, *, day: date) -> None:
        super().__init__(message)
        self.day = day


class Place(NamedTuple):
    """Where on the tape something stands: by its time, then in the order in which we heard it."""

    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Print:
    """One trade of time and sales. `trade_id` is the source's own number of it.

    One with `sets_last` False is volume and no price: the tape's rules keep it out.
    """

    at: datetime
    number: int
    source: str
    price: Decimal
    size: Decimal
    trade_id: str
    sets_last: bool

    @property
    def place(self) -> Place:
        return Place(self.at, self.number)


@dataclass(frozen=True, slots=True)
class Sides:
    """The best bid and offer from `at` on; a side without orders is None, of size 0."""

    at: datetime
    number: int
    source: str
    bid: Decimal | None
    bid_size: Decimal
    ask: Decimal | None
    ask_size: Decimal

    @property
    def place(self) -> Place:
        return Place(self.at, self.number)


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

    @property
    def earliest(self) -> datetime:
        return max(self.start, self.after.at) if self.after and self.is_ascending else self.start

    @property
    def latest(self) -> datetime:
        return min(self.end, self.after.at) if self.after and not self.is_ascending else self.end
