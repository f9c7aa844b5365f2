"""What everybody is told of how well it goes."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import OperationalError

from foundation import metrics
from foundation.models import Heartbeat, Measured
from reconciliation.models import DayRun, JobRun
from tests import world
from trading import parts
from trading.status import standing, views
from trading.status.standing import Level, Times

NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)
NONE = [0] * (len(metrics.SECONDS) + 1)


@pytest.fixture(autouse=True)
def read_anew():
    views._standing.forget()
    yield
    views._standing.forget()


@pytest.fixture
def alive(db):
    """Fresh prices, every part at work, two processes that have measured."""
    world.instrument(at=NOW)
    for part in parts.PARTS:
        Heartbeat.objects.create(part=part.name, at=NOW)
    measured("a:1", acknowledged={2: 98})
    measured("b:2", acknowledged={9: 2})


def measured(process, *, acknowledged=None, at=NOW, is_durable=True):
    counts = [(acknowledged or {}).get(place, 0) for place in range(len(NONE))]
    Measured.objects.create(
        process=process, at=at, token=uuid.uuid4(), commit_ms=2.5, is_durable=is_durable,
        commits=[0, 0, 10, *NONE[3:]], acknowledgements=counts,
    )  # fmt: skip


def levels(found):
    return {line.name: line.level for line in found.lines}


def test_all_is_well_and_what_processes_have_measured_is_one(alive):
    found = standing.standing(now=NOW)
    assert found.level is Level.GOOD
    assert found.orders == Times(count=100, median_ms=2.5, p95_ms=3.0, p99_ms=75.0)
    assert found.commits == Times(count=20, median_ms=2.5, p95_ms=2.9, p99_ms=3.0)


def test_a_process_that_has_ended_counts_no_more(alive):
    Measured.objects.filter(pk="b:2").update(at=NOW - timedelta(seconds=31))
    assert standing.standing(now=NOW).orders.count == 98


def test_what_is_old_or_missing_is_said(alive):
    later = standing.standing(now=NOW + timedelta(days=1))
    assert levels(later)["Orders"] is not Level.GOOD
    assert levels(later)["Prices"] is Level.DOWN
    assert levels(later)["Records"] is Level.IMPAIRED
    assert later.level is Level.DOWN


def test_commits_that_do_not_wait_for_the_disk_are_no_records(alive):
    measured("c:3", is_durable=False)
    assert levels(standing.standing(now=NOW))["Records"] is Level.IMPAIRED


def test_the_page_and_its_json_are_open_to_everybody(alive, client):
    page, plain = client.get("/status"), client.get("/status.json")
    assert (page.status_code, plain.status_code) == (200, 200)
    assert set(page.cookies) <= {"csrf"}
    assert set(plain.json()) == {
        "at", "status", "parts", "orders", "durable_commits", "prices",
    }  # fmt: skip
    assert plain.headers["Cache-Control"] == "no-store"


def test_nothing_in_it_names_a_host_or_a_reason(alive, client):
    Heartbeat.objects.filter(part="gateway").update(detail="OSError: /secret/place", at=NOW)
    told = client.get("/status.json").content + client.get("/status").content
    for hidden in (b"a:1", b"secret", b"OSError"):
        assert hidden not in told


def test_the_close_of_day_is_told_of_by_its_last_result(alive):
    def says():
        [line] = [each for each in standing.standing(now=NOW).lines if each.name == "Close of day"]
        return line.level, line.says

    assert says() == (Level.GOOD, "No day was closed yet.")
    run = DayRun.objects.create(day=date(2026, 2, 27), begun_at=NOW, ended_at=NOW)
    assert says() == (Level.GOOD, "The last day that was closed is 2026-02-27.")
    JobRun.objects.create(day=run, job="statements", state="failed")
    assert says() == (Level.IMPAIRED, "A job has failed: statements may be late.")


@pytest.mark.parametrize("path", ["/status", "/status.json"])
def test_without_a_database_it_says_so(client, monkeypatch, path):
    def fail(**_):
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(standing, "standing", fail)
    monkeypatch.setattr(views.connection, "close", lambda: None)
    answer = client.get(path)
    assert (answer.status_code, b"closed" in answer.content) == (503, False)
