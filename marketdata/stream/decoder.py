"""The reading side of the stream: the reference for whoever writes a client.

    decoder = Decoder()
    socket.send(decoder.subscribe(["IBM", "BTC/USD"]))
    for frame in socket:
        for event in decoder.take(frame): ...

Keep the decoder when the connection is lost: the same `subscribe` on the next one goes on from
what it has. After a `Gap` ask once more for that symbol; until its snapshot nothing is said of it.
Books are asked for by `subscribe(symbols, are_books=True)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from marketdata.stream import frames
from marketdata.stream.frames import Wanted
from marketdata.stream.pictures import NO_DEPTH, Depth, Picture, Units, Update
from marketdata.stream.reading import read_updates, skip_updates
from marketdata.stream.varints import Reader
from marketdata.stream.wire import IDS_MAX, NO_STREAM, STREAM_BYTES, Frame


@dataclass(frozen=True, slots=True)
class Hello:
    stream: bytes
    at: int
    heartbeat_seconds: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    at: int


@dataclass(frozen=True, slots=True)
class Refused:
    code: int
    message: str


@dataclass(frozen=True, slots=True)
class News:
    """What was said of `symbol`, or of its book; a snapshot replaces all that was said before."""

    symbol: str
    sequence: int
    is_snapshot: bool
    updates: tuple[Update, ...]
    is_of_book: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Something between `sequence`, the last that we have of `symbol`, and now is missing."""

    number: int
    symbol: str
    sequence: int
    is_of_book: bool = False


Event = Hello | Heartbeat | Refused | News | Gap


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is known under one id. With a gap, the picture is the last that was whole."""

    symbol: str
    units: Units
    sequence: int
    picture: Picture
    is_book: bool = False
    has_gap: bool = False


class Asked(NamedTuple):
    """What has an id: an instrument's prices, or its book."""

    symbol: str
    is_book: bool


class NoIdLeft(Exception):
    """More symbols than a connection has ids: begin with a new decoder."""


class Decoder:
    """Follows one socket after the other. A frame is taken whole or, malformed, not at all."""

    def __init__(self) -> None:
        self.stream = NO_STREAM
        self.instruments: dict[int, Instrument] = {}
        self._numbers: dict[Asked, int] = {}
        self._books: set[int] = set()

    def picture(self, symbol: str) -> Picture | None:
        """Return the latest of `symbol`; None where nothing is known, or something was missed."""
        return self._picture(Asked(symbol, is_book=False))

    def book(self, symbol: str) -> Depth | None:
        """Return the latest of the book of `symbol`; None as with `picture`."""
        picture = self._picture(Asked(symbol, is_book=True))
        return None if picture is None else picture.depth or NO_DEPTH

    def _picture(self, asked: Asked) -> Picture | None:
        instrument = self.instruments.get(self._numbers.get(asked, -1))
        if instrument is None or instrument.has_gap or instrument.symbol != asked.symbol:
            return None
        return instrument.picture

    def subscribe(self, symbols: Iterable[str], *, are_books: bool = False) -> bytes:
        """Return the frame that asks for `symbols` from where we have them. Raises NoIdLeft."""
        wanted = [self._wanted(Asked(each, are_books)) for each in symbols]
        return frames.subscribe(wanted, stream=self.stream, are_books=are_books)

    def unsubscribe(self, symbols: Iterable[str], *, are_books: bool = False) -> bytes:
        """Return the frame that asks for no more of `symbols`."""
        asked = [Asked(each, are_books) for each in symbols]
        return frames.unsubscribe([self._numbers[each] for each in asked if each in self._numbers])

    def _wanted(self, asked: Asked) -> Wanted:
        if asked not in self._numbers:
            if len(self._numbers) == IDS_MAX:
                raise NoIdLeft(asked.symbol)
            self._numbers[asked] = len(self._numbers)
        number = self._numbers[asked]
        if asked.is_book:
            self._books.add(number)
        known = self._picture(asked) is not None
        return Wanted(number, asked.symbol, self.instruments[number].sequence if known else 0)

    def take(self, frame: bytes) -> list[Event]:
        """Return what `frame` says, nothing for a frame of a kind that came later.

        Raises varints.Malformed, with everything as it was before; connect again then.
        """
        reader = Reader(frame)
        match frames.frame_of(reader):
            case Frame.HELLO:
                return [self._hello(reader)]
            case Frame.UPDATES:
                return self._updates(reader)
            case Frame.HEARTBEAT:
                return [Heartbeat(frames.read_time(reader))]
            case Frame.REFUSED:
                return [Refused(reader.byte(), reader.text())]
            case _:
                return []

    def _hello(self, reader: Reader) -> Hello:
        stream = reader.bytes(STREAM_BYTES)
        hello = Hello(stream, frames.read_time(reader), reader.byte())
        if stream != self.stream:
            # Its numbers say nothing about what we have: until their snapshots all is unknown.
            self.instruments = {
                number: replace(each, has_gap=True) for number, each in self.instruments.items()
            }
        self.stream = stream
        return hello

    def _updates(self, reader: Reader) -> list[Event]:
        changed: dict[int, Instrument] = {}
        events: list[Event] = []
        while not reader.is_at_end:
            head = reader.unsigned()
            number = head >> 1
            if number >= IDS_MAX:
                raise reader.malformed(f"there is no id {number}")
            before = changed.get(number) or self.instruments.get(number)
            event: Event | None
            if head & 1:
                event, instrument = _snapshot(reader, is_of_book=number in self._books)
            elif before is None:
                reader.byte()
                skip_updates(reader)
                continue
            else:
                event, instrument = _difference(reader, number, before)
            changed[number] = instrument
            if event is not None:
                events.append(event)
        self.instruments |= changed
        return events


def _snapshot(reader: Reader, *, is_of_book: bool) -> tuple[Event, Instrument]:
    sequence, symbol, units = (
        frames.read_sequence(reader),
        reader.text(),
        frames.read_units(reader),
    )
    picture = Picture()
    updates = read_updates(reader, picture, units)
    news = News(symbol, sequence, is_snapshot=True, updates=tuple(updates), is_of_book=is_of_book)
    return news, Instrument(symbol, units, sequence, picture, is_book=is_of_book)


def _difference(reader: Reader, number: int, before: Instrument) -> tuple[Event | None, Instrument]:
    """Follow `before` by what is read; of one with a gap, only read past it."""
    sequence = before.sequence + 1
    is_next = reader.byte() == sequence & 0xFF
    if before.has_gap or not is_next:
        skip_updates(reader)
        gap = Gap(number, before.symbol, before.sequence, before.is_book)
        return None if before.has_gap else gap, replace(before, has_gap=True)
    picture = before.picture.copy()
    updates = read_updates(reader, picture, before.units)
    news = News(
        before.symbol,
        sequence,
        is_snapshot=False,
        updates=tuple(updates),
        is_of_book=before.is_book,
    )
    return news, replace(before, sequence=sequence, picture=picture)
