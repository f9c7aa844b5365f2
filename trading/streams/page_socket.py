"""A socket of somebody who is signed in: what is new goes out as long as that lasts."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from typing import Final

from trading.streams import gate
from trading.streams.bounded import BoundedSocket
from trading.streams.mailbox import Mailbox, on_loop

CHECKED_EVERY_SECONDS: Final = 60.0
NEVER: Final = float("inf")


class PageSocket(BoundedSocket):
    """Its class makes the `mailbox` before it runs."""

    mailbox: Mailbox
    is_told = False  # that its sign-in may have ended

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
        with gate.standing.hear(self.scope["session_key"], self._hear_of_an_end):
            await self._keep_sending()

    async def _keep_sending(self) -> None:
        check_at = time.monotonic() + CHECKED_EVERY_SECONDS
        while True:
            if await self._has_news(until=min(check_at, self.heartbeat_at())):
                await self.send_news()
            # Looked at after news, too: not all of it is something to send.
            if time.monotonic() >= self.heartbeat_at():
                await self.send_heartbeat()
            if self.is_told or time.monotonic() >= check_at:
                is_told, self.is_told = self.is_told, False
                key = self.scope["session_key"]
                if await gate.still_signed_in(key, is_told=is_told) is None:
                    await self.close(code=gate.NOT_SIGNED_IN)
                    return
                check_at = time.monotonic() + CHECKED_EVERY_SECONDS

    def _hear_of_an_end(self) -> None:
        on_loop(self.mailbox.loop, self._look_again)

    def _look_again(self) -> None:
        self.is_told = True
        self.mailbox.news.set()

    async def _has_news(self, *, until: float) -> bool:
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self.mailbox.news.wait()
        except TimeoutError:
            return False
        return True
