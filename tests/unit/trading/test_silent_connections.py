"""A connection to daphne that is silent is closed, but not before what had come was read."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web import http

from trading.daphne_sockets import SILENT_SECONDS_MAX, Channel
from trading.web_servers import PONG_PARTS

PART = SILENT_SECONDS_MAX / PONG_PARTS


class Answered(http.Request):
    """A request that is answered as soon as it is there."""

    def process(self) -> None:
        self.finish()  # type: ignore[no-untyped-call]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connection(clock: Clock) -> Any:
    connection: Any = Channel()  # type: ignore[no-untyped-call]
    connection.timeOut, connection.callLater = PART, clock.callLater
    connection.requestFactory, connection.site = Answered, http.HTTPFactory()
    connection.makeConnection(StringTransport())  # type: ignore[no-untyped-call]
    return connection


def is_closed_after(seconds: float, connection: Any, clock: Clock) -> bool:
    """Let so much time pass, as a loop does that is never late; tell whether it is closed then."""
    clock.pump([PART] * int(seconds / PART))
    return bool(connection.transport.disconnecting)


def test_what_came_while_the_loop_was_busy_is_read_first(connection: Any, clock: Clock) -> None:
    clock.advance(SILENT_SECONDS_MAX)  # one turn of the loop took that long
    assert not connection.transport.disconnecting
    connection.dataReceived(b"GET / HTTP/1.1\r\n")
    assert not is_closed_after(SILENT_SECONDS_MAX - PART, connection, clock)
    assert is_closed_after(PART, connection, clock)


def test_it_may_be_silent_as_long_again_after_an_answer(connection: Any, clock: Clock) -> None:
    for _ in range(2):
        connection.dataReceived(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not is_closed_after(SILENT_SECONDS_MAX - PART, connection, clock)
    assert is_closed_after(PART, connection, clock)
