"""Trades and quotes of a past from files: once, however often they are read."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from marketdata import selectors
from marketdata.history import reading, tick_files
from marketdata.models import Bar, Instrument, Quote
from tests import recorded, recorded_ticks

D = Decimal
NINE = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_partitions")]


def imported(*files: Path) -> tuple[str, str]:
    said, complained = StringIO(), StringIO()
    call_command("import_ticks", *map(str, files), stdout=said, stderr=complained)
    return said.getvalue().strip(), complained.getvalue().strip()


def span(**how: object) -> dict[str, object]:
    return {"start": NINE, "end": NINE + timedelta(hours=1), "limit": 1_000_000, **how}


TRADES = """symbol,at,price,size,trade_id,sets_last,venue
IBM,2013-10-07T09:30:00-04:00,181.5,100,a,true,N
IBM,2013-10-07T13:30:00.5Z,1815,100,b,true,N
IBM,2013-10-07T13:30:01.000001Z,181.52,0.5,c,false,N
NOBODY,2013-10-07T13:30:01.000001Z,1,1,d,,N
IBM,2013-10-07T13:31:00Z,181.60,300,,,N
"""


def test_trades_come_onto_the_tape_and_into_bars_and_are_no_last_price(
    ibm: Instrument, tmp_path: Path
) -> None:
    path = tmp_path / "trades.csv.gz"
    path.write_bytes(gzip.compress(TRADES.encode()))
    assert imported(path) == (
        "trades.csv.gz: 3 written",
        "left out: 1 not listed\nleft out: 1 outlying",
    )
    found = selectors.trades(ibm, **span())
    assert [(t.at - NINE, t.price, t.size, t.trade_id, t.sets_last, t.source) for t in found] == [
        (timedelta(0), D("181.5"), 100, "a", True, "recorded"),
        (timedelta(seconds=1, microseconds=1), D("181.52"), D("0.5"), "c", False, "recorded"),
        (timedelta(minutes=1), D("181.6"), 300, "", True, "recorded"),
    ]
    day = Bar.objects.get(instrument=ibm, timeframe=Bar.Timeframe.DAY)
    assert (day.open, day.high, day.low, day.close) == (
        D("181.5"),
        D("181.6"),
        D("181.5"),
        D("181.6"),
    )
    assert (day.volume, day.trades, day.source) == (D("400.5"), 3, "recorded")
    assert Bar.objects.filter(instrument=ibm, timeframe=Bar.Timeframe.MINUTE).count() == 2
    assert not Quote.objects.exists()


def test_a_file_that_is_read_again_goes_on_where_the_tape_ends(
    ibm: Instrument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tick_files, "BYTES_OF_A_PIECE", 400)
    lines = [f"IBM,2013-10-07T13:{30 + n // 6}:{n % 6 * 10:02}Z,{100 + n % 3},1" for n in range(60)]
    path = tmp_path / "trades.csv"
    path.write_text("symbol,at,price,size\n" + "\n".join(lines[:25]))
    assert imported(path) == ("trades.csv: 25 written", "")
    path.write_text("symbol,at,price,size\n" + "\n".join(lines))
    assert imported(path) == ("trades.csv: 35 written, 25 on the tape before", "")
    assert imported(path) == ("trades.csv: 0 written, 60 on the tape before", "")
    assert len(selectors.trades(ibm, **span())) == 60
    day = Bar.objects.get(instrument=ibm, timeframe=Bar.Timeframe.DAY)
    assert (day.volume, day.open, day.close) == (60, 100, 102)


def test_bars_that_another_source_told_stay(ibm: Instrument, tmp_path: Path) -> None:
    day = tmp_path / "days.csv"
    day.write_text("symbol,date,open,high,low,close,volume\nIBM,2013-10-07,5,5,5,5,7\n")
    call_command("import_bars", str(day), stdout=StringIO())
    path = tmp_path / "trades.csv"
    path.write_text(TRADES)
    imported(path)
    assert Bar.objects.get(instrument=ibm, timeframe=Bar.Timeframe.DAY).volume == 7
    minutes = Bar.objects.filter(instrument=ibm, timeframe=Bar.Timeframe.MINUTE)
    assert set(minutes.values_list("source", flat=True)) == {"recorded"}


def test_quotes_come_onto_the_tape_as_they_changed(ibm: Instrument, tmp_path: Path) -> None:
    path = tmp_path / "quotes.csv"
    path.write_text(
        "symbol,at,bid,bid_size,ask,ask_size\n"
        "IBM,2013-10-07T13:30:00Z,181.5,100,181.6,200\n"
        "IBM,2013-10-07T13:30:01Z,181.50,100,181.6,200\n"
        "IBM,2013-10-07T13:30:02Z,181.7,100,181.6,200\n"
        "IBM,2013-10-07T13:30:03Z,,,181.6,200\n"
    )
    assert imported(path) == ("quotes.csv: 3 written", "left out: 1 crossed")
    found = selectors.quotes(ibm, **span())
    assert [(q.bid, q.bid_size, q.ask, q.ask_size) for q in found] == [
        (D("181.5"), 100, D("181.6"), 200),
        (None, 0, D("181.6"), 200),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("symbol,at,price\n", "f.csv: the column size is missing"),
        ("symbol,at,bid,ask,ask_size\n", "f.csv: the column bid_size is missing"),
        (
            "symbol,at,price,size\nIBM,2013-10-07T13:30:01Z,1,1\nIBM,2013-10-07T13:30:00Z,1,1\n",
            "f.csv: the lines are not in order of time",
        ),
        ("symbol,at,price,size\nIBM,2013-10-07T13:30:01,1,1\n", "f.csv: In CSV column #1"),
        ("symbol,at,price,size\nIBM,2013-10-07T13:30:01Z,1e400,1\n", "f.csv: In CSV column #2"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_reason(
    ibm: Instrument, tmp_path: Path, text: str, why: str
) -> None:
    path = tmp_path / "f.csv"
    path.write_text(text)
    with pytest.raises(CommandError) as refused:
        imported(path)
    assert str(refused.value).startswith(why)
    assert selectors.trades(ibm, **span()) == []


@recorded.needs("minute/quote_bars.csv.gz")
def test_a_recorded_day_that_was_imported_has_the_vendors_bars_of_quotes(
    ibm: Instrument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "QUOTES_AT_ONCE", 100_000)
    day = recorded_ticks.quotes("IBM", "2013-10-07")
    path = tmp_path / "quotes.csv"
    with path.open("w") as file:
        file.write("symbol,at,bid,bid_size,ask,ask_size\n")
        for row in range(len(day.ticks.quotes)):
            told = day.ticks.quote(row)
            bid, ask = ("" if price is None else price for price in (told.bid, told.ask))
            file.write(f"IBM,{told.at.isoformat()},{bid},{told.bid_size},{ask},{told.ask_size}\n")
    imported(path)
    opening = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)
    found = selectors.quote_bars(ibm, start=opening, end=opening + timedelta(minutes=389))
    ours = recorded_ticks.by_minute(found, day)
    theirs = recorded_ticks.quote_bars("IBM", "2013-10-07")
    assert ours == {minute: theirs[minute] for minute in range(570, 960)}
