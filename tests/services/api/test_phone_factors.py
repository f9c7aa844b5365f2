"""Every second factor from a phone: to sign in, and to prove again before what is dear."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts import services
from accounts.factors import proving, recovery, roster, security_keys, sent_codes
from accounts.factors.strength import Strength
from accounts.models import (
    Account,
    Challenge,
    HalfwayPhone,
    KnownDevice,
    Letter,
    MessageFactor,
    Phone,
    SecurityEvent,
    TextMessage,
    Throttle,
    User,
)
from accounts.sessions import authentication, security_log
from accounts.sessions.events import Kind
from tests import people
from tests.authenticator import SoftwareKey
from tests.people import PASSWORD
from tests.phone_app import App, newest_code, told

pytestmark = pytest.mark.django_db

START = datetime.fromisoformat("2026-03-02T17:00:00+00:00")
VIENNA, TOKYO = "131.130.1.78", "133.11.0.1"
TABLET = {"id": "installation-0002", "name": "Pat's tablet"}
ANDROID = "android:apk-key-hash:aGFzaC1vZi1hLXNpZ25pbmcta2V5"
WEAK, STRONG, VERIFIED = Strength.WEAK, Strength.STRONG, Strength.VERIFIED


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as found:
        yield found


@pytest.fixture
def owner(clock: Any) -> User:
    """Somebody with a factor of every kind."""
    authentication.forget()
    user, _ = people.customer(password=PASSWORD)
    add_place(user, "sms", "+436601234567")
    add_place(user, "email", "box@example.com")
    return user


@pytest.fixture
def key(owner: User) -> SoftwareKey:
    return add_key(owner)


@pytest.fixture
def app(owner: User) -> App:
    return App(owner)


def add_place(user: User, way: str, address: str) -> MessageFactor:
    return MessageFactor.objects.create(user=user, way=way, address=address, name=f"my {way}")


def add_key(user: User, key: SoftwareKey | None = None) -> SoftwareKey:
    key, now, here = key or SoftwareKey(), timezone.now(), "a" * 64
    asked = security_keys.registration_options(user, bound_to=here, now=now)
    security_keys.register(user, key.create(asked), name="blue key", bound_to=here, now=now)
    return key


def keep_only(user: User, kind: str) -> None:
    """Take every factor but those of this kind."""
    for factor in roster.factors(user):
        if getattr(factor, "way", "") != kind:
            factor.delete()


def has_signed_in_before(user: User, *, address: str | None = None) -> None:
    """Let this not be the first sign-in of all, where nothing is unknown yet."""
    app = App(user, {"id": "installation-0000", "name": "an old phone"})
    app.address = address or app.address
    code, *_ = recovery.renew(user, now=timezone.now())
    app.gives_password()
    assert app.gives(code=code, factor_id=app.id_of("recovery_code")).status_code == 200
    recovery.renew(user, now=timezone.now())
    Letter.objects.all().delete()


def logged(user: User) -> list[str]:
    kinds = (Kind.SIGNED_IN, Kind.STRONGER_ASKED, Kind.SIGN_IN_STOPPED, Kind.WRONG_CODE)
    found = SecurityEvent.objects.filter(user=user, kind__in=kinds).order_by("pk")
    return list(found.values_list("kind", flat=True))


def letters() -> list[str]:
    return list(Letter.objects.exclude(kind="code").order_by("pk").values_list("kind", flat=True))


# --- Which there are, and signing in by each ---


def test_the_first_step_lists_the_factors_and_shows_of_their_targets_what_their_owner_knows(
    app: App, key: SoftwareKey
) -> None:
    recovery.renew(app.user, now=timezone.now())
    app.gives_password()
    assert [(factor["kind"], factor["target"]) for factor in app.factors] == [
        ("authenticator", None),
        ("security_key", None),
        ("sms", "…567"),
        ("email", "b…@example.com"),
        ("recovery_code", None),
    ]
    ids = {factor["id"] for factor in app.factors}
    assert [len(each) for each in ids] == [32] * 5
    other = App(people.customer(password=PASSWORD)[0], TABLET)
    other.gives_password()
    assert not ids & {factor["id"] for factor in other.factors}


@pytest.mark.parametrize(
    ("kind", "knows_owner", "strength"),
    [
        ("authenticator", False, STRONG),
        ("security_key", False, STRONG),
        ("security_key", True, VERIFIED),
        ("sms", False, WEAK),
        ("email", False, WEAK),
        ("recovery_code", False, WEAK),
    ],
)
def test_each_factor_signs_in_and_proves_again(
    app: App, key: SoftwareKey, clock: Any, kind: str, knows_owner: bool, strength: Strength
) -> None:
    key.knows_owner = knows_owner
    sheet = recovery.renew(app.user, now=timezone.now())

    def typed() -> dict[str, Any]:
        if kind == "security_key":
            return {"key": key}
        if kind == "recovery_code":
            return {"code": sheet.pop()}
        return {"code": proving.current_code(app.user, now=timezone.now())}

    app.gives_password()
    answer = app.gives(**app.proof_by(kind, **typed()))
    assert answer.status_code == 200
    assert app.is_in()
    phone = Phone.objects.get()
    assert phone.strength == strength
    assert ("device_token" in answer.json()) == (strength >= STRONG) == KnownDevice.objects.exists()
    clock.shift(600)
    app.refreshes()
    assert told(app.call("post", "/api/v1/keys", {})) == (403, "proof_needed")
    assert app.proves_again(kind, **typed()).status_code == 204
    assert app.call("post", "/api/v1/keys", {}).status_code == 201
    dear = told(app.call("post", "/api/v1/withdrawals", {}))
    assert (dear == (403, "proof_needed")) == (strength == WEAK)
    clock.shift(300)
    app.refreshes()
    assert told(app.call("post", "/api/v1/keys", {})) == (403, "proof_needed")


@pytest.mark.parametrize("kind", ["sms", "email"])
def test_a_code_counts_once_where_it_was_asked_for_and_the_newest_alone(
    app: App, owner: User, kind: str
) -> None:
    other = App(owner, TABLET)
    for each in (app, other):
        each.gives_password()
    former = app.proof_by(kind)
    proof = app.proof_by(kind)
    assert told(app.gives(**former)) == (401, "wrong_code")
    assert told(other.gives(**proof)) == (401, "wrong_code")
    assert app.gives(**proof).status_code == 200
    assert Phone.objects.get().name == "Pat's phone"
    app.gives_password()
    assert told(app.gives(**proof)) == (401, "wrong_code")
    assert logged(owner) == ["wrong_code", "wrong_code", "signed_in", "wrong_code"]


def test_a_code_is_of_the_place_that_it_was_sent_to(app: App) -> None:
    app.gives_password()
    proof = app.proof_by("sms")
    assert told(app.gives(code=proof["code"], factor_id=app.id_of("email"))) == (401, "wrong_code")
    assert not Phone.objects.exists()


@pytest.mark.parametrize(("seconds", "status"), [(299, 204), (300, 401)])
def test_a_code_that_was_sent_lasts_five_minutes(
    app: App, clock: Any, seconds: int, status: int
) -> None:
    app.signs_in()
    app.factors = app.call("get", "step-up").json()["factors"]
    chosen = app.id_of("sms")
    assert app.call("post", "step-up/code", {"factor_id": chosen}).json() == {
        "sent_to": "…567",
        "expires_in": 300,
    }
    code = newest_code("sms")
    clock.shift(seconds)
    answer = app.call("post", "step-up", {"factor_id": chosen, "code": code})
    assert answer.status_code == status
    again = app.call("post", "step-up", {"factor_id": chosen, "code": code})
    assert told(again) == (401, "wrong_code")


def test_what_signs_in_does_not_prove_again_and_the_other_way_round(
    app: App, key: SoftwareKey
) -> None:
    app.gives_password()
    halfway = app.proof_by("security_key", key=key)
    app.gives_code()
    app.factors = app.call("get", "step-up").json()["factors"]
    assert told(app.call("post", "step-up", halfway)) == (401, "wrong_code")
    options = app.call("post", "step-up/key", {}).json()
    app.gives_password()
    assert told(app.gives(assertion=json.loads(key.get(options)))) == (401, "wrong_code")


def test_a_factor_of_somebody_else_is_not_found_and_nothing_is_sent(app: App, clock: Any) -> None:
    other = App(people.customer(password=PASSWORD)[0], TABLET)
    add_place(other.user, "sms", "+436607654321")
    other.gives_password()
    app.gives_password()
    theirs = {"halfway_token": app.halfway, "factor_id": other.id_of("sms")}
    nobodys = {"halfway_token": app.halfway, "factor_id": "0" * 32}
    answers = [app.call("post", "factor/code", each, token="") for each in (theirs, nobodys)]
    answers += [app.gives(code="123456", factor_id=each["factor_id"]) for each in (theirs, nobodys)]
    app.gives_code()
    for each in (theirs, nobodys):
        answers.append(app.call("post", "step-up/code", {"factor_id": each["factor_id"]}))
        body = {"factor_id": each["factor_id"], "code": "123456"}
        answers.append(app.call("post", "step-up", body))
    assert {told(answer) for answer in answers} == {(404, "not_found")}
    assert len({answer.content for answer in answers}) == 1
    assert not TextMessage.objects.exists()
    # An authenticator has no place to send to, and who has no key is asked for none.
    app.gives_password()
    assert told(app.has_sent("authenticator")) == (404, "not_found")
    asked = app.call("post", "factor/key", {"halfway_token": app.halfway}, token="")
    assert told(asked) == (404, "not_found")


@pytest.mark.parametrize("seconds", [299, 300])
def test_nothing_is_sent_or_asked_for_a_halfway_token_that_is_over(
    app: App, key: SoftwareKey, clock: Any, seconds: int
) -> None:
    app.gives_password()
    clock.shift(seconds)
    answers = [
        app.has_sent("sms"),
        app.call("post", "factor/key", {"halfway_token": app.halfway}, token=""),
    ]
    is_over = seconds == 300
    assert [answer.status_code for answer in answers] == [401 if is_over else 200] * 2
    assert Challenge.objects.exists() == TextMessage.objects.exists() == (not is_over)


@pytest.mark.parametrize(
    "proof",
    [
        {},
        {"code": "1", "assertion": {}},
        {"assertion": "{}"},
        {"assertion": None},
        {"code": "1", "factor_id": 7},
        {"code": "1", "factor_id": "x" * 33},
    ],
)
def test_a_proof_that_makes_no_sense_is_refused_and_costs_no_attempt(
    app: App, proof: dict[str, object]
) -> None:
    app.gives_password()
    assert told(app.gives(**proof)) == (422, "invalid_request")
    assert HalfwayPhone.objects.get().attempts == 0


# --- How often ---


def test_codes_are_sent_as_often_as_at_a_browser(app: App, owner: User, clock: Any) -> None:
    app.gives_password()
    assert [app.has_sent("sms").status_code for _ in range(5)] == [200] * 5
    app.gives_password()  # another halfway sign-in is the same person
    assert app.has_sent("email").status_code == 200
    answer = app.has_sent("sms")
    assert told(answer) == (429, "too_many_attempts")
    assert answer.json()["until"] == "2026-03-02T17:00:30.000000Z"
    place = MessageFactor.objects.get(user=owner, way="sms")
    with pytest.raises(sent_codes.throttles.TooManyAttempts):
        sent_codes.send(owner, place.pk, bound_to="a" * 64, now=timezone.now())
    assert (TextMessage.objects.count(), Letter.objects.filter(kind="code").count()) == (5, 1)
    clock.shift(30)
    assert app.has_sent("sms").status_code == 200


def test_nothing_is_sent_and_nothing_proved_when_the_count_cannot_be_kept(app: App) -> None:
    app.signs_in()
    app.gives_password()
    app.factors = app.call("get", "step-up").json()["factors"]
    proved_at = Phone.objects.get().proved_at
    with connection.cursor() as cursor:
        # Stands before the real one, and takes no counts.
        cursor.execute(f"CREATE TEMP TABLE {Throttle._meta.db_table} ()")
    calls = [
        ("factor/code", {"halfway_token": app.halfway, "factor_id": app.id_of("sms")}),
        ("step-up/code", {"factor_id": app.id_of("email")}),
        ("step-up", {"code": proving.current_code(app.user, now=timezone.now())}),
    ]
    for path, body in calls:
        assert app.call("post", path, body).status_code >= 500, path
    assert not TextMessage.objects.exists()
    assert not Letter.objects.filter(kind="code").exists()
    assert Phone.objects.get().proved_at == proved_at


# --- Security keys ---


@pytest.mark.parametrize(
    ("origin", "configured", "status"),
    [
        ("", [], 200),  # a page of ours, or an app that says so
        (ANDROID, [ANDROID], 200),
        (ANDROID, [], 401),
        ("android:apk-key-hash:another", [ANDROID], 401),
        ("https://elsewhere.example", [ANDROID], 401),
    ],
)
def test_a_key_answers_to_our_pages_and_to_the_apps_that_are_configured(
    app: App,
    key: SoftwareKey,
    settings: Any,
    origin: str,
    configured: list[str],
    status: int,
) -> None:
    settings.WEBAUTHN_APP_ORIGINS = configured
    key.origin = origin
    app.gives_password()
    assert app.gives(**app.proof_by("security_key", key=key)).status_code == status
    assert Phone.objects.exists() == (status == 200)


def test_an_app_counts_for_nothing_at_a_browser(
    owner: User, key: SoftwareKey, settings: Any
) -> None:
    settings.WEBAUTHN_APP_ORIGINS = [ANDROID]
    key.origin = ANDROID
    browser = people.halfway(owner)
    asked = json.loads(browser.post("/sign-in/key").content)
    answer = browser.post("/sign-in/code", {"key_answer": key.get(asked)})
    assert answer.status_code == 422


def test_what_a_key_signed_counts_once_for_the_phone_that_asked(
    app: App, owner: User, key: SoftwareKey
) -> None:
    other = App(owner, TABLET)
    app.gives_password()
    other.gives_password()
    proof = app.proof_by("security_key", key=key)
    assert told(other.gives(**proof)) == (401, "wrong_code")
    assert app.gives(**proof).status_code == 200
    app.gives_password()
    assert told(app.gives(**proof)) == (401, "wrong_code")
    assert Phone.objects.get().name == "Pat's phone"


@pytest.mark.parametrize(("knows_owner", "status"), [(True, 200), (False, 401)])
def test_a_member_of_staff_shows_the_key_who_they_are_as_at_a_browser(
    clock: Any, knows_owner: bool, status: int
) -> None:
    """In the demo shape, where they may sign in by phone at all."""
    user = people.person(password=PASSWORD, is_staff=True)
    key = add_key(user)
    key.knows_owner = knows_owner
    app = App(user)
    app.gives_password()
    assert app.gives(**app.proof_by("security_key", key=key)).status_code == status


# --- Phones that are known, and weak proofs at others ---


@pytest.mark.parametrize("kind", ["sms", "email"])
def test_whoever_has_nothing_stronger_proves_twice_at_a_phone_that_is_not_known(
    app: App, owner: User, kind: str
) -> None:
    has_signed_in_before(owner)
    keep_only(owner, kind)
    app.gives_password()
    proof = app.proof_by(kind)
    answer = app.gives(**proof)
    assert told(answer) == (403, "stronger_factor_needed")
    assert answer.json()["message"] == "a device that you have not used here before"
    assert [each["kind"] for each in answer.json()["factors"]] == [kind, "recovery_code"]
    assert Phone.objects.count() == 1  # the old one
    assert told(app.gives(**proof)) == (401, "wrong_code")  # one code is one proof
    answer = app.gives(**app.proof_by(kind))
    assert answer.status_code == 200
    assert letters() == ["new_sign_in"]
    assert logged(owner) == ["signed_in", "stronger_asked", "wrong_code", "signed_in"]
    app.gives_password()  # from now on it is known, and one proof will do
    assert app.gives(**app.proof_by(kind)).status_code == 200
    assert letters() == ["new_sign_in"]


def test_a_weak_proof_of_whoever_has_a_stronger_factor_makes_no_phone_known(
    app: App, owner: User
) -> None:
    has_signed_in_before(owner)
    code, *_ = recovery.renew(owner, now=timezone.now())
    app.gives_password()
    assert told(app.gives(**app.proof_by("sms"))) == (403, "stronger_factor_needed")
    answer = app.gives_code(code)
    assert answer.status_code == 200
    assert "device_token" not in answer.json()


def test_a_weak_proof_of_another_way_in_is_none_of_this_one(app: App, owner: User) -> None:
    has_signed_in_before(owner)
    keep_only(owner, "sms")
    for _ in range(2):
        app.gives_password()
        assert told(app.gives(**app.proof_by("sms"))) == (403, "stronger_factor_needed")


def test_whoever_has_a_stronger_factor_is_asked_for_it_at_a_phone_that_is_not_known(
    app: App, owner: User
) -> None:
    has_signed_in_before(owner)
    app.gives_password()
    for kind in ("sms", "email"):
        answer = app.gives(**app.proof_by(kind))
        assert told(answer) == (403, "stronger_factor_needed")
        assert [each["kind"] for each in answer.json()["factors"]] == [
            "authenticator",
            "recovery_code",
        ]
    assert Phone.objects.count() == 1
    assert letters() == []
    assert app.gives_code().status_code == 200
    assert letters() == ["new_sign_in"]
    assert logged(owner) == ["signed_in", "stronger_asked", "stronger_asked", "signed_in"]


def test_a_known_phone_is_let_in_without_a_word_and_its_mark_is_kept_as_a_digest(
    app: App, owner: User
) -> None:
    app.signs_in()
    first = app.mark
    assert first
    assert first.split(":")[0] not in str(list(KnownDevice.objects.values()))
    app.gives_password()
    assert first.split(":")[0] not in str(list(HalfwayPhone.objects.values()))
    assert app.gives(**app.proof_by("sms")).status_code == 200  # weak, and enough
    assert app.mark == first
    assert letters() == []
    assert logged(owner) == ["signed_in", "signed_in"]


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ("as it was", 200),
        ("after signing out", 200),
        ("400 days later", 200),
        ("401 days later", 403),
        ("on another device", 403),
        ("of somebody else", 403),
        ("as a browser's cookie", 403),
        ("changed", 403),
        ("one before", 403),
        ("ended by its owner", 403),
        ("of a stolen token", 403),
    ],
)
def test_what_a_mark_is_worth(app: App, owner: User, clock: Any, what: str, status: int) -> None:
    app.signs_in()
    mark, phone = app.mark, app
    match what:
        case "after signing out":
            assert app.call("post", "sign-out", {}).status_code == 204
        case "400 days later" | "401 days later":
            clock.shift(timedelta(days=int(what[:3])))
        case "on another device":
            phone = App(owner, TABLET)
        case "of somebody else":
            phone = App(people.customer(password=PASSWORD)[0])
            add_place(phone.user, "sms", "+436607654321")
            has_signed_in_before(phone.user)
        case "as a browser's cookie":
            browser = people.browser_by_link(owner)
            mark = browser.cookies["device"].value
        case "changed":
            mark = f"x{mark}"
        case "one before":
            clock.shift(60)
            app.signs_in()
        case "ended by its owner":
            assert app.call("delete", f"devices/{app.phone_id}").status_code == 204
        case "of a stolen token":
            stolen = app.refreshes(device_id=TABLET["id"])
            assert told(stolen) == (401, "token_reused")
    phone.mark = mark
    phone.gives_password()
    assert phone.gives(**phone.proof_by("sms")).status_code == status
    assert ("stronger_asked" in logged(phone.user)) == (status == 403)


def test_a_mark_of_a_phone_makes_no_browser_known(app: App, owner: User) -> None:
    app.signs_in()
    browser = people.halfway(owner)
    browser.cookies["device"] = app.mark
    code = proving.current_code(owner, now=timezone.now())
    assert browser.post("/sign-in/code", {"code": code}).status_code == 302
    assert letters() == ["new_sign_in"]


def test_a_place_too_far_is_judged_at_a_phone_too(app: App, owner: User, clock: Any) -> None:
    app.address = VIENNA
    app.signs_in()
    clock.shift(3600)
    app.address = TOKYO
    app.gives_password()
    answer = app.gives(**app.proof_by("sms"))
    assert told(answer) == (403, "stronger_factor_needed")
    assert answer.json()["message"] == (
        "a place too far from the last one; a country where you have not signed in before"
    )
    assert app.gives_code().status_code == 200
    assert letters() == ["new_sign_in"]


def test_nobody_signs_in_by_phone_from_an_address_on_the_list(
    app: App, owner: User, settings: Any, tmp_path: Any
) -> None:
    bad = tmp_path / "bad"
    bad.write_text("133.11.0.0/16\n")
    settings.BAD_ADDRESSES = str(bad)
    app.address = TOKYO
    app.gives_password()
    assert told(app.gives(**app.proof_by("sms"))) == (403, "sign_in_stopped")
    assert not Phone.objects.exists()
    assert (letters(), logged(owner)) == (["sign_in_stopped"], ["sign_in_stopped"])


def test_ten_failures_make_the_next_sign_in_unusual(app: App, owner: User, clock: Any) -> None:
    app.signs_in()
    clock.shift(60)
    app.gives_password()
    for _ in range(9):
        security_log.note(owner, Kind.WRONG_PASSWORD, now=timezone.now())
    assert told(app.gives(code="000000", factor_id=app.id_of("sms"))) == (401, "wrong_code")
    answer = app.gives(**app.proof_by("sms"))
    assert told(answer) == (403, "stronger_factor_needed")
    assert answer.json()["message"] == "many attempts that failed"


# --- Who may not ---


def test_staff_get_nothing_by_phone_in_production(clock: Any, settings: Any) -> None:
    user, _ = people.customer(password=PASSWORD)
    add_place(user, "sms", "+436601234567")
    key, app = add_key(user), App(user)
    app.signs_in()
    app.gives_password()
    offered = app.factors
    proof = app.proof_by("security_key", key=key)
    User.objects.filter(pk=user.pk).update(is_staff=True)  # and came to work here
    authentication.forget()
    settings.DEMO = False
    assert app.call("get", "step-up").json() == {"factors": []}
    app.gives_password()
    assert app.factors == []
    app.factors = offered
    code = proving.TotpDevice.objects.get(user=user).totp(at=START.timestamp()).token()
    named = {"halfway_token": app.halfway}
    answers = [
        app.has_sent("sms"),
        app.call("post", "factor/key", named, token=""),
        app.gives(**proof),
        app.gives(code=f"{code:06}"),
        app.gives(code=f"{code:06}", factor_id=app.id_of("authenticator")),
        app.call("post", "step-up/code", {"factor_id": app.id_of("sms")}),
        app.call("post", "step-up/key", {}),
        app.call("post", "step-up", proof),
        app.call("post", "step-up", {"code": f"{code:06}"}),
    ]
    assert {told(answer) for answer in answers} == {(403, "security_key_needed")}
    assert Phone.objects.get().strength == STRONG
    assert not TextMessage.objects.exists()


def test_whoever_is_no_longer_a_customer_gets_no_further_than_the_password(
    app: App, owner: User, key: SoftwareKey
) -> None:
    app.gives_password()
    proof = app.proof_by("security_key", key=key)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    asked = app.call("post", "factor/key", {"halfway_token": app.halfway}, token="")
    for answer in (app.has_sent("sms"), asked, app.gives(**proof)):
        assert told(answer) == (401, "halfway_over")
    assert not Phone.objects.exists()
    assert not TextMessage.objects.exists()


@pytest.mark.parametrize("status", [Account.Status.RESTRICTED, Account.Status.CLOSED])
def test_an_account_that_is_restricted_or_closed_is_looked_at_as_from_a_browser(
    app: App, owner: User, status: Account.Status
) -> None:
    account = Account.objects.get(user=owner)
    now = timezone.now()
    services.change_status(account.pk, status=status, reason="a case", actor="operator:1", now=now)
    app.gives_password()
    assert app.gives(**app.proof_by("sms")).status_code == 200
    browser = people.browser_of(owner)
    shown = [app.call("get", "/api/v1/account"), browser.get("/api/v1/account")]
    assert [answer.status_code for answer in shown] == [200, 200]
    assert shown[0].json()["status"] == shown[1].json()["status"]
    assert shown[0].json()["trading_blocked"] is True


def test_a_browser_does_not_step_up_as_a_phone(owner: User, key: SoftwareKey) -> None:
    browser = people.browser_of(owner)
    assert browser.get("/api/v1/auth/step-up").status_code == 404
    for path, body in [
        ("step-up/key", {}),
        ("step-up/code", {"factor_id": "0" * 32}),
        ("step-up", {"code": proving.current_code(owner, now=timezone.now())}),
    ]:
        answer = browser.post(f"/api/v1/auth/{path}", body, content_type="application/json")
        assert told(answer) == (404, "not_found")


def test_after_a_reset_by_mail_the_mailbox_is_no_factor_until_another_was_proved(
    owner: User, app: App
) -> None:
    User.objects.filter(pk=owner.pk).update(is_password_mailed=True)
    first = app.gives_password()
    assert {"sms", "authenticator"} == {each["kind"] for each in first.json()["factors"]}

    App(owner, TABLET).signs_in()

    assert "email" in {each["kind"] for each in app.gives_password().json()["factors"]}
