"""Pages of a program in two processes: who comes back to the other one misses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psutil
import pytest
from websockets.sync.client import ClientConnection

from benchmarks.crowd import Crowd
from marketdata.stream.decoder import Decoder, Hello, News
from tests.faults.companions import CONNECTIONS_MAX, companion_of, has_accepted
from tests.faults.pages import SYMBOL, heard, opened, signed_in
from tests.faults.trader import Trader
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until
from trading.web_servers import SERVERS

AT_ONCE = 400


@dataclass(frozen=True)
class Doors:
    """Both processes of a program, which share a port, and somebody who is signed in at both."""

    server: LiveServer
    companion: psutil.Process
    trader: Trader
    cookie: str

    def opened(self, path: str, *, is_companions: bool) -> ClientConnection:
        """Return a socket of the process that is meant, whichever the system gives us first."""
        for _ in range(CONNECTIONS_MAX):
            page = opened(self.server, self.cookie, path)
            if has_accepted(self.companion, page.socket) is is_companions:
                return page
            page.close()
        raise AssertionError("the system gave all sockets to one of the processes")


@dataclass
class Page:
    """What a page of ours knows: every event of the account, and how far its figures are."""

    doors: Doors
    events: list[dict[str, Any]] = field(default_factory=list)
    figures: tuple[str, int] | None = None

    def visit(self, *, is_companions: bool) -> tuple[str, int | None]:
        """Connect, have all that was missed; return whose figures those are, and since when."""
        with self.doors.opened("/ws/v1", is_companions=is_companions) as socket:
            hello = self._hear(socket, "hello")
            socket.send(json.dumps({"action": "resume", "since": len(self.events)}))
            while len(self.events) < hello["sequence"]:
                self.events += self._hear(socket, "activity")["events"]
            asked = self.figures and dict(zip(("stream", "since"), self.figures, strict=True))
            socket.send(json.dumps({"action": "portfolio", **(asked or {})}))
            told = self._hear(socket, "portfolio")
            self.figures = told["stream"], told["sequence"]
            return told["stream"], told["since"]

    def _hear(self, socket: ClientConnection, kind: str) -> Any:
        while (message := json.loads(socket.recv(DEADLINE_SECONDS)))["type"] != kind:
            pass
        return message


@pytest.fixture(params=sorted(SERVERS))
def doors(request: pytest.FixtureRequest, live_servers: Callable[..., LiveServer]) -> Doors:
    server = live_servers()
    server.start("--processes=2", f"--server={request.param}")
    trader = Trader(server)
    companion = until(lambda: companion_of(server))
    return Doors(server, companion, trader, signed_in(server, trader.email))


def test_who_comes_back_to_the_other_process_misses_nothing(doors: Doors) -> None:
    # Of prices the other has a snapshot, then differences: what one had counts for nothing there.
    # Where one was before, one goes on with differences.
    decoder, streams = Decoder(), []
    for is_companions in (False, True, True, False):
        with doors.opened("/ws/v1/binary", is_companions=is_companions) as prices:
            has_moved = heard(prices, decoder, Hello).stream not in streams[-1:]
            streams.append(decoder.stream)
            prices.send(decoder.subscribe([SYMBOL]))
            assert (decoder.picture(SYMBOL) is None) is has_moved
            assert heard(prices, decoder, News).is_snapshot or not has_moved
            heard(prices, decoder, News)
            assert decoder.picture(SYMBOL) is not None
    first, other, again, first_again = streams
    assert first == first_again != other == again

    # Events have the same numbers in both, figures are those of the process that tells them.
    page, told = Page(doors), []
    for number, is_companions in enumerate((False, True, True, False)):
        assert doors.trader.place(number) is not None
        until(lambda: doors.trader.orders()[f"order-{number}"]["status"] == "filled")  # noqa: B023
        told.append(page.visit(is_companions=is_companions))
        assert [each["sequence"] for each in page.events] == list(range(1, len(page.events) + 1))
    streams = [stream for stream, _ in told]
    assert streams[0] == streams[3] != streams[1] == streams[2]
    assert [since is None for _, since in told] == [True, True, False, True]
    for is_companions in (False, True):
        anew = Page(doors)
        anew.visit(is_companions=is_companions)
        assert anew.events == page.events

    # Hundreds who come at once are all let in.
    crowd = Crowd("/ws/v1/binary", doors.server.port)
    visitors = crowd.open([doors.cookie] * AT_ONCE, at_once=AT_ONCE)
    assert [each.lost_by for each in visitors] == [None] * AT_ONCE
    crowd.leave()
    doors.server.console("check_invariants")
