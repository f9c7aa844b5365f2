"""The binary chains of this process: what changed is encoded once, for all who follow it."""

from __future__ import annotations

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


class Strand(Generic[T]):
    """A chain, for all who follow it: `link` is its end, made before anybody is told of news.

    It is None while nothing is known, and where the stream cannot say what is shown.
    """

    __slots__ = ("chain", "link", "told")

    def __init__(self, symbol: str) -> None:
        self.chain = Chain(symbol)
        self.told: T | None = None
        self.link: Link | None = None

    def advance(self, shown: T) -> None:
        """Add what is new. Raises ValueError for what the stream cannot say."""
        try:
            _advance(self.chain, shown, self.told)
        except ValueError:
            self.link = None
            raise
        self.told, self.link = shown, self.chain.link


NO_STRAND: Final[Strand[Any]] = Strand("")


class Chains(Generic[T]):
    """A chain for each symbol that anybody has asked for.

    `latest` returns what is shown of a symbol now, another object whenever that has changed. It is
    asked under the lock, so that no chain is taken back to what a slower thread has seen.
    """

    def __init__(self, latest: Callable[[str], T | None]) -> None:
        self._latest = latest
        self._lock = threading.Lock()
        self._strands: dict[str, Strand[T]] = {}

    def advance(self, symbols: Iterable[str]) -> None:
        """Add what is new to those of these chains that there are, before anybody asks.

        So every round makes a link, however late its readers are: who is behind by three has all
        three, and the event loop that sends them finds them made.
        """
        for symbol in symbols:
            if symbol in self._strands:
                try:
                    self._advanced(symbol)
                except ValueError:
                    continue  # what it cannot say, whoever asks is told

    def strand(self, symbol: str) -> Strand[T]:
        """Return the chain of `symbol`, up to what is shown; without a link where that is nothing.

        Raises ValueError for what the stream cannot say.
        """
        strand = self._strands.get(symbol)
        if strand is not None and strand.link and strand.told is self._latest(symbol):
            return strand
        return self._advanced(symbol)

    def _advanced(self, symbol: str) -> Strand[T]:
        with self._lock:
            shown = self._latest(symbol)
            if shown is None:
                return NO_STRAND
            strand = self._strands.get(symbol) or Strand(symbol)
            if strand.link is None or shown is not strand.told:
                strand.advance(shown)
                self._strands[symbol] = strand
            return strand


def _advance(chain: Chain, shown: Told, told: Told | None) -> None:
    picture = chain.link.picture if chain.link is not None else Picture()
    news = [update for update in shown.updates(told) if not picture.has(update)]
    chain.advance(news, shown.units)
