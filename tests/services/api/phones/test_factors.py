"""Every second factor from a phone: to sign in, and to prove again before what is dear."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.factors import proving, recovery, sent_codes
from accounts.factors.strength import Strength
from accounts.models import (
    Challenge,
    HalfwayPhone,
    KnownDevice,
    Letter,
    MessageFactor,
    Phone,
    TextMessage,
    Throttle,
    User,
)
from tests import people
from tests.authenticator import SoftwareKey
from tests.people import PASSWORD
from tests.phone_app import App, newest_code, told
from tests.services.api.phones.owners import (
    STRONG,
    TABLET,
    VERIFIED,
    WEAK,
    add_key,
    add_place,
    logged,
)

pytestmark = pytest.mark.django_db

ANDROID = "android:apk-key-hash:aGFzaC1vZi1hLXNpZ25pbmcta2V5"


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
