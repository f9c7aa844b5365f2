"""The binary chains of this process: what changed is encoded once, for all who follow it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, Protocol, TypeVar

from marketdata.stream.chain import Chain, Link
from marketdata.stream.pictures import Picture, Units, Update
from marketdata.stream.wire import STREAM_BYTES

STREAM: Final = os.urandom(STREAM_BYTES)
"""The name of this process's stream: its sequences mean nothing in another's."""


class Told(Protocol):
    """What can be said in the binary stream."""

    @property
    def units(self) -> Units: ...

    def updates(self, before: Any = None) -> Iterable[Update]:
        """Return all that it says, or what may be new to who knows `before`, one of its kind."""


T = TypeVar("T", bound=Told)


class Chains(Generic[T]):
    """A chain for each symbol that anybody has asked for.

    `latest` returns what is shown of a symbol now, another object whenever that has changed. It is
    asked under the lock, so that no chain is taken back to what a slower thread has seen.
    """

    def __init__(self, latest: Callable[[str], T | None]) -> None:
        self._latest = latest
        self._lock = threading.Lock()
        self._chains: dict[str, tuple[Chain, T]] = {}

    def advance(self, symbols: Iterable[str]) -> None:
        """Add what is new to those of these chains that there are, before anybody asks.

        So every round makes a link, however late its readers are: who is behind by three has all
        three, and the event loop that sends them finds them made.
        """
        for symbol in symbols:
            if symbol in self._chains:
                with contextlib.suppress(ValueError):  # what it cannot say, whoever asks is told
                    self._advanced(symbol)

    def link(self, symbol: str) -> Link | None:
        """Return the end of the chain of `symbol`; None where nothing is known of it."""
        chain, told = self._chains.get(symbol) or (None, None)
        if chain is not None and told is self._latest(symbol):
            return chain.link
        return self._advanced(symbol)

    def _advanced(self, symbol: str) -> Link | None:
        with self._lock:
            shown = self._latest(symbol)
            if shown is None:
                return None
            chain, told = self._chains.get(symbol) or (Chain(symbol), None)
            if shown is not told:
                _advance(chain, shown, told)
                self._chains[symbol] = chain, shown
            return chain.link


def _advance(chain: Chain, shown: Told, told: Told | None) -> None:
    picture = chain.link.picture if chain.link is not None else Picture()
    news = [update for update in shown.updates(told) if not picture.has(update)]
    chain.advance(news, shown.units)
