"""Each member of staff may do what their work takes, and no more."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts import selectors
from accounts.models import User
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from tests import people, world
from tests.staff import member
from trading.operations import staff_roles
from trading.operations.staff_roles import MAY, StaffRole

pytestmark = pytest.mark.django_db

# What each role may change, by its pages in the admin. All else it sees at the most.
CHANGES = {
    StaffRole.SUPPORT: set(),
    StaffRole.OPERATIONS: {
        "accounts.account", "marketdata.instrument", "portfolio.corporateaction",
        "portfolio.funding", "reconciliation.break", "risk.switch", "venues.parkedreport",
        "venues.route", "venues.venue",
    },
    StaffRole.RISK: {
        "accounts.account", "risk.alert", "risk.locate", "risk.margincall", "risk.marginstatus",
        "risk.switch",
    },
    StaffRole.COMPLIANCE: {"accounts.account", "reconciliation.legalhold", "risk.alert"},
}  # fmt: skip
# What is dear to look at, and who does.
SEEN_BY = {
    "accounts.profile": {StaffRole.COMPLIANCE},
    "accounts.approval": {StaffRole.OPERATIONS, StaffRole.RISK, StaffRole.COMPLIANCE},
    "portfolio.payee": set(MAY),
    "venues.outboxmessage": {StaffRole.OPERATIONS, StaffRole.RISK, StaffRole.COMPLIANCE},
}


@pytest.fixture(autouse=True)
def roles(db: None) -> None:
    staff_roles.sync()


@pytest.mark.parametrize("role", list(MAY))
def test_a_role_changes_what_is_its_work_and_nothing_else(role):
    request = RequestFactory().get("/admin/")
    request.user = member(role)
    pages = admin.site._registry.items()
    changed = {m._meta.label_lower for m, page in pages if page.has_change_permission(request)}
    assert changed == CHANGES[role]
    may_revoke = request.user.has_perm("accounts.change_apikey")
    assert may_revoke is (role in (StaffRole.SUPPORT, StaffRole.OPERATIONS))
    assert not any(page.has_delete_permission(request) for _, page in pages)


@pytest.mark.parametrize("permission", SEEN_BY)
def test_what_is_dear_is_seen_by_those_whose_work_it_is(permission):
    app, model = permission.split(".")
    seen = {role for role in MAY if member(role).has_perm(f"{app}.view_{model}")}
    assert seen == SEEN_BY[permission]


@pytest.mark.parametrize("role", list(MAY))
def test_nobody_but_the_administrator_looks_after_people_or_schedules(role):
    user = member(role)
    for permission in (
        "accounts.change_user", "accounts.add_user", "auth.change_group",
        "django_celery_beat.change_periodictask", "accounts.change_profile",
    ):  # fmt: skip
        assert not user.has_perm(permission), permission
        assert member(StaffRole.ADMINISTRATOR).has_perm(permission)


def test_roles_add_up_and_are_taken_as_a_whole():
    user = member(StaffRole.SUPPORT, StaffRole.COMPLIANCE)
    assert user.has_perm("accounts.change_apikey")
    assert user.has_perm("accounts.view_profile")
    staff_roles.assign(user, [])
    user = User.objects.get(pk=user.pk)
    assert (user.is_staff, user.is_superuser, user.get_all_permissions()) == (False, False, set())


def test_what_a_role_has_lost_is_taken_from_its_group(monkeypatch):
    monkeypatch.setattr(staff_roles, "MAY", {**MAY, StaffRole.SUPPORT: ("orders.view_order",)})
    staff_roles.sync()
    assert member(StaffRole.SUPPORT).get_all_permissions() == {"orders.view_order"}


@pytest.mark.parametrize(
    ("role", "seen", "hidden"),
    [
        (StaffRole.SUPPORT, "accounts/account", "venues/venue"),
        (StaffRole.RISK, "risk/limits", "accounts/profile"),
        (StaffRole.COMPLIANCE, "accounts/profile", "django_celery_beat/periodictask"),
    ],
)
def test_the_admin_opens_the_pages_of_a_role(role, seen, hidden):
    browser = people.browser_of(member(role))
    assert browser.get(f"/admin/{seen}/").status_code == 200
    if role is not StaffRole.COMPLIANCE:
        assert browser.get(f"/admin/{hidden}/").status_code == 403
    assert browser.post(f"/admin/{hidden}/add/", {}).status_code == 403


@pytest.mark.parametrize(
    ("role", "state"),
    [(StaffRole.OPERATIONS, "approved"), (StaffRole.RISK, "requested"), (None, "requested")],
)
def test_who_agrees_to_a_payment_has_the_role_for_it(role, state):
    account = world.customer(cash="50000.00")
    asked = funding.request_withdrawal(
        account_id=account.pk, payee_id=world.payee(account).pk, amount=world.Decimal(20_000),
        reference="W1", actor=f"user:{account.user_id}", now=timezone.now(),
    )  # fmt: skip
    funding.approve(asked.pk, by=member(StaffRole.OPERATIONS), reason="Known", now=timezone.now())
    approval = funding.asked_approval(asked, now=timezone.now())
    decider = member(role) if role else member(StaffRole.COMPLIANCE)
    people.browser_of(decider).post(
        reverse("operations:approval", args=[approval.pk]), {"outcome": "approve", "reason": "Seen"}
    )
    assert Funding.objects.get(pk=asked.pk).state == state


def test_the_command_makes_members_of_staff_and_ends_it():
    said = StringIO()
    call_command("staff", "ada@example.com", "--role", "risk", "--role", "support", stdout=said)
    ada = selectors.user_by_email("ada@example.com")
    assert ada is not None
    assert set(ada.groups.values_list("name", flat=True)) == {"risk", "support"}
    assert said.getvalue() == "ada@example.com: risk, support\n"
    call_command("staff", "ada@example.com", stdout=said)
    ada.refresh_from_db()
    assert (ada.is_staff, ada.groups.count()) == (False, 0)
    assert ada.history.order_by("history_id").last().history_change_reason == "Roles: none"
    with pytest.raises(CommandError, match="Nobody is registered"):
        call_command("staff", "nobody@example.com")
    with pytest.raises(CommandError, match="another address"):
        call_command("staff", world.customer().user.email, "--role", "risk")
