"""A connection to daphne that is silent is closed, but not before what had come was read."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from trading.daphne_sockets import SILENT_SECONDS_MAX, Channel
from trading.web_servers import PONG_PARTS

PART = SILENT_SECONDS_MAX / PONG_PARTS


def opened(clock: Clock) -> tuple[Any, StringTransport]:
    connection: Any = Channel()
    connection.timeOut, connection.callLater = PART, clock.callLater
    transport = StringTransport()
    connection.makeConnection(transport)
    return connection, transport


def test_what_came_in_the_first_parts_counts_and_silence_ends_it() -> None:
    clock = Clock()
    connection, transport = opened(clock)
    clock.advance(PART * PONG_PARTS)  # a turn of the loop that took that long
    assert not transport.disconnecting
    connection.dataReceived(b"GET / HTTP/1.1\r\n")
    for _ in range(PONG_PARTS - 1):
        clock.advance(PART)
    assert not transport.disconnecting
    clock.advance(PART)
    assert transport.disconnecting
