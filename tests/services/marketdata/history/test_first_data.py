"""The first start: instruments with a past that joins the market, once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from marketdata import calendars, selectors, services
from marketdata.batches.columns import TickColumns
from marketdata.history import first_data, retention
from marketdata.instruments import listing
from marketdata.models import Bar, Instrument, Quote
from marketdata.ticks import SIMULATED, TradeTick

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """The shipped list, but for most of it: each instrument costs a past of thousands of bars."""
    head, *lines = listing.SHIPPED.read_text().splitlines(keepends=True)
    path = tmp_path / "instruments.csv"
    path.write_text(head + "".join(each for each in lines if each.startswith(("IBM,", "BTC/USD,"))))
    return path


def test_the_first_start_lists_what_is_shipped() -> None:
    now = timezone.now()
    assert len(listing.load(now=now)) >= 26
    assert listing.load(now=now) == []


def test_the_first_start_lists_instruments_whose_charts_join_the_market(two: Path) -> None:
    now = calendars.midnight(calendars.date_of(timezone.now())) + timedelta(hours=12)
    assert first_data.load(now=now, path=two) == 2
    assert first_data.load(now=now, path=two) == 0
    ibm = Instrument.objects.get(symbol="IBM")
    assert ibm.pk == listing.instrument_id("US.IBM")
    assert ibm.history.get().history_change_reason == "Listed from instruments.csv."
    quote = selectors.latest_quote(ibm.pk)
    assert quote is not None
    assert (quote.last, quote.bid, quote.source) == (ibm.reference_price, None, SIMULATED)
    (day,) = selectors.bars(
        ibm, "1Day", start=now - timedelta(days=9), end=now, limit=1, is_ascending=False
    )
    assert (quote.day_high, quote.day_volume) == (day.high, day.volume)
    # The first real trade goes on where the past ended, in the same day bar.
    trade = TradeTick("IBM", now, ibm.reference_price, Decimal(7), "1")
    services.accept(TickColumns.of([trade]), source=SIMULATED, now=now)
    (grown,) = selectors.bars(
        ibm, "1Day", start=now - timedelta(days=9), end=now, limit=1, is_ascending=False
    )
    assert (grown.open, grown.volume) == (day.open, day.volume + 7)
    assert Quote.objects.get(instrument=ibm).previous_close == quote.previous_close


def test_a_first_start_at_midnight_begins_a_day_of_which_there_is_nothing_yet(two: Path) -> None:
    now = calendars.midnight(calendars.date_of(timezone.now()))
    assert first_data.load(now=now, path=two) == 2
    ibm = Instrument.objects.get(symbol="IBM")
    quote = selectors.latest_quote(ibm.pk)
    assert quote is not None
    assert (quote.last, quote.day_high, quote.day_volume) == (ibm.reference_price, None, 0)
    (before,) = selectors.bars(
        ibm, "1Day", start=now - timedelta(days=9), end=now, limit=1, is_ascending=False
    )
    assert before.start < now
    assert quote.previous_close == before.close


def test_what_operations_have_set_stays() -> None:
    listing.load(now=timezone.now())
    Instrument.objects.filter(symbol="IBM").update(halted=True)
    assert listing.load(now=timezone.now()) == []
    assert Instrument.objects.get(symbol="IBM").halted


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("232.50", "1e3"), "list.csv:2"),
        (("NASDAQ", "A VERY LONG EXCHANGE"), "list.csv:2"),
        (("reference_price", "price"), "reference_price"),
        (("us_equity", "cheese"), "asset_class"),
    ],
)
def test_a_file_that_is_wrong_says_where_and_lists_nothing(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(listing.SHIPPED.read_text().replace(*change))
    with pytest.raises(listing.UnableToList, match=complaint):
        listing.load(now=timezone.now(), path=path)
    assert not Instrument.objects.exists()


def test_old_minutes_go_and_days_stay() -> None:
    now = timezone.now()
    listing.load(now=now)
    ibm = Instrument.objects.get(symbol="IBM")
    for days in (1, 100):
        at = now - timedelta(days=days)
        trade = TradeTick("IBM", at, Decimal(246), Decimal(1), "")
        services.accept(TickColumns.of([trade]), source=f"feed{days}", now=at)
    retention.drop(now=now)
    assert Bar.objects.filter(instrument=ibm, timeframe="1Min").count() == 1
    assert Bar.objects.filter(instrument=ibm, timeframe="1Day").count() == 2


def test_sectors_are_filled_where_nobody_has_set_one():
    now = timezone.now()
    listing.load(now=now)
    Instrument.objects.filter(symbol="AAPL").update(sector="")  # as an older list has left it
    Instrument.objects.filter(symbol="IBM").update(sector="Of our own")
    listing.load(now=now)
    aapl, ibm = (Instrument.objects.get(symbol=symbol) for symbol in ("AAPL", "IBM"))
    assert (aapl.sector, ibm.sector) == ("Information Technology", "Of our own")
    assert aapl.history.count() == 2
    assert not Instrument.objects.filter(sector="").exists()
