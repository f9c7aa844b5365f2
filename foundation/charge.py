"""Who does a job that only one of several processes may do at a time: PostgreSQL decides.

The charge is an advisory lock, held for as long as the thread keeps its connection: when the
process dies, the next one gets it.
"""

from __future__ import annotations

import zlib
from contextlib import suppress

import django.db
from django.db import connection


def take(job: str) -> bool:
    """Take charge of `job`, or tell that somebody else has it.

    Taken twice by one thread, it must be given up twice.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_key(job)])
        return bool(cursor.fetchone()[0])


def give_up(job: str) -> None:
    """Give up the charge, if this thread has it, and close the connection.

    A pooled connection must not carry the lock to somebody else.
    """
    try:
        with suppress(django.db.Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_key(job)])
    finally:
        connection.close()


def _key(job: str) -> int:
    return zlib.crc32(job.encode())
