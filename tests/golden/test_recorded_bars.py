"""Bars built from a recorded day are the vendor's bars of that day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from marketdata import bars, rollups
from marketdata.batches import ingest, rolling
from marketdata.batches.columns import TickColumns, microseconds
from marketdata.cleaning.rules import Known
from marketdata.ticks import QuoteTick
from tests import recorded, recorded_ticks

REGULAR = range(9 * 60 + 30, 16 * 60)
# The minutes of the auctions can differ: from 09:31 to 15:58 they are the same.
BETWEEN_AUCTIONS = range(9 * 60 + 31, 15 * 60 + 59)
ODD_MINUTES = {("IBM", "2013-10-08"): 1}  # that the vendor's own bars disagree in
# Of 16:05 the vendor has a quote and no bar; its bar of 16:07 opens as if there had been none.
FORGOTTEN = {("IBM", "2013-10-08"): {16 * 60 + 5, 16 * 60 + 7}}
DAYS = [("IBM", "2013-10-07"), ("IBM", "2013-10-08"), ("BAC", "2013-10-07")]


@recorded.needs("minute/trade_bars.csv.gz")
@pytest.mark.parametrize(("symbol", "day"), DAYS)
def test_volumes_of_minutes_are_the_vendors(symbol: str, day: str) -> None:
    told = recorded_ticks.trades(symbol, day)
    ours = {
        (microseconds(part.bar.start) - told.midnight) // 60_000_000: part.bar.volume
        for _, part in rolling.parts_of(told.ticks, timeframe=rollups.MINUTE)
    }
    theirs = {
        row["time_ms"] // 60_000: row["volume"]
        for row in recorded_ticks.vendor_bars("trade", symbol, day)
    }
    different = [each for each in BETWEEN_AUCTIONS if ours.get(each) != theirs.get(each)]
    assert len(theirs.keys() & set(BETWEEN_AUCTIONS)) == len(BETWEEN_AUCTIONS)
    assert len(different) <= ODD_MINUTES.get((symbol, day), 0)


@recorded.needs("minute/quote_bars.csv.gz")
@pytest.mark.parametrize(("symbol", "day"), DAYS)
def test_quote_bars_are_the_vendors_in_every_regular_minute_and_field(
    symbol: str, day: str
) -> None:
    told = recorded_ticks.quotes(symbol, day)
    ours = recorded_ticks.by_minute(bars.roll_quotes(_quotes(told.ticks)), told)
    theirs = recorded_ticks.quote_bars(symbol, day)
    assert {minute: ours.get(minute) for minute in REGULAR} == {
        minute: theirs.get(minute, "no bar") for minute in REGULAR
    }
    # Before and after hours, too, but for one quote that the vendor has in its ticks alone.
    different = {each for each in ours.keys() | theirs if ours.get(each) != theirs.get(each)}
    assert different == FORGOTTEN.get((symbol, day), set())


# Where cleaning keeps a crossed or outlying quote aside that the vendor's bars have.
KEPT_ASIDE = {("IBM", "2013-10-08"): {571, 1200}, ("BAC", "2013-10-07"): {366, 367}}


@recorded.needs("minute/quote_bars.csv.gz")
@pytest.mark.parametrize(("symbol", "day"), DAYS)
def test_what_is_believed_of_the_quotes_makes_the_vendors_bars(symbol: str, day: str) -> None:
    told = recorded_ticks.quotes(symbol, day)
    known = {symbol: Known(asset_class="us_equity")}
    believed = ingest.ingest(told.ticks, known=known, source="feed", now=None).believed
    ours = recorded_ticks.by_minute(bars.roll_quotes(_quotes(believed)), told)
    theirs = recorded_ticks.quote_bars(symbol, day)
    different = {each for each in ours.keys() | theirs if ours.get(each) != theirs.get(each)}
    assert different == FORGOTTEN.get((symbol, day), set()) | KEPT_ASIDE.get((symbol, day), set())


def _quotes(told: TickColumns) -> Iterator[QuoteTick]:
    return (told.quote(row) for row in range(len(told.quotes)))
