"""Auditors see what days were sealed with and what proofs found, and have everything verified."""

from __future__ import annotations

import pytest
from django.utils import timezone

from accounts.models import User
from reconciliation import tasks
from reconciliation.models import ProofRun
from tests import people, world
from tests.sealing import sealed, touch
from tests.staff import member, text_of
from trading.operations import proofs
from trading.operations.staff_roles import StaffRole

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seals")]

PAGE = "/admin/proof/"


def browser(role: StaffRole = StaffRole.COMPLIANCE):
    return people.browser_of(member(role))


def test_before_the_first_night_the_page_says_so():
    shown = text_of(browser().get(PAGE))
    assert "Nothing was verified yet." in shown
    assert "No day was sealed yet" in shown
    assert browser().get(f"{PAGE}seals/1/").status_code == 404


def test_seals_are_listed_with_root_signature_counts_and_the_one_before():
    world.customer(cash="1234.50")
    first, second = sealed(0), sealed(1)
    auditor = browser()
    shown = text_of(auditor.get(PAGE))
    for seal in (first, second):
        assert seal.root[:12] in shown
        assert seal.signature[:12] in shown
    assert first.digest[:12] in shown
    page = auditor.get(f"{PAGE}seals/2/")
    assert "/admin/proof/seals/1/" in page.content.decode()
    said = text_of(page)
    for whole in (second.root, second.digest, second.signature, second.key, first.digest):
        assert whole in said
    assert "It is the first." in text_of(auditor.get(f"{PAGE}seals/1/"))
    assert "USD 1,234.5 1 " in text_of(auditor.get(f"{PAGE}seals/1/"))
    assert bytes(second.secret).hex() not in page.content.decode()


def test_older_seals_are_a_page_further(monkeypatch):
    monkeypatch.setattr(proofs, "SEALS_SHOWN", 2)
    for day in range(3):
        sealed(day)
    auditor = browser()
    page = auditor.get(PAGE)
    assert [seal.number for seal in page.context["seals"]] == [3, 2]
    assert b"?before=2" in page.content
    older = auditor.get(f"{PAGE}?before=2")
    assert [seal.number for seal in older.context["seals"]] == [1]
    assert b"?before=" not in older.content
    assert auditor.get(f"{PAGE}?before=x").status_code == 200


def test_everything_is_verified_in_the_background_and_the_page_follows():
    world.customer(cash="100.00")
    sealed(0)
    auditor = browser()
    assert "Verify now" in text_of(auditor.get(PAGE))
    assert auditor.post(f"{PAGE}verify/").headers["location"] == PAGE
    [run] = ProofRun.objects.all()
    assert run.started_at is None
    shown = text_of(auditor.get(f"{PAGE}now/"))
    asked_by = User.objects.get(pk=run.asked_by.removeprefix("operator:"))
    assert f"Asked for by {asked_by.email}" in shown
    assert "Verify now" not in shown
    auditor.post(f"{PAGE}verify/")
    assert ProofRun.objects.count() == 1
    ProofRun.objects.update(started_at=timezone.now(), done=5, total=20)
    assert "5 of 20 rows" in text_of(auditor.get(f"{PAGE}now/"))
    ProofRun.objects.update(started_at=None)
    tasks.prove()
    shown = text_of(auditor.get(f"{PAGE}now/"))
    assert "Yes: nothing was touched. 1 seal and " in shown
    assert "Verify now" in shown


def test_what_was_touched_is_on_the_page_with_the_way_to_the_runbook():
    key = touch()
    auditor = browser()
    auditor.post(f"{PAGE}verify/")
    tasks.prove()
    page = auditor.get(PAGE)
    shown = text_of(page)
    assert "not what" in shown
    assert f"portfolio_balance {key} USD amount is 101, by its transfers 100" in shown
    assert "/admin/runbooks/tampering/" in page.content.decode()


def test_a_proof_that_did_not_come_to_its_end_says_nothing_good():
    now = timezone.now()
    ProofRun.objects.create(
        asked_at=now, asked_by="operator:1", started_at=now, ended_at=now, failed="It broke off."
    )
    assert "Not known: the last proof did not come to its end (It broke off.)" in text_of(
        browser().get(PAGE)
    )


def test_who_may_look_may_not_have_it_verified():
    looking = browser(StaffRole.OPERATIONS)
    assert "Verify now" not in text_of(looking.get(PAGE))
    assert looking.post(f"{PAGE}verify/").status_code == 403
    assert not ProofRun.objects.exists()
    for role in (StaffRole.SUPPORT, StaffRole.RISK):
        assert browser(role).get(PAGE).status_code == 403
