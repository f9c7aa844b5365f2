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


def test_news_are_what_was_named_and_at_first_anything() -> None:
    news = wakeups.News(all_seconds=3600.0)
    news.hear("A")
    assert news.take() is None
    assert news.take() == set()
    for payload in ("A", "B", "A"):
        news.hear(payload)
    assert news.came.is_set()
    assert news.take() == {"A", "B"}
    assert news.take() == set()


def test_whoever_has_taken_the_news_waits_for_the_next_ones() -> None:
    news = wakeups.News(all_seconds=3600.0)
    assert not news.came.is_set()
    news.hear("A")
    news.take()
    assert not news.came.is_set()
    news.hear("A")
    assert news.came.is_set()
    assert news.take() == {"A"}
    assert not news.came.is_set()


def test_a_hint_that_names_nothing_means_anything() -> None:
    news = wakeups.News(all_seconds=3600.0)
    news.take()
    news.hear("A")
    news.hear("")
    assert news.take() is None
    assert news.take() == set()


def test_now_and_then_it_may_have_been_anything() -> None:
    news = wakeups.News(all_seconds=0.0)
    assert [news.take(), news.take()] == [None, None]


def test_the_listener_hands_news_on_until_nobody_wants_them() -> None:
    listener = wakeups.Listener()
    with listener.news(wakeups.Channel.ACTIVITY, all_seconds=3600.0) as news:
        news.take()
        listener._tell(wakeups.Channel.ACTIVITY, "A")
        listener._tell(wakeups.Channel.QUOTES, "B")
        assert news.take() == {"A"}
    listener._tell(wakeups.Channel.ACTIVITY, "C")
    assert news.take() == set()
