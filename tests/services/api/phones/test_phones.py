"""Signing in by phone, over the API as an app would call it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.factors import proving, recovery
from accounts.models import Account, HalfwayPhone, Letter, Phone, RefreshToken, User
from accounts.phones import tokens
from accounts.sessions import authentication
from tests import people
from tests.people import PASSWORD
from tests.phone_app import DEVICE, App, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(clock: Any) -> tuple[User, Account]:
    authentication.forget()
    return people.customer(password=PASSWORD)


@pytest.fixture
def app(owner: tuple[User, Account]) -> App:
    return App(owner[0])


def test_a_phone_signs_in_in_two_steps_and_acts_for_its_owner(
    app: App, owner: tuple[User, Account]
) -> None:
    answer = app.gives_password()
    assert app.ways == ["authenticator"]
    assert answer["Cache-Control"] == "no-store"
    assert not Phone.objects.exists()
    assert not app.is_in(token=app.halfway)  # a password is half of it
    answer = app.gives_code()
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 600)
    assert app.call("get", "/api/v1/account").json()["id"] == str(owner[1].pk)
    assert app.call("get", "/v2/account").json()["id"] == str(owner[1].pk)
    assert app.call("delete", "/api/v1/orders").status_code == 207  # no CSRF token: no cookie
    assert app.call("get", "/account").status_code == 302  # pages are for browsers
    (phone,) = app.call("get", "devices").json()
    assert (phone["id"], phone["name"], phone["is_this"]) == (app.phone_id, "Pat's phone", True)


def test_nothing_of_a_phone_lies_in_plain_text(app: App) -> None:
    app.signs_in()
    rows = [str(list(model.objects.values())) for model in (HalfwayPhone, Phone, RefreshToken)]
    for secret in (app.halfway, app.access, app.refresh_token, app.device["id"]):
        assert secret
        assert not [row for row in rows if secret in row]


def test_unknown_and_known_users_are_answered_alike(app: App) -> None:
    wrong = app.gives_password("not the right password at all")
    unknown = app.gives_password(email="nobody@example.com")
    assert told(wrong) == told(unknown) == (401, "wrong_password")
    assert wrong.content == unknown.content
    assert not HalfwayPhone.objects.exists()


def test_guessing_passwords_is_throttled_as_at_a_browser(app: App) -> None:
    answers = [app.gives_password("not the right password at all") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert told(app.gives_password()) == (429, "too_many_attempts")


def test_a_halfway_token_is_good_once(app: App, clock: Any) -> None:
    app.signs_in()
    clock.shift(60)
    assert told(app.gives_code()) == (401, "halfway_over")
    assert Phone.objects.count() == 1


@pytest.mark.parametrize(("seconds", "status"), [(299, 200), (300, 401)])
def test_a_halfway_token_is_good_for_five_minutes(
    app: App, clock: Any, seconds: int, status: int
) -> None:
    app.gives_password()
    clock.shift(seconds)
    assert app.gives_code().status_code == status


def test_a_halfway_token_is_good_for_five_attempts(app: App, clock: Any) -> None:
    app.gives_password()
    HalfwayPhone.objects.update(attempts=4)
    assert told(app.gives_code("000000")) == (401, "wrong_code")
    clock.shift(60)
    assert told(app.gives_code()) == (401, "halfway_over")
    assert not Phone.objects.exists()


def test_a_recovery_code_is_a_second_factor_once(app: App, owner: tuple[User, Account]) -> None:
    code, *_ = recovery.renew(owner[0], now=timezone.now())
    app.gives_password()
    assert app.ways == ["authenticator", "recovery_code"]
    assert app.gives_code(code).status_code == 200
    app.gives_password()
    assert told(app.gives_code(code)) == (401, "wrong_code")


@pytest.mark.parametrize(("seconds", "is_in"), [(599, True), (600, False)])
def test_an_access_token_lasts_ten_minutes(app: App, clock: Any, seconds: int, is_in: bool) -> None:
    app.signs_in()
    clock.shift(seconds)
    assert app.is_in() is is_in
    assert app.refreshes().status_code == 200
    assert app.is_in()


def test_refreshing_replaces_both_tokens(app: App) -> None:
    app.signs_in()
    access, refresh_token = app.access, app.refresh_token
    app.refreshes()
    assert len({access, refresh_token, app.access, app.refresh_token}) == 4
    assert app.is_in()
    assert not app.is_in(token=access)


@pytest.mark.parametrize("seconds", [0, 9])
def test_a_lost_answer_is_given_again(app: App, clock: Any, seconds: int) -> None:
    app.signs_in()
    first = app.refresh_token
    lost = app.refreshes(first).json()
    clock.shift(seconds)
    assert app.refreshes(first).json() == lost
    assert RefreshToken.objects.count() == 2
    assert app.is_in()
    assert app.refreshes().status_code == 200


def test_a_refresh_token_that_comes_again_later_ends_all_and_tells_the_owner(
    app: App, clock: Any
) -> None:
    app.signs_in()
    first = app.refresh_token
    app.refreshes(first)
    clock.shift(10)
    kept = (app.access, app.refresh_token)
    assert told(app.refreshes(first)) == (401, "token_reused")
    assert not app.is_in(token=kept[0])
    assert told(app.refreshes(kept[1])) == (401, "signed_out")
    assert Phone.objects.get().ending == Phone.Ending.REUSED
    assert Letter.objects.filter(kind="phone_ended").count() == 1


def test_a_token_is_not_answered_again_once_its_successor_was_used(app: App) -> None:
    app.signs_in()
    first = app.refresh_token
    app.refreshes()
    app.refreshes()
    assert told(app.refreshes(first)) == (401, "token_reused")
    assert not app.is_in()


def test_a_refresh_token_is_of_no_use_on_another_device(app: App) -> None:
    app.signs_in()
    answer = app.refreshes(device_id="installation-0002")
    assert told(answer) == (401, "token_reused")
    assert not app.is_in()


@pytest.mark.parametrize(("days", "status"), [(6, 200), (7, 401)])
def test_a_phone_that_is_silent_for_a_week_is_signed_out(
    app: App, clock: Any, days: int, status: int
) -> None:
    app.signs_in()
    clock.shift(timedelta(days=days))
    assert app.refreshes().status_code == status


def test_a_phone_is_signed_out_after_thirty_days_whatever_it_does(app: App, clock: Any) -> None:
    app.signs_in()
    for _ in range(5):
        clock.shift(timedelta(days=5))
        assert app.refreshes().status_code == 200
    clock.shift(timedelta(days=5))
    assert told(app.refreshes()) == (401, "signed_out")


def test_a_phone_is_ended_from_another_and_anothers_is_not_found(app: App) -> None:
    app.signs_in()
    stranger = App(people.customer(password=PASSWORD)[0])
    stranger.signs_in()
    assert stranger.call("delete", f"devices/{app.phone_id}").status_code == 404
    assert app.is_in()
    tablet = App(app.user, {"id": "installation-0002", "name": "Pat's tablet"})
    tablet.gives_password()
    recovery_code, *_ = recovery.renew(app.user, now=timezone.now())
    tablet.gives_code(recovery_code)
    assert len(tablet.call("get", "devices").json()) == 2
    assert tablet.call("delete", f"devices/{app.phone_id}").status_code == 204
    assert not app.is_in()
    assert told(app.refreshes()) == (401, "signed_out")
    assert [phone["name"] for phone in tablet.call("get", "devices").json()] == ["Pat's tablet"]


def test_signing_out_ends_the_tokens_at_once(app: App) -> None:
    app.signs_in()
    assert app.call("post", "sign-out", {}).status_code == 204
    assert app.call("get", "/api/v1/account").status_code == 401
    assert told(app.refreshes()) == (401, "signed_out")


def test_signing_in_again_ends_what_was_before_on_the_same_device(app: App, clock: Any) -> None:
    app.signs_in()
    before = app.refresh_token
    clock.shift(60)
    app.signs_in()
    assert told(app.refreshes(before)) == (401, "signed_out")
    assert Phone.objects.filter(ended_at=None).count() == 1


def test_a_new_password_ends_every_phone(app: App) -> None:
    app.signs_in()
    app.user.set_password("another four plain words")
    app.user.save()
    assert not app.is_in()
    assert told(app.refreshes()) == (401, "signed_out")


def test_a_changed_factor_ends_every_phone(app: App, clock: Any) -> None:
    app.signs_in()
    clock.shift(1)
    User.objects.filter(pk=app.user.pk).update(secured_at=timezone.now())
    assert not app.is_in()


def test_step_up_by_phone_is_good_for_five_minutes(app: App, clock: Any) -> None:
    app.signs_in()
    clock.shift(600)
    app.refreshes()
    assert told(app.call("post", "/api/v1/keys", {})) == (403, "proof_needed")
    assert told(app.call("post", "step-up", {"code": "000000"})) == (401, "wrong_code")
    clock.shift(5)
    code = proving.current_code(app.user, now=timezone.now())
    assert app.call("post", "step-up", {"code": code}).status_code == 204
    assert app.call("post", "/api/v1/keys", {}).status_code == 201
    clock.shift(300)
    app.refreshes()
    assert told(app.call("post", "/api/v1/keys", {})) == (403, "proof_needed")


@pytest.mark.parametrize("header", ["", "x", "x" * 101, "\0", "é", "a b"])
def test_what_is_no_token_opens_nothing(app: App, header: str) -> None:
    for path in ("/api/v1/account", "/v2/account", "/api/v1/auth/devices"):
        answer = app.client.get(path, headers={"Authorization": f"Bearer {header}"})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("password", {}),
        ("password", {"email": 1, "password": "x", "device": DEVICE}),
        ("password", {"email": "a@b", "password": "x", "device": {"id": "short", "name": "x"}}),
        ("password", {"email": "a@b", "password": "x", "device": {**DEVICE, "more": 1}}),
        ("factor", {"halfway_token": "x"}),
        ("refresh", {"refresh_token": ["x"], "device_id": "x"}),
        ("refresh", []),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(app: App, path: str, body: object) -> None:
    assert told(app.call("post", path, body, token="")) == (422, "invalid_request")


def test_grace_is_short_and_idle_is_shorter_than_age() -> None:
    assert tokens.GRACE <= timedelta(seconds=10) < tokens.ACCESS_LASTS
    assert tokens.IDLE_MAX < tokens.AGE_MAX
