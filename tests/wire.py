"""What goes over the line to the database, as libpq itself writes it down."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg.pq import Trace


@contextmanager
def trips_noted() -> Iterator[list[list[str]]]:
    """Note the round trips of this thread's connection: the kinds of messages sent on each.

    The server answers at a Sync, which ends a trip of many statements, or a Query, which is one.
    The list is filled when the block ends.
    """
    connection.ensure_connection()
    pgconn = connection.connection.pgconn
    trips: list[list[str]] = []
    with tempfile.TemporaryFile() as notes:
        pgconn.trace(os.dup(notes.fileno()))
        pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield trips
        finally:
            pgconn.untrace()
        notes.seek(0)
        trip: list[str] = []
        for line in notes.read().decode().split("\n"):
            sender, _, rest = line.partition("\t")
            if sender == "F" and "\t" in rest:
                kind = rest.split("\t")[1]
                trip.append(kind)
                if kind in {"Sync", "Query"}:
                    trips.append(trip)
                    trip = []
        assert not trip
