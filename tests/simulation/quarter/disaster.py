"""A bad delete: who owns the database turns its guards off, and a day of the ledger is gone.

Here the rows are put back; tests/faults/test_recovery.py restores a database as operations do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

import psycopg
from django.conf import settings

from marketdata import calendars
from reconciliation.invariants import check_invariants
from reconciliation.proof import proving
from reconciliation.proof.models import Seal


def strike(day: date, *, now: datetime) -> None:
    """Delete the transfers of `day`, see that `prove` names them, the first first; put them back.

    Raises AssertionError unless it does. That nothing else was touched, and all is back, is for the
    proof at the end.
    """
    with lost(day) as keys:
        assert keys, f"nothing was booked on {day}"
        found = proved(now)
        assert (found[0].table, found[0].key) == ("portfolio_transfer", str(keys[0])), found[0]
        sealed = [
            str(each) for each in Seal.objects.order_by("number").values_list("day", flat=True)
        ]
        assert found[0].what in [f"is gone; it was sealed on {each}" for each in sealed], found[0]
        gone = {each.key for each in found if each.what.startswith("is gone; it was sealed on ")}
        assert gone == {str(key) for key in keys}
        assert any(not each.holds for each in check_invariants(now=now))


def proved(now: datetime) -> list[proving.Touched]:
    return list(proving.prove(now=now, progress=lambda done, total: None).findings)


@contextmanager
def lost(day: date) -> Iterator[list[int]]:
    """Delete a day's transfers as the owner, with all triggers off; yield their keys, ascending."""
    at = settings.DATABASES["owner"]
    where = f"host={at['HOST']} port={at['PORT']} user={at['USER']} dbname={at['NAME']}"
    with psycopg.connect(where, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("CREATE TEMP TABLE lost (LIKE portfolio_transfer)")
        owner.execute(
            "INSERT INTO lost SELECT * FROM portfolio_transfer WHERE at >= %s AND at < %s",
            [calendars.midnight(day), calendars.midnight(date.fromordinal(day.toordinal() + 1))],
        )
        keys = [key for (key,) in owner.execute("SELECT id FROM lost ORDER BY id")]
        owner.execute("DELETE FROM portfolio_transfer WHERE id IN (SELECT id FROM lost)")
        try:
            yield keys
        finally:
            owner.execute(
                "INSERT INTO portfolio_transfer OVERRIDING SYSTEM VALUE SELECT * FROM lost"
            )
