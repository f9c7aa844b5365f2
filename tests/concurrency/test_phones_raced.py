"""One refresh token, or one proof, in many hands at once, with real transactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.factors import security_keys
from accounts.models import HalfwayPhone, KnownDevice, MessageFactor, Phone, RefreshToken, User
from accounts.phones import signing_in, staying, stepping_up, tokens
from accounts.phones.asking import Proof, WrongCode
from accounts.phones.signing_in import Device, UnknownHalfway
from accounts.phones.staying import TokenReused, UnknownToken
from tests import people
from tests.authenticator import SoftwareKey
from tests.people import PASSWORD
from tests.phone_app import newest_code
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("committed")

THREADS = 8
CROWD = 16
DEVICE = "installation-0001"


def a_phone() -> tuple[str, datetime]:
    """Sign a phone in, and return its refresh token and when that was."""
    user, now = people.person(), timezone.now()
    pair = tokens.new_pair()
    phone = Phone.objects.create(
        user=user,
        name="phone",
        device_digest=tokens.digest_of(DEVICE),
        password_stamp=tokens.digest_of(user.get_session_auth_hash()),
        factor="authenticator app",
        started_at=now,
        seen_at=now,
        proved_at=now,
        strength=2,
        access_digest=tokens.digest_of(pair.access),
        access_until=now + tokens.ACCESS_LASTS,
    )
    RefreshToken.objects.create(digest=tokens.digest_of(pair.refresh), phone=phone, issued_at=now)
    return pair.refresh, now


def exchanged(token: str, *, now: datetime) -> Counter[object]:
    """Let all threads exchange `token` at the same time; return what they were answered."""

    def exchange() -> object:
        try:
            return staying.refresh(token, device_id=DEVICE, now=now)
        except (TokenReused, UnknownToken) as error:
            return type(error)

    return Counter(at_once(*[exchange] * THREADS))


def test_eight_with_one_refresh_token_exchange_it_once_and_get_one_answer():
    token, now = a_phone()
    answers = exchanged(token, now=now)
    ((pair, count),) = answers.items()
    assert count == THREADS
    assert RefreshToken.objects.count() == 2
    assert RefreshToken.objects.get(used_at=None).digest == tokens.digest_of(pair.refresh)
    assert staying.of_access(pair.access, now=now) is not None


def test_eight_with_a_refresh_token_that_is_over_end_the_phone_once_and_get_nothing():
    token, now = a_phone()
    pair = staying.refresh(token, device_id=DEVICE, now=now)
    later = now + timedelta(seconds=10)
    assert exchanged(token, now=later) == {TokenReused: 1, UnknownToken: THREADS - 1}
    assert Phone.objects.get().ending == Phone.Ending.REUSED
    assert staying.of_access(pair.access, now=later) is None


def all_at_once(prove: Callable[[], object]) -> Counter[object]:
    """Let sixteen threads prove at the same time; return the kinds of their answers."""

    def one() -> object:
        try:
            return type(prove())
        except (WrongCode, UnknownHalfway) as error:
            return type(error)

    return Counter(at_once(*[one] * CROWD))


def begun(user: User, *, now: datetime) -> signing_in.Halfway:
    device = Device(DEVICE, "phone")
    halfway = signing_in.begin(
        email=user.email, password=PASSWORD, device=device, address="192.0.2.1", now=now
    )
    assert halfway is not None
    return halfway


def test_sixteen_with_one_sent_code_sign_one_phone_in():
    user, now = people.person(password=PASSWORD), timezone.now()
    MessageFactor.objects.create(user=user, way="sms", address="+436601234567", name="phone")
    halfway = begun(user, now=now)
    chosen = next(choice.id for choice in halfway.choices if choice.target)
    signing_in.send_code(halfway.token, chosen, now=now)
    proof = Proof(code=newest_code("sms"), choice_id=chosen)
    answers = all_at_once(lambda: signing_in.finish(halfway.token, proof, now=now))
    assert answers[signing_in.SignedInPhone] == Phone.objects.count() == 1
    assert HalfwayPhone.objects.get().attempts <= tokens.HALFWAY_ATTEMPTS_MAX


def test_sixteen_with_what_a_key_has_signed_sign_one_phone_in_which_is_known_once():
    user, key, now = people.person(password=PASSWORD), SoftwareKey(), timezone.now()
    asked = security_keys.registration_options(user, bound_to="a" * 64, now=now)
    security_keys.register(user, key.create(asked), name="key", bound_to="a" * 64, now=now)
    halfway = begun(user, now=now)
    proof = Proof(key_answer=key.get(signing_in.ask_key(halfway.token, now=now)))
    answers = all_at_once(lambda: signing_in.finish(halfway.token, proof, now=now))
    assert answers[signing_in.SignedInPhone] == Phone.objects.count() == 1
    assert KnownDevice.objects.count() == 1


def test_sixteen_with_one_sent_code_step_up_once():
    token, now = a_phone()
    phone = Phone.objects.get(refresh_tokens=tokens.digest_of(token))
    MessageFactor.objects.create(user=phone.user, way="sms", address="+436601234567", name="phone")
    chosen = next(choice.id for choice in stepping_up.choices(phone.pk) if choice.target)
    stepping_up.send_code(phone.pk, chosen, now=now)
    proof = Proof(code=newest_code("sms"), choice_id=chosen)
    answers = all_at_once(lambda: stepping_up.prove(phone.pk, proof, now=now))
    assert answers == {type(None): 1, WrongCode: CROWD - 1}
    assert Phone.objects.get().strength == 1
