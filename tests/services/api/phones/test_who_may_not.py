"""Who is kept from signing in by phone, and from stepping up there."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from accounts import services
from accounts.factors import proving
from accounts.models import Account, Phone, TextMessage, User
from accounts.sessions import authentication
from tests import people
from tests.authenticator import SoftwareKey
from tests.people import PASSWORD
from tests.phone_app import App, told
from tests.services.api.phones.owners import START, STRONG, TABLET, add_key, add_place

pytestmark = pytest.mark.django_db


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
