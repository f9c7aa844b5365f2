"""Open pages of a running program, and what they hear."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx
from django.conf import settings
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from marketdata.stream.decoder import Decoder, Gap
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS

SYMBOL = "BTC/USD"


def signed_in(server: LiveServer, email: str) -> str:
    """Return the cookie of somebody who has just signed in, which holds at both processes."""
    link = urlsplit(server.console("sign_in_link", email).strip().splitlines()[-1]).path
    with httpx.Client(base_url=server.base_url, timeout=DEADLINE_SECONDS) as browser:
        token = browser.get(link).cookies["csrf"]
        answer = browser.post(
            link, data={"csrfmiddlewaretoken": token}, headers={"Origin": server.base_url}
        )
    return answer.cookies[settings.SESSION_COOKIE_NAME]


def opened(server: LiveServer, cookie: str, path: str = "/ws/v1/binary") -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{server.port}{path}",
        additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"},
        origin=Origin(server.base_url),
        open_timeout=DEADLINE_SECONDS,
    )


def heard(socket: ClientConnection, decoder: Decoder, kind: type[Any]) -> Any:
    """Return the next event of this kind; prices are never found to have a gap."""
    while True:
        message = socket.recv(DEADLINE_SECONDS)
        assert isinstance(message, bytes)
        for event in decoder.take(message):
            assert not isinstance(event, Gap)
            if isinstance(event, kind):
                return event
