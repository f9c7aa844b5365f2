"""Daphne's port and sockets for thousands who come at once: they wait, and none is refused."""

from __future__ import annotations

from typing import Final

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import tcp
from twisted.web import http

from trading.web_servers import BACKLOG, PONG_PARTS

SILENT_SECONDS_MAX: Final = 60


class Port(tcp.Port):
    """A port that takes in whoever waits, whenever it is looked at.

    Twisted's takes in as many as it last did and twenty more, beginning with one. Of thousands who
    come at once the others stay with the system, which turns away whom its queue has no room for,
    and clients give up after two minutes of that.
    """

    @property
    def numberAccepts(self) -> int:  # noqa: N802 - Twisted's name
        return BACKLOG

    @numberAccepts.setter
    def numberAccepts(self, _count: int) -> None:  # noqa: N802 - Twisted's name
        pass


class Channel(http.HTTPChannel):
    """A connection that is closed when it is silent for long, in parts as sockets wait for pongs.

    A loop that opens thousands of sockets looks whose time is over before it reads what has come.
    """

    _parts = 0

    def resetTimeout(self) -> None:  # noqa: N802 - Twisted's name
        self._parts = 0
        super().resetTimeout()  # type: ignore[no-untyped-call]

    def timeoutConnection(self) -> None:  # noqa: N802 - Twisted's name
        self._parts += 1
        if self._parts == PONG_PARTS:
            super().timeoutConnection()  # type: ignore[no-untyped-call]
        else:
            self.setTimeout(self.timeOut)  # type: ignore[no-untyped-call]


class Socket(WebSocketProtocol):
    """A socket that pings, waits for the answer, and pings again after that.

    Daphne's pings every 20 s, answered or not, and forgets the time-out of the ping before. So who
    had once taken longer than that was dropped, although it had answered every ping.
    """

    _parts = 0

    def _sendAutoPing(self) -> None:  # noqa: N802 - Autobahn's name
        if self.autoPingTimeoutCall is None:
            self._parts = 0
            super()._sendAutoPing()

    def onAutoPingTimeout(self) -> None:  # noqa: N802 - Autobahn's name
        self._parts += 1
        if self._parts == PONG_PARTS:
            super().onAutoPingTimeout()
        else:
            self.autoPingTimeoutCall = self.factory._batched_timer.call_later(
                self.autoPingTimeout, self.onAutoPingTimeout
            )


class Sockets(WebSocketFactory):
    protocol = Socket
