"""What moves most today: as compatible clients ask for it, and as our screener does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from marketdata import calendars
from marketdata.models import Bar, Instrument, Quote
from tests import world
from tests.services.api.conftest import Api

D = Decimal


def today() -> date:
    return calendars.date_of(timezone.now())


def day(symbol: str, close: str, last: str, *, volume: str, trades: int, **listed: Any) -> None:
    """Let `symbol` have moved from one close to a last price, in a range of 2 around it."""
    instrument = world.instrument(symbol)
    Instrument.objects.filter(pk=instrument.pk).update(name=f"{symbol} Inc.", **listed)
    Quote.objects.filter(instrument=instrument).update(
        last=D(last), last_at=timezone.now(), previous_close=D(close), day=today(),
        day_open=D(close), day_high=D(last) + 1, day_low=D(last) - 1, day_volume=D(volume),
    )  # fmt: skip
    Bar.objects.create(
        instrument=instrument, timeframe="1Day", start=calendars.midnight(today()), source="test",
        open=D(close), high=D(last) + 1, low=D(last) - 1, close=D(last), volume=D(volume),
        turnover=D(volume) * D(last), trades=trades,
    )  # fmt: skip


@pytest.fixture
def market(api: Api) -> Api:
    Quote.objects.all().delete()  # of the customer's instrument, which has not moved
    day("UP", "100", "110", volume="50", trades=7, sector="Energy")
    day("UPPER", "20", "25", volume="4000", trades=1, sector="Energy")
    day("DOWN", "40", "30", volume="900", trades=90)
    day("SAME", "10", "10", volume="60", trades=8)
    day("BTC/USD", "1000", "1001", volume="0.5", trades=3, asset_class="crypto")
    return api


def symbols(rows: list[dict[str, Any]]) -> list[str]:
    return [row["symbol"] for row in rows]


def test_those_that_rose_and_fell_most_come_first(market: Api) -> None:
    answer = market("GET", "/v1beta1/screener/stocks/movers").json()
    assert answer["market_type"] == "stocks"
    assert answer["gainers"] == [
        {"symbol": "UPPER", "percent_change": 25.0, "change": 5, "price": 25},
        {"symbol": "UP", "percent_change": 10.0, "change": 10, "price": 110},
    ]
    assert answer["losers"] == [
        {"symbol": "DOWN", "percent_change": -25.0, "change": -10, "price": 30}
    ]
    top = market("GET", "/v1beta1/screener/stocks/movers?top=1").json()
    assert symbols(top["gainers"]) == ["UPPER"]
    crypto = market("GET", "/v1beta1/screener/crypto/movers").json()
    assert (symbols(crypto["gainers"]), crypto["losers"]) == (["BTC/USD"], [])
    assert market("GET", "/v1beta1/screener/tulips/movers").status_code == 404
    assert market("GET", "/v1beta1/screener/stocks/movers?top=none").status_code == 422


def test_those_that_are_traded_most_come_first(market: Api) -> None:
    by_volume = market("GET", "/v1beta1/screener/stocks/most-actives?top=2").json()
    assert by_volume["most_actives"] == [
        {"symbol": "UPPER", "volume": 4000, "trade_count": 1},
        {"symbol": "DOWN", "volume": 900, "trade_count": 90},
    ]
    by_trades = market("GET", "/v1beta1/screener/stocks/most-actives?by=trades").json()
    assert symbols(by_trades["most_actives"]) == ["DOWN", "SAME", "UP", "UPPER"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", ["UPPER", "UP", "BTC/USD", "SAME", "DOWN"]),
        ("order=asc&limit=2", ["DOWN", "SAME"]),
        ("limit=2&offset=1", ["UP", "BTC/USD"]),
        ("by=volume", ["UPPER", "DOWN", "SAME", "UP", "BTC/USD"]),
        ("by=turnover", ["UPPER", "DOWN", "UP", "SAME", "BTC/USD"]),
        ("by=trades&asset_class=us_equity", ["DOWN", "SAME", "UP", "UPPER"]),
        ("by=range_percent", ["SAME", "UPPER", "DOWN", "UP", "BTC/USD"]),
        ("by=price&price_min=25&price_max=110", ["UP", "DOWN", "UPPER"]),
        ("change_min=0&change_max=24.99", ["UP", "BTC/USD", "SAME"]),
        ("volume_min=60", ["UPPER", "SAME", "DOWN"]),
        ("turnover_min=5500.01", ["UPPER", "DOWN"]),
        ("sector=Energy&asset_class=us_equity", ["UPPER", "UP"]),
    ],
)
def test_the_screener_chooses_and_orders(
    market: Api, browser: Client, asked: str, found: list[str]
) -> None:
    answer = browser.get(f"/api/v1/screener?{asked}")
    assert symbols(answer.json()["instruments"]) == found


def test_what_the_screener_says_of_one(market: Api, browser: Client) -> None:
    quote = Quote.objects.get(instrument__symbol="DOWN")
    quote.received_at = datetime.now(UTC) - timedelta(days=1)
    quote.save()
    (row,) = browser.get("/api/v1/screener?order=asc&limit=1").json()["instruments"]
    assert row.pop("at")
    assert row == {
        "symbol": "DOWN", "name": "DOWN Inc.", "asset_class": "us_equity", "sector": "",
        "price": "30", "change": "-10", "change_percent": "-25", "high": "31", "low": "29",
        "range_percent": "5", "volume": "900", "turnover": "27000", "trades": 90, "stale": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "status"),
    [("by=beauty", 422), ("price_min=1e3", 422), ("limit=0", 422), ("colour=red", 400)],
)
def test_the_screener_refuses_what_it_does_not_know(
    market: Api, browser: Client, asked: str, status: int
) -> None:
    assert browser.get(f"/api/v1/screener?{asked}").status_code == status


def test_what_has_not_traded_today_has_not_moved(market: Api, browser: Client) -> None:
    Quote.objects.filter(instrument__symbol="UP").update(day=today() - timedelta(days=1))
    Quote.objects.filter(instrument__symbol="UPPER").update(last=None)
    Instrument.objects.filter(symbol="DOWN").update(tradable=False)
    found = browser.get("/api/v1/screener").json()["instruments"]
    assert symbols(found) == ["BTC/USD", "SAME"]
