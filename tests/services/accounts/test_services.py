import re
from datetime import timedelta

import pytest
import time_machine
from django.test import override_settings
from django.utils import timezone

from accounts import activity, services
from accounts.factors import passwords, proving
from accounts.keys import issuing, terms
from accounts.keys.keyring import Principal
from accounts.models import Account, ApiKey, SignInLink, User
from accounts.sessions import authentication
from tests import people
from trading import settings as program_settings

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(autouse=True)
def nobody_is_remembered():
    authentication.forget()


def test_an_email_is_kept_in_lower_case_and_taken_once():
    services.register(email=" Ann@Example.COM ", name="Ann")
    with pytest.raises(services.EmailTaken):
        services.register(email="ann@example.com")
    assert User.objects.filter(email="ann@example.com").count() == 1


@pytest.mark.parametrize("email", ["", "ann", "ann@", "ann@b.com\0", f"{'x' * 250}@example.com"])
def test_what_is_no_email_is_refused_and_nobody_registered(email):
    with pytest.raises(services.InvalidEmail):
        services.register(email=email)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password",
    ["elevenchars", "x" * 129, "123456789012", "passwordpassword", "ann.miller.ann"],
)
def test_a_bad_password_is_refused_and_nobody_registered(password):
    with pytest.raises(passwords.PasswordRefused):
        services.register(email="ann.miller@example.com", password=password)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password", ["twelve chars", "ααααββββγγγγδδδδ", "four rivers " * 10 + "seaside."]
)
def test_a_password_is_not_told_what_to_be_made_of(password, settings):
    settings.PASSWORD_HASHERS = program_settings.PASSWORD_HASHERS
    user = services.register(email="ann@example.com", password=password)
    assert user.check_password(password)
    assert user.password.startswith("argon2$argon2id$v=19$m=47104,t=1,p=1$")


def test_accounts_are_numbered_in_the_order_of_opening():
    user = people.person()
    first, second = services.open_account(user), services.open_account(user, margin=True)
    assert re.fullmatch(r"OF\d{8}", first.number)
    assert int(second.number[2:]) == int(first.number[2:]) + 1
    assert second.margin
    assert not first.margin


def test_a_key_opens_its_account_and_is_told_once():
    _, account = people.customer()
    key, secret = issuing.create(account, "bot")
    assert re.fullmatch(r"PK[A-Z0-9]{18}", key.key_id)
    assert len(secret) >= 43
    assert authentication.api_key(key.key_id, secret) == Principal(
        account.pk, key.key_id, terms.ALL
    )
    assert [(entry.kind, entry.actor) for entry in activity.since(account.pk, 0)] == [
        ("key.created", f"user:{account.user_id}")
    ]


@pytest.mark.parametrize("change", ["x{}", "{}x", "", "\0"])
def test_a_wrong_secret_opens_nothing_even_beside_a_warm_answer(change):
    _, account = people.customer()
    key, secret = issuing.create(account)
    wrong = change.format(secret)
    assert authentication.api_key(key.key_id, wrong) is None
    assert authentication.api_key(key.key_id, secret) is not None
    assert authentication.api_key(key.key_id, wrong) is None
    assert authentication.api_key_cached(key.key_id, wrong) is None
    assert authentication.api_key("\0", secret) is None


def test_a_warm_answer_needs_no_database(django_assert_num_queries):
    _, account = people.customer()
    key, secret = issuing.create(account)
    assert authentication.api_key_cached(key.key_id, secret) is None
    found = authentication.api_key(key.key_id, secret)
    with django_assert_num_queries(0):
        assert authentication.api_key(key.key_id, secret) == found
        assert authentication.api_key_cached(key.key_id, secret) == found


def later(monkeypatch, seconds):
    """Let the process's clock, which the cache goes by, stand later."""
    stood = authentication.time.monotonic()
    monkeypatch.setattr(authentication.time, "monotonic", lambda: stood + seconds)


def test_a_revoked_key_is_refused_within_a_second_in_every_process(monkeypatch):
    _, account = people.customer()
    key, secret = issuing.create(account)
    assert authentication.api_key(key.key_id, secret) is not None  # now warm
    issuing.revoke(account, key.key_id)
    issuing.revoke(account, key.key_id)
    later(monkeypatch, 1.0)
    assert authentication.api_key_cached(key.key_id, secret) is None
    assert authentication.api_key(key.key_id, secret) is None
    kinds = [entry.kind for entry in activity.since(account.pk, 0)]
    assert kinds == ["key.created", "key.revoked"]


def test_keys_in_use_are_asked_for_together_before_they_turn_cold(monkeypatch):
    _, account = people.customer()
    mine, other, ended = (issuing.create(account) for _ in range(3))
    for key, secret in (mine, other, ended):
        assert authentication.api_key(key.key_id, secret) is not None
    issuing.revoke(account, ended[0].key_id)
    assert not authentication.is_look_due()
    later(monkeypatch, 0.9)
    assert authentication.is_look_due()
    found = authentication.look_up([])
    assert set(found) == {mine[0].key_id, other[0].key_id}
    later(monkeypatch, 0.9)  # without that look they were cold
    for key, secret in (mine, other):
        assert authentication.api_key_cached(key.key_id, secret) is not None
    assert authentication.api_key_cached(ended[0].key_id, ended[1]) is None
    assert authentication.api_key(ended[0].key_id, ended[1]) is None


@pytest.mark.parametrize(
    ("status", "works"), [(Account.Status.RESTRICTED, True), (Account.Status.CLOSED, False)]
)
def test_an_account_that_is_not_active_gets_no_new_keys_and_a_closed_one_has_none(status, works):
    _, account = people.customer()
    key, secret = issuing.create(account)
    services.change_status(
        account.pk, status=status, reason="Checked by risk", actor="operator:1", now=timezone.now()
    )
    assert (authentication.api_key(key.key_id, secret) is not None) == works
    with pytest.raises(issuing.AccountNotActive):
        issuing.create(account)
    assert ApiKey.objects.count() == 1
    assert account.history.first().history_change_reason == "Checked by risk"


def test_another_account_cannot_revoke_a_key():
    _, mine = people.customer()
    _, theirs = people.customer()
    key, secret = issuing.create(mine)
    with pytest.raises(issuing.UnknownApiKey):
        issuing.revoke(theirs, key.key_id)
    assert authentication.api_key(key.key_id, secret) is not None


def test_an_account_has_a_bounded_number_of_keys():
    _, account = people.customer()
    for _ in range(issuing.API_KEYS_MAX):
        issuing.create(account)
    with pytest.raises(issuing.TooManyApiKeys):
        issuing.create(account)


def test_a_code_is_accepted_once_and_no_older_one_after_it():
    user = people.person()
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        old = proving.current_code(user, now=start)
    with time_machine.travel(start + timedelta(seconds=30), tick=False):
        code = proving.current_code(user, now=timezone.now())
        assert proving.verify_code(user, code) is not None
        assert proving.verify_code(user, code) is None
    with time_machine.travel(start + timedelta(seconds=40), tick=False):
        assert proving.verify_code(user, old) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345"])
def test_what_is_no_code_is_refused(code):
    assert proving.verify_code(people.person(), code) is None


def test_wrong_codes_make_even_the_right_one_wait():
    user = people.person()
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        for _ in range(20):
            proving.verify_code(user, "000000")
    with time_machine.travel(start + timedelta(milliseconds=500), tick=False):
        assert proving.verify_code(user, proving.current_code(user, now=timezone.now())) is None
        assert proving.codes_refused_until(user) == start + timedelta(seconds=1)
    with time_machine.travel(start + timedelta(seconds=2), tick=False):
        code = proving.current_code(user, now=timezone.now())
        assert proving.verify_code(user, code) is not None


def test_a_password_alone_never_adds_a_factor_beside_the_real_one():
    user = people.person()
    with pytest.raises(proving.AlreadyEnrolled):
        proving.begin_enrolment(user)
    with pytest.raises(proving.AlreadyEnrolled):
        proving.confirm_enrolment(user, "123456")


def test_a_link_is_used_once_and_within_ten_minutes():
    user, now = people.person(), timezone.now()
    token = services.new_sign_in_link(user, now)
    assert proving.find_link(token, now=now).user == user
    assert proving.use_link(token, now=now).user == user
    assert proving.use_link(token, now=now) is None
    late = services.new_sign_in_link(user, now - services.SIGN_IN_LINK_AGE)
    assert proving.use_link(late, now=now) is None
    assert not SignInLink.objects.filter(token_digest=token).exists()


def test_production_has_no_painless_ways_in():
    user, now = people.person(), timezone.now()
    token = services.new_sign_in_link(user, now)
    with override_settings(DEMO=False):
        with pytest.raises(services.NotInProduction):
            services.new_sign_in_link(user, now)
        with pytest.raises(services.NotInProduction):
            proving.current_code(user, now=now)
        with pytest.raises(services.NotInProduction):
            proving.enrol_unseen(user)
        assert proving.use_link(token, now=now) is None


def test_known_and_unknown_people_cost_the_same_time(monkeypatch):
    """All the time goes into the one password that is hashed, whoever is asked for."""
    user, _ = people.customer(password=people.PASSWORD)
    emails = {"known": user.email, "unknown": "nobody@example.com", "link only": "link@example.com"}
    services.register(email=emails["link only"])
    hashed: list[str] = []
    for act in ("encode", "verify"):
        through = getattr(passwords.Argon2id, act)

        def noted(self, password, *args, through=through):
            hashed.append(password)
            return through(self, password, *args)

        monkeypatch.setattr(passwords.Argon2id, act, noted)
    for number, email in enumerate(emails.values(), 1):
        answer = proving.verify_password(
            email=email, password="wrong", address="192.0.2.1", now=timezone.now()
        )
        assert answer is None
        assert len(hashed) == number
