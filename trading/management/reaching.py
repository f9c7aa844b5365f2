"""What commands that work beside a running server have in common: its database."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from accounts import selectors
from accounts.models import User

_UNDEFINED_TABLE = "42P01"


@contextmanager
def database() -> Iterator[None]:
    """Use the server's database, or say in one sentence why that is not possible."""
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # it repeats what we say once
    try:
        connection.ensure_connection()
    except DatabaseError:
        raise CommandError(
            "No server runs on this data folder: start it first, with make run."
            if settings.EMBEDDED_POSTGRES
            else "The database at DATABASE_URL cannot be reached."
        ) from None
    try:
        yield
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) == _UNDEFINED_TABLE:
            raise CommandError(
                "The database has no tables yet: wait for the server's first start to finish."
            ) from None
        raise


def user(email: str) -> User:
    """Return the user with this e-mail; say so when there is none."""
    found = selectors.user_by_email(email)
    if found is None:
        raise CommandError(f"Nobody is registered as {email}.")
    return found
