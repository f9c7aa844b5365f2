"""`alpaca-py`, unmodified, against the real program: a stranger's client must feel at home."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.requests import (
    CryptoLatestQuoteRequest,
    StockBarsRequest,
    StockLatestQuoteRequest,
    StockSnapshotRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import AssetClass, OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.models import Order
from alpaca.trading.requests import (
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    LimitOrderRequest,
    MarketOrderRequest,
)

from tests.live_server import LiveServer

FILLED_SECONDS_MAX = 20


@dataclass(frozen=True)
class Clients:
    trading: TradingClient
    data: StockHistoricalDataClient
    crypto: CryptoHistoricalDataClient
    base_url: str


@pytest.fixture(scope="module")
def clients(program: LiveServer) -> Clients:
    """A new customer's clients, of a program that is ready to trade."""
    email = f"{uuid.uuid4().hex[:8]}@example.com"
    opened = program.run("open_account", email, "--deposit", "100000", "--api-key")
    assert opened.returncode == 0, opened.stderr
    account = json.loads(opened.stdout)
    key, secret, url = account["key_id"], account["secret_key"], program.base_url
    return Clients(
        trading=TradingClient(key, secret, url_override=url),
        data=StockHistoricalDataClient(key, secret, url_override=url),
        crypto=CryptoHistoricalDataClient(key, secret, url_override=url),
        base_url=url,
    )


def wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + FILLED_SECONDS_MAX
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen in {FILLED_SECONDS_MAX} s")
        time.sleep(0.05)


def latest(clients: Clients, order: Order) -> Order:
    return clients.trading.get_order_by_id(order.id)


def wait_until_filled(clients: Clients, order: Order) -> Order:
    wait_for(lambda: latest(clients, order).status is OrderStatus.FILLED, "the fill")
    return latest(clients, order)


def ask(clients: Clients, symbol: str = "AAPL") -> float:
    quotes = clients.data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=symbol))
    return float(quotes[symbol].ask_price)


def test_account_clock_calendar_and_assets(clients: Clients) -> None:
    account = clients.trading.get_account()
    assert account.status == "ACTIVE"
    assert account.currency == "USD"
    clock = clients.trading.get_clock()
    assert clock.is_open
    assert clock.next_close > clock.timestamp
    days = clients.trading.get_calendar(
        GetCalendarRequest(start=clock.timestamp.date(), end=clock.timestamp.date())
    )
    assert days[0].open < days[0].close
    stocks = clients.trading.get_all_assets(GetAssetsRequest(asset_class=AssetClass.US_EQUITY))
    assert "AAPL" in {asset.symbol for asset in stocks}
    pair = clients.trading.get_asset("BTC/USD")
    assert pair.asset_class is AssetClass.CRYPTO
    assert clients.trading.get_asset(pair.id).symbol == "BTC/USD"


def test_market_data(clients: Clients) -> None:
    wait_for(lambda: ask(clients) > 0, "an offer of AAPL")
    quotes = clients.crypto.get_crypto_latest_quote(
        CryptoLatestQuoteRequest(symbol_or_symbols="BTC/USD")
    )
    assert quotes["BTC/USD"].timestamp.tzinfo is not None
    now = datetime.now(UTC)
    days = clients.data.get_stock_bars(
        StockBarsRequest(
            symbol_or_symbols=["AAPL", "MSFT"], timeframe=TimeFrame.Day,
            start=now - timedelta(days=30), end=now,
        )
    )  # fmt: skip
    assert days["AAPL"][0].high >= days["AAPL"][0].low
    assert len(days["MSFT"]) > 10
    snapshots = clients.data.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols="AAPL"))
    assert snapshots["AAPL"].latest_quote.ask_price > 0


def test_a_market_order_is_filled_and_becomes_a_position(clients: Clients) -> None:
    wait_for(lambda: ask(clients) > 0, "an offer of AAPL")
    sent = clients.trading.submit_order(
        MarketOrderRequest(symbol="AAPL", qty=3, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
    )
    filled = wait_until_filled(clients, sent)
    assert float(filled.filled_qty) == 3
    assert float(filled.filled_avg_price) > 0
    position = clients.trading.get_open_position("AAPL")
    assert float(position.qty) == 3
    assert [p.symbol for p in clients.trading.get_all_positions()] == ["AAPL"]
    closed = clients.trading.close_position("AAPL")
    wait_until_filled(clients, closed)
    assert clients.trading.get_all_positions() == []


def test_a_limit_order_rests_is_found_repeated_and_cancelled(clients: Clients) -> None:
    wait_for(lambda: ask(clients) > 0, "an offer of AAPL")
    wanted = LimitOrderRequest(
        symbol="AAPL", qty=2, side=OrderSide.BUY, time_in_force=TimeInForce.GTC,
        limit_price=round(ask(clients) * 0.5, 2), client_order_id=f"mine-{uuid.uuid4()}",
    )  # fmt: skip
    sent = clients.trading.submit_order(wanted)
    assert clients.trading.submit_order(wanted).id == sent.id
    assert clients.trading.get_order_by_client_id(wanted.client_order_id).id == sent.id
    wait_for(lambda: latest(clients, sent).status is OrderStatus.NEW, "the acknowledgement")
    resting = clients.trading.get_orders(
        GetOrdersRequest(status=QueryOrderStatus.OPEN, symbols=["AAPL"], side=OrderSide.BUY)
    )
    assert [order.id for order in resting] == [sent.id]
    clients.trading.cancel_order_by_id(sent.id)
    wait_for(lambda: latest(clients, sent).status is OrderStatus.CANCELED, "the cancel")
    with pytest.raises(APIError) as refused:
        clients.trading.cancel_order_by_id(sent.id)
    assert (refused.value.status_code, refused.value.code) == (422, 42210000)


def test_every_open_order_is_cancelled(clients: Clients) -> None:
    limit = round(ask(clients) * 0.5, 2)
    sent = [
        clients.trading.submit_order(
            LimitOrderRequest(
                symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY,
                limit_price=limit,
            )
        )
        for _ in range(3)
    ]  # fmt: skip
    answers = clients.trading.cancel_orders()
    assert {answer.id for answer in answers} >= {order.id for order in sent}
    wait_for(lambda: clients.trading.get_orders() == [], "every cancel")


def test_errors_are_read_by_the_client(clients: Clients) -> None:
    with pytest.raises(APIError) as poor:
        clients.trading.submit_order(
            LimitOrderRequest(
                symbol="AAPL", qty=2000, side=OrderSide.BUY, time_in_force=TimeInForce.DAY,
                limit_price=round(ask(clients), 2),
            )
        )  # fmt: skip
    assert (poor.value.status_code, poor.value.code) == (403, 40310000)
    assert "buying power" in poor.value.message
    with pytest.raises(APIError) as unknown:
        clients.trading.get_open_position("MSFT")
    assert (unknown.value.status_code, unknown.value.code) == (404, 40410000)
    with pytest.raises(APIError) as stranger:
        TradingClient("PKNOBODY", "nothing", url_override=clients.base_url).get_account()
    assert (stranger.value.status_code, stranger.value.code) == (401, 40110000)
