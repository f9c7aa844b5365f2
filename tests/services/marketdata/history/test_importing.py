"""A past from files: once, however often it is read, and never over what another source told."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from marketdata import calendars, selectors, services
from marketdata.batches.columns import TickColumns
from marketdata.history.adjusting import Adjustment
from marketdata.instruments import restating
from marketdata.models import Bar, Instrument, PriceAdjustment
from marketdata.ticks import TradeTick
from tests import recorded

D = Decimal
NOW = datetime(2026, 3, 2, 15, 0, 30, tzinfo=UTC)
HEADER = "symbol,date,open,high,low,close,volume,adj_close\n"

pytestmark = pytest.mark.django_db


def listed(symbol: str) -> Instrument:
    return Instrument.objects.create(
        code=symbol, symbol=symbol, name=symbol, exchange="NYSE", reference_price=D(100),
        asset_class=Instrument.AssetClass.US_EQUITY,
    )  # fmt: skip


@pytest.fixture
def ibm() -> Instrument:
    return listed("IBM")


def imported(path: Path, *options: str) -> tuple[str, str]:
    said, complained = StringIO(), StringIO()
    call_command("import_bars", str(path), *options, stdout=said, stderr=complained)
    return said.getvalue().strip(), complained.getvalue()


def rows() -> list[tuple[object, ...]]:
    columns = ("timeframe", "start", "source", "open", "high", "low", "close", "volume",
               "turnover", "trades")  # fmt: skip
    return list(Bar.objects.order_by("timeframe", "start").values_list(*columns))


def test_days_are_taken_once_and_what_is_said_again_replaces_them(
    ibm: Instrument, tmp_path: Path
) -> None:
    path = tmp_path / "days.csv"
    path.write_text(HEADER + "IBM,2018-03-26,10,12,9,11,3,1\nIBM,2018-03-27,11,11,11,11,2,1\n")
    assert imported(path, "--source=wiki") == ("days.csv: 2 written", "")
    first = rows()
    monday = calendars.midnight(date(2018, 3, 26))
    assert first[0] == ("1Day", monday, "wiki", 10, 12, 9, 11, 3, 32, 0)
    imported(path, "--source=wiki")
    assert rows() == first
    path.write_text(HEADER + "IBM,2018-03-27,11,13,11,12,2,1\n")
    imported(path, "--source=wiki")
    assert [row[6] for row in rows()] == [11, 12]
    weeks = selectors.bars(ibm, "1Week", start=monday, end=NOW)
    assert [(w.open, w.high, w.close, w.volume) for w in weeks] == [(10, 13, 12, 5)]


def test_what_another_source_has_told_stays(ibm: Instrument, tmp_path: Path) -> None:
    services.accept(
        TickColumns.of([TradeTick("IBM", NOW, D(100), D(1), "1")]), source="feed", now=NOW
    )
    before = rows()
    path = tmp_path / "days.csv"
    path.write_text(HEADER + "IBM,2026-03-02,1,1,1,1,1,1\n")
    assert imported(path)[0] == "days.csv: 0 written, 1 of another source kept"
    assert rows() == before


def test_minutes_make_hours_also_those_that_come_in_two_files(
    ibm: Instrument, tmp_path: Path
) -> None:
    header = "symbol,start,open,high,low,close,volume,turnover,trades\n"
    path = tmp_path / "minutes.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write(header + "IBM,2018-03-26T09:31:00-04:00,10,12,9,11,3,30,2\n")
    imported(path)
    with gzip.open(path, "wt") as file:
        file.write(header + "IBM,2018-03-26T13:30:00Z,8,10,8,10,1,9,1\n")
    imported(path)
    hour = datetime(2018, 3, 26, 13, tzinfo=UTC)
    found = selectors.bars(ibm, "1Hour", start=hour, end=hour)
    assert [(b.open, b.high, b.low, b.close, b.volume, b.turnover, b.trades) for b in found] == [
        (8, 12, 8, 11, 4, 39, 3)
    ]
    assert len(selectors.bars(ibm, "1Min", start=hour, end=NOW)) == 2


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("NOBODY,2018-03-26,1,1,1,1,1,1", "is not listed"),
        ("IBM,2018-02-30,1,1,1,1,1,1", "day"),
        ("IBM,2018-03-26,1,1,2,1,1,1", "between low and high"),
        ("IBM,2018-03-26,0,0,0,0,1,1", "above zero"),
        ("IBM,2018-03-26,NaN,1,1,1,1,1", "plain decimal"),
        ("IBM,2018-03-26,1,1,1,1,-1,1", "not negative"),
        ("IBM,2018-03-26,1,2000000000,1,1,1,1", "more than any market"),
        ("IBM,2018-03-26", "plain decimal"),
        ("IBM,0001-01-01,1,1,1,1,1,1", "before 1792"),
    ],
)
def test_a_line_that_cannot_be_is_named_and_the_others_are_taken(
    ibm: Instrument, tmp_path: Path, line: str, why: str
) -> None:
    path = tmp_path / "days.csv"
    path.write_text(HEADER + line + "\nIBM,2018-03-27,1,1,1,1,1,1\n")
    said, complained = imported(path)
    assert said == "days.csv: 1 written"
    assert complained.startswith("left out: days.csv:2: ") and why in complained
    assert len(rows()) == 1


@pytest.mark.parametrize("content", ["symbol,open\nIBM,1\n", "", "\x00\xff"])
def test_a_file_that_is_none_of_ours_is_refused_whole(
    ibm: Instrument, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "days.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(CommandError):
        imported(path)
    with pytest.raises(CommandError):
        imported(tmp_path / "none.csv")
    assert rows() == []


def test_splits_and_dividends_of_before_count_once(ibm: Instrument, tmp_path: Path) -> None:
    path = tmp_path / "actions.csv"
    path.write_text(
        "symbol,ex_date,new,old,cash\nIBM,2018-03-27,2,1,\nIBM,2018-03-28,,,1\n"
        "IBM,2999-01-01,2,1,\nIBM,2018-03-29,1,1,\nIBM,2018-03-29,,,-1\nNOBODY,2018-03-29,2,1,\n"
    )
    for _ in range(2):
        said, complained = imported(path, "--adjustments")
        assert said == "actions.csv: 2 written"
        assert [line.split(": ")[1] for line in complained.splitlines()] == [
            f"actions.csv:{number}" for number in (4, 5, 6, 7)
        ]
    assert PriceAdjustment.objects.count() == 2
    days = tmp_path / "days.csv"
    days.write_text(
        HEADER + "IBM,2018-03-26,20,20,20,20,5,\nIBM,2018-03-27,10,10,10,10,5,\n"
        "IBM,2018-03-28,9,9,9,9,5,\n"
    )
    imported(days)

    def read(adjustment: str) -> list[tuple[Decimal | None, Decimal]]:
        bars = selectors.bars(ibm, "1Day", start=datetime(2018, 1, 1, tzinfo=UTC), end=NOW,
                              adjustment=Adjustment(adjustment))  # fmt: skip
        return [(bar.close, bar.volume) for bar in bars]

    assert read("raw") == [(20, 5), (10, 5), (9, 5)]
    assert read("split") == [(10, 10), (10, 5), (9, 5)]
    assert read("dividend") == [(18, 5), (9, 5), (9, 5)]
    assert read("all") == [(9, 10), (9, 5), (9, 5)]
    (week,) = selectors.bars(
        ibm, "1Week", start=calendars.midnight(date(2018, 3, 26)), end=NOW,
        adjustment=Adjustment.SPLIT,
    )  # fmt: skip
    assert (week.open, week.high, week.low, week.close, week.volume) == (10, 10, 9, 9, 20)


@recorded.needs("daily/corporate_actions.csv")
@pytest.mark.parametrize("symbol", ["AAPL", "IBM"])
def test_recorded_closes_adjusted_are_the_recorded_adjusted_closes(
    symbol: str, tmp_path: Path
) -> None:
    """Up to a constant, as the two records end on different days, and to two in ten thousand."""
    instrument = listed(symbol)
    daily = recorded.FOLDER / "daily"
    theirs: dict[datetime, Decimal] = {}
    path = tmp_path / "days.csv"
    with gzip.open(daily / "wiki_daily.csv.gz", "rt", newline="") as file:
        lines = [row for row in csv.DictReader(file) if row["symbol"] == symbol]
    with path.open("w", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    for row in lines:
        theirs[calendars.midnight(date.fromisoformat(row["date"]))] = D(row["adj_close"])
    said, complained = imported(path, "--source=wiki")
    left_out = len(complained.splitlines())
    assert said == f"days.csv: {len(lines) - left_out:,} written"
    assert left_out <= 3, complained
    ratios = {"2.00001": (2, 1), "1.24999": (5, 4), "2": (2, 1), "7": (7, 1), "4": (4, 1)}
    with (daily / "corporate_actions.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["symbol"] != symbol:
                continue
            ex_date = date.fromisoformat(row["ex_date"])
            note = f"{row['type']} {ex_date}"
            if row["cash_amount"]:
                restating.adjust_for_dividend(
                    instrument.pk, note, ex_date=ex_date, cash=D(row["cash_amount"])
                )
            else:
                new, old = ratios[row["split_ratio"]]
                restating.adjust_for_split(instrument.pk, note, ex_date=ex_date, new=new, old=old)
    ours = selectors.bars(
        instrument, "1Day", start=min(theirs), end=max(theirs), limit=10_000,
        adjustment=Adjustment.ALL,
    )  # fmt: skip
    assert len(ours) == len(lines) - left_out > 3_000
    constants = [bar.close / theirs[bar.start] for bar in ours if bar.close]
    constant = (min(constants) + max(constants)) / 2
    assert max(abs(each / constant - 1) for each in constants) < D("0.0002")
