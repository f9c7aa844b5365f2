"""Bars built from a recorded day are the vendor's bars of that day."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from marketdata import bars, calendars
from marketdata.ticks import TradeTick
from tests import recorded

FIRST_MINUTE, LAST_MINUTE = 9 * 60 + 31, 15 * 60 + 58  # the auctions' minutes can differ
ODD_MINUTES = {("IBM", "2013-10-08"): 1}  # that the vendor's own bars disagree in


def _rows(name: str) -> Iterator[dict[str, str]]:
    with gzip.open(recorded.FOLDER / name, "rt", newline="") as file:
        yield from csv.DictReader(file)


@recorded.needs("minute/trade_bars.csv.gz")
@pytest.mark.parametrize(
    ("symbol", "day"), [("IBM", "2013-10-07"), ("IBM", "2013-10-08"), ("BAC", "2013-10-07")]
)
def test_volumes_of_minutes_are_the_vendors(symbol: str, day: str) -> None:
    midnight = calendars.midnight(date.fromisoformat(day))
    trades = (
        TradeTick(
            symbol,
            midnight + timedelta(milliseconds=int(row["time_ms"])),
            Decimal(row["price_e4"]) / 10_000,
            Decimal(row["size"]),
            "",
        )
        for row in _rows(f"ticks/{symbol}_{day}_trades.csv.gz")
        if row["suspicious"] == "0"
    )
    ours = {
        _minute(bar.start, midnight): bar.volume
        for bar in bars.roll(trades, start_of=bars.minute_of)
    }
    theirs = {
        int(row["time_ms"]) // 60_000: Decimal(row["volume"])
        for row in _rows("minute/trade_bars.csv.gz")
        if (row["symbol"], row["date"]) == (symbol, day)
    }
    compared = range(FIRST_MINUTE, LAST_MINUTE + 1)
    different = [minute for minute in compared if ours.get(minute) != theirs.get(minute)]
    assert len(theirs.keys() & set(compared)) > 380
    assert len(different) <= ODD_MINUTES.get((symbol, day), 0)


def _minute(start: datetime, midnight: datetime) -> int:
    return (start - midnight) // bars.MINUTE
