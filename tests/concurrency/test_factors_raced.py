"""One code, one link, eight threads: accepted once with the lock, more than once without."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from accounts import services
from accounts.factors import proving
from accounts.models import SignInLink, TotpDevice
from accounts.sessions import throttles
from tests import people
from tests.patience import DEADLINE_SECONDS

THREADS = 8
pytestmark = pytest.mark.usefixtures("committed")


def race(attempt) -> int:
    """Return how many of eight attempts at the same moment were let through."""
    together = threading.Barrier(THREADS, timeout=DEADLINE_SECONDS)

    def one() -> bool:
        try:
            return bool(attempt(together))
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(
            future.result(DEADLINE_SECONDS) for future in [pool.submit(one) for _ in range(THREADS)]
        )


def test_a_code_that_is_raced_is_accepted_once():
    user = people.person()
    code = proving.current_code(user, now=timezone.now())

    def attempt(together):
        together.wait()
        return proving.verify_code(user, code)

    assert race(attempt) == 1


def test_without_the_lock_the_same_code_is_accepted_again():
    user = people.person()
    code = proving.current_code(user, now=timezone.now())

    def attempt(together):
        device = TotpDevice.objects.get(user=user)
        together.wait()
        return device.verify_token(code)

    assert race(attempt) > 1


def test_a_link_that_is_raced_is_used_once():
    now = timezone.now()
    token = services.new_sign_in_link(people.person(), now)

    def attempt(together):
        together.wait()
        return proving.use_link(token, now=now)

    assert race(attempt) == 1


def test_without_the_lock_the_same_link_is_used_again():
    token = services.new_sign_in_link(people.person(), timezone.now())

    def attempt(together):
        link = SignInLink.objects.get(token_digest=SignInLink.digest_of(token))
        together.wait()
        return link.verify_token(token)

    assert race(attempt) > 1


def test_attempts_that_arrive_together_are_all_counted():
    now = timezone.now()
    subjects = throttles.sign_in_subjects(email="a@example.com", address="192.0.2.1")

    def attempt(together):
        together.wait()
        try:
            throttles.charge(subjects, now=now)
        except throttles.TooManyAttempts:
            return False
        return True

    assert race(attempt) == 5


def test_two_who_confirm_at_once_enrol_one_authenticator():
    user = services.register(email="two@example.com")
    device = proving.begin_enrolment(user)
    generator = device.totp(at=timezone.now().timestamp())
    code = f"{generator.token():06}"

    def attempt(together):
        together.wait()
        try:
            return proving.confirm_enrolment(user, code)
        except proving.AlreadyEnrolled:
            return False

    assert race(attempt) == 1
    assert TotpDevice.objects.filter(user=user, confirmed=True).count() == 1
