"""Who comes in: sockets that open together are looked at together.

One look is under way at a time on an event loop, and whoever comes meanwhile goes with the next.
So a lone page waits for nobody, and where thousands come back at once a handful of queries lets in
hundreds.
"""

from __future__ import annotations

import asyncio
from typing import Final
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from accounts.sessions import standing
from accounts.sessions.sign_ins import SignedIn

AT_ONCE: Final = 500


class Admission:
    """On its event loop only."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[SignedIn | None]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def signed_in(self, digest: str) -> SignedIn | None:
        """Return who is signed in with the session of this digest; None where nobody is."""
        answer = self._waiting.get(digest)
        if answer is None:
            answer = self._waiting[digest] = asyncio.get_running_loop().create_future()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(answer)  # another may wait for it, too

    async def _look(self) -> None:
        try:
            while self._waiting:
                digests = list(self._waiting)[:AT_ONCE]
                asked = {digest: self._waiting.pop(digest) for digest in digests}
                await _answer(asked)
        finally:
            self._looking = None


async def _answer(asked: dict[str, asyncio.Future[SignedIn | None]]) -> None:
    try:
        # A thread of its own and not the one that all synchronous views share.
        found = await sync_to_async(_found, thread_sensitive=False)(list(asked))
    except Exception as error:  # noqa: BLE001 - it is theirs who asked
        for answer in asked.values():
            answer.set_exception(error)
    else:
        for digest, answer in asked.items():
            answer.set_result(found.get(digest))


def _found(digests: list[str]) -> dict[str, SignedIn]:
    try:
        return standing.signed_in(digests, now=timezone.now())
    finally:
        connection.close()


_admissions: WeakKeyDictionary[asyncio.AbstractEventLoop, Admission] = WeakKeyDictionary()


def admission() -> Admission:
    """Return the one of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _admissions.get(loop)
    if found is None:
        found = _admissions[loop] = Admission()
    return found
