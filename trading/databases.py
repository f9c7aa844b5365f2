"""How Django reaches the database: the one that we run, or the one that an address names."""

from __future__ import annotations

from collections.abc import Mapping

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict


def entered(*, url: str, embedded: Mapping[str, str], role: str | None) -> dict[str, object]:
    """Return Django's settings of the database, entered as its owner or as the restricted role.

    It is where `url` leads; without one, the `embedded` one of that NAME, USER, HOST and PORT.
    """
    where, options = _outside(url) if url else (dict(embedded), {})
    session = "-c lock_timeout=5s"
    if role:
        session += " -c statement_timeout=20s -c idle_in_transaction_session_timeout=30s"
        session += f" -c role={role}"
        options["pool"] = {"min_size": 1, "max_size": 40, "timeout": 2}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **where,
        "OPTIONS": {**options, "options": session},
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": False,
    }


def _outside(url: str) -> tuple[dict[str, object], dict[str, object]]:
    """Return where DATABASE_URL leads, and its other libpq parameters (sslmode and so on)."""
    try:
        given = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ImproperlyConfigured(
            "DATABASE_URL must be like postgresql://user:password@host:5432/name."
        ) from error
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST"}
    where: dict[str, object] = {django: given.pop(libpq, "") for libpq, django in names.items()}
    return {**where, "PORT": str(given.pop("port", "") or "")}, dict(given)
