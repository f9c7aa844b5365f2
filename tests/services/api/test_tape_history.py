"""Time and sales and the quotes of before, in pages, as clients ask for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketdata import calendars
from marketdata.batches.columns import TickColumns
from marketdata.history import archive, recording
from marketdata.history.partitions import Kind
from marketdata.instruments import restating
from marketdata.models import Instrument, Quote
from marketdata.ticks import QuoteTick, Tick, TradeTick
from tests import world
from tests.services.api.conftest import Api

FIRST = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
SPAN = "start=2026-01-05T00:00:00Z&end=2026-01-06T00:00:00Z"
D = Decimal


def keep(symbol: str, *ticks: Tick) -> None:
    standing = {symbol: Quote.objects.get(instrument__symbol=symbol)}
    recording.record(TickColumns.of(ticks), standing=standing, source="test")


def trades(symbol: str, count: int) -> None:
    """Keep trades of one instant at 100, 101, ..., the third of which sets no price."""
    keep(
        symbol,
        *(TradeTick(symbol, FIRST, D(100 + n), D(10), str(n), sets_last=n != 2)
          for n in range(count)),
    )  # fmt: skip


@pytest.fixture
def tape(api: Api) -> Api:
    world.instrument("MSFT")
    pair = world.instrument("BTC/USD")
    Instrument.objects.filter(pk=pair.pk).update(asset_class="crypto", exchange="")
    trades("AAPL", 5)
    trades("MSFT", 3)
    trades("BTC/USD", 1)
    return api


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_trades_of_one_instant_come_in_pages_over_symbols(tape: Api, order: str) -> None:
    seen: list[tuple[str, float]] = []
    token, pages = "", 0
    for pages in range(1, 10):  # noqa: B007  # counted below
        address = f"/v2/stocks/trades?symbols=MSFT,AAPL&{SPAN}&limit=3&sort={order}{token}"
        page = tape("GET", address).json()
        seen += [(symbol, t["p"]) for symbol, found in page["trades"].items() for t in found]
        if page["next_page_token"] is None:
            break
        token = f"&page_token={page['next_page_token']}"
    steps = -1 if order == "desc" else 1
    assert pages == 3
    assert (
        seen
        == [("AAPL", 100 + n) for n in range(5)][::steps]
        + [("MSFT", 100 + n) for n in range(3)][::steps]
    )


def test_a_trade_says_what_it_was(tape: Api) -> None:
    answer = tape("GET", f"/v2/stocks/AAPL/trades?{SPAN}&feed=sip&limit=3").json()
    assert (answer["symbol"], len(answer["trades"])) == ("AAPL", 3)
    assert answer["trades"][0] == {
        "t": "2026-01-05T14:30:00.000000Z",
        "p": 100,
        "s": 10,
        "i": 0,
        "x": "",
        "c": ["@"],
        "z": "C",
    }
    assert answer["trades"][2]["c"] == ["Z"]


def test_quotes_come_as_they_changed(tape: Api) -> None:
    quotes = [
        QuoteTick("AAPL", FIRST, D("99.5"), D(100), D("100.5"), D(200)),
        QuoteTick("AAPL", FIRST, D("99.5"), D(100), D("100.5"), D(200)),
        QuoteTick("AAPL", FIRST + timedelta(seconds=1), None, D(0), D("100.5"), D(200)),
    ]
    keep("AAPL", *quotes)
    shown = tape("GET", f"/v2/stocks/quotes?symbols=AAPL&{SPAN}").json()["quotes"]["AAPL"]
    assert [(q["t"][-10:], q["bp"], q["bs"], q["ap"], q["as"]) for q in shown] == [
        ("00.000000Z", 99.5, 100, 100.5, 200),
        ("01.000000Z", 0, 0, 100.5, 200),
    ]


def test_crypto_has_its_own_addresses(tape: Api) -> None:
    answer = tape("GET", f"/v1beta3/crypto/us/trades?symbols=BTC/USD,AAPL&{SPAN}").json()
    assert [t["p"] for t in answer["trades"].pop("BTC/USD")] == [100]
    assert answer["trades"] == {}
    assert tape("GET", f"/v1beta3/crypto/us/quotes?symbols=BTC/USD&{SPAN}").json() == {
        "quotes": {},
        "next_page_token": None,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "feed=mine",
        "currency=EUR",
        "limit=0",
        "sort=up",
        "start=then",
        "page_token=AAPL",
        "page_token=QUFQTHwyMDI2LTAxLTA1VDE0OjMwOjAwKzAwOjAwfC0x",  # AAPL|2026...|-1
        "page_token=QUFQTHwyMDI2LTAxLTA1VDE0OjMwOjAwKzAwOjAwfDk5OTk5OTk5OTk5OTk5OTk5OTk5",
    ],
)
def test_what_cannot_be_is_refused(tape: Api, wrong: str) -> None:
    assert tape("GET", f"/v2/stocks/trades?symbols=AAPL&{wrong}").status_code == 422


def test_an_archive_that_cannot_be_read_is_said_with_its_day(
    tape: Api, settings: Any, tmp_path: Path
) -> None:
    settings.ARCHIVE = str(tmp_path)
    archive.archive(Kind.TRADES, before=FIRST.date() + timedelta(days=1), now=FIRST)
    assert len(tape("GET", f"/v2/stocks/AAPL/trades?{SPAN}").json()["trades"]) == 5
    for file in tmp_path.iterdir():
        file.write_bytes(b"torn")
    answer = tape("GET", f"/v2/stocks/AAPL/trades?{SPAN}")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "archive_incomplete"
    assert "2026-01-05" in answer.json()["message"]
    later = "start=2026-01-06T00:00:00Z&end=2026-01-07T00:00:00Z"
    assert tape("GET", f"/v2/stocks/AAPL/trades?{later}").json()["trades"] == []


@pytest.fixture
def listed_on(tape: Api) -> date:
    """Five days after the day that this returns AAPL became APL, and three later MSFT AAPL."""
    aapl, msft = (Instrument.objects.get(symbol=symbol) for symbol in ("AAPL", "MSFT"))
    listed_at = aapl.history.earliest().history_date
    for instrument, days, symbol in ((aapl, 5, "APL"), (msft, 8, "AAPL")):
        at = listed_at + timedelta(days=days)
        restating.rename(instrument.pk, f"test {days}", symbol=symbol, now=at)
    return calendars.date_of(listed_at)


@pytest.mark.parametrize(
    ("symbol", "days", "found"),
    [
        ("APL", None, 5), ("APL", 5, 5), ("APL", 4, None),
        ("AAPL", None, 3), ("AAPL", 8, 3), ("AAPL", 7, None), ("AAPL", 5, None),
        ("AAPL", 4, 5), ("AAPL", 0, 5), ("AAPL", -100, 5),
        ("MSFT", None, None), ("MSFT", 8, None), ("MSFT", 7, 3), ("MSFT", -100, 3),
    ],
)  # fmt: skip
def test_a_symbol_is_of_who_had_it_on_the_day(
    tape: Api, listed_on: date, symbol: str, days: int | None, found: int | None
) -> None:
    asof = "-" if days is None else (listed_on + timedelta(days=days)).isoformat()
    for path in (f"trades?symbols={symbol}&", f"{symbol}/trades?"):
        answer = tape("GET", f"/v2/stocks/{path}{SPAN}&asof={asof}")
        told = answer.json().get("trades") if answer.status_code == 200 else None
        counted = len(told.get(symbol, [])) if isinstance(told, dict) else told and len(told)
        assert (counted or None) == found
        assert answer.status_code == (404 if found is None and "symbols" not in path else 200)


def test_a_day_that_is_none_is_refused(tape: Api) -> None:
    assert tape("GET", f"/v2/stocks/AAPL/trades?{SPAN}&asof=yesterday").status_code == 422
