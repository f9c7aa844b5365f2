"""Books as clients ask for them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from marketdata import calendars
from marketdata.batches.columns import TickColumns
from marketdata.current import board
from marketdata.current.depth import Book, Level, Resting
from marketdata.history import recording
from marketdata.models import Instrument, Quote
from marketdata.ticks import QuoteTick, TradeTick
from tests import people, world
from tests.services.api.conftest import Api

D = Decimal


@pytest.fixture
def pair(api: Api) -> Instrument:
    listed = world.instrument("BTC/USD", bid="60000.50", ask="60001")
    Instrument.objects.filter(pk=listed.pk).update(asset_class="crypto", exchange="")
    source = Quote.objects.get(instrument=listed).source
    bids = (
        Level(D("60000.5"), D("0.3"), (Resting(7, D("0.1")), Resting(9, D("0.2")))),
        Level(D(60000), D(1), (Resting(3, D(1)),)),
    )
    asks = (Level(D(60001), D(2), (Resting(4, D(2)),)),)
    board.write([(source, Book("BTC/USD", timezone.now(), bids, asks))])
    return listed


@pytest.fixture
def browser(db: None) -> Client:
    user, _ = people.customer()
    return people.browser_of(user)


def test_a_book_comes_by_price_and_by_order(browser: Client, pair: Instrument) -> None:
    by_price = browser.get("/api/v1/instruments/BTC/USD/book").json()
    assert by_price["bids"] == [
        {"price": "60000.5", "size": "0.3"},
        {"price": "60000", "size": "1"},
    ]
    assert (by_price["symbol"], by_price["sequence"], by_price["stale"]) == ("BTC/USD", 1, False)
    by_order = browser.get(f"/api/v1/instruments/{pair.pk}/book?by=order").json()
    assert by_order["bids"][0]["orders"] == [
        {"number": 7, "size": "0.1"},
        {"number": 9, "size": "0.2"},
    ]
    assert by_order["asks"] == [
        {"price": "60001", "size": "2", "orders": [{"number": 4, "size": "2"}]}
    ]


def test_todays_newest_trades_come_first_and_other_days_not_at_all(
    browser: Client, pair: Instrument
) -> None:
    now = timezone.now()
    midnight = calendars.midnight(calendars.date_of(now))
    recording.record(
        TickColumns.of(
            [
                TradeTick("BTC/USD", at, D(price), D("0.5"), str(n), sets_last=n != 2)
                for n, (at, price) in enumerate(
                    [(midnight - timedelta(seconds=1), 1), (midnight, 60000), (now, 60001)]
                )
            ]
        ),
        standing={"BTC/USD": Quote.objects.get(instrument=pair)},
        source="test",
    )
    address = "/api/v1/instruments/BTC/USD/trades"
    found = browser.get(address).json()["trades"]
    told = [(each["price"], each["size"], each["sets_last"]) for each in found]
    assert told == [("60001", "0.5", False), ("60000", "0.5", True)]
    assert browser.get(f"{address}?limit=1").json()["trades"] == found[:1]
    assert browser.get(f"{address}?limit=0").status_code == 422
    assert browser.get("/api/v1/instruments/NOPE/trades").status_code == 404


def test_bars_of_quotes_open_with_what_stood(browser: Client, pair: Instrument) -> None:
    midnight = calendars.midnight(date(2026, 3, 3))
    said = [(-30, 59, 61), (10, 60, 62), (70, 64, 66), (80, 63, 65), (200, 60, 61)]
    recording.record(
        TickColumns.of(
            [
                QuoteTick("BTC/USD", midnight + timedelta(seconds=at), D(bid), D(2), D(ask), D(3))
                for at, bid, ask in said
            ]
        ),
        standing={"BTC/USD": Quote.objects.get(instrument=pair)},
        source="test",
    )
    address = "/api/v1/instruments/BTC/USD/quote-bars?end=2026-03-03T06:00:00-05:00"
    found = browser.get(address).json()["bars"]
    bids = [[each["at"][11:19], *each["bid"].values()] for each in found]
    assert bids == [
        ["05:00:00", "60", "60", "60", "60", "2"],  # the day before is over
        ["05:01:00", "60", "64", "60", "63", "2"],
        ["05:03:00", "63", "63", "60", "60", "2"],
    ]
    assert found[1]["ask"] == {"open": "62", "high": "66", "low": "62", "close": "65", "size": "3"}
    assert browser.get(f"{address}&start=2026-03-03T05:00:30Z").json()["bars"] == found[1:]
    assert browser.get(f"{address}&limit=2").json()["bars"] == found[:2]
    before = browser.get(f"{address}&start=2026-03-02T23:59:00-05:00").json()["bars"]
    assert [each["at"][11:16] for each in before] == ["04:59", "05:00", "05:01", "05:03"]
    assert before[1:] == found
    assert browser.get("/api/v1/instruments/NOPE/quote-bars").status_code == 404
    assert browser.get(f"{address}&limit=0").status_code == 422


def test_a_book_of_another_source_than_the_prices_is_not_told(
    browser: Client, pair: Instrument
) -> None:
    Quote.objects.filter(instrument=pair).update(source="replay")
    book = browser.get("/api/v1/instruments/BTC/USD/book").json()
    assert (book["at"], book["bids"], book["asks"]) == (None, [], [])


def test_a_pair_without_a_book_of_its_prices_is_left_out(api: Api, pair: Instrument) -> None:
    Quote.objects.filter(instrument=pair).update(source="replay")
    found = api("GET", "/v1beta3/crypto/us/latest/orderbooks?symbols=BTC/USD").json()
    assert found == {"orderbooks": {}}


def test_what_cannot_be_asked_is_refused(browser: Client, pair: Instrument) -> None:
    assert browser.get("/api/v1/instruments/NOBODY/book").status_code == 404
    assert browser.get("/api/v1/instruments/BTC/USD/book?by=name").status_code == 422
    assert browser.get("/api/v1/instruments/BTC/USD/book?levels=5").status_code == 400


def test_crypto_books_come_in_the_compatible_shape(api: Api, pair: Instrument) -> None:
    found = api("GET", "/v1beta3/crypto/us/latest/orderbooks?symbols=BTC/USD,AAPL").json()
    book = found["orderbooks"].pop("BTC/USD")
    assert found == {"orderbooks": {}}
    assert book.pop("t").endswith("Z")
    assert book == {
        "b": [{"p": 60000.5, "s": 0.3}, {"p": 60000, "s": 1}],
        "a": [{"p": 60001, "s": 2}],
    }
