"""Twisted's reactor on uvloop, which tells only once of a connection that was reset."""

from __future__ import annotations

from typing import Any

from twisted.internet import asyncioreactor


class Reactor(asyncioreactor.AsyncioSelectorReactor):
    """A reactor that asks uvloop anew for what uvloop has closed.

    Where a client resets its connection, uvloop has whoever reads it read once and closes the
    handle. If there was something to read, nobody heard of the reset, and to write raised an error
    from then on: the connection was held for good. Asked anew, uvloop says at once that it may be
    written, which fails, and so it is lost.
    """

    def addWriter(self, writer: Any) -> None:  # noqa: N802 - Twisted's name
        try:
            super().addWriter(writer)  # type: ignore[no-untyped-call]
        except RuntimeError:
            # No other way tells of a closed handle, nor has uvloop another to let go of it.
            self._asyncioEventloop.remove_reader(writer.fileno())
            super().addWriter(writer)  # type: ignore[no-untyped-call]
