"""A bad network: a TCP proxy that resets, swallows or loses answers, whenever a test says so."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from tests.live_server import free_port
from tests.patience import DEADLINE_SECONDS

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Mode(StrEnum):
    PASS = "pass"
    RESET = "reset"
    SWALLOW = "swallow"


class Proxy:
    """Stands between a member and the venue at `target`.

    `cut` is what a line from the member must contain to change the mode to `mode_after_cut`: before
    it is forwarded, with `is_cut_line_lost`, or as soon as the venue has acknowledged it. What
    the venue says of it never arrives.
    """

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.mode = Mode.PASS
        self.cut: bytes | None = None
        self.mode_after_cut = Mode.RESET
        self.is_cut_line_lost = False
        self.turned_away = 0
        self._lost: bytes | None = None  # what the venue has said since it was sent that line
        self._target = target
        self._said: list[bytes] = []
        self._writers: set[asyncio.StreamWriter] = set()

    def said(self, kind: str) -> list[dict[str, Any]]:
        """Return the frames of that type that the member has sent, forwarded or not."""
        frames = [json.loads(line) for line in self._said]
        return [frame for frame in frames if frame["type"] == kind]

    def heal(self) -> None:
        """Be a good network again, for new connections."""
        self.cut = None
        self.mode = Mode.PASS

    async def serve(self, is_ready: threading.Event, stop: asyncio.Event) -> None:
        async with await asyncio.start_server(self._carry, "127.0.0.1", self.port):
            is_ready.set()
            await stop.wait()
            self._reset_all()
        carrying = asyncio.all_tasks() - {asyncio.current_task()}
        for task in carrying:
            task.cancel()
        await asyncio.gather(*carrying, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if self.mode is Mode.RESET:
            self.turned_away += 1
            self._reset(writer)
            return
        theirs, to_them = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers.add(to_them)
        await asyncio.gather(self._outwards(reader, to_them), self._inwards(theirs, writer))
        for each in (writer, to_them):
            self._writers.discard(each)
            each.close()

    async def _outwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self._said.append(line)
                is_cut = self.cut is not None and self.cut in line
                if is_cut and self.is_cut_line_lost:
                    self._change()
                elif is_cut:
                    self.cut, self._lost = None, b""
                if self.mode is Mode.PASS:
                    writer.write(line)
                    await writer.drain()
        except (ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    async def _inwards(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while read := await reader.read(65536):
                if self._lost is not None:
                    self._lost += read
                    if b'"acknowledged"' in self._lost:
                        self._change()
                elif self.mode is Mode.PASS:
                    writer.write(read)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            if self.mode is not Mode.SWALLOW:
                writer.close()

    def _change(self) -> None:
        self.mode, self.cut, self._lost = self.mode_after_cut, None, None
        if self.mode is Mode.RESET:
            self._reset_all()

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        connected = writer.get_extra_info("socket")
        if connected is not None and not writer.is_closing():
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()


@contextmanager
def proxy_to(target: int) -> Iterator[Proxy]:
    """Give a proxy to the port `target` of this machine, at work on a thread of its own."""
    proxy, is_ready, loop = Proxy(target), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(proxy.serve(is_ready, stop)), daemon=True
    )
    thread.start()
    if not is_ready.wait(DEADLINE_SECONDS):
        raise RuntimeError("the proxy does not listen")
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(DEADLINE_SECONDS)
