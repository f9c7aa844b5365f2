"""A conversation with a provider, from its first word to the end of the connection.

Who we are, what we want, and whether anybody is there still.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils import timezone
from websockets.sync.client import ClientConnection

from marketdata.feeds import wire
from marketdata.feeds.states import CAUSES, Cause, Lost, State
from marketdata.feeds.wire import Heard, Said, Subscribed

if TYPE_CHECKING:
    from marketdata.feeds.line import Line

LOOK_SECONDS: Final = 0.1
PING_SECONDS: Final = 0.5
PONG_SECONDS_MAX: Final = 5.0
HANDSHAKE_SECONDS_MAX: Final = 10.0
"""For each answer until we are subscribed."""
_ALREADY_PROVED: Final = 403
_DETAIL_LENGTH_MAX: Final = 150


class Talk:
    """Tells its line what it hears, and says what comes next."""

    def __init__(self, line: Line, connection: ClientConnection) -> None:
        self._line, self._connection = line, connection
        # Counted in looks: while this process stands still, nobody else is silent.
        self._waited = 0.0
        self._joining: frozenset[str] = frozenset()
        self._pong: threading.Event | None = None
        self._pinged = float("-inf")

    def go_on(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                data = self._connection.recv(timeout=LOOK_SECONDS)
            except TimeoutError:
                self._waited += LOOK_SECONDS
            else:
                self._waited = 0.0
                now = timezone.now()
                self._line.heard_at = now
                heard = wire.heard(data)
                self._count(heard)
                for said in heard.said:
                    self._answer(said)
                self._line.hear(heard, now=now)
            self._look()

    def _count(self, heard: Heard) -> None:
        counts = self._line.counts
        counts.malformed += heard.malformed
        counts.messages += (
            len(heard.said) + len(heard.ticks) + len(heard.minutes) + len(heard.statuses)
        )

    def _answer(self, said: Said | Subscribed) -> None:
        """Do what comes next in the conversation. Raises Lost."""
        match said:
            case Said(message="connected", code=None):
                self._line.enter(State.PROVING)
                key_id, secret = self._line.provider.key_id, self._line.provider.secret
                self._connection.send(wire.authenticate(key_id, secret))
            case Said(message="authenticated", code=None):
                self._line.enter(State.SUBSCRIBING)
                self._subscribe()
            case Said(message, 405) if self._line.state is State.LIVE:
                # What was followed before still is; what was to join has no prices.
                self._joining = frozenset()
                self._line.detail = f"{Cause.TOO_MANY_SYMBOLS.value}: {message}"
            case Said(message, int(code)) if code != _ALREADY_PROVED:
                raise Lost(CAUSES.get(code, Cause.CLOSED), f"{code} {message}"[:_DETAIL_LENGTH_MAX])
            case Subscribed(symbols):
                self._note_subscribed(symbols)

    def _note_subscribed(self, symbols: Mapping[str, frozenset[str]]) -> None:
        trades = symbols.get("trades", frozenset())
        if self._line.state is State.SUBSCRIBING and self._line.asked <= trades:
            self._line.go_live()
        elif self._line.state is State.LIVE and (joined := self._joining & trades):
            self._joining -= joined
            self._line.join(joined)

    def _subscribe(self) -> None:
        new, old = self._line.ask()
        if old:
            self._connection.send(wire.unsubscribe(old))
        if new:
            self._joining = (self._joining | new) - old
            self._connection.send(wire.subscribe(new))

    def _look(self) -> None:
        """Keep the conversation up. Raises Lost."""
        line, now = self._line, time.monotonic()
        if line.state is not State.LIVE:
            if self._waited > HANDSHAKE_SECONDS_MAX:
                raise Lost(Cause.SILENT, f"no answer while {line.state.value}")
            return
        if line.has_changed:
            self._subscribe()
        if self._pong is not None and self._pong.is_set():
            line.heard_at = timezone.now()
            self._pong, self._waited = None, 0.0
        if self._waited > PONG_SECONDS_MAX:
            raise Lost(Cause.SILENT, "no answer to a ping")
        if self._pong is None and now - self._pinged >= PING_SECONDS:
            self._pong, self._pinged = self._connection.ping(), now
