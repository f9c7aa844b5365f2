"""What is past its time goes; who is signed in stays signed in."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import retention
from accounts.models import SignIn, SignInLink, Throttle, User
from accounts.sessions import authentication
from tests import people

pytestmark = pytest.mark.django_db


def test_rows_past_their_time_go_and_nothing_else():
    user, _ = people.customer()
    browser = people.browser_by_link(user)
    now = timezone.now()
    Throttle.objects.create(subject="a" * 64, attempts=1, last_at=now)
    assert retention.drop(now=now) == 0
    authentication.forget()
    assert browser.get("/account").status_code == 200

    later = now + timedelta(days=91)
    assert retention.drop(now=later) > 0
    for model in (Session, SignIn, SignInLink, Throttle):
        assert not model.objects.exists()
    assert User.objects.filter(pk=user.pk).exists()
    assert retention.drop(now=later) == 0
