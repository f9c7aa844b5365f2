"""What was once answered with a 500, or with the wrong no."""

import pytest
from django.utils import timezone

from accounts.keys import issuing
from accounts.models import Account
from accounts.sessions import authentication
from tests import people

pytestmark = pytest.mark.django_db


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
    key, secret = issuing.create(account, "test", actor="operator:test", now=timezone.now())
    Account.objects.filter(pk=account.pk).update(status=status)
    authentication.forget()
    assert (authentication.api_key(key.key_id, secret) is not None) == is_let_in
