"""Sealing a day: everything that was written until now, under one signed root.

A seal is made in one transaction, on one snapshot: it is there whole, or not at all. What was still
being written then is listed by the next one.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

from django.db import connection, transaction

from reconciliation.proof import exporting, hashes, keys, liabilities, listing, signed
from reconciliation.proof.models import Seal

Progress = Callable[[int, int], None]

_ONE_AT_A_TIME: Final = 7_315_226  # of an advisory lock: nobody else's


def run(*, day: date, now: datetime, progress: Progress) -> str:
    """Seal a day, and export what has no file yet: a job of the day."""
    made = seal(day=day, now=now, progress=progress)
    exporting.export_missing()
    rows = sum(entry["rows"] for entry in made.content["tables"])
    return f"Seal {made.number}: {rows:,} rows, root {made.root[:16]}"


def seal(*, day: date, now: datetime, progress: Progress) -> Seal:
    """Return the seal of a day, made now unless it is there already. Raises NoSealKey."""
    known = Seal.objects.filter(day=day).first()
    if known is not None:
        return known
    key = keys.signing()
    with _alone(), snapshot():
        known = Seal.objects.filter(day=day).first()
        return known or _make(day, now, key, progress)


def latest() -> Seal | None:
    return Seal.objects.order_by("-number").first()


@contextmanager
def snapshot() -> Iterator[None]:
    """See the database as it is now, and write rows as JSON in the one way."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_outermost:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(listing.SESSION)
        yield


@contextmanager
def _alone() -> Iterator[None]:
    """Let one at a time in. The lock is taken before the snapshot, so that it shows what the one
    before us has made; who waits for it longer than the lock timeout fails, and may try again."""
    with connection.cursor() as cursor:
        if connection.in_atomic_block:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
            yield
            return
        cursor.execute("SELECT pg_advisory_lock(%s)", [_ONE_AT_A_TIME])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_ONE_AT_A_TIME])


def _make(day: date, now: datetime, key: Any, progress: Progress) -> Seal:
    before = list(Seal.objects.order_by("-number")[:2])
    number = before[0].number + 1 if before else 1
    floors: dict[str, str | None] = {}
    if len(before) == 2:
        floors = {entry["table"]: entry["through"] for entry in before[1].content["tables"]}
    tables = listing.tables()
    entries = []
    for done, table in enumerate(tables):
        progress(done, len(tables) + 2)
        entries.append(listing.list_new(table, number=number, floors=floors))
    entries.append(listing.list_heads(number=number, floors=floors))
    progress(len(tables) + 1, len(tables) + 2)
    secret = secrets.token_bytes(32)
    owed = liabilities.list_owed(number=number, secret=secret)
    content: dict[str, Any] = {
        "format": signed.FORMAT,
        "number": number,
        "day": day.isoformat(),
        "sealed_at": now.astimezone(UTC).isoformat(timespec="microseconds"),
        "previous": before[0].digest if before else "",
        "tables": sorted(entries, key=lambda entry: str(entry["table"])),
        "liabilities": owed,
        "root": "",
    }
    content["root"] = root_of(content)
    made = Seal.objects.create(
        number=number,
        day=day,
        sealed_at=now,
        root=content["root"],
        digest=signed.digest(content),
        content=content,
        key=signed.public_key(key),
        signature=signed.sign(content, key),
        secret=secret,
    )
    progress(len(tables) + 2, len(tables) + 2)
    return made


def root_of(content: signed.Content) -> str:
    """Return the root over the tables that a seal lists, and over what is owed."""
    leaves = [bytes.fromhex(entry["root"]) for entry in content["tables"]]
    return hashes.root([*leaves, bytes.fromhex(content["liabilities"]["root"])]).hex()
