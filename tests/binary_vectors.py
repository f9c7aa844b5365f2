"""The test vectors of the binary stream: what a client is sent, and what it must make of it.

`python -m tests.binary_vectors` writes tests/golden/binary_stream.json, for decoders in any
language. Amounts are texts, in billionths (turnover in billionths of billionths).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from marketdata.stream import frames
from marketdata.stream.chain import Chain
from marketdata.stream.decoder import Decoder, Event
from marketdata.stream.frames import Refusal
from marketdata.stream.pictures import (
    ONE,
    Bar,
    Depth,
    Level,
    Picture,
    Quote,
    Span,
    Status,
    Trade,
    Units,
    Update,
)
from marketdata.stream.varints import Malformed

FILE: Final = Path(__file__).parent / "golden" / "binary_stream.json"
STREAM: Final = bytes.fromhex("0102030405060708")
OPENED_AT: Final = 1_381_152_600_000_000  # 2013-10-07 09:30 in New York
CENT: Final = ONE // 100
LOTS: Final = Units(CENT, 100 * ONE)
COINS: Final = Units(CENT, 10)

_WHOLE: Final = {"at", "span", "start", "trades", "sequence", "number", "code"}

Json = dict[str, Any]


def told(event: Event) -> Json:
    """Return what an event says as the vectors and the JavaScript decoder say it."""
    return {"type": type(event).__name__.lower(), **_fields(event)}


def pictured(picture: Picture | None) -> Json | None:
    if picture is None:
        return None
    parts = {name: getattr(picture, name) for name in ("status", "quote", "trade", "depth")}
    return {
        **{name: None if part is None else _said(part) for name, part in parts.items()},
        "bars": [_said(picture.bars[span]) for span in sorted(picture.bars)],
        "time": picture.time,
    }


def _said(update: Update) -> Json:
    return {"kind": type(update).__name__.lower(), **_fields(update)}


def _fields(value: Any) -> Json:
    return {
        _camel(each.name): _plain(each.name, getattr(value, each.name))
        for each in dataclasses.fields(value)
    }


def _plain(name: str, value: Any) -> Any:
    if name == "updates":
        return [_said(each) for each in value]
    if name in ("bids", "asks"):
        return [{"price": str(level.price), "size": str(level.size)} for level in value]
    if isinstance(value, bytes):
        return value.hex()
    is_amount = type(value) is int and name not in _WHOLE and name != "heartbeat_seconds"
    return str(value) if is_amount else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def decoded(symbols: list[str], sent: list[bytes], *, books: Sequence[str] = ()) -> Json:
    """Return what the Python decoder makes of these frames, as the JavaScript one says it."""
    decoder = Decoder()
    asked = decoder.subscribe(symbols)
    asked_books = decoder.subscribe(books, are_books=True)
    events: list[Any] = []
    for frame in sent:
        try:
            events.append([told(each) for each in decoder.take(frame)])
        except Malformed as error:
            events.append({"malformed": str(error)})
    return {
        "asked": asked.hex(),
        "askedBooks": asked_books.hex(),
        "told": events,
        "pictures": [pictured(decoder.picture(each)) for each in symbols],
        "depths": [None if (book := decoder.book(each)) is None else _said(book) for each in books],
        "again": decoder.subscribe(symbols).hex(),
        "againBooks": decoder.subscribe(books, are_books=True).hex(),
    }


# --- The cases -----------------------------------------------------------------------------------

_HELLO: Final = frames.hello(stream=STREAM, at=OPENED_AT, heartbeat_seconds=5)
_QUOTE: Final = Quote(OPENED_AT, 1401 * CENT, 1200 * ONE, 1402 * CENT, 4000 * ONE)
_TRADE: Final = Trade(OPENED_AT + 8_000, 1402 * CENT, 300 * ONE, "52983525029461", "N", "@ F")
_STATUS: Final = Status("simulated")
_DAY: Final = Bar(
    Span.DAY, OPENED_AT // 10**6 - 34_200, 1390 * CENT, 1405 * CENT, 1388 * CENT, 1402 * CENT,
    86_000_000 * ONE, 88_172, 1_201_333_700 * ONE * CENT,
)  # fmt: skip
_DAY_BEFORE: Final = Bar(Span.DAY_BEFORE, 0, 0, 0, 0, 1396 * CENT, 0)


def _book(best: int, *, count: int = 5) -> Depth:
    return Depth(
        OPENED_AT + best * 250_000,
        tuple(Level((best - n) * CENT, (7 + 3 * n) * 100 * ONE) for n in range(count)),
        tuple(Level((best + 1 + n) * CENT, (9 + n) * 100 * ONE + n) for n in range(5)),
    )


def _moves(quote: Quote, **changes: Any) -> Quote:
    return dataclasses.replace(quote, **changes)


_STEPS: Final[dict[str, tuple[Units, list[list[Update]]]]] = {
    "quotes": (
        LOTS,
        [
            [_STATUS, _QUOTE],
            [_moves(_QUOTE, at=OPENED_AT + 7_000, bid_size=1300 * ONE)],
            [_moves(_QUOTE, at=OPENED_AT + 7_001, bid=1400 * CENT, ask=1401 * CENT)],
            [_moves(_QUOTE, at=OPENED_AT + 9_000, bid=0, bid_size=0)],
            [_moves(_QUOTE, at=OPENED_AT + 3_000, bid=14_010_100_000, bid_size=7 * ONE)],
        ],
    ),
    "trades": (
        LOTS,
        [
            [_QUOTE, _TRADE],
            [_moves(_TRADE, at=OPENED_AT + 9_000, trade_id="52983525029462")],  # type: ignore[arg-type] # as quotes
            [
                _moves(_TRADE, trade_id="52983525029470", price=1403 * CENT),  # type: ignore[arg-type]
                _moves(_TRADE, trade_id="52983525029471", size=1, sets_last=False),  # type: ignore[arg-type]
                _moves(_TRADE, trade_id="late-9", venue="", conditions="Ü"),  # type: ignore[arg-type]
                _moves(_TRADE, trade_id="late-10", size=0),  # type: ignore[arg-type]
            ],
        ],
    ),
    "bars, status and depth": (
        LOTS,
        [
            [_STATUS, _DAY, _DAY_BEFORE, _book(1401, count=3)],
            [dataclasses.replace(_DAY, close=1403 * CENT, volume=_DAY.volume + ONE, trades=88_173)],
            [Status("simulated", is_stale=True, is_halted=True, is_tradable=False)],
            [_book(1402)],
            [Depth(OPENED_AT, (), _book(1402).asks)],
        ],
    ),
    "fractions": (
        COINS,
        [
            [Quote(OPENED_AT, 108_450 * ONE, 1, 108_450 * ONE + CENT, 123_456_789)],
            [Quote(OPENED_AT + 1, 108_450 * ONE + 1, 10**27, 10**20 - 1, 123_456_780)],
            [Trade(OPENED_AT + 2, 108_450 * ONE, 10, "1"), Trade(OPENED_AT + 3, 1, 1, "2")],
        ],
    ),
}


def cases() -> list[Json]:
    """Return every vector: its symbols, the frames, and what a decoder says of each."""
    made = []
    for name, (units, steps) in _STEPS.items():
        chain, sent, late = Chain("BAC"), [_HELLO], [_HELLO]
        for sequence, step in enumerate(steps):
            chain.advance(step, units)
            assert chain.link is not None
            sent.append(frames.updates([chain.link.entries(0, sequence)]))
            late.append(frames.updates([chain.link.entries(0, 0)]))
        made.append(_case(name, sent))
        made.append(_case(f"{name}, as snapshots", late))
    quotes = [bytes.fromhex(each) for each in made[0]["frames"]]
    gap = [*quotes[:2], quotes[3], quotes[4], quotes[1], quotes[2]]
    made.append(_case("a gap, told once, and a snapshot that heals it", gap))
    restart = frames.hello(stream=STREAM[::-1], at=OPENED_AT, heartbeat_seconds=5)
    made.append(_case("another stream", [*quotes[:2], restart, quotes[2], quotes[1]]))
    made.append(
        _case(
            "what is no price",
            [
                frames.heartbeat(at=OPENED_AT),
                frames.refused(code=Refusal.ID_IN_USE, message="Id 0 is BAC."),
                bytes.fromhex("17ffff"),
                frames.updates([]),
                quotes[2],
            ],
        )
    )
    later = bytes.fromhex("11" + "00" + "02" + "f5020909" + "020e02")
    made.append(_case("an update of a later version", [*quotes[:2], later]))
    made.append(_case("a book beside its prices", _with_book(quotes), books=["BAC"]))
    spoilt = [[*quotes[:2], bytes.fromhex(each), quotes[2]] for each in _SPOILT]
    return [*made, *(_case("malformed", each) for each in spoilt)]


def _with_book(quotes: list[bytes]) -> list[bytes]:
    """Return frames of prices under id 0 and of the book under id 1, from which one is missing."""
    chain, entries = Chain("BAC"), []
    for sequence, best in enumerate((1401, 1402, 1403)):
        chain.advance([_book(best)], LOTS)
        assert chain.link is not None
        entries.append(chain.link.entries(1, sequence))
    return [*quotes[:2], frames.updates([entries[0], quotes[2][1:]]), frames.updates([entries[2]])]


_SPOILT: Final = (
    "", "2100", "1100", "11000201", "110002f1ff7f", "1100020100ffffffffffffffffffffffff7f",
    "11000201" + "ff" * 24 + "00", "1100021100" + "a0", "11000222000104", "1100022400010180",
    "1100022400018102", "11000224000101ff00", "11000254ff00", "11000251ff0006", "11000251ff0011",
    "11000251ff001a02020202", "110002700500", "11808001010000", "11010000", "1101010003",
    "1101010001e9", "11010100000a010201", "110101000002000201", "10010203",
    "12ffffffffffffffffff00", "130105ab",
)  # fmt: skip


def _case(name: str, sent: list[bytes], *, books: Sequence[str] = ()) -> Json:
    result = decoded(["BAC"], sent, books=books)
    for each in result["told"]:
        if "malformed" in each:
            each["malformed"] = True  # how a decoder says it is its own affair
    frames_sent = [each.hex() for each in sent]
    return {"name": name, "symbols": ["BAC"], "books": [*books], "frames": frames_sent, **result}


def main() -> None:
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in cases())
    FILE.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
