"""Thousands of sockets that say nothing: opened as a page's, answering pings as browsers do."""

from __future__ import annotations

import base64
import errno
import os
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from django.conf import settings

from benchmarks import frames
from benchmarks.load import CHUNK_BYTES

OF_AN_ADDRESS: Final = 5_000
OPENED_SECONDS_MAX: Final = 600.0
_ACCEPTED: Final = b"HTTP/1.1 101 "


@dataclass(eq=False)
class Visitor:
    """One socket, from its first packet to its hello and on."""

    socket: socket.socket
    cookie: str
    begun: float
    received: bytearray = field(default_factory=bytearray)
    has_asked: bool = False
    is_answered: bool = False
    has_hello: bool = False
    lost_by: str | None = None
    waited: float = 0.0

    @property
    def is_lost(self) -> bool:
        return self.lost_by is not None

    @property
    def is_under_way(self) -> bool:
        return not (self.has_hello or self.is_lost)

    def ask(self, path: str, port: int) -> None:
        self.has_asked = True
        key = base64.b64encode(os.urandom(16)).decode()
        carried = f"{settings.SESSION_COOKIE_NAME}={self.cookie}"
        head = (
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\nCookie: {carried}\r\n\r\n"
        )
        try:
            self.socket.sendall(head.encode())
        except OSError as error:
            self._lose(errno.errorcode[error.errno])

    def take(self) -> None:
        """Take what has come: the answer, then frames."""
        try:
            chunk = self.socket.recv(CHUNK_BYTES)
        except OSError as error:
            self._lose(errno.errorcode[error.errno])
            return
        if not chunk:
            self._lose("an end without a word")
        self.received += chunk
        if not self.is_answered:
            head, end, rest = self.received.partition(b"\r\n\r\n")
            if not end:
                return
            self.is_answered, self.received = True, rest
            if not head.startswith(_ACCEPTED):
                self._lose(head.splitlines()[0].decode())
        self._take_frames()

    def _take_frames(self) -> None:
        for opcode, payload in frames.taken_from(self.received):
            if opcode == frames.PING:
                self.socket.sendall(frames.made(frames.PONG, payload))
            elif opcode == frames.CLOSE:
                self._lose(frames.why_closed(payload))
            elif opcode == frames.BINARY and not self.has_hello:
                self.has_hello, self.waited = True, time.monotonic() - self.begun

    def _lose(self, by: str) -> None:
        """Note what it was lost by, the first time."""
        phase = "open" if self.has_hello else "answered" if self.is_answered else "waiting"
        self.lost_by = self.lost_by or f"{by} ({phase})"


class Crowd:
    """Visitors of one path, from as many loopback addresses as their ports need."""

    def __init__(self, path: str, port: int) -> None:
        self._path, self._port = path, port
        self._waiting = selectors.DefaultSelector()
        self._visitors: list[Visitor] = []

    def open(self, cookies: Sequence[str], *, at_once: int) -> list[Visitor]:
        """Open a socket with each, so many under way at a time; return all, also the refused."""
        visitors: list[Visitor] = []
        under_way = 0
        until = time.monotonic() + OPENED_SECONDS_MAX
        while (len(visitors) < len(cookies) or under_way) and time.monotonic() < until:
            while len(visitors) < len(cookies) and under_way < at_once:
                visitors.append(self._set_out(cookies[len(visitors)]))
                under_way += 1
            under_way -= self._hear(1.0)
        for visitor in visitors:
            if visitor.is_under_way:
                visitor.lost_by = "no hello in time"
        return visitors

    def listen(self, seconds: float) -> None:
        """Take heartbeats and answer pings for so long, and note who is closed."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._hear(left)

    def leave(self) -> None:
        """Close every socket."""
        self._waiting.close()
        for visitor in self._visitors:
            visitor.socket.close()

    def _hear(self, seconds: float) -> int:
        """Take what has come within so long; return how many were opened or refused by it."""
        settled = 0
        for key, _ in self._waiting.select(seconds):
            visitor: Visitor = key.data
            was_under_way = visitor.is_under_way
            if visitor.has_asked:
                visitor.take()
            else:
                visitor.ask(self._path, self._port)
                self._waiting.modify(visitor.socket, selectors.EVENT_READ, visitor)
            if visitor.is_lost:
                self._waiting.unregister(visitor.socket)
            settled += was_under_way and not visitor.is_under_way
        return settled

    def _set_out(self, cookie: str) -> Visitor:
        connection = socket.socket()
        connection.setblocking(False)
        connection.bind((f"127.0.0.{2 + len(self._visitors) // OF_AN_ADDRESS}", 0))
        reason = connection.connect_ex(("127.0.0.1", self._port))
        if reason not in (0, errno.EINPROGRESS):
            raise OSError(reason, os.strerror(reason))
        visitor = Visitor(connection, cookie, time.monotonic())
        self._visitors.append(visitor)
        self._waiting.register(connection, selectors.EVENT_WRITE, visitor)
        return visitor
