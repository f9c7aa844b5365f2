"""What probes are told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import InterfaceError, OperationalError, connection

from foundation.models import Heartbeat
from marketdata.models import Quote
from tests import world
from trading import health, parts, supervisor
from venues import links

NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


@pytest.fixture
def alive(db):
    """A market with fresh prices, and every part at work."""
    world.instrument(at=NOW)
    for part in parts.PARTS:
        Heartbeat.objects.create(part=part.name, at=NOW)


def test_healthz_is_open_to_anybody(client):
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_is_open_to_anybody_and_503_when_nothing_works(db, client):
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert answer.json()["database"]["ready"] is True
    assert answer.json()["gateway"] == {"ready": False, "age_seconds": None}


@pytest.mark.parametrize("error", [InterfaceError, OperationalError])
def test_readyz_is_503_when_the_database_is_away(client, monkeypatch, error):
    def fail():
        raise error("the connection is closed")

    monkeypatch.setattr(health.Heartbeat.objects, "all", fail)
    monkeypatch.setattr(health.connection, "close", lambda: None)

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "database": {"ready": False}}


def test_it_is_ready_when_prices_are_fresh_and_every_part_beats(alive):
    found = health.readiness(now=NOW + timedelta(seconds=1))

    assert found.is_ready
    assert found.checks["exchange"] == {"ready": True, "age_seconds": 1.0, "restarts": 0}
    wanted = {part.name for part in parts.PARTS if part.is_wanted}
    assert set(found.checks) == {"database", "prices", "venues"} | wanted


@pytest.mark.parametrize("part", [part.name for part in parts.PARTS if part.trades])
def test_it_is_not_ready_without_a_part_that_trades(alive, part):
    Heartbeat.objects.filter(part=part).update(at=NOW - timedelta(minutes=1))

    found = health.readiness(now=NOW)

    assert not found.is_ready
    assert found.checks[part] == {"ready": False, "age_seconds": 60.0, "restarts": 0}


def test_a_part_that_is_switched_on_is_shown_too(alive, settings):
    assert "port" not in health.readiness(now=NOW).checks
    settings.EXCHANGE_PORT = 8200
    assert health.readiness(now=NOW).checks["port"]["ready"]


def test_it_is_not_ready_when_no_venue_can_be_reached(alive, settings):
    settings.VENUE_SILENCE_SECONDS_MAX = 15
    links.hear("openfloor-exchange", now=NOW)
    found = health.readiness(now=NOW + timedelta(seconds=1))
    assert found.is_ready
    assert found.checks["venues"]["openfloor-exchange"]["silent_seconds"] == 1.0

    links.lose("openfloor-exchange", now=NOW, detail="secret.example.com cannot be reached")
    found = health.readiness(now=NOW + timedelta(seconds=1))
    assert not found.is_ready
    assert "secret" not in str(found.checks)


def test_it_is_ready_without_the_worker_which_moves_no_order(alive):
    Heartbeat.objects.filter(part="worker").delete()

    assert health.readiness(now=NOW).is_ready


@pytest.mark.parametrize(("age", "is_ready"), [(2.5, True), (2.6, False)])
def test_it_is_ready_while_orders_are_taken_on_the_prices_and_no_longer(
    alive, settings, age, is_ready
):
    settings.QUOTE_AGE_SECONDS_MAX = 2.5
    Quote.objects.update(received_at=NOW - timedelta(seconds=age))

    assert health.readiness(now=NOW).is_ready is is_ready


def test_a_failure_is_named_but_not_told_in_full(alive):
    Heartbeat.objects.filter(part="feed").update(restarts=2, detail="KeyError: 'customer 7'")

    assert health.readiness(now=NOW).checks["feed"] == {
        "ready": True,
        "age_seconds": 0.0,
        "restarts": 2,
        "last_failure": "KeyError",
    }


def test_heartbeats_are_written_together_and_replace_each_other(db, django_assert_num_queries):
    watches = [supervisor.Watch(name=name, run=lambda stop, beat: None) for name in "ab"]
    for watch in watches:
        watch._attempt = supervisor._Attempt()
        watch._attempt.beat()
    silent = supervisor.Watch(name="c", run=lambda stop, beat: None)

    for now in (NOW, NOW + timedelta(seconds=1)):
        watches[0].restarts += 1
        with django_assert_num_queries(1, connection=connection):
            supervisor.write_heartbeats([*watches, silent], now=now)

    beats = {beat.part: beat for beat in Heartbeat.objects.all()}
    assert set(beats) == {"a", "b"}
    assert (beats["a"].restarts, beats["b"].restarts) == (2, 0)
    assert NOW < beats["a"].at <= NOW + timedelta(seconds=1)
