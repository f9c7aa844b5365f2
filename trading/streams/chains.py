"""The binary chains of this process: a link is made when somebody first asks, once for all."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from marketdata.stream.chain import Chain, Link
from marketdata.stream.pictures import Picture, Units, Update
from marketdata.stream.wire import STREAM_BYTES

STREAM: Final = os.urandom(STREAM_BYTES)
"""The name of this process's stream: its sequences mean nothing in another's."""


class Told(Protocol):
    """What can be said in the binary stream."""

    @property
    def units(self) -> Units: ...

    def updates(self) -> Sequence[Update]: ...


class Chains:
    """A chain for each symbol, as far as anybody follows it.

    `latest` returns what is shown of a symbol now, another object whenever that has changed. It is
    asked under the lock, so that no chain is taken back to what a slower thread has seen.
    """

    def __init__(self, latest: Callable[[str], Told | None]) -> None:
        self._latest = latest
        self._lock = threading.Lock()
        self._chains: dict[str, tuple[Chain, Told]] = {}

    def link(self, symbol: str) -> Link | None:
        """Return the end of the chain of `symbol`; None where nothing is known of it."""
        with self._lock:
            shown = self._latest(symbol)
            if shown is None:
                return None
            chain, told = self._chains.get(symbol) or (Chain(symbol), None)
            if shown is not told:
                _advance(chain, shown)
                self._chains[symbol] = chain, shown
            return chain.link


def _advance(chain: Chain, shown: Told) -> None:
    picture = chain.link.picture if chain.link is not None else Picture()
    news = [update for update in shown.updates() if not picture.has(update)]
    chain.advance(news, shown.units)
