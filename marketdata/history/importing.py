"""A past from files: bars of days or minutes, and what was done to the shares meanwhile.

Every file may be read again: a bar that its source has told before is replaced by what it says
now. What another source told stays, as bars of two sources never meet. A line that cannot be
true is left out and named; the rest is taken.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Final
from uuid import UUID

from django.db import transaction

from foundation import decimals
from marketdata import calendars, rollups, selectors, store
from marketdata.bars import Bar, minute_of
from marketdata.cleaning.rules import PRICE_MAX, SIZE_MAX
from marketdata.instruments import restating
from marketdata.rollups import Part

ROWS_OF_A_TURN: Final = 5_000  # between which the feeds have theirs
LENGTH_MAX: Final = 12  # of the name of a source
YEAR_MIN: Final = 1792  # when brokers first met under a buttonwood tree
TRADES_DIGITS_MAX: Final = 15
_PRICES: Final = ("open", "high", "low", "close")

Row = Mapping[str, str]


class UnableToImport(ValueError):
    """The file is none of ours: a column is missing, or it cannot be read."""


class _CannotBe(ValueError):
    """A line that is left out, and why."""


@dataclass(slots=True)
class Imported:
    """What became of a file's lines: how many are in the books, and which were left out."""

    written: int = 0
    kept: int = 0
    """Bars of another source, which stayed as they were."""
    left_out: list[str] = field(default_factory=list)


def bars(path: Path, *, source: str) -> Imported:
    """Import bars: columns symbol, date or start, open, high, low, close, volume.

    With `date` (2018-03-27) they are days, with `start` (RFC 3339 with an offset) minutes, of
    which the hours are made, too. Prices in dollars and sizes in units, as they were traded:
    adjusting is done at read. `turnover` (dollars) and `trades` may be told; without it, the
    turnover is that at the mean of high, low and close. Other columns mean nothing here; a name
    that ends in .gz is unpacked. Raises UnableToImport.
    """
    done = Imported()
    with _rows(path) as (columns, lines):
        is_daily = "date" in columns
        needed = {"symbol", "date" if is_daily else "start", *_PRICES, "volume"}
        _check_columns(path, columns, needed)
        told = _told(lines, path, _day if is_daily else _minute, done)
        while batch := list(islice(told, ROWS_OF_A_TURN)):
            _write(batch, source=source, done=done)
    return done


def adjustments(path: Path, *, now: datetime) -> Imported:
    """Import splits and dividends of before: columns symbol, ex_date, new, old, cash.

    A line has `new` and `old` (7 and 1) or `cash`, for a share of then. Those of days to come
    are announced as corporate actions, not here. Raises UnableToImport.
    """
    done = Imported()
    with _rows(path) as (columns, lines):
        _check_columns(path, columns, {"symbol", "ex_date", "new", "old", "cash"})
        today = calendars.date_of(now)
        for line, row in lines:
            try:
                _adjustment(row, today=today)
            except (ValueError, OverflowError) as error:
                done.left_out.append(f"{path.name}:{line}: {error}")
            else:
                done.written += 1
    return done


def _adjustment(row: Row, *, today: date) -> None:
    ex_date = date.fromisoformat(row["ex_date"])
    if ex_date > today:
        raise _CannotBe(f"{ex_date} is still to come")
    instrument = selectors.instrument(row["symbol"])
    if instrument is None:
        raise _CannotBe(f"{row['symbol']} is not listed")
    note = f"Imported for {ex_date}"
    if row["cash"]:
        cash = decimals.parse(row["cash"])
        if cash <= 0:
            raise _CannotBe("a dividend is more than nothing")
        restating.adjust_for_dividend(
            instrument.pk, f"{note}: a dividend of {row['cash']}", ex_date=ex_date, cash=cash
        )
        return
    new, old = int(row["new"]), int(row["old"])
    if min(new, old) < 1 or new == old:
        raise _CannotBe("a split is like 7 for 1")
    restating.adjust_for_split(
        instrument.pk, f"{note}: {new} for {old}", ex_date=ex_date, new=new, old=old
    )


@contextmanager
def _rows(path: Path) -> Iterator[tuple[set[str], Iterator[tuple[int, Row]]]]:
    unpack = gzip.open if path.suffix == ".gz" else open
    try:
        with unpack(path, "rt", newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True, restval="")
            yield set(reader.fieldnames or ()), enumerate(reader, start=2)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise UnableToImport(f"{path}: {error}") from error


def _check_columns(path: Path, columns: set[str], needed: set[str]) -> None:
    missing = sorted(needed - columns)
    if missing:
        raise UnableToImport(f"{path.name}: the column {missing[0]} is missing")


def _told(
    lines: Iterable[tuple[int, Row]],
    path: Path,
    start_of: Callable[[Row], tuple[str, datetime]],
    done: Imported,
) -> Iterator[tuple[UUID, Part]]:
    """Yield what the lines say, as far as it can be; note what is left out."""
    known: dict[str, UUID | None] = {}
    for line, row in lines:
        try:
            symbol = row["symbol"]
            if symbol not in known:
                found = selectors.instrument(symbol)
                known[symbol] = found.pk if found else None
            instrument_id = known[symbol]
            if instrument_id is None:
                raise _CannotBe(f"{symbol} is not listed")
            timeframe, start = start_of(row)
            part = rollups.whole(timeframe, _bar(row, start))
        except (ValueError, OverflowError) as error:
            done.left_out.append(f"{path.name}:{line}: {error}")
            continue
        yield instrument_id, part


def _day(row: Row) -> tuple[str, datetime]:
    return rollups.DAY, calendars.midnight(date.fromisoformat(row["date"]))


def _minute(row: Row) -> tuple[str, datetime]:
    start = datetime.fromisoformat(row["start"])
    if start.tzinfo is None:
        raise _CannotBe(f"{row['start']} has no offset from UTC")
    start = start.astimezone(UTC)
    if start != minute_of(start):
        raise _CannotBe(f"{row['start']} begins no minute")
    return rollups.MINUTE, start


def _bar(row: Row, start: datetime) -> Bar:
    if start.year < YEAR_MIN:
        raise _CannotBe(f"nothing was traded before {YEAR_MIN}")
    opened, high, low, close = (decimals.parse(row[name]) for name in _PRICES)
    volume = decimals.parse(row["volume"])
    if not (0 < low <= min(opened, close) and max(opened, close) <= high):
        raise _CannotBe("the prices do not lie between low and high, above zero")
    if volume < 0:
        raise _CannotBe("a volume is not negative")
    if high > PRICE_MAX or volume > SIZE_MAX:
        raise _CannotBe("that is more than any market trades")
    turnover, trades = row.get("turnover") or "", row.get("trades") or "0"
    if not (trades.isascii() and trades.isdigit() and len(trades) <= TRADES_DIGITS_MAX):
        raise _CannotBe("trades are counted")
    return Bar(
        start=start,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        turnover=(
            decimals.parse(turnover)
            if turnover
            else (volume * (high + low + close) / 3).quantize(Decimal("1e-9"))
        ),
        trades=int(trades),
    )


@transaction.atomic
def _write(batch: list[tuple[UUID, Part]], *, source: str, done: Imported) -> None:
    # Of a bar that is told twice in one file, the last word counts.
    told = {(key, part.timeframe, part.bar.start): (key, part) for key, part in batch}
    store.take_turn()
    written = store.replace_bars(told.values(), source=source)
    done.written += written
    done.kept += len(told) - written
    minutes = [(key, start) for key, timeframe, start in told if timeframe == rollups.MINUTE]
    if minutes:
        store.gather_hours({(key, rollups.hour_of(start)) for key, start in minutes}, source=source)
