"""What compliance does with legal holds in the admin, and staff with statements."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.oversight.models import Viewing
from marketdata import calendars
from reconciliation.statements import holds
from reconciliation.statements.models import LegalHold, LegalHoldRelease, Statement
from tests import people, world
from tests.staff import member
from trading.operations.staff_roles import StaffRole

pytestmark = pytest.mark.django_db


def step(browser: Client, hold: LegalHold, name: str) -> None:
    page = reverse("admin:reconciliation_legalhold_change", args=[hold.pk])
    assert browser.post(page, {"step": name, "why": "It is over"}).status_code == 302


def test_compliance_places_a_hold_and_two_of_them_release_it():
    account = world.customer()
    ann, bob = (people.browser_of(member(StaffRole.COMPLIANCE)) for _ in range(2))
    wanted = {"account": account.pk, "reason": "An inquiry", "until": ""}
    assert ann.post("/admin/reconciliation/legalhold/add/", wanted).status_code == 302
    hold = LegalHold.objects.get()
    assert (hold.account, hold.reason, hold.until) == (account, "An inquiry", None)

    step(ann, hold, "ask")
    step(ann, hold, "agree")
    assert not LegalHoldRelease.objects.exists()
    step(bob, hold, "agree")
    assert LegalHoldRelease.objects.get().hold == hold
    assert not holds.on(calendars.date_of(timezone.now())).exists()


def test_nobody_else_places_a_hold():
    account = world.customer()
    wanted = {"account": account.pk, "reason": "An inquiry", "until": ""}
    for role in (StaffRole.SUPPORT, StaffRole.OPERATIONS, StaffRole.RISK):
        browser = people.browser_of(member(role))
        assert browser.post("/admin/reconciliation/legalhold/add/", wanted).status_code == 403
    assert not LegalHold.objects.exists()


def test_a_statement_that_staff_look_at_is_noted_with_whose_it_is():
    account = world.customer(cash="0")
    day = calendars.date_of(timezone.now())
    statement = Statement.objects.create(
        account=account, kind="daily", first=day, last=day, layout=1, number="X-1", before=0,
        through=0, digest="", size=0, made_at=timezone.now(),
        said={"account": "X", "holder": "A", "is_margin": False, "accrued": "0"},
    )  # fmt: skip
    browser = people.browser_of(member(StaffRole.SUPPORT))
    listed = browser.get("/admin/reconciliation/statement/").content.decode()
    address = reverse("operations:statement_csv", args=[statement.pk])
    assert address in listed
    assert b"X-1" in browser.get(address).getvalue()
    noted = Viewing.objects.latest("pk")
    assert (noted.path, list(noted.people)) == (address, [account.user_id])
