"""What goes over the socket, message by message, in both directions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from marketdata.stream.pictures import SIZE_MAX, TIME_MAX, Units
from marketdata.stream.varints import Malformed, Reader, write_text, write_unsigned
from marketdata.stream.wire import IDS_MAX, NO_STREAM, STREAM_BYTES, VERSION, Frame, opening

SYMBOL_BYTES_MAX: Final = 24
SEQUENCE_MAX: Final = 2**53 - 1
UPDATES: Final = bytes([opening(Frame.UPDATES)])
"""What a frame of updates begins with; entries of `chain.Link` follow."""


class Refusal(IntEnum):
    """Why the server did not do what it was asked; the socket lives on."""

    MALFORMED = 1
    UNKNOWN_VERSION = 2
    UNKNOWN_FRAME = 3
    INVALID_ID = 4
    ID_IN_USE = 5
    INVALID_SYMBOL = 6
    TOO_MANY_SYMBOLS = 7


class Refused(Malformed):
    """What a client sent cannot be done, with the code that tells it why."""

    def __init__(self, code: Refusal, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Wanted:
    """An instrument that a client asks for: under which id, and up to where it has it."""

    number: int
    symbol: str
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`stream` is the one that the sequences are of; of another they say nothing.

    Wanted are the instruments' books and not their prices where `are_books`.
    """

    stream: bytes
    wanted: tuple[Wanted, ...]
    are_books: bool = False


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    numbers: tuple[int, ...]


# --- What the server says ------------------------------------------------------------------------


def hello(*, stream: bytes, at: int, heartbeat_seconds: int) -> bytes:
    """Return the first frame: the stream's name, our clock, the longest silence to expect."""
    out = bytearray([opening(Frame.HELLO)])
    out += stream
    write_unsigned(out, at)
    out.append(heartbeat_seconds)
    return bytes(out)


def updates(entries: Iterable[bytes]) -> bytes:
    return UPDATES + b"".join(entries)


def heartbeat(*, at: int) -> bytes:
    out = bytearray([opening(Frame.HEARTBEAT)])
    write_unsigned(out, at)
    return bytes(out)


def refused(*, code: Refusal, message: str) -> bytes:
    out = bytearray([opening(Frame.REFUSED), code])
    write_text(out, message)
    return bytes(out)


# --- What a client says --------------------------------------------------------------------------


def subscribe(
    wanted: Iterable[Wanted], *, stream: bytes = NO_STREAM, are_books: bool = False
) -> bytes:
    out = bytearray([opening(Frame.SUBSCRIBE_BOOKS if are_books else Frame.SUBSCRIBE)])
    out += stream
    for each in wanted:
        write_unsigned(out, each.number)
        write_text(out, each.symbol)
        write_unsigned(out, each.sequence)
    return bytes(out)


def unsubscribe(numbers: Iterable[int]) -> bytes:
    out = bytearray([opening(Frame.UNSUBSCRIBE)])
    for number in numbers:
        write_unsigned(out, number)
    return bytes(out)


def asked(frame: bytes) -> Subscribe | Unsubscribe:
    """Return what a client's frame asks for. Raises Refused."""
    reader = Reader(frame)
    try:
        kind = frame_of(reader)
        if kind in (Frame.SUBSCRIBE, Frame.SUBSCRIBE_BOOKS):
            return _asked_to_subscribe(reader, are_books=kind == Frame.SUBSCRIBE_BOOKS)
        if kind == Frame.UNSUBSCRIBE:
            return Unsubscribe(tuple(_numbers(reader)))
    except UnknownVersion as error:
        raise Refused(Refusal.UNKNOWN_VERSION, str(error)) from error
    except Refused:
        raise
    except Malformed as error:
        raise Refused(Refusal.MALFORMED, str(error)) from error
    raise Refused(
        Refusal.UNKNOWN_FRAME, "Frames: 8 subscribe, 9 unsubscribe, 10 subscribe to books."
    )


def _asked_to_subscribe(reader: Reader, *, are_books: bool) -> Subscribe:
    stream = reader.bytes(STREAM_BYTES)
    wanted = []
    while not reader.is_at_end:
        number = _number(reader)
        symbol = reader.text()
        if not 0 < len(symbol.encode()) <= SYMBOL_BYTES_MAX:
            raise Refused(Refusal.INVALID_SYMBOL, f"A symbol has 1 to {SYMBOL_BYTES_MAX} bytes.")
        sequence = reader.unsigned()
        if sequence > SEQUENCE_MAX:
            raise reader.malformed("a sequence is out of all bounds")
        wanted.append(Wanted(number, symbol, sequence))
    return Subscribe(stream, tuple(wanted), are_books)


def _numbers(reader: Reader) -> Iterable[int]:
    while not reader.is_at_end:
        yield _number(reader)


def _number(reader: Reader) -> int:
    number = reader.unsigned()
    if number >= IDS_MAX:
        raise Refused(Refusal.INVALID_ID, f"An id is less than {IDS_MAX}.")
    return number


# --- What both read ------------------------------------------------------------------------------


class UnknownVersion(Malformed):
    """The frame is of a version of the stream that this program does not know."""


def frame_of(reader: Reader) -> int:
    """Read which frame follows. Raises UnknownVersion."""
    first = reader.byte()
    if first >> 4 != VERSION:
        raise UnknownVersion(f"this is version {first >> 4} of the stream, and not {VERSION}")
    return first & 15


def read_units(reader: Reader) -> Units:
    return Units(_read_unit(reader), _read_unit(reader))


def _read_unit(reader: Reader) -> int:
    digits, number = reader.byte(), reader.unsigned()
    unit = number * 10 ** (9 - digits) if digits <= 9 else 0
    if not 0 < unit <= SIZE_MAX:
        raise reader.malformed("a unit is out of all bounds")
    return unit


def read_time(reader: Reader) -> int:
    at = reader.unsigned()
    if at > TIME_MAX:
        raise reader.malformed("a time is out of all bounds")
    return at


def read_sequence(reader: Reader) -> int:
    sequence = reader.unsigned()
    if not 0 < sequence <= SEQUENCE_MAX:
        raise reader.malformed("a sequence is out of all bounds")
    return sequence
