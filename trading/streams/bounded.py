"""What every socket of ours has: bounds on what it says, and an end when it does not listen."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Final

import structlog
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error

from trading.streams import counted, gate
from trading.streams.backpressure import MESSAGE_BYTES_MAX

ACTIONS_PER_SECOND_MAX: Final = 20
SEND_SECONDS_MAX: Final = 10.0
CLOSE_SECONDS_MAX: Final = 2.0

TOO_SLOW: Final = 4408
TOO_MANY_ACTIONS: Final = 4429
TOO_LONG: Final = 1009
FAILED: Final = 1011

log = structlog.get_logger(__name__)


class BoundedSocket(AsyncWebsocketConsumer, ABC):
    """A socket whose client may say so much in a second, and must take what it is sent."""

    kind: str  # a word for those who count sockets
    channel_layer_alias = ""  # none: what we send never travels through Channels' own groups

    async def __call__(self, scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        self.actions_left = float(ACTIONS_PER_SECOND_MAX)
        self.acted_at = time.monotonic()
        self.sending: asyncio.Task[None] | None = None
        # Not in `disconnect`: Channels does not call it for a socket that fails.
        counted.enter(self)
        try:
            await super().__call__(scope, receive, send)
        except Error:
            log.exception("socket_failed", **self.who())
            await self.give_up(FAILED)
        finally:
            counted.leave(self)
            self.stop_sending()
            self.leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels would first have the one thread of all synchronous views let go of its old
        # connection: nothing of ours has one there, and a slow view would hold up every socket.
        await getattr(self, get_handler_name(message))(message)

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        await self.disconnect(message["code"])
        raise StopConsumer

    @property
    def waiting(self) -> int:
        """How many matters have news that the client has not been sent."""
        return 0

    @abstractmethod
    def who(self) -> dict[str, str]:
        """Return whose socket it is, for the log."""

    @abstractmethod
    def leave(self) -> None:
        """Let go of everything: the socket has ended, whatever way."""

    @abstractmethod
    async def act(self, data: str | bytes) -> None:
        """Do what the client asks for."""

    async def receive(
        self, text_data: str | None = None, bytes_data: bytes | None = None, **_: Any
    ) -> None:
        data = text_data if text_data is not None else bytes_data or b""
        if len(data) > MESSAGE_BYTES_MAX:
            await self.close(code=TOO_LONG)
        elif self._may_act():
            await self.act(data)
        else:
            await self.close(code=TOO_MANY_ACTIONS)

    def _may_act(self) -> bool:
        """Tell whether the client keeps to its number of actions a second, and count this one."""
        now = time.monotonic()
        regained = (now - self.acted_at) * ACTIONS_PER_SECOND_MAX
        self.actions_left = min(2.0 * ACTIONS_PER_SECOND_MAX, self.actions_left + regained) - 1
        self.acted_at = now
        return self.actions_left >= 0

    def start_sending(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` send what there is to send, beside what the client asks for."""
        self.sending = asyncio.create_task(self._watched_over(work))

    async def _watched_over(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            # Nobody awaits this task; the client connects again, and is told what it missed.
            log.exception("socket_failed", **self.who())
            await self.close(code=FAILED)

    async def say(self, frame: str | bytes) -> None:
        """Send a frame; who does not take it in time is closed."""
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                if isinstance(frame, str):
                    await self.send(text_data=frame)
                else:
                    await self.send(bytes_data=frame)
        except TimeoutError:
            counted.SLOW.labels(self.kind).inc()
            await self.give_up(TOO_SLOW)

    async def give_up(self, code: int) -> None:
        """Close a socket that may not even take that."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await self.close(code=code)
        except TimeoutError:
            pass  # the server's own ping finds it dead
        self.stop_sending()

    def stop_sending(self) -> None:
        if self.sending is not None:
            self.sending.cancel()
