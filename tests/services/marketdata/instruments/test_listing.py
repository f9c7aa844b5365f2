"""Instruments from a file: what it says of status and source, and whom it means after a rename."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from marketdata.instruments import listing
from marketdata.models import Instrument

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
COLUMNS = (
    "symbol,name,asset_class,exchange,price_increment,quantity_increment,quantity_min,fractionable,"
    "reference_price,daily_volume,volatility,sector,code,status,source"
)
IBM = "IBM,IBM,us_equity,NYSE,0.01,1,1,false,240,4000000,0.2,Information Technology"


@pytest.fixture
def load(tmp_path: Path, settings):
    settings.FEEDS = {"acme": "ws://127.0.0.1:1"}

    def load(*rows: str) -> list[str]:
        path = tmp_path / "list.csv"
        path.write_text("\n".join([COLUMNS, *rows]), encoding="utf-8")
        return [each.instrument.symbol for each in listing.load(now=NOW, path=path)]

    return load


@pytest.mark.parametrize(
    ("status", "flags"),
    [
        ("", (True, False, False)),
        ("tradable", (True, False, False)),
        ("halted", (True, True, False)),
        ("restricted", (True, False, True)),
        ("delisted", (False, False, False)),
    ],
)
def test_a_new_instrument_has_the_status_that_the_file_says(load, status, flags):
    assert load(f"{IBM},,{status},acme") == ["IBM"]
    ibm = Instrument.objects.get()
    assert (ibm.tradable, ibm.halted, ibm.closing_only) == flags
    assert (ibm.code, ibm.source) == ("US.IBM", "acme")


def test_what_is_listed_is_changed_where_the_file_says_so_and_its_history_says_why(load):
    load(f"{IBM},,,")
    assert load(f"{IBM},,delisted,acme") == []
    ibm = Instrument.objects.get()
    assert (ibm.tradable, ibm.source) == (False, "acme")
    assert load(f"{IBM},,,") == []  # which says nothing of either
    assert load(f"{IBM},,delisted,acme") == []  # nor anything new
    ibm.refresh_from_db()
    assert (ibm.tradable, ibm.source) == (False, "acme")
    told = ibm.history.order_by("history_id").values_list("history_change_reason", flat=True)
    assert list(told) == ["Listed from list.csv.", "Status or source from list.csv."]


def test_a_code_finds_the_instrument_whatever_it_is_called_by_now(load):
    load(f"{IBM},,,")
    Instrument.objects.update(symbol="BLUE")
    assert load(f"{IBM.replace('IBM', 'BLUE')},US.IBM,halted,") == []
    found = Instrument.objects.get()
    assert (found.symbol, found.code, found.halted) == ("BLUE", "US.IBM", True)


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        (",gone,", "list.csv:2: 'gone' is no status: tradable, halted, restricted, delisted"),
        (",,nobody", "list.csv:2: 'nobody' is no feed: FEEDS names them"),
    ],
)
def test_what_there_is_not_is_refused_by_its_line(load, rest, why):
    with pytest.raises(listing.UnableToList) as refused:
        load(f"{IBM},{rest}")
    assert str(refused.value) == why
    assert not Instrument.objects.exists()
