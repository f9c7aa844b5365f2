"""Prices that the postman brings: in order with what a socket's own task sends, none twice."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from marketdata.models import Instrument, Quote
from marketdata.selectors import Standing
from marketdata.stream.decoder import Decoder, Event, Gap, Heartbeat, Hello, News
from marketdata.stream.pictures import billionths
from tests.sockets import PatientSocket
from trading.streams import binary_consumer, bounded
from trading.streams import hub as hubs
from trading.streams import postman as postmen
from trading.streams.binary_consumer import BinaryConsumer
from trading.streams.bounded import FAILED
from trading.streams.watch import Stand

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
SYMBOLS = ["AAA", "BBB", "CCC"]


class Client(PatientSocket):
    """A client whose server has room for it or not, and takes messages or lets them wait."""

    def __init__(self) -> None:
        self.has_room, self.takes = True, asyncio.Event()
        self.takes.set()
        self.decoder, self.news = Decoder(), list[News]()
        sockets = BinaryConsumer.as_asgi()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            async def waiting(message: Any) -> None:
                if message["type"] == "websocket.send":
                    await self.takes.wait()
                await send(message)

            signed_in = SimpleNamespace(account_id=None)
            scope = {**scope, "signed_in": signed_in, "stands_on": Stand("", 0), "outlet": self}
            await sockets(scope, receive, waiting)

        super().__init__(application, "/ws/v1/binary")

    def write(self, payload: bytes) -> bool:
        if self.has_room:
            self.output_queue.put_nowait({"type": "websocket.send", "bytes": payload})
        return self.has_room

    async def follows(self, *symbols: str) -> None:
        await self.connect()
        await self.send_to(bytes_data=self.decoder.subscribe(symbols))

    async def until(self, symbol: str, *, bid: str) -> None:
        """Take frames until `symbol` has this bid."""
        while True:
            picture = self.decoder.picture(symbol)
            if picture and picture.quote and picture.quote.bid == billionths(Decimal(bid)):
                return
            for event in self.decoder.take(await self.receive_from()):
                assert not isinstance(event, Gap)
                self.news += [event] if isinstance(event, News) else []


class Market:
    """Instruments that the hub shows at whatever bid."""

    def __init__(self) -> None:
        self.instruments = {
            symbol: Instrument(
                id=uuid.uuid4(), symbol=symbol, price_increment=Decimal("0.01"),
                quantity_increment=Decimal(1),
            )
            for symbol in SYMBOLS
        }  # fmt: skip
        self.standings = {
            each.id: Standing(symbol, is_halted=False, is_tradable=True, is_closing_only=False)
            for symbol, each in self.instruments.items()
        }

    def shows(self, bid: str, **bids: str) -> None:
        quotes = [
            Quote(
                instrument=each, at=AT, bid=Decimal(bids.get(each.symbol, bid)), bid_size=1,
                ask=Decimal(200), ask_size=1,
                day=AT.date(), source="feed", sequence=1,
            )
            for each in self.instruments.values()
        ]  # fmt: skip
        for quote in quotes:
            quote.bid_size, quote.ask_size = Decimal(1), Decimal(1)
            quote.last_size = quote.day_volume = Decimal(0)
        hubs.hub.tell(hubs.hub.take(quotes, stale=set(), standings=self.standings))


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> Market:
    monkeypatch.setattr("trading.streams.binary_consumer.hub", hub := hubs.Hub())
    monkeypatch.setattr(hubs, "hub", hub)
    return Market()


async def test_what_is_new_comes_as_a_difference_to_the_snapshot(market: Market) -> None:
    market.shows("100")
    client = Client()
    await client.follows(*SYMBOLS)
    await client.until("AAA", bid="100")
    market.shows("100.01")
    await client.until("AAA", bid="100.01")
    assert sorted(each.symbol for each in client.news) == sorted(SYMBOLS * 2)
    assert [each.is_snapshot for each in client.news] == [True] * 3 + [False] * 3
    await client.disconnect()


async def test_nothing_overtakes_what_waits_for_room_and_nothing_is_lost(
    market: Market,
) -> None:
    market.shows("100")
    client = Client()
    await client.follows(*SYMBOLS)
    await client.until("AAA", bid="100")
    client.has_room = False
    client.takes.clear()
    for cents in range(1, 10):
        market.shows(f"100.0{cents}")
        await asyncio.sleep(0)
    assert await client.receive_nothing(timeout=0.01)
    client.has_room = True  # from now on the postman could, were it not for what waits
    market.shows("100.10")
    client.takes.set()
    await client.until("AAA", bid="100.1")
    await client.until("CCC", bid="100.1")
    market.shows("100.11")
    await client.until("BBB", bid="100.11")
    await client.disconnect()


async def test_news_that_comes_while_the_postman_rests_is_brought_in_one_frame(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.shows("100")
    client, other = Client(), Client()
    await client.follows(*SYMBOLS)
    await client.until("CCC", bid="100")
    postman = postmen.postman()
    postman._rested_at = time.monotonic() + 600
    for bid in ("101", "102", "103"):
        market.shows(bid)
    assert await client.receive_nothing(timeout=0.01)
    await other.follows("AAA")  # who has just come does not wait: he knows nothing yet
    await other.until("AAA", bid="103")
    assert await client.receive_nothing(timeout=0.01)
    assert postman._rested_at > time.monotonic() + 60
    postman._rested_at = 0
    postman._set_out()
    client.news.clear()
    events = client.decoder.take(await client.receive_from())
    assert [(each.symbol, each.sequence) for each in events if isinstance(each, News)] == [
        (symbol, sequence) for symbol in heard(events) for sequence in (2, 3, 4)
    ]
    assert sorted(heard(events)) == SYMBOLS
    assert await client.receive_nothing(timeout=0.01)
    market.shows("104")
    await client.until("AAA", bid="104")
    await client.disconnect()
    await other.disconnect()


def heard(events: Sequence[Event]) -> list[str]:
    """Return the symbols that there is news of, each once, in their order."""
    return list(dict.fromkeys(each.symbol for each in events if isinstance(each, News)))


class Turns:
    """An event loop whose turns a test takes, at the time that it says it is."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.soon: list[Callable[[], None]] = []
        self.later: list[tuple[float, Callable[[], None]]] = []

    def monotonic(self) -> float:
        return self.now

    def call_soon(self, call: Callable[[], None]) -> None:
        self.soon.append(call)

    def call_later(self, seconds: float, call: Callable[[], None]) -> tuple[float, object]:
        self.later.append((seconds, call))
        return self.later[-1]

    def turn(self) -> None:
        calls, self.soon = self.soon, []
        for call in calls:
            call()


class Far:
    """A door on whose way so many seconds pass."""

    def __init__(self, turns: Turns, seconds: float) -> None:
        self.turns, self.seconds, self.delivered = turns, seconds, 0

    def deliver(self) -> None:
        self.turns.now += self.seconds
        self.delivered += 1

    def pass_by(self, now: float) -> None:
        raise AssertionError(now)


@pytest.mark.parametrize(("seconds", "rest"), [(0.004, 0.004), (0.03, 0.03), (7.0, 0.05)])
def test_the_postman_rests_for_as_long_as_the_round_took_but_not_for_long(
    monkeypatch: pytest.MonkeyPatch, seconds: float, rest: float
) -> None:
    turns, brought = Turns(), list[str]()
    monkeypatch.setattr(postmen, "time", turns)
    postman = postmen.Postman(turns)  # type: ignore[arg-type] # all that it asks of a loop
    postman.when_rested(lambda: brought.append("before any round"))
    assert brought == ["before any round"]
    postman.call_at(door := Far(turns, seconds))
    postman.when_rested(lambda: brought.append("first of the round"))
    postman.when_rested(lambda: brought.append("second of the round"))
    turns.turn()
    assert door.delivered == 1
    assert [left for left, _ in turns.later] == [pytest.approx(rest)]
    postman.when_rested(lambda: brought.append("of the rest"))
    assert len(turns.later) == 1 and brought == ["before any round"]
    turns.now += rest
    turns.later.pop()[1]()
    turns.turn()
    assert brought[1:] == ["first of the round", "second of the round", "of the rest"]
    postman.when_rested(lambda: brought.append("after it"))
    assert brought[-1] == "after it" and not turns.later


def test_news_after_a_round_waits_for_what_is_left_of_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns, brought = Turns(), list[str]()
    monkeypatch.setattr(postmen, "time", turns)
    postman = postmen.Postman(turns)  # type: ignore[arg-type] # all that it asks of a loop
    postman.call_at(Far(turns, 0.02))
    turns.turn()
    assert not turns.later  # nobody waits
    turns.now += 0.005
    postman.when_rested(lambda: brought.append("news"))
    assert not brought and [left for left, _ in turns.later] == [pytest.approx(0.015)]


async def test_a_socket_that_fails_is_closed_and_the_others_have_their_prices(
    market: Market,
) -> None:
    market.shows("100")
    failing, other = Client(), Client()
    await failing.follows("AAA")
    await other.follows("BBB")
    await failing.until("AAA", bid="100")
    await other.until("BBB", bid="100")
    market.shows("101", AAA="0.0000000001")  # finer than the stream can say
    await other.until("BBB", bid="101")
    message = await failing.receive_output()
    assert (message["type"], message["code"]) == ("websocket.close", FAILED)
    await other.disconnect()


async def test_links_are_made_in_every_round_though_nobody_reads(market: Market) -> None:
    market.shows("100")
    client = Client()
    await client.follows("AAA")
    await client.until("AAA", bid="100")
    client.has_room = False
    client.takes.clear()
    for bid in ("101", "102", "103"):
        market.shows(bid)
    link = hubs.hub.chains.strand("AAA").link
    assert link is not None and (link.sequence, len(link.differences)) == (4, 3)
    assert hubs.hub.chains._strands.keys() == {"AAA"}  # nobody follows the others
    client.takes.set()
    await client.until("AAA", bid="103")
    assert [each.is_snapshot for each in client.news] == [True, False, False, False]
    await client.disconnect()


async def test_who_has_heard_nothing_for_long_is_greeted_and_who_takes_nothing_is_closed(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.shows("100")
    client = Client()
    await client.follows("AAA")
    await client.until("AAA", bid="100")
    (door,) = postmen.postman()._inhabited
    said_at = door.said_at  # type: ignore[attr-defined] # the consumer's
    door.pass_by(said_at + binary_consumer.HEARTBEAT_SECONDS - 0.1)
    assert await client.receive_nothing(timeout=0.01)
    door.pass_by(said_at + binary_consumer.HEARTBEAT_SECONDS)
    assert isinstance(client.decoder.take(await client.receive_from())[0], Heartbeat)
    monkeypatch.setattr(bounded, "SEND_SECONDS_MAX", 0.1)
    client.has_room = False
    client.takes.clear()
    door.pass_by(said_at + 10 * binary_consumer.HEARTBEAT_SECONDS)
    message = await client.receive_output()
    assert (message["type"], message["code"]) == ("websocket.close", bounded.TOO_SLOW)


async def test_the_postman_goes_round_by_himself_for_as_long_as_anybody_is_there(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postmen, "ROUND_SECONDS", 0.01)
    monkeypatch.setattr(binary_consumer, "HEARTBEAT_SECONDS", 0)
    client = Client()
    await client.connect()
    assert isinstance(client.decoder.take(await client.receive_from())[0], Hello)
    for _ in range(2):
        assert isinstance(client.decoder.take(await client.receive_from())[0], Heartbeat)
    await client.disconnect()
    assert not postmen.postman()._inhabited


async def test_who_comes_back_to_what_nobody_followed_has_what_it_is_by_now(
    market: Market,
) -> None:
    market.shows("100")
    client = Client()
    await client.follows("AAA")
    await client.until("AAA", bid="100")
    await client.send_to(bytes_data=client.decoder.unsubscribe(["AAA"]))
    while "AAA" in hubs.hub.audience.topics:  # noqa: ASYNC110 - nobody tells when it is not
        await asyncio.sleep(0)
    market.shows("101")
    market.shows("102")
    await client.send_to(bytes_data=client.decoder.subscribe(["AAA"]))
    await client.until("AAA", bid="102")
    market.shows("103")
    await client.until("AAA", bid="103")
    await client.disconnect()
