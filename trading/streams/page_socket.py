"""A socket of somebody who is signed in: what is new goes out as long as that lasts."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from typing import Final

from trading.streams.bounded import BoundedSocket
from trading.streams.mailbox import Mailbox, on_loop
from trading.streams.watch import watch

NEVER: Final = float("inf")


class PageSocket(BoundedSocket):
    """Its class makes the `mailbox` before it runs."""

    mailbox: Mailbox
    end_code: int | None = None  # with which to close: its sign-in has ended

    @property
    def waiting(self) -> int:
        return self.mailbox.waiting

    @abstractmethod
    async def send_news(self) -> None:
        """Send what the mailbox says is new."""

    def heartbeat_at(self) -> float:
        """Return when to say that we are still here, by `time.monotonic()`."""
        return NEVER

    async def send_heartbeat(self) -> None:
        """Say that we are still here: only where `heartbeat_at` says when."""

    async def keep_sending(self) -> None:
        """Send what is new until the client is gone, too slow, or signed out."""
        with watch.over(self.scope["stands_on"], self._hear_of_an_end):
            while self.end_code is None:
                if await self._has_news():
                    await self.send_news()
                # Looked at after news, too: not all of it is something to send.
                if time.monotonic() >= self.heartbeat_at():
                    await self.send_heartbeat()
        await self.close(code=self.end_code)

    def _hear_of_an_end(self, code: int) -> None:
        on_loop(self.mailbox.loop, self._end, code)

    def _end(self, code: int) -> None:
        self.end_code = code
        self.mailbox.news.set()

    async def _has_news(self) -> bool:
        heartbeat_at = self.heartbeat_at()
        if heartbeat_at == NEVER:
            return await self.mailbox.news.wait()
        try:
            async with asyncio.timeout(max(0.0, heartbeat_at - time.monotonic())):
                return await self.mailbox.news.wait()
        except TimeoutError:
            return False
