"""Daphne's port and sockets for thousands who come at once: they wait, and none is refused."""

from __future__ import annotations

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from twisted.internet import tcp

from trading.web_servers import BACKLOG, PONG_PARTS


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
