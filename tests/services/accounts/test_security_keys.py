"""Security keys: registered once, proved once, each at its browser."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.factors import challenges, security_keys
from accounts.factors.strength import Strength
from accounts.models import SecurityKey
from tests import people
from tests.authenticator import SoftwareKey
from tests.services.accounts.given import HERE, NOW, THERE, proved, registered

pytestmark = pytest.mark.usefixtures("db")
SECOND = timedelta(seconds=1)


def test_a_security_key_is_registered_and_proves_its_owner():
    user, key = people.person(), SoftwareKey()
    made = registered(user, key)
    assert (made.name, made.transports, made.confirmed) == ("blue key", ["usb"], True)
    found = proved(user, key)
    assert (found, found.strength) == (made, Strength.VERIFIED)
    row = SecurityKey.objects.get()
    assert (row.count, row.strength) == (1, Strength.STRONG)  # the row alone proves nothing more


def test_webauthn_replay_an_answer_counts_once():
    user, key = people.person(), SoftwareKey()
    registered(user, key)
    options = security_keys.proof_options(user, bound_to=HERE, now=NOW)
    answer = key.get(options)
    assert security_keys.verify(user, answer, bound_to=HERE, now=NOW) is not None
    assert security_keys.verify(user, answer, bound_to=HERE, now=NOW) is None
    security_keys.proof_options(user, bound_to=HERE, now=NOW)  # nor to the next question
    assert security_keys.verify(user, answer, bound_to=HERE, now=NOW) is None


def test_a_challenge_is_of_one_browser_one_person_and_five_minutes():
    user, other, key = people.person(), people.person(), SoftwareKey()
    registered(user, key)
    for who, where, at in (
        (user, THERE, NOW),
        (other, HERE, NOW),
        (user, HERE, NOW + challenges.AGE_MAX),
    ):
        options = security_keys.proof_options(user, bound_to=HERE, now=NOW)
        assert security_keys.verify(who, key.get(options), bound_to=where, now=at) is None
    options = security_keys.proof_options(user, bound_to=HERE, now=NOW)
    just = NOW + challenges.AGE_MAX - SECOND
    assert security_keys.verify(user, key.get(options), bound_to=HERE, now=just) is not None


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"credential_id": b"x" * 32},
        {"private": SoftwareKey().private},
        {"count": 5},  # answers with 6 where 7 were seen: a copy
    ],
)
def test_a_proof_of_another_page_another_key_or_a_copy_is_refused(change):
    user, key = people.person(), SoftwareKey()
    registered(user, key)
    SecurityKey.objects.update(count=7)
    key.count = 7
    for name, value in change.items():
        setattr(key, name, value)
    assert proved(user, key) is None
    assert SecurityKey.objects.get().count == 7


@pytest.mark.parametrize(
    "answer", ["", "{}", "[]", "null", '{"id": "a"}', '{"id": 5}', "x" * 30_000]
)
def test_what_is_no_answer_is_refused(answer):
    user, key = people.person(), SoftwareKey()
    registered(user, key)
    security_keys.proof_options(user, bound_to=HERE, now=NOW)
    assert security_keys.verify(user, answer, bound_to=HERE, now=NOW) is None
    security_keys.registration_options(user, bound_to=HERE, now=NOW)
    with pytest.raises(security_keys.KeyRefused):
        security_keys.register(user, answer, name="x", bound_to=HERE, now=NOW)
    assert SecurityKey.objects.count() == 1


def test_staff_need_a_key_that_knows_its_owner():
    staff, customer = people.person(is_staff=True), people.person()
    blind = SoftwareKey(knows_owner=False)
    assert registered(customer, SoftwareKey(knows_owner=False)).strength == Strength.STRONG
    with pytest.raises(security_keys.KeyRefused):
        registered(staff, blind)
    options = security_keys.registration_options(staff, bound_to=HERE, now=NOW)
    assert options["authenticatorSelection"]["userVerification"] == "required"
    seeing = SoftwareKey()
    registered(staff, seeing)
    seeing.knows_owner = False
    assert proved(staff, seeing) is None
    seeing.knows_owner = True
    assert proved(staff, seeing).strength == Strength.VERIFIED


def test_a_key_is_registered_once():
    user, key = people.person(), SoftwareKey()
    registered(user, key)
    with pytest.raises(security_keys.KeyRefused):
        registered(people.person(), key)
    options = security_keys.registration_options(user, bound_to=HERE, now=NOW)
    assert [each["id"] for each in options["excludeCredentials"]] == [
        SecurityKey.objects.get().credential_id
    ]
