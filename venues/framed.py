"""The line's framing and proofs, which both its ends share: see docs/venue-line.md.

A frame is a JSON object on one line. Every wait has an end, every buffer a bound, and an end
that has nothing to say says so once a second.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import selectors
import socket
import threading
import time
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

VERSION: Final = 2
HEARTBEAT_SECONDS: Final = 1.0
SILENCE_SECONDS_MAX: Final = 5.0
SEND_SECONDS_MAX: Final = 3.0
FRAME_BYTES_MAX: Final = 1 << 20
REPORTS_UNDER_WAY_MAX: Final = 4_096
"""How many reports may be on the line or in the member's hands before it must confirm some."""

Frame = dict[str, Any]
_HEARTBEAT: Final = "heartbeat"
_READ_BYTES: Final = 1 << 16


class Role(StrEnum):
    """Who proves: or else whoever is asked for a proof could have the one who asks make it."""

    MEMBER = "member"
    VENUE = "venue"


class LineBroken(ConnectionError):
    """The other end is gone, silent, or says what nobody understands."""


def proof(*, of: Role, secret: str, nonce: str, member: str) -> str:
    """Return what only somebody who knows the secret can say to this nonce in this role."""
    said = f"{VERSION}:{of}:{member}:{nonce}"
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


def is_proof(given: object, *, of: Role, secret: str, nonce: str, member: str) -> bool:
    """Tell whether `given` proves knowledge of the secret; an empty secret proves nothing."""
    expected = proof(of=of, secret=secret, nonce=nonce, member=member)
    return bool(secret) and isinstance(given, str) and hmac.compare_digest(given, expected)


class FramedSocket:
    """A connected socket that carries frames. One thread receives; any may send or wake it."""

    def __init__(self, connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.settimeout(SEND_SECONDS_MAX)
        self._socket = connected
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(connected, selectors.EVENT_READ)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._sending = threading.Lock()
        self._unfinished = b""
        self._is_closed = False
        self._said_at = self._heard_at = time.monotonic()

    def send(self, frame: Frame) -> None:
        """Send a frame. Raises LineBroken."""
        line = json.dumps(frame, separators=(",", ":")).encode() + b"\n"
        if len(line) > FRAME_BYTES_MAX:
            raise LineBroken(f"a frame of {len(line)} bytes is too long for the line")
        with self._sending:
            try:
                self._socket.sendall(line)
            except OSError as error:
                raise LineBroken(f"nothing can be sent: {error}") from error
            self._said_at = time.monotonic()

    def receive(self, seconds_max: float) -> list[Frame]:
        """Return the frames that have come, heartbeats left out; none after `wake` or in time.

        Keeps the line alive meanwhile. Raises LineBroken, also when the other end is silent.
        """
        try:
            ready = {key.fileobj for key, _ in self._selector.select(max(0.0, seconds_max))}
        except (OSError, ValueError, RuntimeError) as error:  # it was closed meanwhile
            raise LineBroken("the line was closed") from error
        if self._is_closed:
            raise LineBroken("the line was closed")
        if self._ear in ready:
            self._ear.recv(_READ_BYTES)
        frames = self._read() if self._socket in ready else []
        now = time.monotonic()
        if now - self._heard_at > SILENCE_SECONDS_MAX:
            raise LineBroken(f"the other end was silent for {SILENCE_SECONDS_MAX:g} s")
        if now - self._said_at >= HEARTBEAT_SECONDS:
            self.send({"type": _HEARTBEAT})
        return frames

    def wake(self) -> None:
        """Let `receive` return now."""
        with suppress(OSError):  # it rings already, or nobody listens any more
            self._bell.send(b"!")

    def close(self) -> None:
        """End the connection, whoever waits for it; `release` frees what it took."""
        self._is_closed = True
        with suppress(OSError):  # the other end may have been faster
            self._socket.shutdown(socket.SHUT_RDWR)
        self.wake()

    def release(self) -> None:
        """Free everything: for the thread that receives, as its last act."""
        self.close()
        self._selector.close()
        for each in (self._socket, self._bell, self._ear):
            each.close()

    def _read(self) -> list[Frame]:
        try:
            read = self._socket.recv(_READ_BYTES)
        except OSError as error:
            raise LineBroken(f"nothing can be received: {error}") from error
        if not read:
            raise LineBroken("the other end has hung up")
        self._heard_at = time.monotonic()
        *lines, self._unfinished = (self._unfinished + read).split(b"\n")
        if len(self._unfinished) > FRAME_BYTES_MAX:
            raise LineBroken("a frame is too long")
        frames = [_frame(line) for line in lines]
        return [frame for frame in frames if frame["type"] != _HEARTBEAT]


def _frame(line: bytes) -> Frame:
    try:
        frame = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LineBroken("a line is no JSON") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise LineBroken("a frame is an object with a type")
    return frame
