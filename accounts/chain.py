"""How an activity row is bound to the one before it. Pure, so that anybody can verify it.

    digest = SHA-256(previous digest || canonical JSON of the event)

in hexadecimal; the first event's previous digest is empty. The canonical JSON has its keys
sorted, no white space, and the time in microseconds of UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import orjson

from foundation.values import value


@value
class Event:
    """Something that happened to an account; `payload` holds what is a text in JSON only."""

    kind: str
    at: datetime
    actor: str
    payload: Mapping[str, str | UUID | None]


class BrokenChain(ValueError):
    """A row is missing, was added, or is not what it was; the message names its sequence."""


def digest(event: Event, *, account_id: str, sequence: int, previous: str) -> str:
    canonical = orjson.dumps(
        {
            "account_id": account_id,
            "actor": event.actor,
            "at": _in_microseconds(event.at),
            "kind": event.kind,
            "payload": dict(event.payload),
            "sequence": sequence,
        },
        option=orjson.OPT_SORT_KEYS,
    )
    return hashlib.sha256(previous.encode() + canonical).hexdigest()


@lru_cache(maxsize=64)  # what happens together happens at one time
def _in_microseconds(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def verify(account_id: str, rows: Iterable[tuple[int, Event, str]]) -> tuple[int, str]:
    """Follow a chain from its beginning: rows of (sequence, event, digest).

    Returns its head (sequence, digest). Raises BrokenChain at the first row that does not fit.
    """
    head, previous = 0, ""
    for sequence, event, found in rows:
        if sequence != head + 1:
            raise BrokenChain(f"after activity {head} comes {sequence}")
        expected = digest(event, account_id=account_id, sequence=sequence, previous=previous)
        if found != expected:
            raise BrokenChain(f"activity {sequence} is not what was written")
        head, previous = sequence, found
    return head, previous
