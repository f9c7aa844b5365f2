"""Second factors: security keys, sent codes, recovery codes, and how they change."""

from __future__ import annotations

import json
import re
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core import mail
from django.utils import timezone

from accounts import selectors, services
from accounts.factors import (
    challenges,
    passwords,
    proving,
    recovery,
    resets,
    roster,
    security_keys,
    sent_codes,
)
from accounts.factors.senders import sending as messages
from accounts.factors.sent_codes import Way
from accounts.factors.strength import Strength
from accounts.letters import sending as letters
from accounts.models import (
    Challenge,
    Letter,
    MessageFactor,
    ResetLink,
    SecurityKey,
    SignIn,
    TextMessage,
    TotpDevice,
    User,
)
from accounts.sessions import throttles
from tests import people
from tests.authenticator import SoftwareKey
from tests.people import PASSWORD

pytestmark = pytest.mark.usefixtures("db")
NOW = timezone.now()
SECOND = timedelta(seconds=1)
HERE, THERE = "a" * 64, "b" * 64  # two browsers


def registered(user: User, key: SoftwareKey, *, name: str = "blue key") -> SecurityKey:
    options = security_keys.registration_options(user, bound_to=HERE, now=NOW)
    answer = key.create(options)
    return security_keys.register(user, answer, name=name, bound_to=HERE, now=NOW)


def proved(user: User, key: SoftwareKey) -> SecurityKey | None:
    options = security_keys.proof_options(user, bound_to=HERE, now=NOW)
    return security_keys.verify(user, key.get(options), bound_to=HERE, now=NOW)


# --- Security keys ---


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


# --- Codes by SMS and e-mail ---


def place(user: User, way: Way = Way.EMAIL, address: str = "box@example.com") -> MessageFactor:
    return MessageFactor.objects.create(user=user, way=way, address=address, name="box")


def code_in_the_mail() -> str:
    letters.send_due(now=NOW)
    return re.search(r"^(\d{6})$", mail.outbox[-1].body, re.MULTILINE)[1]


@pytest.fixture
def sent_messages(monkeypatch, settings):
    """What an outside sender was handed: our own is a function that prints."""
    sent = []
    settings.SMS_SENDER = "tests.services.accounts.test_factors.hand_over"
    monkeypatch.setattr("tests.services.accounts.test_factors.handed_over", sent)
    return sent


handed_over: list[tuple[str, str]] = []


def hand_over(to: str, text: str) -> None:
    handed_over.append((to, text))


def test_a_telephone_is_added_with_the_code_that_was_sent_there(sent_messages):
    user = people.person()
    sent_codes.begin(user, Way.SMS, "+43 (660) 123-4567", name="phone", bound_to=HERE, now=NOW)
    assert sent_messages == []  # only the part that sends does, after the commit
    assert messages.send_due(now=NOW) == 1
    assert messages.send_due(now=NOW) == 0
    ((to, text),) = sent_messages
    assert to == "+436601234567"
    code = re.match(r"(\d{6}) is your", text)[1]
    assert sent_codes.confirm(user, "no code", bound_to=HERE, now=NOW) is None
    assert sent_codes.confirm(user, code, bound_to=THERE, now=NOW) is None
    assert not MessageFactor.objects.get().confirmed
    made = sent_codes.confirm(user, code, bound_to=HERE, now=NOW)
    assert (made.confirmed, made.strength) == (True, Strength.WEAK)
    assert TextMessage.objects.get().sealed_text == ""
    assert sent_codes.shown_address(made) == "…567"


def test_a_sent_code_counts_once_for_five_minutes_at_the_browser_that_asked():
    user = people.person()
    factor = place(user)
    sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    code = code_in_the_mail()
    assert mail.outbox[-1].to == ["box@example.com"]
    late = NOW + challenges.AGE_MAX
    assert sent_codes.verify(user, code, bound_to=HERE, now=late) is None
    assert sent_codes.verify(user, code, bound_to=THERE, now=NOW) is None
    assert sent_codes.verify(people.person(), code, bound_to=HERE, now=NOW) is None
    assert sent_codes.verify(user, code, bound_to=HERE, now=late - SECOND) == factor
    assert sent_codes.verify(user, code, bound_to=HERE, now=NOW) is None


def test_a_newer_code_voids_the_one_before_and_five_wrong_ones_void_it_too():
    user = people.person()
    factor = place(user)
    sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    first = code_in_the_mail()
    sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    second = code_in_the_mail()
    if first != second:  # one time in a million they are alike
        assert sent_codes.verify(user, first, bound_to=HERE, now=NOW) is None
    for _ in range(challenges.FAILURES_MAX):
        sent_codes.verify(user, "no code", bound_to=HERE, now=NOW)
    assert sent_codes.verify(user, second, bound_to=HERE, now=NOW) is None
    assert not Challenge.objects.exists()


def test_codes_are_not_sent_without_end():
    user = people.person()
    factor = place(user)
    for _ in range(6):
        sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    with pytest.raises(throttles.TooManyAttempts):
        sent_codes.send(user, factor.pk, bound_to=HERE, now=NOW)
    assert Letter.objects.count() == 6


@pytest.mark.parametrize(
    ("way", "address"),
    [(Way.SMS, "0660 1234567"), (Way.SMS, "+0660"), (Way.SMS, "+43x"), (Way.EMAIL, "ann@")],
)
def test_what_is_no_address_is_refused_and_nothing_sent(way, address):
    user = people.person()
    with pytest.raises(sent_codes.BadAddress):
        sent_codes.begin(user, way, address, name="x", bound_to=HERE, now=NOW)
    assert not MessageFactor.objects.exists()
    assert not Challenge.objects.exists()


def test_without_a_sender_no_sms_is_offered(settings):
    settings.SMS_SENDER = ""
    with pytest.raises(sent_codes.NotAvailable):
        sent_codes.begin(
            people.person(), Way.SMS, "+436601234567", name="x", bound_to=HERE, now=NOW
        )
    assert not sent_codes.is_offered(Way.SMS)
    assert sent_codes.is_offered(Way.EMAIL)


def test_the_gateway_is_handed_a_message_and_tried_again_until_its_code_is_stale(settings):
    asked, answers = [], [503, 202]

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.path, self.headers["Authorization"], json.loads(body)))
            self.send_response(answers.pop(0))
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings.SMS_SENDER = "accounts.factors.senders.gateway.send"
        settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{server.server_address[1]}/sms?v=1"
        settings.SMS_GATEWAY_TOKEN = "secret"
        message = messages.write("+436601234567", "hello", now=NOW, lasts=challenges.AGE_MAX)
        messages.send_due(now=NOW)
        message.refresh_from_db()
        assert (message.sent_at, message.failure) == (None, "the gateway answered 503")
        assert messages.send_due(now=NOW + 4 * SECOND) == 0
        assert messages.send_due(now=NOW + 5 * SECOND) == 1
        server.shutdown()
    message.refresh_from_db()
    assert (message.attempts, message.sent_at) == (2, NOW + 5 * SECOND)
    expected = {"from": "Openfloor", "to": "+436601234567", "text": "hello"}
    assert asked == [("/sms?v=1", "Bearer secret", expected)] * 2

    stale = messages.write("+436601234567", "late", now=NOW, lasts=challenges.AGE_MAX)
    assert messages.send_due(now=NOW + challenges.AGE_MAX) == 0
    stale.refresh_from_db()
    assert (stale.sent_at, stale.sealed_text) == (None, "")
    assert stale.given_up_at == NOW + challenges.AGE_MAX


# --- Recovery codes ---


def test_ten_recovery_codes_are_told_once_and_each_works_once():
    user = people.person()
    codes = recovery.renew(user, now=NOW)
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[a-km-np-z2-9]{4}(-[a-km-np-z2-9]{4}){3}", code) for code in codes)
    assert recovery.verify(user, codes[0].upper().replace("-", " "), now=NOW) is not None
    assert recovery.verify(user, codes[0], now=NOW) is None
    assert recovery.verify(people.person(), codes[1], now=NOW) is None
    assert recovery.left(user) == 9
    assert [letter.kind for letter in Letter.objects.filter(user=user)] == ["recovery_code_used"]


def test_new_recovery_codes_void_those_before():
    user = people.person()
    old, new = recovery.renew(user, now=NOW), roster.renew_recovery_codes(user, now=NOW)
    assert recovery.verify(user, old[0], now=NOW) is None
    assert recovery.verify(user, new[0], now=NOW).strength == Strength.WEAK
    assert recovery.left(user) == 9


# --- All of them together ---


def test_what_a_person_can_prove_depends_on_what_is_asked():
    user = people.person()
    registered(user, SoftwareKey())
    box, phone = place(user), place(user, Way.SMS, "+436601234567")
    recovery.renew(user, now=NOW)
    assert roster.means(user) == roster.Means(True, True, (box, phone), True)
    user.is_password_mailed = True
    assert roster.means(user).places == (phone,)
    assert roster.means(user, need=Strength.STRONG) == roster.Means(True, True)
    assert roster.means(user, need=Strength.VERIFIED) == roster.Means(has_key=True)


def test_staff_with_a_security_key_have_nothing_weaker_in_production(settings):
    staff = people.person(is_staff=True)
    settings.DEMO = False
    recovery.renew(staff, now=NOW)
    place(staff)
    assert roster.means(staff) == roster.Means(has_app=True)  # as far as registering a key
    registered(staff, SoftwareKey())
    assert roster.means(staff) == roster.Means(has_key=True)
    settings.DEMO = True
    assert roster.means(staff).has_app


def test_several_authenticators_are_added_each_with_its_name():
    user = people.person()
    device = proving.begin_enrolment(user, beside=True)
    code = f"{device.totp(at=timezone.now().timestamp()).token():06}"
    made = roster.add(
        user,
        lambda: proving.confirm_enrolment(user, code, name="tablet", beside=True),
        keep=None,
        now=NOW,
    )
    assert [factor.name for factor in roster.factors(user)] == ["authenticator app", "tablet"]
    assert TotpDevice.objects.filter(user=user, confirmed=True).count() == 2
    assert made.confirmed
    user.refresh_from_db()
    assert user.secured_at == NOW


def test_a_removed_factor_tells_its_owner_ends_other_sign_ins_and_holds_withdrawals():
    user = people.person()
    key = registered(user, SoftwareKey())
    people.browser_by_link(user)
    people.browser_by_link(user)
    kept, ended = SignIn.objects.filter(user=user).order_by("started_at")
    assert selectors.withdrawals_held_until(user) is None
    roster.remove(user, key.persistent_id, keep=kept.pk, now=NOW)
    roster.remove(user, key.persistent_id, keep=None, now=NOW)  # again: nothing
    kept.refresh_from_db()
    ended.refresh_from_db()
    assert (kept.ended_at, ended.ended_at, ended.ending) == (None, NOW, "factor_changed")
    user.refresh_from_db()
    assert selectors.withdrawals_held_until(user) == NOW + timedelta(hours=72)
    letters.send_due(now=NOW)
    (told,) = [letter for letter in mail.outbox if "was changed" in letter.subject]
    assert told.to == [user.email]
    assert "\nWay of signing in removed: blue key\n" in told.body


def test_the_last_factor_stays(settings):
    user = people.person()
    (only,) = roster.factors(user)
    with pytest.raises(roster.LastFactor):
        roster.remove(user, only.persistent_id, keep=None, now=NOW)
    staff = people.person(is_staff=True)
    key = registered(staff, SoftwareKey())
    settings.DEMO = False
    with pytest.raises(roster.LastFactor):  # an app is left, which opens nothing for staff
        roster.remove(staff, key.persistent_id, keep=None, now=NOW)
    assert (len(roster.factors(user)), len(roster.factors(staff))) == (1, 2)
    assert not Letter.objects.filter(kind="security_changed").exists()


def test_nobody_removes_or_renames_another_persons_factor():
    user, other = people.person(), people.person()
    registered(other, SoftwareKey())
    for factor in roster.factors(other):
        roster.remove(user, factor.persistent_id, keep=None, now=NOW)
        roster.rename(user, factor.persistent_id, "mine")
    names = sorted(factor.name for factor in roster.factors(other))
    assert names == ["authenticator app", "blue key"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\nb"])
def test_a_factor_has_a_plain_name(name):
    user = people.person()
    (factor,) = roster.factors(user)
    with pytest.raises(roster.BadName):
        roster.rename(user, factor.persistent_id, name)
    roster.rename(user, factor.persistent_id, " my phone ")
    assert roster.factors(user)[0].name == "my phone"


# --- Another password ---

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
