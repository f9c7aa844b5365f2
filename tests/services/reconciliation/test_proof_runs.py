"""Proofs are asked for, done one at a time, and what they find is written down and told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from reconciliation import tasks
from reconciliation.models import ProofRun
from reconciliation.proof import proving, runs
from reconciliation.proof.runs import UnableToProve
from risk.models import Alert
from risk.surveillance import runbooks
from tests import world
from tests.sealing import nothing, sealed, touch

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seals")]

DAY = date(2026, 11, 16)
NIGHT = datetime(2026, 11, 17, 7, 15, tzinfo=UTC)


def test_a_proof_is_asked_for_and_done_by_a_worker():
    world.customer(cash="100.00")
    sealed(0)
    asked = runs.ask(by="operator:1", now=NIGHT)
    assert (asked.started_at, asked.ended_at, asked.is_proved) == (None, None, False)
    assert tasks.prove() is True
    [run] = ProofRun.objects.all()
    assert (run.is_proved, run.seals, run.findings, run.failed) == (True, 1, [], "")
    assert run.done == run.total > 0
    assert tasks.prove() is False
    assert not Alert.objects.exists()


def test_nobody_asks_for_another_while_one_is_waiting_or_under_way():
    asked = runs.ask(by="operator:1", now=NIGHT)
    for started_at in (None, NIGHT):
        ProofRun.objects.filter(pk=asked.pk).update(started_at=started_at)
        with pytest.raises(UnableToProve):
            runs.ask(by="operator:2", now=NIGHT)
    assert ProofRun.objects.count() == 1


def test_what_was_touched_is_written_down_and_told_with_the_way_to_the_runbook():
    key = touch()
    runs.ask(by="operator:1", now=NIGHT)
    tasks.prove()
    run = ProofRun.objects.get()
    assert not run.is_proved
    assert run.findings[0] == {
        "table": "portfolio_balance",
        "key": key,
        "what": "USD amount is 101, by its transfers 100",
    }
    alert = Alert.objects.get(kind="books_touched")
    assert (alert.severity, alert.account_id) == (3, None)
    assert f"portfolio_balance {key} USD amount is 101" in alert.summary
    assert runbooks.path(alert.kind) == "/admin/runbooks/tampering/#first"


def test_a_proof_that_breaks_off_is_told_as_well(settings):
    sealed(0)
    settings.SEAL_KEYS_FORMER = ["nonsense"]
    runs.ask(by="operator:1", now=NIGHT)
    with pytest.raises(RuntimeError):
        runs.go_on(clock=timezone.now)
    run = ProofRun.objects.get()
    assert run.ended_at is not None
    assert run.failed.startswith("NoSealKey: ")
    assert "broken off" in Alert.objects.get(kind="books_touched").summary


def test_one_that_was_cut_short_ends_when_the_next_is_begun():
    cut = ProofRun.objects.create(asked_at=NIGHT, asked_by="operator:1", started_at=NIGHT)
    proof = runs.prove(by="operator:2", clock=timezone.now)
    assert proof.holds
    cut.refresh_from_db()
    assert (cut.failed, cut.is_proved) == (runs.CUT_SHORT, False)
    assert ProofRun.objects.get(asked_by="operator:2").is_proved


@pytest.mark.parametrize(("days", "asked"), [(6, False), (7, True), (8, True)])
def test_the_night_asks_when_the_last_that_came_to_its_end_is_old_enough(days, asked):
    ProofRun.objects.create(asked_at=NIGHT, asked_by="operator:1", started_at=NIGHT, ended_at=NIGHT)
    now = NIGHT + timedelta(days=days)
    ProofRun.objects.create(
        asked_at=now, asked_by="operator:1", started_at=now, ended_at=now, failed=runs.CUT_SHORT
    )
    said = runs.ask_when_due(day=DAY, now=now, progress=nothing)
    assert ProofRun.objects.filter(ended_at=None).exists() is asked
    assert said.startswith("Asked for" if asked else "Not yet: the last is of 2026-11-17")
    again = runs.ask_when_due(day=DAY, now=now, progress=nothing)
    assert again.startswith("A proof is under way" if asked else "Not yet")


def test_the_first_night_asks():
    runs.ask_when_due(day=DAY, now=NIGHT, progress=nothing)
    assert ProofRun.objects.get().asked_by == "rule:day"


def test_the_command_writes_down_what_it_found():
    key = touch()
    shown = StringIO()
    with pytest.raises(CommandError):
        call_command("prove", stdout=shown, stderr=StringIO())
    assert shown.getvalue().startswith(f"touched first: portfolio_balance {key}: ")
    run = ProofRun.objects.get()
    assert run.asked_by.startswith("operator:shell:")
    assert len(run.findings) >= 1
    assert Alert.objects.filter(kind="books_touched").count() == 1


def test_while_somebody_proves_nobody_else_does():
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [runs._IN_CHARGE])
        with pytest.raises(CommandError, match="under way"):
            call_command("prove", stdout=StringIO(), stderr=StringIO())
        runs.ask(by="operator:1", now=NIGHT)
        assert tasks.prove() is False
        assert ProofRun.objects.get().started_at is None
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [runs._IN_CHARGE])
        assert tasks.prove() is True
    finally:
        other.close()


def test_at_most_a_hundred_findings_are_kept(monkeypatch):
    monkeypatch.setattr(proving, "FINDINGS_MAX", 2)
    for _ in range(3):
        touch()
    runs.prove(by="operator:1", clock=timezone.now)
    assert len(ProofRun.objects.get().findings) == 2
