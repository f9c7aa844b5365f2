"""Market data, assets, the clock and the calendar, as clients ask for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client, override_settings

from marketdata.instruments import restating
from marketdata.models import Bar, Instrument
from tests import world
from tests.services.api.conftest import Api

FIRST = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)


def bars(symbol: str, count: int, *, first: datetime = FIRST) -> None:
    """Keep minute bars, one after another, at 100, 101, ..."""
    listed = Instrument.objects.get(symbol=symbol)
    Bar.objects.bulk_create(
        Bar(
            instrument=listed, timeframe="1Min", start=first + timedelta(minutes=n), source="test",
            open=Decimal(100 + n), high=Decimal(101 + n), low=Decimal(99 + n),
            close=Decimal(100 + n), volume=Decimal(10), turnover=Decimal(10 * (100 + n)), trades=2,
        )
        for n in range(count)
    )  # fmt: skip


@pytest.fixture
def market(api: Api) -> Api:
    world.instrument("MSFT", bid="400.00", ask="400.05")
    pair = world.instrument("BTC/USD", bid="60000.50", ask="60001")
    Instrument.objects.filter(pk=pair.pk).update(asset_class="crypto", exchange="")
    bars("AAPL", 5)
    bars("MSFT", 3)
    return api


def test_latest_quotes_come_by_symbol(market: Api) -> None:
    quotes = market("GET", "/v2/stocks/quotes/latest?symbols=AAPL,MSFT,BTC/USD,NOPE").json()[
        "quotes"
    ]
    assert sorted(quotes) == ["AAPL", "MSFT"]
    assert (quotes["AAPL"]["bp"], quotes["AAPL"]["ap"]) == (99.99, 100)
    one = market("GET", "/v2/stocks/AAPL/quotes/latest").json()
    assert (one["symbol"], one["quote"]) == ("AAPL", quotes["AAPL"])


def test_crypto_has_its_own_addresses(market: Api) -> None:
    answer = market("GET", "/v1beta3/crypto/us/latest/quotes", params={"symbols": "BTC/USD,AAPL"})
    assert answer.json()["quotes"].keys() == {"BTC/USD"}
    assert market("GET", "/v2/stocks/BTC/quotes/latest").status_code == 404


def test_before_the_first_trade_there_is_none(market: Api) -> None:
    assert market("GET", "/v2/stocks/trades/latest?symbols=AAPL").json() == {"trades": {}}


SPAN = "start=2026-01-05T00:00:00Z&end=2026-01-06T00:00:00Z&timeframe=1Min"


def test_bars_come_in_pages_over_symbols(market: Api) -> None:
    seen: list[tuple[str, float]] = []
    token = ""
    pages = 0
    for pages in range(1, 10):  # noqa: B007  # counted below
        page = market("GET", f"/v2/stocks/bars?symbols=MSFT,AAPL&{SPAN}&limit=3{token}").json()
        seen += [(symbol, bar["o"]) for symbol, found in page["bars"].items() for bar in found]
        if page["next_page_token"] is None:
            break
        token = f"&page_token={page['next_page_token']}"
    assert pages == 3
    assert seen == [("AAPL", 100 + n) for n in range(5)] + [("MSFT", 100 + n) for n in range(3)]


def test_bars_come_newest_first_when_asked(market: Api) -> None:
    first = market("GET", f"/v2/stocks/AAPL/bars?{SPAN}&sort=desc&limit=3").json()
    assert [bar["o"] for bar in first["bars"]] == [104, 103, 102]
    token = first["next_page_token"]
    rest = market("GET", f"/v2/stocks/AAPL/bars?{SPAN}&sort=desc&page_token={token}").json()
    assert [bar["o"] for bar in rest["bars"]] == [101, 100]
    assert rest["next_page_token"] is None


def test_longer_bars_are_gathered(market: Api) -> None:
    answer = market("GET", f"/v2/stocks/AAPL/bars?{SPAN.replace('1Min', '1Hour')}")
    assert answer.status_code == 200


def test_the_latest_bar_and_the_snapshot(market: Api) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    bars("AAPL", 2, first=now - timedelta(minutes=3))
    latest = market("GET", "/v2/stocks/bars/latest?symbols=AAPL,MSFT").json()["bars"]
    assert (latest.keys(), latest["AAPL"]["o"]) == ({"AAPL"}, 101)
    snapshots = market("GET", "/v2/stocks/snapshots?symbols=AAPL").json()
    assert snapshots["AAPL"]["minuteBar"] == latest["AAPL"]
    assert snapshots["AAPL"]["latestQuote"]["bp"] == 99.99
    assert snapshots["AAPL"].keys() == {
        "latestTrade", "latestQuote", "minuteBar", "dailyBar", "prevDailyBar",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["BTC/USD", "BTC%2FUSD", "BTCUSD", "btc/usd"])
def test_an_asset_is_found_by_its_symbol(market: Api, name: str) -> None:
    found = market("GET", f"/v2/assets/{name}").json()
    assert (found["symbol"], found["class"], found["exchange"]) == ("BTC/USD", "crypto", "CRYPTO")
    assert market("GET", f"/v2/assets/{found['id']}").json() == found


def test_assets_are_filtered(market: Api) -> None:
    def symbols(**query: str) -> list[str]:
        return [a["symbol"] for a in market("GET", "/v2/assets", params=query).json()]

    assert symbols() == ["AAPL", "BTC/USD", "MSFT"]
    assert symbols(asset_class="crypto") == ["BTC/USD"]
    assert symbols(status="inactive") == []
    assert symbols(exchange="NASDAQ") == ["AAPL", "MSFT"]
    assert symbols(attributes="has_options,ipo") == []


def test_the_clock_and_the_calendar(market: Api) -> None:
    clock = market("GET", "/v2/clock").json()
    assert clock["is_open"] is True
    assert clock["timestamp"] < clock["next_close"]
    days = market("GET", "/v2/calendar?start=2026-01-05&end=2026-01-07").json()
    assert [(d["date"], d["open"], d["close"]) for d in days] == [
        (f"2026-01-0{n}", "00:00", "23:59") for n in (5, 6, 7)
    ]


@override_settings(MARKET_HOURS="XNYS")
def test_a_day_of_the_calendar_says_when_its_trades_are_final(market: Api) -> None:
    days = market("GET", "/v2/calendar?start=2026-07-01&end=2026-07-06").json()
    assert [(d["date"], d["settlement_date"]) for d in days] == [
        ("2026-07-01", "2026-07-02"), ("2026-07-02", "2026-07-06"), ("2026-07-06", "2026-07-07"),
    ]  # fmt: skip


def test_a_chart_has_the_latest_bars_oldest_first(market: Api, browser: Client) -> None:
    answer = browser.get("/api/v1/bars?symbol=AAPL&timeframe=1Min&limit=2&end=2026-01-06")
    shown = answer.json()
    assert (shown["symbol"], shown["timeframe"]) == ("AAPL", "1Min")
    assert [bar["o"] for bar in shown["bars"]] == [103, 104]


def test_bars_are_as_traded_or_on_the_terms_of_today(market: Api) -> None:
    aapl = Instrument.objects.get(symbol="AAPL")
    restating.adjust_for_split(aapl.pk, "4 for 1", ex_date=date(2026, 1, 6), new=4, old=1)

    def first(query: str) -> tuple[float, float, float]:
        bar = market("GET", f"/v2/stocks/AAPL/bars?{SPAN}{query}").json()["bars"][0]
        return bar["o"], bar["v"], bar["vw"]

    assert first("") == first("&adjustment=raw") == first("&adjustment=dividend") == (100, 10, 100)
    assert first("&adjustment=split") == first("&adjustment=all") == (25, 40, 25)
    refused = market("GET", f"/v2/stocks/AAPL/bars?{SPAN}&adjustment=some")
    assert refused.status_code == 422
