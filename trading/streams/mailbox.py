"""What waits for one socket: which of its symbols have news, not the news themselves.

The text of a quote is read when the frame is made, so that a slow reader gets the latest and
never a backlog. What waits is bounded by what the socket has subscribed to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trading.streams.faces import Seen


class Mailbox:
    """Filled on its event loop only; other threads come in through `on_loop`."""

    def __init__(self, *, shows_worth: bool = True) -> None:
        self.loop = asyncio.get_running_loop()
        self.symbols: set[str] = set()
        self.news = asyncio.Event()
        self.on_news: Callable[[], None] = self.news.set  # whose turn it is then
        self.sequence = 0  # the last activity that was sent
        self.books: set[str] = set()
        self._changed: set[str] = set()
        self._changed_books: set[str] = set()
        self._has_activity = False
        self.shows_worth = shows_worth
        self.seen: Seen | None = None  # what was sent of the account's worth
        self._has_portfolio = False

    def put_quotes(self, symbols: set[str]) -> None:
        # Another set: this one may be somebody's who goes on with it.
        self._changed = self._changed | symbols if self._changed else symbols
        self.on_news()

    def put_books(self, symbols: set[str]) -> None:
        self._changed_books |= symbols
        self.on_news()

    def put_activity(self) -> None:
        """Note that there may be activity after `sequence`."""
        self._has_activity = True
        self.on_news()

    def put_portfolio(self) -> None:
        """Note that there may be something of the account's worth after `seen`."""
        self._has_portfolio = True
        self.on_news()

    @property
    def has_news(self) -> bool:
        """Tell whether anything was put here since it was taken."""
        return bool(
            self._changed or self._changed_books or self._has_activity or self._has_portfolio
        )

    @property
    def waiting(self) -> int:
        """How many matters have news that was not taken."""
        marks = self._has_activity + self._has_portfolio
        return len(self._changed) + len(self._changed_books) + marks

    def take_quotes(self) -> set[str]:
        changed, self._changed = self._changed, set()
        return changed & self.symbols

    def take_books(self) -> set[str]:
        changed, self._changed_books = self._changed_books, set()
        return changed & self.books

    def take_activity(self) -> bool:
        has_activity, self._has_activity = self._has_activity, False
        return has_activity

    def take_portfolio(self) -> bool:
        has_portfolio, self._has_portfolio = self._has_portfolio, False
        return has_portfolio


def on_loop(
    loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object
) -> None:
    """Call `function` on `loop`'s thread; not at all when the loop has ended with its server."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        if not loop.is_closed():
            raise
