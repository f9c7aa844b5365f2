"""Phones that are known, what their mark is worth, and weak proofs at others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.factors import proving, recovery
from accounts.models import HalfwayPhone, KnownDevice, Phone, User
from accounts.sessions import security_log
from accounts.sessions.events import Kind
from tests import people
from tests.people import PASSWORD
from tests.phone_app import App, told
from tests.services.api.phones.owners import (
    TABLET,
    TOKYO,
    VIENNA,
    add_place,
    has_signed_in_before,
    keep_only,
    letters,
    logged,
)

pytestmark = pytest.mark.django_db


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
