"""Four eyes: another person agrees, once, in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone

from accounts import approvals
from accounts.approvals import UnableToApprove
from accounts.models import Approval, ApprovalDecision, User

pytestmark = pytest.mark.django_db


def person(name: str) -> User:
    return User.objects.create(email=f"{name}@example.com", is_staff=True)


def asked(by: User) -> Approval:
    return approvals.ask(
        kind="risk.limit",
        subject="T1",
        content={"order_value_max": "5000000"},
        reason="A client of ours",
        by=by,
        now=timezone.now(),
    )


def test_another_person_approves_what_was_asked() -> None:
    ann, bob, now = person("ann"), person("bob"), timezone.now()
    approval = asked(ann)
    assert list(approvals.waiting(now=now)) == [approval]
    found = approvals.approve(approval.pk, by=bob, now=now)
    assert found.content == {"order_value_max": "5000000"}
    assert (approval.decision.outcome, approval.decision.by) == ("approved", bob)
    assert not approvals.waiting(now=now).exists()


def test_nobody_approves_what_they_asked_for() -> None:
    ann = person("ann")
    approval = asked(ann)
    with pytest.raises(UnableToApprove, match="Another person"):
        approvals.approve(approval.pk, by=ann, now=timezone.now())
    assert not ApprovalDecision.objects.exists()


def test_it_is_decided_on_once() -> None:
    ann, bob, now = person("ann"), person("bob"), timezone.now()
    approval = asked(ann)
    approvals.refuse(approval.pk, by=ann, reason="A mistake", now=now)
    assert ApprovalDecision.objects.get().outcome == "withdrawn"
    with pytest.raises(UnableToApprove, match="already"):
        approvals.approve(approval.pk, by=bob, now=now)


@pytest.mark.parametrize(("waited", "is_open"), [(-1, True), (0, False), (1, False)])
def test_it_waits_for_a_day(waited: int, is_open: bool) -> None:
    ann, bob = person("ann"), person("bob")
    approval = asked(ann)
    later = approval.asked_at + approvals.LASTS + timedelta(seconds=waited)
    assert approvals.waiting(now=later).exists() is is_open
    if is_open:
        approvals.approve(approval.pk, by=bob, now=later)
    else:
        with pytest.raises(UnableToApprove, match="too long"):
            approvals.approve(approval.pk, by=bob, now=later)


def test_a_reason_is_asked_for_and_nothing_is_edited() -> None:
    ann = person("ann")
    with pytest.raises(UnableToApprove, match="why"):
        approvals.ask(kind="x", subject="y", content={}, reason="  ", by=ann, now=timezone.now())
    approval = asked(ann)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Approval.objects.filter(pk=approval.pk).update(reason="Another")
