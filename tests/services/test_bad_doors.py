"""What was once answered with a 500, or with the wrong no."""

import threading

import pytest
from django.test import Client
from django.utils import timezone

from accounts import authentication, services
from accounts.models import Account
from tests import people
from trading import settings

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("cookie", ["\x00aaaaaaaaaaaaaaaa", "å" * 32, "' OR 1=1 --aaaaaaaa"])
def test_a_cookie_that_no_session_could_have_is_no_session(cookie):
    browser = Client(raise_request_exception=False)
    browser.cookies["session"] = cookie
    assert browser.get("/healthz").status_code == 200
    assert browser.get("/account").status_code == 302


@pytest.mark.parametrize(
    "query",
    [
        "timeframe=1Hour&start=0001-01-01T00:00:00Z",
        "timeframe=1Week&end=9999-12-31",
        "timeframe=12Month&start=9999-12-31",
        "timeframe=1Hour&end=0005-01-01",
    ],
)
def test_times_that_nobody_means_are_refused(query):
    browser = people.browser_of(people.customer()[0])
    response = browser.get(f"/api/v1/bars?symbol=AAPL&{query}")
    assert 400 <= response.status_code < 500
    assert response.json()["code"]


def test_a_key_that_cannot_be_is_not_found():
    browser = people.browser_of(people.customer()[0])
    assert browser.delete("/api/v1/keys/%00").status_code == 404


@pytest.mark.parametrize(("status", "is_let_in"), [("restricted", True), ("closed", False)])
def test_a_restricted_account_may_still_cancel_by_program(status, is_let_in):
    _, account = people.customer()
    key, secret = services.create_api_key(
        account, "test", actor="operator:test", now=timezone.now()
    )
    Account.objects.filter(pk=account.pk).update(status=status)
    authentication.forget()
    assert (authentication.api_key(key.key_id, secret) is not None) == is_let_in


def test_a_secret_is_made_once_whole_and_private(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "HOME", tmp_path)
    (tmp_path / "secret_key.new").touch()  # what a crash could leave
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(settings._kept_secret("SECRET_KEY")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and len(found[0]) > 40
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
