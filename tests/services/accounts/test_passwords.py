"""Another password, by whoever has forgotten theirs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts import selectors, services
from accounts.factors import passwords, proving, resets
from accounts.letters import sending as letters
from accounts.models import Letter, ResetLink, SignIn, TotpDevice, User
from accounts.sessions import throttles
from tests import people
from tests.people import PASSWORD
from tests.services.accounts.given import NOW

pytestmark = pytest.mark.usefixtures("db")
SECOND = timedelta(seconds=1)


OTHER = "four rivers run uphill"


def asked_link(user: User) -> str:
    resets.ask(email=user.email, address="192.0.2.1", now=NOW)
    letters.send_due(now=NOW)
    return re.search(r"/sign-in/reset/(\S+)", mail.outbox[-1].body)[1]


def test_a_reset_link_changes_the_password_once_within_30_minutes():
    user = people.person(password=PASSWORD)
    people.browser_by_link(user)
    token = asked_link(user)
    assert not ResetLink.objects.filter(token_digest=token).exists()
    late = NOW + resets.AGE_MAX
    assert resets.find(token, now=late) is None
    with pytest.raises(resets.LinkGone):
        resets.use(token, OTHER, now=late)
    with pytest.raises(passwords.PasswordRefused):
        resets.use(token, "short", now=NOW)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert resets.use(token, OTHER, now=late - SECOND) == user
    with pytest.raises(resets.LinkGone):
        resets.use(token, PASSWORD, now=NOW)
    user.refresh_from_db()
    assert user.check_password(OTHER)
    assert selectors.withdrawals_held_until(user) == late - SECOND + timedelta(hours=72)
    assert not SignIn.objects.filter(user=user, ended_at=None).exists()
    assert Letter.objects.filter(user=user, kind="security_changed", to=user.email).count() == 1


def test_a_newer_link_voids_the_one_before_and_strangers_get_none():
    user = people.person(password=PASSWORD)
    first, second = asked_link(user), asked_link(user)
    assert resets.find(first, now=NOW) is None
    assert resets.find(second, now=NOW) == user
    written = Letter.objects.count()
    resets.ask(email="nobody@example.com", address="192.0.2.1", now=NOW)
    assert Letter.objects.count() == written
    for _ in range(4):
        resets.ask(email="nobody@example.com", address="192.0.2.1", now=NOW)
    for email in ("nobody@example.com", "Nobody@Example.com "):
        with pytest.raises(throttles.TooManyAttempts):
            resets.ask(email=email, address="192.0.2.2", now=NOW)


def test_staff_passwords_have_15_characters():
    password = "two quick foxes"
    services.register(email="a@example.com", password=password, is_staff=True)
    services.register(email="b@example.com", password=password[:-1])
    with pytest.raises(passwords.PasswordRefused, match="at least 15"):
        services.register(email="c@example.com", password=password[:-1], is_staff=True)
    assert User.objects.count() == 2


def test_a_secret_that_was_shown_in_another_hour_is_not_taken_into_use():
    user = services.register(email="new@example.com")
    shown = proving.begin_enrolment(user)
    assert proving.begin_enrolment(user) == shown
    TotpDevice.objects.update(created_at=timezone.now() - timedelta(hours=2))
    assert proving.begin_enrolment(user) != shown
    assert not TotpDevice.objects.filter(pk=shown.pk).exists()
