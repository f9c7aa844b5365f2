"""Which sockets of this process stand on which sign-in: looked at together, told when it ends.

A hint names a sign-in that may have ended. Without one all are looked at every minute. Who joins
was looked at by the gate, and is again only where a hint came in between. However many sockets
there are, a look is a few queries for a thousand sign-ins, and wakes none that goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.utils import timezone

from accounts.phones import staying
from accounts.sessions import standing
from foundation import wakeups

NOT_SIGNED_IN: Final = 4401
NOT_LOOKED_AT: Final = 1011  # the server failed: connect again

EVERY_SECONDS: Final = 60.0
SOON_SECONDS: Final = 1.0
UNSEEN_SECONDS_MAX: Final = 180.0
"""Who could not be looked at for so long is closed: nobody knows whether they may listen."""
AT_ONCE: Final = 1_000

Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Stand:
    """What a socket stands on: a sign-in by its digest, as hints name it; and which phone's it is,
    if it is not a browser's. It stood at `seen_at`, of `time.monotonic()`."""

    digest: str
    seen_at: float = field(compare=False)
    phone_id: UUID | None = None


class Watch:
    """Joined and left on any thread; looked at by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[Stand, set[Tell]] = {}
        self._by_digest: dict[str, Stand] = {}
        self._unsure: set[str] = set()
        self._named_at: dict[str, float] = {}
        self._all_named_at = float("-inf")
        self._all_seen_at = time.monotonic()

    @contextmanager
    def over(self, stand: Stand, tell: Tell) -> Iterator[None]:
        """Call `tell`, on the watch's thread, with the code to close with when `stand` has ended;
        it must return at once."""
        with self._lock:
            self._told.setdefault(stand, set()).add(tell)
            self._by_digest[stand.digest] = stand
            if stand.seen_at <= self._named_at.get(stand.digest, self._all_named_at):
                self._unsure.add(stand.digest)
        try:
            yield
        finally:
            with self._lock:
                self._told[stand].discard(tell)
                if not self._told[stand]:
                    del self._told[stand], self._by_digest[stand.digest]

    def look(self, named: Collection[str] | None) -> None:
        """Look at the sign-ins with these digests, which hints have named, or at all of them."""
        with self._lock:
            self._note(named)
            unsure, self._unsure = self._unsure, set()
            digests = self._by_digest.keys() if named is None else {*named, *unsure}
            stands = [self._by_digest[each] for each in digests if each in self._by_digest]
        try:
            for begin in range(0, len(stands), AT_ONCE):
                self._tell(_ended(stands[begin : begin + AT_ONCE]), NOT_SIGNED_IN)
        except Exception:
            with self._lock:
                self._unsure |= unsure
            if time.monotonic() >= self._all_seen_at + UNSEEN_SECONDS_MAX:
                self._tell(stands, NOT_LOOKED_AT)
            raise
        if named is None:
            self._all_seen_at = time.monotonic()

    def _note(self, named: Collection[str] | None) -> None:
        """Keep what was named, for those who are about to join."""
        now = time.monotonic()
        if named is None:
            self._all_named_at = now
            self._named_at = {}
        else:
            self._named_at |= dict.fromkeys(named, now)

    def _tell(self, stands: Collection[Stand], code: int) -> None:
        with self._lock:
            those = [tell for each in stands for tell in self._told.get(each, ())]
        for tell in those:
            tell(code)


def _ended(stands: Collection[Stand]) -> list[Stand]:
    now = timezone.now()
    phones = {each.phone_id for each in stands if each.phone_id is not None}
    present = staying.standing(phones, now=now) if phones else set()
    digests = [each.digest for each in stands if each.phone_id is None]
    signed_in = standing.browsers(digests, now=now) if digests else set()
    return [
        each
        for each in stands
        if each.digest not in signed_in and (each.phone_id is None or each.phone_id not in present)
    ]


watch: Final = Watch()


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Look at whom hints name at once, and at all every minute, until `stop`."""
    with wakeups.listener.news(wakeups.Channel.SIGN_INS, all_seconds=EVERY_SECONDS) as news:
        while not stop.is_set():
            watch.look(news.take())
            beat()
            news.came.wait(SOON_SECONDS)
