"""What waits for one socket: which of its symbols have news, not the news themselves.

The text of a quote is read when the frame is made, so that a slow reader gets the latest and
never a backlog. What waits is bounded by what the socket has subscribed to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Mailbox:
    """Filled on its event loop only; other threads come in through `on_loop`."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.symbols: set[str] = set()
        self.news = asyncio.Event()
        self.sequence = 0  # the last activity that was sent
        self._changed: set[str] = set()
        self._has_activity = False
        self._portfolio: str | None = None

    def put_quotes(self, symbols: set[str]) -> None:
        self._changed |= symbols
        self.news.set()

    def put_activity(self) -> None:
        """Note that there may be activity after `sequence`."""
        self._has_activity = True
        self.news.set()

    def put_portfolio(self, frame: str) -> None:
        self._portfolio = frame
        self.news.set()

    def take_quotes(self) -> set[str]:
        changed, self._changed = self._changed, set()
        return changed & self.symbols

    def take_activity(self) -> bool:
        has_activity, self._has_activity = self._has_activity, False
        return has_activity

    def take_portfolio(self) -> str | None:
        frame, self._portfolio = self._portfolio, None
        return frame


def on_loop(
    loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object
) -> None:
    """Call `function` on `loop`'s thread; not at all when the loop has ended with its server."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
