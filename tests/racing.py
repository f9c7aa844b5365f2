"""Jobs that meet: in threads of their own, with connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

from tests.patience import DEADLINE_SECONDS

T = TypeVar("T")


def at_once(*jobs: Callable[[], T]) -> list[T]:
    """Run the jobs in threads that start together; return their results in order."""
    barrier = threading.Barrier(len(jobs), timeout=DEADLINE_SECONDS)

    def run(job: Callable[[], T]) -> T:
        barrier.wait()
        return on_its_own(job)

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def on_its_own(job: Callable[[], T]) -> T:
    """Do the job in a thread, and close the connection that the thread has opened for it."""
    try:
        return job()
    finally:
        connection.close()


def waiting() -> int:
    """Return how many sessions of this test's database wait for a lock of another one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN ("
            "  SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
            "  WHERE d.datname = current_database())"
        )
        return int(cursor.fetchone()[0])
