"""Ten thousand sockets that only wait, and all of them coming back at once (fault 22).

`python -m benchmarks.sockets [daphne|uvicorn|granian]...` opens so many binary sockets, each signed
in as a page is and let in by the gate, from as many loopback addresses as their ports need. It
prints what memory the server has for each, and what time on the processor they take while nothing
happens: a heartbeat in five seconds, a look at all sign-ins every minute. Then all of them are gone
at once, and all come back at once: how many were refused, how long the last had to wait for its
hello, and what an opening costs. Each socket has a sign-in and a session of its own, copied from
those of one person, who has signed in as people do.
"""

from __future__ import annotations

import argparse
import base64
import errno
import os
import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import uuid4

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from django.conf import settings
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.utils.crypto import get_random_string

from accounts.models import SignIn
from accounts.sessions.store import place_of
from benchmarks.fanout import PORT, allow_files, processor_seconds, resident, serving, signed_in
from benchmarks.load import CHUNK_BYTES
from foundation.tokens import digest_of

Row = TypeVar("Row", bound=Model)

PATH: Final = "/ws/v1/binary"
WARM: Final = 100
OF_AN_ADDRESS: Final = 5_000
AT_ONCE: Final = 200
OPENED_SECONDS_MAX: Final = 600.0
IDLE_SECONDS: Final = 70.0  # the watch over sign-ins looks at all of them once in it
TARGET_BYTES: Final = 60_000
_ACCEPTED: Final = b"HTTP/1.1 101 "


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sockets", description="Measure.")
    parser.add_argument("servers", nargs="*", default=["daphne"])
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS)
    options = parser.parse_args()
    allow_files(options.sockets + WARM + 200)
    stage.set_up()
    cookies = signed_in_often(options.sockets)
    for server in options.servers:
        measure(server, cookies, idle_seconds=options.idle_seconds)


def signed_in_often(count: int) -> list[str]:
    """Return so many sessions, each with a sign-in of its own that stands."""
    signed_in()
    first, session = SignIn.objects.get(), Session.objects.get()
    cookies = [get_random_string(32, VALID_KEY_CHARS) for _ in range(count)]
    digests = [digest_of(cookie) for cookie in cookies]
    SignIn.objects.bulk_create(_copied(first, id=uuid4(), session_digest=each) for each in digests)
    Session.objects.bulk_create(_copied(session, session_key=place_of(each)) for each in digests)
    return cookies


def _copied(row: Row, **changed: object) -> Row:
    fields = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row)(**{**fields, **changed})


def measure(server: str, cookies: Sequence[str], *, idle_seconds: float) -> None:
    count = len(cookies)
    print(f"\n{server}: {count:,} sockets of {PATH}")
    with serving(server) as (program, _):
        # What the first ones take is the program's, and not theirs.
        warm = opened(cookies[:WARM], at_once=WARM)
        before, worked = resident(program.pid), processor_seconds(program.pid)
        idle = opened(cookies, at_once=AT_ONCE)
        say(idle, "opened", processor_seconds(program.pid) - worked)
        each = (resident(program.pid) - before) / count
        print(f"  {each / 1000:.1f} kB each, {TARGET_BYTES / 1000:.0f} at most are wanted")
        worked = processor_seconds(program.pid)
        listen(idle, idle_seconds)
        worked = processor_seconds(program.pid) - worked
        lost = sum(each.is_lost for each in idle)
        print(f"  idle: {worked / idle_seconds:.1%} of a processor; {lost} were closed")
        for each_of in idle:
            each_of.socket.close()
        worked = processor_seconds(program.pid)
        again = opened(cookies, at_once=count)
        say(again, "all back at once", processor_seconds(program.pid) - worked)
        for each_of in (*warm, *again):
            each_of.socket.close()


def say(visitors: Sequence[Visitor], what: str, worked: float) -> None:
    waits = sorted(each.waited for each in visitors if not each.is_lost)
    refused = len(visitors) - len(waits)
    print(f"  {what}: {refused} refused", end="")
    if waits:
        middle, last = waits[len(waits) // 2], waits[-1]
        print(f", hello after {middle:.1f} s (median) and {last:.1f} s (last)", end="")
    print(f", {worked / len(visitors) * 1e3:.2f} ms of the processor each")


@dataclass(eq=False)
class Visitor:
    """One socket, from its first packet to its hello and on."""

    socket: socket.socket
    cookie: str
    begun: float
    received: bytes = b""
    has_asked: bool = False
    has_hello: bool = False
    is_lost: bool = False
    waited: float = 0.0


def opened(cookies: Sequence[str], *, at_once: int) -> list[Visitor]:
    """Open a socket with each, so many under way at a time; return all, also the refused."""
    visitors: list[Visitor] = []
    count = len(cookies)
    under_way = 0
    until = time.monotonic() + OPENED_SECONDS_MAX
    with selectors.DefaultSelector() as waiting:
        while len(visitors) < count or under_way:
            while len(visitors) < count and under_way < at_once:
                visitor = _setting_out(len(visitors), cookies[len(visitors)])
                visitors.append(visitor)
                waiting.register(visitor.socket, selectors.EVENT_WRITE, visitor)
                under_way += 1
            for key, _ in waiting.select(1.0):
                visitor = key.data
                if visitor.has_asked:
                    _take(visitor)
                else:
                    _ask(visitor)
                    waiting.modify(visitor.socket, selectors.EVENT_READ, visitor)
                if visitor.has_hello or visitor.is_lost:
                    waiting.unregister(visitor.socket)
                    under_way -= 1
            if time.monotonic() > until:
                for visitor in visitors:
                    visitor.is_lost = not visitor.has_hello
                break
    return visitors


def _setting_out(number: int, cookie: str) -> Visitor:
    connection = socket.socket()
    connection.setblocking(False)
    connection.bind((f"127.0.0.{2 + number // OF_AN_ADDRESS}", 0))
    reason = connection.connect_ex(("127.0.0.1", PORT))
    if reason not in (0, errno.EINPROGRESS):
        raise OSError(reason, os.strerror(reason))
    return Visitor(connection, cookie, time.monotonic())


def _ask(visitor: Visitor) -> None:
    visitor.has_asked = True
    key = base64.b64encode(os.urandom(16)).decode()
    carried = f"{settings.SESSION_COOKIE_NAME}={visitor.cookie}"
    head = (
        f"GET {PATH} HTTP/1.1\r\nHost: localhost:{PORT}\r\nOrigin: http://localhost:{PORT}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key}\r\nCookie: {carried}\r\n\r\n"
    )
    try:
        visitor.socket.sendall(head.encode())
    except OSError:
        visitor.is_lost = True


def _take(visitor: Visitor) -> None:
    """Take what has come, until there is a frame behind the head of the answer."""
    try:
        chunk = visitor.socket.recv(CHUNK_BYTES)
    except OSError:
        chunk = b""
    visitor.received += chunk
    head, end, frame = visitor.received.partition(b"\r\n\r\n")
    if not chunk or (end and not head.startswith(_ACCEPTED)):
        visitor.is_lost = True
    elif frame:
        is_binary = frame[0] == 0x82
        visitor.has_hello, visitor.is_lost = is_binary, not is_binary
        visitor.waited = time.monotonic() - visitor.begun
        visitor.received = b""


def listen(visitors: Sequence[Visitor], seconds: float) -> None:
    """Take heartbeats for so long, and note who is closed."""
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as waiting:
        for visitor in visitors:
            if not visitor.is_lost:
                waiting.register(visitor.socket, selectors.EVENT_READ, visitor)
        while (left := until - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                if not key.data.socket.recv(CHUNK_BYTES):
                    key.data.is_lost = True
                    waiting.unregister(key.data.socket)


if __name__ == "__main__":
    main()
