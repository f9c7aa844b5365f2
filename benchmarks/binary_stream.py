"""What an update costs on the wire: ours, the compatible JSON, msgpack, JSON under deflate.

A recorded day of BAC and of IBM, every quote and every trade of it, none conflated; and made-up
days, which are there on every machine: one like a tape's, in lots and milliseconds, and a ragged
one, of odd sizes and microseconds, which is measured and not held to the aim. Each codec says the
same: `t`, `ap`, `as`, `bp`, `bs` of a quote, `t`, `p`, `s`, `i`, `x`, `c` of a trade, the
compatible way with its names and all. Updates of a tenth of a second go in one frame, as the hub
sends them; beside it, each in a frame of its own. The deflate is that of permessage-deflate with
its context taken over, the best it can do.

Then five levels of the book: AAPL's recorded messages, and made-up ones.
`python -m benchmarks.binary_stream`.
"""

from __future__ import annotations

import csv
import gzip
import random
import sys
import time
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgpack
import orjson

from marketdata import calendars
from marketdata.stream import frames
from marketdata.stream.chain import Chain
from marketdata.stream.decoder import Decoder, News
from marketdata.stream.pictures import (
    ONE,
    Depth,
    Level,
    Quote,
    Trade,
    Units,
    Update,
    microseconds,
    moment,
)
from tests import recorded

UNITS: Final = Units(ONE // 100, 100 * ONE)
INTERVAL: Final = 100_000  # microseconds
E4: Final = ONE // 10_000
DAY: Final = "2013-10-07"
RAGGED: Final = "RAGGED"
BOOK: Final = "book/AAPL_2012-06-21_0930_lobster_L10.csv.gz"
BYTES_MAX, DEPTH_BYTES_MAX = 8, 100

Frames = list[list[Update]]


def main() -> None:
    print(
        f"{'bytes an update':<34}{'ours':>8}{'JSON':>8}{'msgpack':>9}{'deflate':>9}{'updates':>11}"
    )
    means = []
    for symbol, updates in days():
        is_held = symbol != RAGGED
        for name, batches in (
            ("100 ms a frame", batched(updates)),
            ("one a frame", alone(updates)),
        ):
            mean = row(f"{symbol}, {name}", symbol, batches)
            means.append(mean if is_held else 0)
    print(f"\n{'bytes of five levels that change':<34}{'mean':>8}{'most':>8}{'changes':>9}")
    for name, book in books():
        lengths = depth_lengths(book)
        mean, most = sum(lengths) / len(lengths), max(lengths)
        print(f"{name:<34}{mean:>8.1f}{most:>8}{len(lengths):>9,}")
        means.append(0 if most <= DEPTH_BYTES_MAX else BYTES_MAX + 1)
    if max(means) > BYTES_MAX:
        sys.exit(f"More than {BYTES_MAX} bytes an update, or {DEPTH_BYTES_MAX} of a book.")


def row(name: str, symbol: str, batches: Frames) -> float:
    """Print what `batches` cost in each codec; return our mean."""
    count = sum(map(len, batches))
    begun = time.process_time()
    ours = encoded(symbol, batches)
    spent = time.process_time() - begun
    check(symbol, ours, batches)
    deflate = zlib.compressobj(wbits=-15)
    plain = packed = deflated = 0
    for batch in batches:
        told = [compatible(symbol, each) for each in batch]
        text = orjson.dumps([{**each, "t": str(each["t"])} for each in told])
        plain += len(text)
        packed += len(msgpack.packb([{**each, "t": stamped(each["t"])} for each in told]))
        # Each message ends in an empty block, whose four bytes RFC 7692 leaves out.
        deflated += len(deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)) - 4
    mean = sum(map(len, ours)) / count
    print(
        f"{name:<34}{mean:>8.2f}{plain / count:>8.1f}{packed / count:>9.1f}"
        f"{deflated / count:>9.1f}{count:>11,}   {spent / count * 1e6:.0f} us of CPU to encode"
    )
    return mean


def encoded(symbol: str, batches: Frames) -> list[bytes]:
    """Return the frames that one follower is sent, its snapshot first."""
    chain = Chain(symbol)
    sent = []
    for sequence, batch in enumerate(batches):
        chain.advance(batch, UNITS)
        assert chain.link is not None
        sent.append(frames.updates([chain.link.entries(0, sequence)]))
    return sent


def check(symbol: str, sent: list[bytes], batches: Frames) -> None:
    """Read the frames and stop where they do not say exactly what went into them."""
    decoder = Decoder()
    decoder.subscribe([symbol])
    for sequence, (frame, batch) in enumerate(zip(sent, batches, strict=True), 1):
        [news] = decoder.take(frame)
        assert isinstance(news, News)
        if news.sequence != sequence or (sequence > 1 and list(news.updates) != batch):
            sys.exit(f"{symbol}: frame {sequence} says something else than it was given.")


def compatible(symbol: str, update: Update) -> dict[str, Any]:
    """Return what the compatible stream says of the same update."""
    match update:
        case Quote():
            return {
                "T": "q",
                "S": symbol,
                "bp": update.bid / ONE,
                "bs": update.bid_size // ONE,
                "ap": update.ask / ONE,
                "as": update.ask_size // ONE,
                "t": Stamp(update.at),
            }
        case Trade():
            return {
                "T": "t",
                "S": symbol,
                "i": int(update.trade_id),
                "p": update.price / ONE,
                "s": update.size // ONE,
                "x": update.venue,
                "c": update.conditions.split(),
                "t": Stamp(update.at),
            }
    raise TypeError(update)


class Stamp:
    """A time: in JSON as text, in msgpack as its timestamp of eight bytes."""

    def __init__(self, at: int) -> None:
        self.at = at

    def __str__(self) -> str:
        return f"{moment(self.at):%Y-%m-%dT%H:%M:%S.%f}Z"


def stamped(stamp: Stamp) -> msgpack.Timestamp:
    return msgpack.Timestamp(stamp.at // 1_000_000, stamp.at % 1_000_000 * 1000)


# --- Days ----------------------------------------------------------------------------------------


def days() -> Iterator[tuple[str, list[Update]]]:
    for symbol in ("BAC", "IBM"):
        if (recorded.FOLDER / f"ticks/{symbol}_{DAY}_quotes.csv.gz").exists():
            yield symbol, recorded_day(symbol)
        else:
            print(f"{symbol}'s recorded day is not on this machine.")
    yield "MADE", made_up_day(time=1000, lot=100)
    yield RAGGED, made_up_day(time=1, lot=1)


def recorded_day(symbol: str) -> list[Update]:
    """Return every quote and trade of the day in the order of their times, quotes first."""
    midnight = calendars.midnight(date.fromisoformat(DAY))
    told = [*_quotes(symbol, midnight), *_trades(symbol, midnight)]
    return sorted(told, key=lambda update: update.at)


def _quotes(symbol: str, midnight: datetime) -> Iterator[Quote]:
    bid = ask = (0, 0)
    for line in rows(f"ticks/{symbol}_{DAY}_quotes.csv.gz"):
        level = int(line["price_e4"]) * E4, int(line["size"]) * ONE
        if line["side"] == "B":
            bid = level
        else:
            ask = level
        yield Quote(_at(line, midnight), *bid, *ask)


def _trades(symbol: str, midnight: datetime) -> Iterator[Trade]:
    for number, line in enumerate(rows(f"ticks/{symbol}_{DAY}_trades.csv.gz"), 1):
        yield Trade(
            at=_at(line, midnight),
            price=int(line["price_e4"]) * E4,
            size=int(line["size"]) * ONE,
            trade_id=str(number),
            venue=line["exchange"],
            conditions=line["cond_hex"],
        )


def _at(line: dict[str, str], midnight: datetime) -> int:
    return microseconds(midnight + timedelta(milliseconds=int(line["time_ms"])))


def rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(Path(recorded.FOLDER) / name, "rt", newline="") as file:
        yield from csv.DictReader(file)


def made_up_day(*, time: int, lot: int, count: int = 30_000) -> list[Update]:
    """Return a walk by the cent, times whole in `time` microseconds and sizes in `lot` shares."""
    dice = random.Random(7)
    at, bid, number, cent = 1_700_000_000_000_000, 10_000, 0, ONE // 100

    def size() -> int:
        return dice.randint(1, 9_000 // lot) * lot * ONE

    sizes = [size(), size()]
    updates: list[Update] = []
    for _ in range(count):
        at += int(dice.expovariate(1 / 60_000)) // time * time
        if dice.random() < 0.15:
            number += 1
            price = (bid + dice.randint(0, 1)) * cent
            updates.append(Trade(at, price, size(), str(number), dice.choice("NQZ"), "1"))
            continue
        if dice.random() < 0.2:
            bid += dice.choice((-1, 1))
        sizes[dice.randint(0, 1)] = size()
        updates.append(Quote(at, bid * cent, sizes[0], (bid + 1) * cent, sizes[1]))
    return updates


def batched(updates: Iterable[Update]) -> Frames:
    """Return the updates in batches of a tenth of a second."""
    batches: dict[int, list[Update]] = {}
    for update in updates:
        batches.setdefault(update.at // INTERVAL, []).append(update)
    return list(batches.values())


def alone(updates: Iterable[Update]) -> Frames:
    return [[update] for update in updates]


# --- Books ---------------------------------------------------------------------------------------


def books() -> Iterator[tuple[str, list[Depth]]]:
    if (recorded.FOLDER / BOOK).exists():
        yield "AAPL, recorded", recorded_book()
    yield "made up", made_up_book()


def recorded_book() -> list[Depth]:
    midnight = microseconds(calendars.midnight(date(2012, 6, 21)))

    def side(line: dict[str, str], name: str) -> tuple[Level, ...]:
        return tuple(
            Level(int(line[f"{name}_e4_{n}"]) * E4, int(line[f"{name}_size_{n}"]) * ONE)
            for n in range(1, 6)
        )

    return [
        Depth(midnight + int(line["time_ns"]) // 1000, side(line, "bid"), side(line, "ask"))
        for line in rows(BOOK)
    ]


def made_up_book(count: int = 5_000) -> list[Depth]:
    """Return books of which all ten levels change every time."""
    dice = random.Random(7)
    at, best, cent, made = 1_700_000_000_000_000, 10_000, ONE // 100, []
    for _ in range(count):
        at += int(dice.expovariate(1 / 60_000))
        best += dice.choice((-1, 1))
        sides = [
            tuple(
                Level((best + sign * n) * cent, dice.randint(1, 99_999) * ONE) for n in range(1, 6)
            )
            for sign in (-1, 1)
        ]
        made.append(Depth(at, *sides))
    return made


def depth_lengths(book: list[Depth]) -> list[int]:
    """Return how long the frame of each change is; every book must come back as it was."""
    chain, decoder, lengths = Chain("BOOK"), Decoder(), []
    decoder.subscribe(["BOOK"])
    for sequence, depth in enumerate(book):
        chain.advance([depth], UNITS)
        assert chain.link is not None
        frame = frames.updates([chain.link.entries(0, sequence)])
        decoder.take(frame)
        picture = decoder.picture("BOOK")
        if picture is None or picture.depth != depth:
            sys.exit(f"The book of change {sequence} is another than was sent.")
        if sequence:
            lengths.append(len(frame))
    return lengths


if __name__ == "__main__":
    main()
