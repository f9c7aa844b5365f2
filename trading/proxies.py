"""Who made a request, when proxies of ours stand before the program.

The one place that reads `X-Forwarded-For`: from here on every handler, view and socket sees the
client's address and scheme as if it had come by itself, and nothing else that a stranger wrote.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from accounts.sessions import addresses

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[None]]

SECURE: Final = {"http": "https", "ws": "wss", "https": "https", "wss": "wss"}


class Behind:
    """An ASGI application behind `proxies`: addresses or networks in CIDR form."""

    def __init__(self, application: Application, *, proxies: Iterable[str]) -> None:
        self._application = application
        self._proxies = addresses.networks(proxies)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if self._proxies and scope["type"] in ("http", "websocket"):
            scope = self._as_it_was_sent(scope)
        await self._application(scope, receive, send)

    def _as_it_was_sent(self, scope: Scope) -> Scope:
        peer, port = scope.get("client") or ("", 0)
        if not addresses.is_in(peer, self._proxies):
            return scope
        said = _header(scope, b"x-forwarded-for")
        client = addresses.client(peer=peer, forwarded_for=said, proxies=self._proxies)
        scheme = scope.get("scheme", "http")
        if _header(scope, b"x-forwarded-proto").rpartition(",")[2].strip().lower() == "https":
            scheme = SECURE.get(scheme, scheme)
        return {**scope, "client": [client, port], "scheme": scheme}


def _header(scope: Scope, name: bytes) -> str:
    """Return all that was said under this name, in order."""
    return ",".join(value.decode("latin1") for key, value in scope["headers"] if key == name)
