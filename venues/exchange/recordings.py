"""Reading recorded trades and quotes: files `SYM_DATE_quotes.csv.gz` and `SYM_DATE_trades.csv.gz`.

Columns `time_ms,side,price_e4,size,exchange,cond_hex,suspicious` and
`time_ms,price_e4,size,exchange,cond_hex,suspicious`: milliseconds since midnight in New York,
prices in 1/10,000. A quote row changes one side of the national best bid and offer; the other
side keeps its last value. Pure but for reading the files, which are read as they are played.
"""

from __future__ import annotations

import csv
import gzip
import heapq
import itertools
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Final

from marketdata import conditions
from venues.exchange.book import BUY, SELL
from venues.exchange.prices import NEW_YORK

_NAME = re.compile(
    r"(?P<symbol>[A-Z][A-Z.]*)_(?P<date>\d{4}-\d{2}-\d{2})_(?P<kind>quotes|trades)\.csv\.gz"
)
_HEADERS: Final = {
    "quotes": "time_ms,side,price_e4,size,exchange,cond_hex,suspicious",
    "trades": "time_ms,price_e4,size,exchange,cond_hex,suspicious",
}
_SIDES: Final = {"B": BUY, "A": SELL}
_PRICE_UNIT: Final = Decimal("0.0001")


class UnreadableRecording(ValueError):
    """The file is not a recording that can be played; the message says why."""


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """One file, by what its name says."""

    path: Path
    symbol: str
    date: date
    kind: str


@dataclass(frozen=True, slots=True)
class RecordedQuote:
    """From now on the best price of the side `sign` is `price`; None: nobody."""

    symbol: str
    sign: int
    price: Decimal | None
    size: int


@dataclass(frozen=True, slots=True)
class RecordedTrade:
    symbol: str
    price: Decimal
    size: int
    sets_last: bool


@dataclass(frozen=True, slots=True)
class KeptAside:
    """A row that the vendor or the tape marked as not to be used."""

    symbol: str


Row = RecordedQuote | RecordedTrade | KeptAside


@dataclass(frozen=True, slots=True)
class Moment:
    """A row, when it was recorded, and how many recorded seconds into the play it comes."""

    recorded_at: datetime
    elapsed: float
    row: Row


def describe(path: Path) -> RecordingFile:
    """Return what the file `path` holds. Raises UnreadableRecording."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise UnreadableRecording(
            f"{path.name} is not named like a recording, which is SYMBOL_YYYY-MM-DD_quotes.csv.gz "
            "or SYMBOL_YYYY-MM-DD_trades.csv.gz"
        )
    if not path.is_file():
        raise UnreadableRecording(f"There is no file {path}")
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            header = lines.readline().strip()
        day = date.fromisoformat(match["date"])
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableRecording(f"{path.name} cannot be read: {error}") from error
    if header != _HEADERS[match["kind"]]:
        raise UnreadableRecording(f"{path.name} has other columns than {_HEADERS[match['kind']]}")
    return RecordingFile(path, match["symbol"], day, match["kind"])


def moments(files: Sequence[RecordingFile], *, play_from: int, play_to: int) -> Iterator[Moment]:
    """Yield what was recorded in these milliseconds of each day, all files in step.

    The days follow each other without a pause, and waiting for the first row is skipped. What
    was quoted just before `play_from` comes first. Raises UnreadableRecording on the way.
    """
    elapsed_before = 0.0
    for day, of_day in itertools.groupby(
        sorted(files, key=lambda each: each.date), lambda each: each.date
    ):
        midnight = datetime.combine(day, time(), tzinfo=NEW_YORK)
        first_ms: int | None = None
        elapsed = elapsed_before
        for ms, row in _day(list(of_day), play_from, play_to):
            first_ms = ms if first_ms is None else first_ms
            elapsed = elapsed_before + (ms - first_ms) / 1000
            yield Moment(midnight + timedelta(milliseconds=ms), elapsed, row)
        elapsed_before = elapsed


def _day(files: Sequence[RecordingFile], play_from: int, play_to: int) -> Iterator[tuple[int, Row]]:
    # Quotes go first where times are equal: a print is read against the quotes of its moment.
    ordered = sorted(files, key=lambda each: each.kind)
    merged = heapq.merge(*(_rows(file) for file in ordered), key=lambda timed: timed[0])
    standing: dict[tuple[str, int], RecordedQuote] = {}
    for ms, row in merged:
        if ms >= play_to:
            break
        if ms < play_from:
            if isinstance(row, RecordedQuote):
                standing[row.symbol, row.sign] = row
            continue
        yield from ((play_from, quote) for quote in standing.values())
        standing.clear()
        yield ms, row


def _rows(file: RecordingFile) -> Iterator[tuple[int, Row]]:
    try:
        with gzip.open(file.path, "rt", encoding="ascii", newline="") as lines:
            next(lines)
            read = _quotes if file.kind == "quotes" else _trades
            yield from read(file.symbol, csv.reader(lines))
    except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        raise UnreadableRecording(f"{file.path.name} is damaged: {error}") from error


def _quotes(symbol: str, lines: Iterable[list[str]]) -> Iterator[tuple[int, Row]]:
    for ms, side, price, size, _exchange, _conditions, suspicious in lines:
        if suspicious == "1":
            yield int(ms), KeptAside(symbol)
        else:
            has_price = int(price) > 0 and int(size) > 0
            yield (
                int(ms),
                RecordedQuote(
                    symbol, _SIDES[side], int(price) * _PRICE_UNIT if has_price else None, int(size)
                ),
            )


def _trades(symbol: str, lines: Iterable[list[str]]) -> Iterator[tuple[int, Row]]:
    for ms, price, size, _exchange, told_conditions, suspicious in lines:
        effect = _effect(told_conditions)
        if suspicious == "1" or not effect.is_volume or int(price) <= 0 or int(size) <= 0:
            yield int(ms), KeptAside(symbol)
        else:
            amounts = int(price) * _PRICE_UNIT, int(size)
            yield int(ms), RecordedTrade(symbol, *amounts, effect.sets_last)


@lru_cache(maxsize=1024)
def _effect(mask: str) -> conditions.Effect:
    return conditions.effect_of_mask(int(mask, 16))
