"""Somebody has lost every factor: two people take them, and a password alone enrols no other."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import selectors
from accounts.approvals import UnableToApprove
from accounts.factors import proving, recovery, reenrolling, roster, taking
from accounts.factors.taking import UnableToTake
from accounts.keys import issuing
from accounts.letters import writing
from accounts.models import (
    Account,
    ApiKey,
    Approval,
    KnownDevice,
    Letter,
    RecoveryCode,
    Reenrolment,
    SecurityEvent,
    SignIn,
    User,
)
from accounts.sessions import authentication
from tests import people
from tests.people import PASSWORD
from tests.staff import member
from trading.operations.staff_roles import StaffRole

pytestmark = pytest.mark.django_db
PAPERS = "Passport seen in a video call; called back at the number we have"


@pytest.fixture
def customer() -> Account:
    user, account = people.customer(password=PASSWORD)
    recovery.renew(user, now=timezone.now())
    issuing.create(account)
    authentication.forget()
    return account


@pytest.fixture
def ann() -> User:
    return member(StaffRole.OPERATIONS)


@pytest.fixture
def bob() -> User:
    return member(StaffRole.OPERATIONS)


def asked(user: User, by: User) -> Approval:
    return taking.ask(user, identity=PAPERS, reason="Lost the phone", by=by, now=timezone.now())


def taken(user: User, ann: User, bob: User) -> None:
    taking.approve(asked(user, ann).pk, by=bob, now=timezone.now())


def link_in(letter: Letter) -> str:
    found = re.search(r"/enrol/again/\S+", writing.read(letter))
    assert found is not None
    return found[0]


def last_link(user: User) -> str:
    return link_in(Letter.objects.filter(user=user, kind="enrol_again").latest("pk"))


def test_nothing_changes_until_another_person_agrees(customer, ann):
    user = customer.user
    approval = asked(user, ann)
    assert approval.content["identity"] == PAPERS
    with pytest.raises(UnableToApprove, match="Another person"):
        taking.approve(approval.pk, by=ann, now=timezone.now())
    with pytest.raises(UnableToTake, match="asked for that already"):
        asked(user, ann)
    assert len(roster.factors(user)) == 1
    assert ApiKey.objects.filter(revoked_at=None).count() == 1
    assert not Letter.objects.filter(user=user, kind="enrol_again").exists()


def test_all_that_opened_the_account_is_taken_and_the_person_is_told(customer, ann, bob):
    user, browser = customer.user, people.browser_by_link(customer.user)
    assert browser.get("/account").status_code == 200
    Letter.objects.all().delete()
    before = timezone.now()
    taken(user, ann, bob)
    user.refresh_from_db()
    authentication.forget()
    assert roster.factors(user) == []
    assert not RecoveryCode.objects.exists()
    assert not KnownDevice.objects.filter(user=user).exists()
    assert not ApiKey.objects.filter(revoked_at=None).exists()
    assert not SignIn.objects.filter(user=user, ended_at=None).exists()
    assert browser.get("/account").headers["Location"].startswith("/sign-in")
    until = selectors.withdrawals_held_until(user)
    assert until is not None
    assert until >= before + timedelta(hours=72)
    written = Letter.objects.filter(user=user).order_by("pk")
    assert [each.kind for each in written] == ["security_changed", "enrol_again"]
    assert {each.to for each in written} == {user.email}
    assert SecurityEvent.objects.filter(user=user, kind="factors_taken").count() == 1


def test_a_password_alone_enrols_nothing_and_the_link_with_it_does(customer, ann, bob):
    user = customer.user
    taken(user, ann, bob)
    thief = people.halfway(user)
    for path in ("/enrol", "/enrol/key"):
        assert thief.get(path).headers["Location"] == "/enrol/awaited"
        assert thief.post(path, {"code": "123456"}).headers["Location"] == "/enrol/awaited"
    assert thief.post("/enrol/key/options").status_code == 401
    assert thief.get("/enrol/awaited").status_code == 200
    assert not roster.factors(user)

    owner, link = Client(), last_link(user)
    assert owner.get(link).status_code == 200
    assert owner.post(link, {"password": "something else"}).status_code == 422
    assert owner.post(link, {"password": PASSWORD}).headers["Location"] == "/enrol"
    assert owner.get("/enrol").status_code == 200
    device = proving.begin_enrolment(user)
    code = f"{device.totp(at=timezone.now().timestamp()).token():06}"
    assert owner.post("/enrol", {"code": code}).headers["Location"] == "/account/security"
    assert [each.name for each in roster.factors(user)] == ["authenticator app"]
    assert not Reenrolment.objects.exists()
    assert Client().get(link).status_code == 410
    assert Letter.objects.filter(user=user).latest("pk").kind in ("security_changed", "new_sign_in")
    assert SecurityEvent.objects.filter(user=user, kind="factor_added").count() == 1
    user.refresh_from_db()
    assert owner.get("/account").status_code == 200


def test_a_link_lasts_a_day_and_who_has_the_password_is_written_another(customer, ann, bob):
    user = customer.user
    taken(user, ann, bob)
    first = last_link(user)
    halfway = people.halfway(user)
    for number in range(5):
        assert halfway.post("/enrol/awaited").status_code == 200
        assert Letter.objects.filter(user=user, kind="enrol_again").count() == 2 + number
    assert halfway.post("/enrol/awaited").status_code == 429
    assert Letter.objects.filter(user=user, kind="enrol_again").count() == 6
    assert Client().get(first).status_code == 410
    token = last_link(user).rsplit("/", 1)[1]
    now = Reenrolment.objects.get(user=user).expires_at
    assert reenrolling.find(token, now=now - timedelta(microseconds=1)) == user
    assert reenrolling.find(token, now=now) is None
    assert not reenrolling.may_enrol(user, token, now=now)


def test_a_link_of_one_enrols_nothing_for_another(customer, ann, bob):
    other, _ = people.customer(password=PASSWORD)
    taken(customer.user, ann, bob)
    taken(other, ann, bob)
    token = last_link(other).rsplit("/", 1)[1]
    assert not reenrolling.may_enrol(customer.user, token, now=timezone.now())
    assert reenrolling.may_enrol(other, token, now=timezone.now())


@pytest.mark.parametrize(
    ("identity", "reason", "message"),
    [
        ("", "Lost", "who they are"),
        ("x" * 501, "Lost", "who they are"),
        (PAPERS, "  ", "Say why"),
    ],
)
def test_who_asks_says_how_and_why(customer, ann, identity, reason, message):
    with pytest.raises(UnableToTake, match=message):
        taking.ask(customer.user, identity=identity, reason=reason, by=ann, now=timezone.now())
    assert not Approval.objects.exists()


def test_what_has_no_factors_and_whom_it_is_asked_by(ann):
    nobody = User.objects.create(email="none@example.com")
    with pytest.raises(UnableToTake, match="no factor"):
        asked(nobody, ann)
    with pytest.raises(UnableToTake, match="their own"):
        asked(ann, ann)


def test_an_address_that_changed_meanwhile_is_asked_for_again(customer, ann, bob):
    user = customer.user
    approval = asked(user, ann)
    User.objects.filter(pk=user.pk).update(email="thief@example.com")
    with pytest.raises(UnableToTake, match="ask again"):
        taking.approve(approval.pk, by=bob, now=timezone.now())
    assert len(roster.factors(user)) == 1


def test_operations_asks_on_a_page_and_another_of_them_agrees(customer, ann, bob):
    told = {"email": customer.user.email, "identity": PAPERS, "reason": "Lost the phone"}
    asking = people.browser_by_link(ann)
    assert asking.get("/admin/lost-factors/").status_code == 200
    refused = asking.post("/admin/lost-factors/", {**told, "email": "nobody@example.com"})
    assert "Nobody is registered" in refused.content.decode()
    assert asking.post("/admin/lost-factors/", told).headers["Location"] == "/admin/approvals/"
    approval = Approval.objects.get(kind=taking.APPROVAL)
    decide = f"/admin/approvals/{approval.pk}/"
    risk = people.browser_by_link(member(StaffRole.RISK))
    for browser in (asking, risk):
        browser.post(decide, {"outcome": "approve", "reason": "Seen"})
        assert len(roster.factors(customer.user)) == 1
    assert PAPERS in people.browser_by_link(bob).get("/admin/approvals/").content.decode()
    people.browser_by_link(bob).post(decide, {"outcome": "approve", "reason": "Seen"})
    assert roster.factors(customer.user) == []
    support = people.browser_by_link(member(StaffRole.SUPPORT))
    assert support.get("/admin/lost-factors/").status_code == 403
