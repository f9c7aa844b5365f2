"""Daphne's requests without what nobody reads.

Twisted takes a POST apart as a form before it hands it on, which daphne has no use for, and
writes a line of an access log that has no file. With small requests that is a sixth of the work.
Importing this installs Twisted's reactor, on uvloop, which saves an eighth of an order's.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import uvloop
from twisted.internet.main import installReactor

from trading.daphne_reactor import Reactor

# Twisted has one reactor, the first: daphne would install one on the loop of asyncio.
installReactor(Reactor(uvloop.new_event_loop()))  # type: ignore[no-untyped-call]

from daphne import server  # noqa: E402
from daphne.http_protocol import HTTPFactory, WebRequest  # noqa: E402
from twisted.internet import reactor, tcp  # noqa: E402
from twisted.web import http  # noqa: E402

from trading import daphne_sockets  # noqa: E402
from trading.web_servers import PONG_PARTS  # noqa: E402

__all__ = ["Server", "reactor"]


class _Factory(HTTPFactory):
    def protocol(self) -> Any:
        return http._GenericHTTPChannelProtocol(daphne_sockets.Channel())  # type: ignore[no-untyped-call]

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        protocol = super().buildProtocol(addr)
        protocol.timeOut = daphne_sockets.SILENT_SECONDS_MAX / PONG_PARTS
        protocol.requestFactory = partial(WebRequest, parsePOSTFormSubmission=False)
        return protocol

    def log(self, request: Any) -> None:
        pass


class Server(server.Server):
    """Daphne's server."""

    @property
    def requests_in_flight(self) -> int:
        """Return how many requests the application is at work on."""
        working = (
            found.get("application_instance")
            for protocol, found in self.connections.items()
            if isinstance(protocol, WebRequest)
        )
        return sum(not task.done() for task in working if task is not None)


# By these names daphne and Twisted make them.
server.HTTPFactory = _Factory
server.WebSocketFactory = daphne_sockets.Sockets
tcp.Port = daphne_sockets.Port  # type: ignore[misc]
