"""Old ticks lie in files and are read as before; what fails on the way loses and doubles none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from foundation import failpoints
from marketdata import selectors, services
from marketdata.batches.columns import TickColumns
from marketdata.history import archive, partitions, retention
from marketdata.history.models import ArchivedTicks, TapeQuote, TapeTrade
from marketdata.history.partitions import Kind
from marketdata.history.records import ArchiveIncomplete
from marketdata.models import Bar, Instrument
from marketdata.ticks import QuoteTick, Tick, TradeTick

MONDAY = date(2026, 3, 2)
DAY = timedelta(days=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
WEDNESDAY = NOON + 2 * DAY
D = Decimal

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_partitions")]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ARCHIVE = tmp_path / "archive"
    return tmp_path / "archive"


@pytest.fixture
def ibm() -> Instrument:
    return _listed("IBM")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Fail, once, where a file lies there whole and its rows are not dropped."""
    monkeypatch.setattr(failpoints, "_points", {"archive.written": ("raise", 1)})
    monkeypatch.setattr(failpoints, "_arrivals", {})
    return "archive.written"


def _listed(symbol: str) -> Instrument:
    return Instrument.objects.create(
        code=symbol, symbol=symbol, name=symbol, exchange="NYSE", reference_price=D(100),
        asset_class=Instrument.AssetClass.US_EQUITY,
    )  # fmt: skip


def tell(symbol: str, *, days: int = 3, price: str = "100.000000001") -> None:
    """Tell three trades of one instant and two quotes on each day from Monday on."""
    for day in range(days):
        at = NOON + day * DAY
        ticks: list[Tick] = [
            TradeTick(symbol, at, D(price), D("0.000000007"), f"{day}-{n}\t", sets_last=n != 1)
            for n in range(3)
        ]
        ticks += [
            QuoteTick(symbol, at, D("99.5"), D(day + 1), D("100.5"), D(200)),
            QuoteTick(symbol, at, None, D(0), D("100.5"), D(200)),
        ]
        services.accept(TickColumns.of(ticks), source="feed", now=at)


def everything(instrument: Instrument) -> list[Any]:
    """Read all of it both ways, whole and in pieces, and see that this is the same."""
    found: list[Any] = []
    span = {"start": NOON - DAY, "end": NOON + 9 * DAY}
    for read in (selectors.trades, selectors.quotes):
        whole = read(instrument, **span, limit=100)
        assert read(instrument, **span, limit=100, is_ascending=False) == whole[::-1]
        for is_ascending in (True, False):
            pieces: list[Any] = []
            after = None
            while piece := read(
                instrument, **span, limit=2, is_ascending=is_ascending, after=after
            ):
                pieces += piece
                after = piece[-1].place
            assert pieces == (whole if is_ascending else whole[::-1])
        found += whole
    return found


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_archived_is_read_as_before_to_the_last_digit(
    ibm: Instrument, folder: Path
) -> None:
    bac = _listed("BAC")
    partitions.make_ahead(now=NOON)
    tell("IBM")
    tell("BAC", price="101.25")
    before = everything(ibm), everything(bac)
    assert [len(each) for each in before] == [15, 15]
    assert archive.archive(Kind.TRADES, before=MONDAY + 2 * DAY, now=WEDNESDAY) == 2
    assert archive.archive(Kind.QUOTES, before=MONDAY + 1 * DAY, now=WEDNESDAY) == 1
    assert (everything(ibm), everything(bac)) == before
    assert files(folder) == [
        "tapequote-2026-03-02-1.parquet",
        "tapetrade-2026-03-02-1.parquet",
        "tapetrade-2026-03-03-1.parquet",
    ]
    assert TapeTrade.objects.count() == 2 * 3
    assert partitions.made(Kind.TRADES)[0] == MONDAY + 2 * DAY
    assert partitions.made(Kind.QUOTES)[0] == MONDAY + DAY
    assert list(ArchivedTicks.objects.order_by("file").values_list("rows", flat=True)) == [4, 6, 6]


def test_another_run_finds_nothing_to_do(ibm: Instrument, folder: Path) -> None:
    tell("IBM")  # without partitions: all of it waits in the default one
    before = everything(ibm)
    for _ in range(2):
        retention.put_aside(now=NOON + 9 * DAY)
    assert everything(ibm) == before
    assert len(files(folder)) == ArchivedTicks.objects.count() == 5  # of trades, 7 days stay
    assert (TapeTrade.objects.count(), TapeQuote.objects.count()) == (3, 0)


def test_a_run_that_dies_with_its_file_written_is_made_up_for(
    ibm: Instrument, folder: Path, failing: str
) -> None:
    tell("IBM")
    before = everything(ibm)
    with pytest.raises(failpoints.FailpointReached):
        archive.archive(Kind.TRADES, before=MONDAY + DAY, now=WEDNESDAY)
    assert len(files(folder)) == 1
    assert not ArchivedTicks.objects.exists()
    assert everything(ibm) == before
    archive.archive(Kind.TRADES, before=MONDAY + DAY, now=WEDNESDAY)
    assert len(files(folder)) == ArchivedTicks.objects.count() == 1
    assert everything(ibm) == before


def test_what_comes_while_its_day_is_written_is_not_dropped(
    ibm: Instrument, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell("IBM")
    late = TradeTick("IBM", NOON + DAY / 4, D(101), D(1), "late")

    def come_late(name: str) -> None:
        if name == "archive.written" and not TapeTrade.objects.filter(trade_id="late").exists():
            _record(ibm, late)

    monkeypatch.setattr(failpoints, "reach", come_late)
    archive.archive(Kind.TRADES, before=MONDAY + DAY, now=WEDNESDAY)
    assert not ArchivedTicks.objects.exists()
    before = everything(ibm)
    archive.archive(Kind.TRADES, before=MONDAY + DAY, now=WEDNESDAY)
    assert ArchivedTicks.objects.get().rows == 4
    assert everything(ibm) == before


def test_what_comes_when_its_day_is_archived_has_a_file_of_its_own(
    ibm: Instrument, folder: Path
) -> None:
    tell("IBM")
    archive.archive(Kind.TRADES, before=MONDAY + DAY, now=WEDNESDAY)
    _record(ibm, TradeTick("IBM", NOON - DAY / 4, D(101), D(1), "late"))
    before = everything(ibm)
    assert before[0].trade_id == "late"
    archive.archive(Kind.TRADES, before=MONDAY + DAY, now=WEDNESDAY)
    assert [each[-9:] for each in files(folder)] == ["1.parquet", "2.parquet"]
    assert everything(ibm) == before


def test_a_file_that_is_gone_is_a_failure_and_no_empty_day(ibm: Instrument, folder: Path) -> None:
    tell("IBM")
    archive.archive(Kind.TRADES, before=MONDAY + DAY, now=WEDNESDAY)
    (gone,) = folder.iterdir()
    gone.unlink()
    with pytest.raises(ArchiveIncomplete) as missing:
        everything(ibm)
    assert missing.value.day == MONDAY
    later = selectors.trades(ibm, start=NOON + DAY, end=NOON + 2 * DAY)
    assert len(later) == 6


def test_the_oldest_files_go_and_no_others(ibm: Instrument, folder: Path, settings: Any) -> None:
    tell("IBM")
    settings.TRADES_KEPT_DAYS = settings.QUOTES_KEPT_DAYS = 0
    settings.ARCHIVE_KEPT_DAYS = 2
    retention.put_aside(now=NOON + 3 * DAY)
    assert files(folder) == [
        f"tape{kind}-2026-03-0{day}-1.parquet" for kind in ("quote", "trade") for day in (3, 4)
    ]
    assert len(everything(ibm)) == 10


def test_minutes_go_by_the_month_and_by_the_row_and_hours_later(ibm: Instrument) -> None:
    for days in (800, 100, 61, 1):
        at = NOON - days * DAY
        partitions.make_ahead(now=at)
        services.accept(
            TickColumns.of([TradeTick("IBM", at, D(246), D(1), "")]), source=f"feed{days}", now=at
        )
    retention.drop(now=NOON)

    def starts(timeframe: str) -> list[int]:
        found = Bar.objects.filter(timeframe=timeframe).order_by("start")
        return [(NOON - start).days for start in found.values_list("start", flat=True)]

    assert starts("1Min") == [1]
    assert starts("1Hour") == [100, 61, 1]
    assert len(starts("1Day")) == 4
    assert partitions.made(Kind.MINUTES) == [date(2026, 1, 1), date(2026, 3, 1)]


def _record(instrument: Instrument, tick: TradeTick) -> None:
    """Keep a trade that is told of after its day, as a feed does that fills a gap."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO marketdata_tapetrade (instrument_id, at, source, price, size, trade_id,"
            " sets_last) VALUES (%s, %s, 'feed', %s, %s, %s, true)",
            [instrument.pk, tick.at, tick.price, tick.size, tick.trade_id],
        )
