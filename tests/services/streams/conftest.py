"""A browser's socket, spoken to as a page does, with the parts of the program that feed it."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts import activity, locks
from accounts.chain import Event
from accounts.models import Account
from foundation import wakeups
from marketdata import services
from marketdata.batches.columns import TickColumns
from marketdata.current import board
from marketdata.current.depth import Book, Level
from marketdata.models import Instrument
from marketdata.ticks import QuoteTick, TradeTick
from tests import parts as running
from tests import people
from tests.patience import DEADLINE_SECONDS
from tests.sockets import PatientSocket
from trading.asgi import application
from trading.streams import desk, hub, watch
from trading.streams.routing import websocket_urlpatterns

ORIGIN = "http://localhost"
WAIT_SECONDS = DEADLINE_SECONDS


class Page(PatientSocket):
    """A page's socket to /ws/v1."""

    def __init__(
        self, *, cookie: str, origin: str = ORIGIN, to: Any = application, query: str = ""
    ) -> None:
        headers = [
            (b"host", b"localhost"),
            (b"origin", origin.encode()),
            (b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()),
        ]
        super().__init__(to, f"/ws/v1?{query}" if query else "/ws/v1", headers=headers)

    async def say(self, **message: Any) -> None:
        await self.send_json_to(message)

    async def hear(self, kind: str, until: Callable[[dict[str, Any]], bool] = bool) -> Any:
        """Return the next message of this kind for which `until` holds, passing over others."""
        while True:
            message = await self.receive_json_from(timeout=WAIT_SECONDS)
            if message["type"] == kind and until(message):
                return message


@dataclass(frozen=True)
class Customer:
    account: Account
    cookie: str

    def page(self, **options: Any) -> Page:
        return Page(cookie=self.cookie, **options)


@pytest.fixture
def customer(committed: None) -> Customer:
    user, account = people.customer()
    browser = people.browser_of(user)
    return Customer(account, browser.cookies[settings.SESSION_COOKIE_NAME].value)


@pytest.fixture
def parts(committed: None) -> Iterator[None]:
    """The hub, the desk, the watch and the listener, at work until the test is over."""
    stop = threading.Event()
    hub.hub._shown.clear()  # what another test was shown, whose instruments are gone
    hub.ladders._shown.clear()

    def work(run: Callable[..., None]) -> None:
        try:
            run(stop, lambda: None)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=work, args=(run,))
        for run in (wakeups.listener.run, hub.run, desk.run, watch.run)
    ]
    for thread in threads:
        thread.start()
    yield
    running.end(stop, threads)
    desk.desk._watched.clear()  # of pages that a failed test has left open


@sync_to_async
def happen(account: Account, *kinds: str) -> None:
    """Let these events happen in the account, one transaction each."""
    for kind in kinds:
        with transaction.atomic():
            event = Event(
                kind=kind, at=timezone.now(), actor="user:test", payload={"n": str(uuid.uuid4())}
            )
            activity.record([(locks.lock(account.pk), event)])


def tell(symbol: str, bid: str, ask: str, *, last: str | None = None, age: float = 0) -> None:
    """Let the feed tell a quote of `symbol`, listing it first where needed."""
    if not Instrument.objects.filter(symbol=symbol).exists():
        Instrument.objects.create(
            code=symbol, symbol=symbol, name=symbol, asset_class="us_equity", exchange="NYSE",
            reference_price=Decimal(bid),
        )  # fmt: skip
    now = timezone.now() - timedelta(seconds=age)
    ticks: list[Any] = [QuoteTick(symbol, now, Decimal(bid), Decimal(1), Decimal(ask), Decimal(2))]
    if last is not None:
        ticks.append(TradeTick(symbol, now, Decimal(last), Decimal(5), ""))
    services.accept(TickColumns.of(ticks), source="feed", now=now)


told = sync_to_async(tell)


def post(symbol: str, *bids: tuple[str, str], source: str = "feed") -> None:
    """Let the feed put up a book of these bids (price, size)."""
    levels = tuple(Level(Decimal(price), Decimal(size)) for price, size in bids)
    board.write([(source, Book(symbol, timezone.now(), levels, ()))])


posted = sync_to_async(post)


async def closing_code(page: Page) -> int:
    while True:
        message = await page.receive_output(timeout=DEADLINE_SECONDS)
        if message["type"] == "websocket.close":
            await page.send_input({"type": "websocket.disconnect", "code": message["code"]})
            await page.wait()
            return int(message["code"])


def reading_slowly(stops: asyncio.Event, may_go_on: asyncio.Event) -> Any:
    """Return the sockets on a server whose client takes no frame from `stops` to `may_go_on`."""
    sockets = URLRouter(websocket_urlpatterns)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def slow_send(message: Any) -> None:
            if message["type"] == "websocket.send" and stops.is_set():
                await may_go_on.wait()
            await send(message)

        await sockets(scope, receive, slow_send)

    return application
