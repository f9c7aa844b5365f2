"""`alpaca-py`, unmodified, against the real program: a stranger's client must feel at home."""

from __future__ import annotations

import json
import queue
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.historical.screener import ScreenerClient
from alpaca.data.live import StockDataStream
from alpaca.data.models import Quote as MarketQuote
from alpaca.data.models import Trade as MarketTrade
from alpaca.data.requests import (
    CorporateActionsRequest,
    CryptoLatestQuoteRequest,
    MarketMoversRequest,
    MostActivesRequest,
    StockBarsRequest,
    StockLatestQuoteRequest,
    StockSnapshotRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import (
    AssetClass,
    CorporateActionType,
    OrderClass,
    OrderSide,
    OrderStatus,
    QueryOrderStatus,
    TimeInForce,
    TradeEvent,
)
from alpaca.trading.models import ClosePositionResponse, Order, TradeUpdate
from alpaca.trading.requests import (
    ClosePositionRequest,
    CreateWatchlistRequest,
    GetAssetsRequest,
    GetCalendarRequest,
    GetCorporateAnnouncementsRequest,
    GetOrderByIdRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
    ReplaceOrderRequest,
    StopLimitOrderRequest,
    StopLossRequest,
    StopOrderRequest,
    TakeProfitRequest,
    TrailingStopOrderRequest,
    UpdateWatchlistRequest,
)
from alpaca.trading.stream import TradingStream

from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until

FILLED_SECONDS_MAX = DEADLINE_SECONDS


@dataclass(frozen=True)
class Clients:
    trading: TradingClient
    data: StockHistoricalDataClient
    crypto: CryptoHistoricalDataClient
    base_url: str
    key: str
    secret: str


@pytest.fixture(scope="module")
def clients(program: LiveServer) -> Clients:
    """A new customer's clients, of a program that is ready to trade."""
    email = f"{uuid.uuid4().hex[:8]}@example.com"
    account = json.loads(program.console("open_account", email, "--deposit", "100000", "--api-key"))
    key, secret, url = account["key_id"], account["secret_key"], program.base_url
    return Clients(
        trading=TradingClient(key, secret, url_override=url),
        data=StockHistoricalDataClient(key, secret, url_override=url),
        crypto=CryptoHistoricalDataClient(key, secret, url_override=url),
        base_url=url,
        key=key,
        secret=secret,
    )


def wait_for(condition: Callable[[], bool], what: str) -> None:
    try:
        until(condition)
    except AssertionError as error:
        raise AssertionError(f"{what} did not happen") from error


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


def test_portfolio_history_ends_with_the_account(clients: Clients) -> None:
    wanted = GetPortfolioHistoryRequest(
        period="1W", timeframe="5Min", pnl_reset="no_reset", cashflow_types="CSD,CSW"
    )

    def agrees() -> bool:
        """Tell whether nothing moved between the two calls: prices move all the time."""
        found = clients.trading.get_portfolio_history(wanted)
        account = clients.trading.get_account()
        return found.equity[-1] == float(account.equity)

    wait_for(agrees, "a history that ends with the account as it is")
    found = clients.trading.get_portfolio_history(wanted)
    assert (found.timeframe, found.base_value) == ("5Min", 100_000)
    assert len(found.timestamp) == len(found.equity) == len(found.profit_loss)
    assert all(later - earlier == 300 for earlier, later in pairwise(found.timestamp))
    assert found.profit_loss[-1] == pytest.approx(found.equity[-1] - 100_000)
    cashflow = {kind.value: sum(amounts) for kind, amounts in found.cashflow.items()}
    assert cashflow == {"CSD": 100_000, "CSW": 0}
    daily = clients.trading.get_portfolio_history()
    assert daily.timeframe == "1D"
    assert daily.profit_loss_pct[-1] == pytest.approx(daily.profit_loss[-1] / 100_000, abs=1e-6)


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


def priced(clients: Clients, share: float) -> float:
    """Return this share of the price of AAPL, in whole cents."""
    wait_for(lambda: ask(clients) > 0, "an offer of AAPL")
    return round(ask(clients) * share, 2)


def buy(clients: Clients, quantity: int) -> None:
    sent = clients.trading.submit_order(
        MarketOrderRequest(
            symbol="AAPL", qty=quantity, side=OrderSide.BUY, time_in_force=TimeInForce.DAY
        )
    )
    wait_until_filled(clients, sent)


def close_all(clients: Clients) -> list[ClosePositionResponse]:
    """Cancel every order and close every position; return what was closed.

    What an order holds whose cancel takes the venue longer than a moment is not closed with it: the
    call is to be repeated.
    """
    answers = clients.trading.close_all_positions(cancel_orders=True)
    return [answer for answer in answers if answer.status == 200]


def leave_nothing(clients: Clients) -> None:
    def owns_nothing() -> bool:
        close_all(clients)
        return clients.trading.get_all_positions() == []

    wait_for(owns_nothing, "the end of every position")
    clients.trading.cancel_orders()
    wait_for(lambda: clients.trading.get_orders() == [], "every cancel")


@pytest.fixture
def nothing_left(clients: Clients) -> Iterator[None]:
    yield
    leave_nothing(clients)


@pytest.mark.usefixtures("nothing_left")
def test_stops_wait_for_their_price(clients: Clients) -> None:
    common = {"symbol": "AAPL", "qty": 1, "side": OrderSide.BUY, "time_in_force": TimeInForce.GTC}
    high, higher = priced(clients, 1.4), priced(clients, 1.5)
    stop = clients.trading.submit_order(StopOrderRequest(**common, stop_price=high))
    stop_limit = clients.trading.submit_order(
        StopLimitOrderRequest(**common, stop_price=high, limit_price=higher)
    )
    trailing = clients.trading.submit_order(TrailingStopOrderRequest(**common, trail_percent=30))
    by_amount = clients.trading.submit_order(TrailingStopOrderRequest(**common, trail_price=99))
    assert {o.status for o in (stop, stop_limit, trailing, by_amount)} == {OrderStatus.NEW}
    assert (float(stop.stop_price), float(stop_limit.limit_price)) == (high, higher)
    assert (trailing.trail_percent, by_amount.trail_price) == ("30", "99")
    assert float(latest(clients, trailing).hwm) > 0
    assert len(clients.trading.get_orders()) == 4


@pytest.mark.usefixtures("nothing_left")
def test_a_bracket_opens_and_waits_for_an_exit(clients: Clients) -> None:
    sent = clients.trading.submit_order(
        MarketOrderRequest(
            symbol="AAPL", qty=2, side=OrderSide.BUY, time_in_force=TimeInForce.GTC,
            order_class=OrderClass.BRACKET,
            take_profit=TakeProfitRequest(limit_price=priced(clients, 1.5)),
            stop_loss=StopLossRequest(
                stop_price=priced(clients, 0.6), limit_price=priced(clients, 0.5)
            ),
        )
    )  # fmt: skip
    assert sent.order_class is OrderClass.BRACKET
    assert {leg.status for leg in sent.legs} == {OrderStatus.HELD}
    wait_until_filled(clients, sent)

    def legs() -> list[Order]:
        whole = clients.trading.get_order_by_id(sent.id, GetOrderByIdRequest(nested=True))
        return list(whole.legs)

    wait_for(lambda: any(leg.status is OrderStatus.NEW for leg in legs()), "the take-profit")
    assert sorted(leg.status.value for leg in legs()) == ["held", "new"]
    (nested,) = clients.trading.get_orders(
        GetOrdersRequest(status=QueryOrderStatus.ALL, nested=True, limit=1)
    )
    assert (nested.id, len(nested.legs)) == (sent.id, 2)


@pytest.mark.usefixtures("nothing_left")
def test_one_cancels_and_one_triggers_the_other(clients: Clients) -> None:
    buy(clients, 3)
    oco = clients.trading.submit_order(
        LimitOrderRequest(
            symbol="AAPL", qty=3, side=OrderSide.SELL, time_in_force=TimeInForce.GTC,
            order_class=OrderClass.OCO,
            take_profit=TakeProfitRequest(limit_price=priced(clients, 1.5)),
            stop_loss=StopLossRequest(stop_price=priced(clients, 0.5)),
        )
    )  # fmt: skip
    assert (oco.order_class, len(oco.legs)) == (OrderClass.OCO, 1)
    oto = clients.trading.submit_order(
        LimitOrderRequest(
            symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY,
            limit_price=priced(clients, 0.5), order_class=OrderClass.OTO,
            stop_loss=StopLossRequest(stop_price=priced(clients, 0.4)),
        )
    )  # fmt: skip
    assert (oto.order_class, len(oto.legs)) == (OrderClass.OTO, 1)
    answers = clients.trading.cancel_orders()
    assert {answer.status for answer in answers} == {200}
    assert {answer.id for answer in answers} == {
        oco.id, oto.id, oco.legs[0].id, oto.legs[0].id,
    }  # fmt: skip


@pytest.mark.usefixtures("nothing_left")
def test_an_order_by_value(clients: Clients) -> None:
    sent = clients.trading.submit_order(
        MarketOrderRequest(
            symbol="BTC/USD", notional=100, side=OrderSide.BUY, time_in_force=TimeInForce.GTC
        )
    )
    assert (sent.notional, sent.qty) == ("100", None)
    filled = wait_until_filled(clients, sent)
    spent = float(filled.filled_qty) * float(filled.filled_avg_price)
    assert 90 < spent <= 100


@pytest.mark.usefixtures("nothing_left")
def test_an_order_is_replaced(clients: Clients) -> None:
    sent = clients.trading.submit_order(
        LimitOrderRequest(
            symbol="AAPL", qty=5, side=OrderSide.BUY, time_in_force=TimeInForce.DAY,
            limit_price=priced(clients, 0.5),
        )
    )  # fmt: skip
    wait_for(lambda: latest(clients, sent).status is OrderStatus.NEW, "the acknowledgement")
    new = clients.trading.replace_order_by_id(
        sent.id, ReplaceOrderRequest(qty=4, limit_price=priced(clients, 0.55))
    )
    assert (new.replaces, new.qty) == (sent.id, "4")
    wait_for(lambda: latest(clients, new).status is OrderStatus.NEW, "the replacement")
    old = latest(clients, sent)
    assert (old.status, old.replaced_by) == (OrderStatus.REPLACED, new.id)
    with pytest.raises(APIError) as refused:
        clients.trading.replace_order_by_id(sent.id, ReplaceOrderRequest(qty=3))
    assert (refused.value.status_code, refused.value.code) == (422, 42210000)


@pytest.mark.usefixtures("nothing_left")
def test_positions_are_closed_in_part_and_all_at_once(clients: Clients) -> None:
    buy(clients, 4)
    part = clients.trading.close_position("AAPL", ClosePositionRequest(percentage="50"))
    assert (part.side, part.qty) == (OrderSide.SELL, "2")
    wait_until_filled(clients, part)
    resting = clients.trading.submit_order(
        LimitOrderRequest(
            symbol="AAPL", qty=2, side=OrderSide.SELL, time_in_force=TimeInForce.DAY,
            limit_price=priced(clients, 1.5),
        )
    )  # fmt: skip
    (closed,) = until(lambda: close_all(clients))
    assert (closed.symbol, closed.status) == ("AAPL", 200)
    assert isinstance(closed.body, Order)
    wait_until_filled(clients, closed.body)
    assert latest(clients, resting).status is OrderStatus.CANCELED


def test_movers_and_most_actives_are_read_by_the_client(clients: Clients) -> None:
    screener = ScreenerClient(clients.key, clients.secret, url_override=clients.base_url)
    active = screener.get_most_actives(MostActivesRequest(top=3))
    volumes = [each.volume for each in active.most_actives]
    assert len(volumes) == 3
    assert volumes == sorted(volumes, reverse=True)
    moved = screener.get_market_movers(MarketMoversRequest(top=2))
    assert all(each.percent_change >= 0 for each in moved.gainers)
    assert all(each.percent_change <= 0 for each in moved.losers)
    assert 1 <= len(moved.gainers) + len(moved.losers) <= 4


@pytest.mark.usefixtures("nothing_left")
def test_the_stream_tells_of_every_step(clients: Clients) -> None:
    heard: queue.Queue[TradeUpdate] = queue.Queue()

    async def hear(update: TradeUpdate) -> None:
        heard.put(update)

    stream = TradingStream(
        clients.key, clients.secret,
        url_override=clients.base_url.replace("http", "ws", 1) + "/stream",
    )  # fmt: skip
    stream.subscribe_trade_updates(hear)
    listening = threading.Thread(target=stream.run, daemon=True)
    listening.start()

    def is_heard() -> bool:
        """Let something happen: the stream does not tell when it listens."""
        resting = LimitOrderRequest(
            symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.GTC,
            limit_price=priced(clients, 0.5),
        )  # fmt: skip
        clients.trading.cancel_order_by_id(clients.trading.submit_order(resting).id)
        return not heard.empty()

    wait_for(is_heard, "the stream")
    sent = clients.trading.submit_order(
        MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
    )
    updates: list[TradeUpdate] = []
    while not updates or updates[-1].event != TradeEvent.FILL:
        update = heard.get(timeout=FILLED_SECONDS_MAX)
        if update.order.id == sent.id:
            updates.append(update)
    stream.stop()
    listening.join(FILLED_SECONDS_MAX)
    assert [update.event for update in updates] == [
        TradeEvent.PENDING_NEW, TradeEvent.NEW, TradeEvent.FILL,
    ]  # fmt: skip
    assert (updates[-1].qty, updates[-1].position_qty) == (1, 1)
    assert updates[-1].order.status is OrderStatus.FILLED


@pytest.mark.usefixtures("nothing_left")
def test_the_stream_of_market_data_tells_of_a_trade_of_ours(clients: Clients) -> None:
    heard: queue.Queue[MarketQuote | MarketTrade] = queue.Queue()

    async def hear(said: MarketQuote | MarketTrade) -> None:
        heard.put(said)

    stream = StockDataStream(
        clients.key, clients.secret,
        url_override=clients.base_url.replace("http", "ws", 1) + "/v2/iex",
    )  # fmt: skip
    stream.subscribe_quotes(hear, "AAPL", "MSFT")
    stream.subscribe_trades(hear, "*")
    listening = threading.Thread(target=stream.run, daemon=True)
    listening.start()
    said = heard.get(timeout=FILLED_SECONDS_MAX)  # the market moves by itself: we are subscribed
    order = clients.trading.submit_order(
        MarketOrderRequest(symbol="AAPL", qty=3, side=OrderSide.BUY, time_in_force=TimeInForce.DAY)
    )
    wait_until_filled(clients, order)
    # In as many parts as the book had it, among the trades of others, which may be as large.
    told = clients.trading.get("/account/activities/FILL", {"direction": "desc"})
    fills = [fill for fill in told if fill["order_id"] == str(order.id)]
    assert sum(int(fill["qty"]) for fill in fills) == 3
    parts = Counter(map(_of_fill, fills))
    while parts:
        if isinstance(said, MarketTrade):
            parts -= Counter([(said.symbol, said.timestamp, said.price, said.size)])
        else:
            assert said.symbol in ("AAPL", "MSFT")
            assert said.bid_price < said.ask_price
        said = heard.get(timeout=FILLED_SECONDS_MAX)
    stream.stop()
    listening.join(FILLED_SECONDS_MAX)


def _of_fill(fill: dict[str, str]) -> tuple[str, datetime, float, float]:
    at = datetime.fromisoformat(fill["transaction_time"])
    return fill["symbol"], at, float(fill["price"]), float(fill["qty"])


def test_watchlists_are_made_changed_and_deleted(clients: Clients) -> None:
    trading = clients.trading
    made = trading.create_watchlist(CreateWatchlistRequest(name="Tech", symbols=["AAPL"]))
    assert (made.name, [asset.symbol for asset in made.assets]) == ("Tech", ["AAPL"])
    assert made.account_id == trading.get_account().id
    more = trading.add_asset_to_watchlist_by_id(made.id, "BTC/USD")
    assert [asset.symbol for asset in more.assets] == ["AAPL", "BTC/USD"]
    changed = trading.update_watchlist_by_id(
        made.id, UpdateWatchlistRequest(name="Mine", symbols=["MSFT", "AAPL", "BTC/USD"])
    )
    assert (changed.name, changed.assets[0].symbol) == ("Mine", "MSFT")
    less = trading.remove_asset_from_watchlist_by_id(made.id, "BTC/USD")
    assert [asset.symbol for asset in less.assets] == ["MSFT", "AAPL"]
    assert trading.get_watchlist_by_id(made.id) == less
    assert [(each.id, each.assets) for each in trading.get_watchlists()] == [(made.id, None)]
    with pytest.raises(APIError) as taken:
        trading.create_watchlist(CreateWatchlistRequest(name="Mine", symbols=[]))
    assert (taken.value.status_code, taken.value.code) == (422, 40010001)
    trading.delete_watchlist_by_id(made.id)
    assert trading.get_watchlists() == []
    with pytest.raises(APIError) as gone:
        trading.get_watchlist_by_id(made.id)
    assert (gone.value.status_code, gone.value.code) == (404, 40410000)


def test_an_account_is_suspended_and_lifted_by_its_configurations(clients: Clients) -> None:
    trading = clients.trading
    told = trading.get_account_configurations()
    assert (told.suspend_trade, told.no_shorting, told.max_margin_multiplier) == (False, True, "1")
    suspended = told.model_copy(update={"suspend_trade": True})
    assert trading.set_account_configurations(suspended) == suspended
    with pytest.raises(APIError) as denied:
        trading.submit_order(
            MarketOrderRequest(
                symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.DAY
            )
        )
    assert (denied.value.status_code, denied.value.code) == (403, 40310000)
    assert trading.get_account().trade_suspended_by_user
    assert trading.set_account_configurations(told) == told
    assert not trading.get_account().trade_suspended_by_user


def test_corporate_actions_are_asked_for(clients: Clients) -> None:
    """What comes in them is in tests/services/api/test_actions.py, by the client's own models."""
    day = datetime.now(UTC).date()
    data = CorporateActionsClient(clients.key, clients.secret, url_override=clients.base_url)
    asked = CorporateActionsRequest(symbols=["AAPL"], start=day - timedelta(days=30), end=day)
    assert data.get_corporate_actions(asked).data == {}
    wanted = GetCorporateAnnouncementsRequest(
        ca_types=[CorporateActionType.DIVIDEND], since=day - timedelta(days=30), until=day
    )
    with pytest.warns(DeprecationWarning, match="get_corporate_announcements"):
        assert clients.trading.get_corporate_announcements(wanted) == []


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
