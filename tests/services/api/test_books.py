"""Books as clients ask for them."""

from __future__ import annotations

from datetime import timedelta
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
from marketdata.ticks import TradeTick
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
