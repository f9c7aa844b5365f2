"""What is secret is written into no log, whatever goes well or wrong."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.factors import proving
from accounts.keys import issuing
from accounts.sessions import authentication
from tests import people
from tests.people import PASSWORD
from tests.phone_app import App
from tests.services.api.conftest import Api, Customer
from trading.api.views import own

WRONG = "canary-wrong-password"


def said(records: list[logging.LogRecord]) -> str:
    """Return all that a handler could write of these records."""
    formatter = logging.Formatter()
    return "\n".join(
        f"{record.msg} {record.args} {formatter.formatException(record.exc_info)}"
        if record.exc_info
        else f"{record.msg} {record.args}"
        for record in records
    )


def test_canaries_no_password_code_key_or_token_is_in_the_logs(
    committed: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    authentication.forget()
    for name in ("", "django", "django.request", "django_structlog", "accounts", "trading"):
        caplog.set_level(logging.DEBUG, logger=name)
    user, account = people.customer(password=PASSWORD)
    key, secret = issuing.create(account)
    code = proving.current_code(user, now=timezone.now())
    app = App(user)
    app.gives_password(WRONG)
    app.gives_password()
    assert app.gives_code(code).status_code == 200
    tokens = [app.halfway, app.access, app.refresh_token]
    assert app.refreshes().status_code == 200
    app.refreshes(device_id="canary-installation-1")
    app.gives_password()
    app.gives_code("canary-code")
    browser = Client(raise_request_exception=False)
    browser.post("/sign-in", {"email": user.email, "password": WRONG})
    browser.post("/sign-in", {"email": user.email, "password": PASSWORD})

    def fails(*_: object) -> Any:
        raise RuntimeError("as it happens")

    for api in (
        Api(Customer(account, key.key_id, secret)),
        Api(Customer(account, "PK", "canary-s")),
    ):
        api("GET", "/v2/account")
        api("POST", "/v2/orders", content=b"{")
    monkeypatch.setattr(own.ActivityLog, "get", fails)
    signed_in = people.browser_of(user)
    assert signed_in.get("/api/v1/activity").status_code == 500
    cookie = signed_in.cookies["session"].value
    written = said(caplog.records)
    assert "as it happens" in written  # something is logged, and this is what is
    secrets = [
        PASSWORD, WRONG, code, secret, "canary-code", "canary-s", "canary-installation-1", cookie,
        *tokens, app.access, app.refresh_token,
    ]  # fmt: skip
    assert [each for each in secrets if each in written] == []
