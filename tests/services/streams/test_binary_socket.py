"""The binary socket of prices: its gate, what it sends, and who comes back or lags."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from django.conf import settings
from django.utils import timezone

from accounts.models import SignIn
from marketdata.models import Instrument
from marketdata.stream import frames
from marketdata.stream.decoder import Decoder, Event, Heartbeat, Hello, News, Refused
from marketdata.stream.frames import Refusal, Wanted
from marketdata.stream.pictures import ONE, Level, Picture, Span, billionths
from tests.patience import DEADLINE_SECONDS
from tests.services.streams.conftest import (
    ORIGIN,
    Customer,
    closing_code,
    posted,
    reading_slowly,
    told,
)
from tests.sockets import PatientSocket
from trading.asgi import application
from trading.streams import binary_consumer, bounded, watch
from trading.streams.chains import STREAM
from trading.streams.hub import hub, ladders
from trading.streams.routing import websocket_urlpatterns

pytestmark = pytest.mark.usefixtures("parts")


class Program(PatientSocket):
    """A client with the reference decoder."""

    def __init__(self, customer: Customer | None, to: Any = application) -> None:
        cookie = customer.cookie if customer is not None else "nobody"
        headers = [
            (b"host", b"localhost"),
            (b"origin", ORIGIN.encode()),
            (b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()),
        ]
        super().__init__(to, "/ws/v1/binary", headers=headers)
        self.decoder = Decoder()
        self.events: list[Event] = []

    async def subscribe(self, *symbols: str) -> None:
        await self.send_to(bytes_data=self.decoder.subscribe(symbols))

    async def hear(self, kind: type[Event]) -> Any:
        """Return the next event of this kind, passing over others."""
        while True:
            while self.events:
                if isinstance(event := self.events.pop(0), kind):
                    return event
            self.events = self.decoder.take(await self.receive_from(timeout=DEADLINE_SECONDS))

    async def picture(self, symbol: str, *, bid: str) -> Picture:
        """Return what is known of `symbol` once it has this bid."""
        while True:
            picture = self.decoder.picture(symbol)
            if picture is not None and picture.quote and picture.quote.bid == price(bid):
                return picture
            await self.hear(News)


def price(text: str) -> int:
    return billionths(Decimal(text))


async def test_who_is_not_signed_in_is_turned_away() -> None:
    program = Program(None)
    await program.connect()
    assert await closing_code(program) == watch.NOT_SIGNED_IN  # type: ignore[arg-type] # no page


async def test_a_sign_in_that_ends_closes_the_socket(customer: Customer) -> None:
    program = Program(customer)
    await program.connect()
    await program.hear(Hello)
    await sync_to_async(SignIn.objects.update)(ended_at=timezone.now())
    await sync_to_async(watch.watch.look)(None)
    assert await closing_code(program) == watch.NOT_SIGNED_IN  # type: ignore[arg-type] # no page


async def test_a_snapshot_comes_first_then_differences(customer: Customer) -> None:
    await told("IBM", "99.99", "100.01", last="100")
    program = Program(customer)
    await program.connect()
    hello = await program.hear(Hello)
    assert (hello.stream, hello.heartbeat_seconds) == (STREAM, 5)
    await program.subscribe("IBM", "LATER")
    first = await program.hear(News)
    assert (first.symbol, first.is_snapshot) == ("IBM", True)
    picture = program.decoder.picture("IBM")
    assert picture is not None and picture.quote and picture.trade and picture.status
    assert picture.quote.bid == price("99.99")
    assert (picture.quote.ask, picture.quote.ask_size) == (price("100.01"), 2 * ONE)
    assert (picture.trade.price, picture.trade.size) == (price("100"), 5 * ONE)
    assert (picture.status.source, picture.status.is_halted) == ("feed", False)
    assert picture.bars[Span.DAY].volume == 5 * ONE

    await told("IBM", "100", "100.02")
    await program.picture("IBM", bid="100")
    await told("LATER", "5", "6")
    await program.picture("LATER", bid="5")
    await program.send_to(bytes_data=program.decoder.unsubscribe(["IBM"]))
    await told("IBM", "101", "102")
    await told("LATER", "5.5", "6")
    await program.picture("LATER", bid="5.5")
    assert program.decoder.picture("IBM").quote.bid == price("100")  # type: ignore[union-attr]
    await program.subscribe("IBM")
    await program.picture("IBM", bid="101")
    await program.disconnect()


async def test_a_halt_is_told_though_no_price_changes(customer: Customer) -> None:
    await told("IBM", "99", "101")
    program = Program(customer)
    await program.connect()
    await program.subscribe("IBM")
    await program.hear(News)
    await sync_to_async(Instrument.objects.filter(symbol="IBM").update)(halted=True)
    while not program.decoder.picture("IBM").status.is_halted:  # type: ignore[union-attr]
        await program.hear(News)
    await program.disconnect()


async def test_a_book_has_an_id_and_a_chain_of_its_own(customer: Customer) -> None:
    await told("IBM", "99", "101")
    await posted("IBM", ("99", "5"), ("98", "7"))
    program = Program(customer)
    await program.connect()
    await program.subscribe("IBM")
    await program.send_to(bytes_data=program.decoder.subscribe(["IBM"], are_books=True))
    while (news := await program.hear(News)).is_of_book is False:
        pass
    assert news.is_snapshot
    await posted("IBM", ("99", "6"), ("98", "7"))
    while (news := await program.hear(News)).is_of_book is False:
        pass
    assert (news.symbol, news.is_snapshot) == ("IBM", False)
    book = program.decoder.book("IBM")
    assert book is not None
    assert book.bids == (Level(99 * ONE, 6 * ONE), Level(98 * ONE, 7 * ONE))
    assert program.decoder.picture("IBM").depth is None  # type: ignore[union-attr]
    gone = program.decoder.unsubscribe(["IBM"], are_books=True)
    await program.send_to(bytes_data=gone)
    await posted("IBM", ("97", "6"))
    await told("IBM", "98", "101")
    await program.picture("IBM", bid="98")
    assert program.decoder.book("IBM") == book
    await program.disconnect()
    assert ladders.audience.is_empty


async def test_who_comes_back_goes_on_from_what_it_has(customer: Customer) -> None:
    await told("IBM", "99", "101")
    program = Program(customer)
    await program.connect()
    await program.subscribe("IBM")
    await program.picture("IBM", bid="99")
    await program.disconnect()

    again = Program(customer)
    again.decoder = program.decoder
    await told("IBM", "99.5", "101")
    await again.connect()
    await again.hear(Hello)
    await again.subscribe("IBM")
    assert (await again.hear(News)).is_snapshot is False
    await again.picture("IBM", bid="99.5")
    await again.disconnect()


async def test_the_sequences_of_another_stream_bring_a_snapshot(customer: Customer) -> None:
    await told("IBM", "99", "101")
    program = Program(customer)
    await program.connect()
    await program.hear(Hello)
    program.decoder.subscribe(["IBM"])
    asked = frames.subscribe([Wanted(0, "IBM", 1)], stream=b"yesterda")
    await program.send_to(bytes_data=asked)
    assert (await program.hear(News)).is_snapshot
    await program.disconnect()


async def test_a_reader_that_lags_gets_the_latest_and_no_backlog(customer: Customer) -> None:
    stops, may_go_on = asyncio.Event(), asyncio.Event()
    program = Program(customer, to=reading_slowly(stops, may_go_on))
    await told("IBM", "99", "101")
    await program.connect()
    await program.subscribe("IBM")
    await program.picture("IBM", bid="99")
    stops.set()
    quick = Program(customer)
    await quick.connect()
    await quick.subscribe("IBM")
    for cents in range(10, 20):
        await told("IBM", f"99.{cents}", "101")
        await quick.picture("IBM", bid=f"99.{cents}")  # so that the hub has seen each of them
    may_go_on.set()
    count = 0
    while program.decoder.picture("IBM").quote.bid != price("99.19"):  # type: ignore[union-attr]
        await program.hear(News)
        count += 1
    assert count <= 3  # what was being sent when it stopped, and the latest
    await program.disconnect()
    await quick.disconnect()


async def test_a_reader_that_takes_nothing_is_closed(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "SEND_SECONDS_MAX", 0.3)
    stops = asyncio.Event()
    program = Program(customer, to=reading_slowly(stops, asyncio.Event()))
    await told("IBM", "99", "101")
    await program.connect()
    stops.set()
    await program.subscribe("IBM")
    assert await closing_code(program) == bounded.TOO_SLOW  # type: ignore[arg-type] # no page


async def test_silence_is_broken_by_a_heartbeat(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binary_consumer, "HEARTBEAT_SECONDS", 0)
    sockets = Program(customer, to=URLRouter(websocket_urlpatterns))
    await sockets.connect()
    await sockets.hear(Heartbeat)
    await sockets.disconnect()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x18", Refusal.MALFORMED),
        (b"\x19\x80", Refusal.MALFORMED),
        (b"\x2f", Refusal.UNKNOWN_VERSION),
        (b"\x11", Refusal.UNKNOWN_FRAME),
        (frames.subscribe([Wanted(0, "BAC")]), Refusal.ID_IN_USE),
        (frames.subscribe([Wanted(1, "IBM")]), Refusal.ID_IN_USE),
        (frames.subscribe([Wanted(1, "BAC"), Wanted(1, "AAPL")]), Refusal.ID_IN_USE),
        (frames.subscribe([Wanted(0, "IBM")], are_books=True), Refusal.ID_IN_USE),
        (frames.unsubscribe([4096]), Refusal.INVALID_ID),
        (
            frames.subscribe([Wanted(n, f"S{n}") for n in range(1, 501)]),
            Refusal.TOO_MANY_SYMBOLS,
        ),
        (
            frames.subscribe([Wanted(n, f"S{n}") for n in range(1, 102)], are_books=True),
            Refusal.TOO_MANY_SYMBOLS,
        ),
    ],
)
async def test_nonsense_is_answered_changes_nothing_and_the_socket_lives(
    customer: Customer, frame: bytes, code: Refusal
) -> None:
    await told("IBM", "99", "101")
    program = Program(customer)
    await program.connect()
    await program.subscribe("IBM")
    await program.picture("IBM", bid="99")
    await program.send_to(bytes_data=frame)
    assert (await program.hear(Refused)).code == code
    await told("IBM", "98", "101")
    await program.picture("IBM", bid="98")
    assert [each.symbol for each in program.decoder.instruments.values()] == ["IBM"]
    await program.disconnect()
    assert hub.audience.is_empty
