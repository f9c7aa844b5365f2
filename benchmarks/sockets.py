"""Ten thousand sockets that only wait, and all of them coming back at once (fault 22).

`python -m benchmarks.sockets [daphne|uvicorn|granian]...` opens so many binary sockets, each signed
in as a page is and let in by the gate, from as many loopback addresses as their ports need. It
prints what memory the server has for each, and what time on the processor they take while nothing
happens: a heartbeat in five seconds, a look at all sign-ins every minute. Then all of them are gone
at once, and all come back at once: how many were refused and by what, how long the last had to wait
for its hello, and what an opening costs. `--share 0.2` lets the server run for a fifth of the time
then. Each socket has a sign-in and a session of its own, copied from those of one person, who has
signed in as people do.
"""

from __future__ import annotations

import argparse
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final, TypeVar
from uuid import uuid4

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.models import Session
from django.db.models import Model
from django.utils.crypto import get_random_string

from accounts.models import SignIn
from accounts.sessions.store import place_of
from benchmarks.crowd import Crowd, Visitor
from benchmarks.fanout import PORT, allow_files, processor_seconds, resident, serving, signed_in
from foundation.tokens import digest_of

Row = TypeVar("Row", bound=Model)

PATH: Final = "/ws/v1/binary"
WARM: Final = 100
AT_ONCE: Final = 200
IDLE_SECONDS: Final = 70.0  # the watch over sign-ins looks at all of them once in it
PERIOD_SECONDS: Final = 0.2
TARGET_BYTES: Final = 60_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sockets", description="Measure.")
    parser.add_argument("servers", nargs="*", default=["daphne"])
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS)
    parser.add_argument("--share", type=float, default=1.0, help="that the server has of its time")
    options = parser.parse_args()
    allow_files(options.sockets + WARM + 200)
    stage.set_up()
    cookies = signed_in_often(options.sockets)
    for server in options.servers:
        measure(server, cookies, idle_seconds=options.idle_seconds, share=options.share)


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


def measure(server: str, cookies: Sequence[str], *, idle_seconds: float, share: float) -> None:
    count = len(cookies)
    print(f"\n{server}: {count:,} sockets of {PATH}")
    with serving(server) as (program, _):
        # What the first ones take is the program's, and not theirs.
        crowd = Crowd(PATH, PORT)
        crowd.open(cookies[:WARM], at_once=WARM)
        before, worked = resident(program.pid), processor_seconds(program.pid)
        idle = crowd.open(cookies, at_once=AT_ONCE)
        say(idle, "opened", processor_seconds(program.pid) - worked)
        each = (resident(program.pid) - before) / count
        print(f"  {each / 1000:.1f} kB each, {TARGET_BYTES / 1000:.0f} at most are wanted")
        worked = processor_seconds(program.pid)
        crowd.listen(idle_seconds)
        worked = processor_seconds(program.pid) - worked
        each = (resident(program.pid) - before) / count
        print(f"  idle: {worked / idle_seconds:.1%} of a processor, {each / 1000:.1f} kB each")
        lost = Counter(visitor.lost_by for visitor in idle if visitor.is_lost)
        print(f"  {lost.total()} were closed", *said(lost), sep="\n")
        crowd.leave()
        crowd, worked = Crowd(PATH, PORT), processor_seconds(program.pid)
        with slowed(program.pid, share):
            again = crowd.open(cookies, at_once=count)
        say(again, "all back at once", processor_seconds(program.pid) - worked)
        crowd.leave()


@contextmanager
def slowed(pid: int, share: float) -> Iterator[None]:
    """Let a process run for so much of the time only, as on a machine that others are using."""
    is_over = Event()

    def stop_and_go() -> None:
        while not is_over.wait(PERIOD_SECONDS * share):
            os.kill(pid, signal.SIGSTOP)
            is_over.wait(PERIOD_SECONDS * (1 - share))
            os.kill(pid, signal.SIGCONT)

    slowing = Thread(target=stop_and_go)
    if share < 1:
        slowing.start()
    try:
        yield
    finally:
        is_over.set()
        if share < 1:
            slowing.join()


def say(visitors: Sequence[Visitor], what: str, worked: float) -> None:
    waits = sorted(each.waited for each in visitors if not each.is_lost)
    refused = Counter(each.lost_by for each in visitors if each.is_lost)
    print(f"  {what}: {refused.total()} refused", end="")
    if waits:
        middle, last = waits[len(waits) // 2], waits[-1]
        print(f", hello after {middle:.1f} s (median) and {last:.1f} s (last)", end="")
    print(f", {worked / len(visitors) * 1e3:.2f} ms of the processor each")
    print(*said(refused), sep="\n", end="")


def said(reasons: Counter[str | None]) -> list[str]:
    return [f"    {count} by: {reason}" for reason, count in reasons.most_common()]


if __name__ == "__main__":
    main()
