"""How the listener finds the database."""

from __future__ import annotations

from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from foundation import wakeups


def test_the_listener_connects_as_securely_as_django_does() -> None:
    given = {
        "host": "db.example.com",
        "port": 6432,
        "dbname": "openfloor",
        "user": "trader",
        "password": "it's secret",
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ssl/our own.pem",
        "target_session_attrs": "read-write",
        "connect_timeout": 3,
    }
    own = {"cursor_factory": object, "context": object(), "prepare_threshold": 5, "options": "-c x"}

    found = conninfo_to_dict(wakeups.conninfo({**given, **own}))

    expected = {**given, **wakeups.KEEPALIVES}
    assert {k: str(v) for k, v in found.items()} == {k: str(v) for k, v in expected.items()}


def test_keepalives_may_be_set_otherwise() -> None:
    found = conninfo_to_dict(wakeups.conninfo({"keepalives_idle": 60}))

    assert found["keepalives_idle"] == "60"


def test_all_that_django_gives_is_understood() -> None:
    found = conninfo_to_dict(wakeups.conninfo(connection.get_connection_params()))

    assert found["dbname"] == connection.settings_dict["NAME"]
    assert found["client_encoding"] == "UTF8"
