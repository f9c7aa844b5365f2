"""Daphne's requests without what nobody reads.

Twisted takes a POST apart as a form before it hands it on, which daphne has no use for, and
writes a line of an access log that has no file. With small requests that is a sixth of the work.
Importing this installs Twisted's reactor.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from daphne import server
from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.internet import reactor  # after daphne, which says which one it is

__all__ = ["Server", "reactor"]


class _Factory(HTTPFactory):
    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        protocol = super().buildProtocol(addr)
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


server.HTTPFactory = _Factory  # by this name `run` makes it
