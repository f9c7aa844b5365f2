"""One code, one link, eight threads: accepted once with the lock, more than once without."""

from __future__ import annotations

import threading

import pytest
from django.utils import timezone

from accounts import services
from accounts.factors import challenges, proving, recovery, security_keys
from accounts.models import Challenge, RecoveryCode, SignInLink, TotpDevice
from accounts.sessions import throttles
from foundation import tokens
from tests import people
from tests.authenticator import SoftwareKey
from tests.patience import DEADLINE_SECONDS
from tests.racing import at_once

THREADS = 8
pytestmark = pytest.mark.usefixtures("committed")


def race(attempt) -> int:
    """Return how many of eight attempts at the same moment were let through."""
    together = threading.Barrier(THREADS, timeout=DEADLINE_SECONDS)

    return sum(at_once(*[lambda: bool(attempt(together))] * THREADS))


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
        link = SignInLink.objects.get(token_digest=tokens.digest_of(token))
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


HERE = "a" * 64


def test_an_answer_of_a_security_key_that_is_raced_counts_once():
    user, key, now = people.person(), SoftwareKey(), timezone.now()
    asked = security_keys.registration_options(user, bound_to=HERE, now=now)
    security_keys.register(user, key.create(asked), name="key", bound_to=HERE, now=now)
    answer = key.get(security_keys.proof_options(user, bound_to=HERE, now=now))

    def attempt(together):
        together.wait()
        return security_keys.verify(user, answer, bound_to=HERE, now=now)

    assert race(attempt) == 1


def sent_code(user) -> str:
    kind, code = Challenge.Kind.PROVE_CODE, "314159"
    expected = challenges.digest_of_code(code, bound_to=HERE)
    now = timezone.now()
    challenges.ask(user, kind, bound_to=HERE, expected=expected, now=now, device="1")
    return code


def test_a_sent_code_that_is_raced_counts_once():
    user, now = people.person(), timezone.now()
    code = sent_code(user)

    def attempt(together):
        together.wait()
        return challenges.answer_code(user, Challenge.Kind.PROVE_CODE, code, bound_to=HERE, now=now)

    assert race(attempt) == 1


def test_without_the_lock_the_same_sent_code_counts_again():
    user = people.person()
    code = sent_code(user)

    def attempt(together):
        found = Challenge.objects.get(user=user)
        together.wait()
        is_right = found.expected == challenges.digest_of_code(code, bound_to=HERE)
        found.delete()
        return is_right

    assert race(attempt) > 1


def test_a_recovery_code_that_is_raced_counts_once():
    user, now = people.person(), timezone.now()
    code = recovery.renew(user, now=now)[0]

    def attempt(together):
        together.wait()
        return recovery.verify(user, code, now=now)

    assert race(attempt) == 1
    assert recovery.left(user) == recovery.COUNT - 1


def test_without_the_conditional_update_the_same_recovery_code_counts_again():
    user, now = people.person(), timezone.now()
    recovery.renew(user, now=now)

    def attempt(together):
        found = RecoveryCode.objects.filter(sheet__user=user).order_by("pk")[0]
        together.wait()
        is_unused = found.used_at is None
        found.used_at = now
        found.save()
        return is_unused

    assert race(attempt) > 1
