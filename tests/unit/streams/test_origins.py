"""Whose pages may open a socket."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sockets import PatientSocket
from trading.streams import gate

HERE = "localhost:8000"


async def is_let_in(*, origin: str | None, host: str = HERE, scheme: str | None = "ws") -> bool:
    """Tell whether the handshake gets past the question of the origin."""
    reached: list[Any] = []

    async def application(scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        reached.append(scope)
        await send({"type": "websocket.accept"})

    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    page = PatientSocket(gate._OurPagesOnly(application), "/ws/v1", headers=headers)
    page.scope.pop("scheme", None)
    if scheme is not None:
        page.scope["scheme"] = scheme
    is_connected, _ = await page.connect()
    assert is_connected == bool(reached)
    return bool(reached)


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://localhost:8000", HERE, "ws"),
        ("http://LocalHost:8000", HERE, "ws"),
        ("http://localhost:8000", HERE, None),  # a server that names no scheme
        ("https://localhost", "localhost", "wss"),
        ("http://[::1]:8000", "[::1]:8000", "ws"),
        ("https://trade.example.com", "localhost:8000", "ws"),
        ("https://desk.trade.example.org:8443", "localhost:8000", "ws"),
    ],
)
async def test_our_own_pages_are_let_in(
    settings: Any, origin: str, host: str, scheme: str | None
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = [
        "https://trade.example.com",
        "https://*.trade.example.org:8443",
    ]
    assert await is_let_in(origin=origin, host=host, scheme=scheme)


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://localhost:3000", HERE, "ws"),  # another program's page on this machine
        ("http://localhost", HERE, "ws"),
        ("http://127.0.0.1:8000", HERE, "ws"),
        ("https://localhost:8000", HERE, "ws"),
        ("http://localhost:8000", HERE, "wss"),
        ("http://evil.example:8000", "evil.example:8000", "ws"),  # a name that leads here
        ("http://localhost:8000.evil.example", HERE, "ws"),
        ("http://trade.example.com", HERE, "ws"),
        ("https://nottrade.example.org:8443", HERE, "ws"),
        ("null", HERE, "ws"),
        ("", HERE, "ws"),
        ("://", "", "ws"),
        (None, HERE, "ws"),
    ],
)
async def test_others_are_refused(
    settings: Any, origin: str | None, host: str, scheme: str | None
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = [
        "https://trade.example.com",
        "https://*.trade.example.org:8443",
    ]
    assert not await is_let_in(origin=origin, host=host, scheme=scheme)


async def test_no_origin_will_do_only_where_every_host_does(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert await is_let_in(origin=None)
    assert not await is_let_in(origin="http://localhost:3000")
