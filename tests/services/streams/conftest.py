"""A browser's socket, spoken to as a page does, with the parts of the program that feed it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts import activity, locks
from accounts.chain import Event
from accounts.models import Account
from foundation import wakeups
from tests import parts as running
from tests import people
from tests.patience import DEADLINE_SECONDS
from tests.sockets import PatientSocket
from trading.asgi import application
from trading.streams import desk, hub, watch

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
