"""The keys page's calls: making a key on terms, giving it another secret, revoking it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts import activity
from accounts.models import ApiKey, Letter, SignIn
from accounts.sessions import authentication
from tests.services.api.conftest import Api, Customer, send

TERMS: dict[str, Any] = {
    "name": "robot",
    "scopes": ["read"],
    "networks": ["127.0.0.1", "2001:db8::/32"],
    "calls_per_minute": 60,
}


def made(browser: Client, **terms: object) -> dict[str, Any]:
    answer = send(browser, "post", "/api/v1/keys", terms)
    assert answer.status_code == 201
    return dict(answer.json())


def of(key: dict[str, Any]) -> Api:
    return Api(Customer(None, key["key_id"], key["secret_key"]))  # type: ignore[arg-type]


def forget_the_proof() -> None:
    """Let the second factor have been proved an hour ago."""
    SignIn.objects.update(proved_at=timezone.now() - timedelta(hours=1))
    authentication.forget()


def test_a_key_is_made_on_terms_that_are_listed_and_told_of(
    browser: Client, customer: Customer
) -> None:
    ends = (timezone.now() + timedelta(days=30)).isoformat()
    key = made(browser, **TERMS, expires_at=ends)
    assert key["scopes"] == ["read"]
    assert key["networks"] == ["127.0.0.1/32", "2001:db8::/32"]
    assert of(key)("GET", "/v2/clock").headers["x-ratelimit-limit"] == "60"
    assert of(key)("POST", "/v2/orders").status_code == 403
    secret = key.pop("secret_key")
    (listed,) = [
        row for row in send(browser, "get", "/api/v1/keys").json() if row["key_id"] == key["key_id"]
    ]
    assert listed["last_used_from"] == "127.0.0.1"
    assert {**listed, "last_used_at": None, "last_used_from": None} == key
    letter = Letter.objects.filter(kind="key_created").latest("pk")
    assert letter.to == customer.account.user.email
    assert secret not in str(ApiKey.objects.filter(pk=key["key_id"]).values())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scopes": []}, "invalid_key"),
        ({"scopes": ["withdraw"]}, "invalid_request"),
        ({"scopes": "read"}, "invalid_request"),
        ({"networks": ["0.0.0.0/0"]}, "invalid_key"),
        ({"networks": [7]}, "invalid_request"),
        ({"expires_at": "2020-01-01"}, "invalid_key"),
        ({"expires_at": "soon"}, "invalid_request"),
        ({"expires_at": 7}, "invalid_request"),
        ({"calls_per_minute": 0}, "invalid_key"),
        ({"calls_per_minute": True}, "invalid_request"),
        ({"name": "x" * 61}, "invalid_request"),
    ],
)
def test_a_key_on_terms_that_cannot_be_is_not_made(
    browser: Client, change: dict[str, object], reason: str
) -> None:
    before = ApiKey.objects.count()
    answer = send(browser, "post", "/api/v1/keys", TERMS | change)
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)
    assert ApiKey.objects.count() == before


def test_step_up_making_and_rotating_a_key_ask_for_a_fresh_factor(
    browser: Client, customer: Customer
) -> None:
    before = ApiKey.objects.values_list("secret_digest", flat=True)[0]
    forget_the_proof()
    for path in ("/api/v1/keys", f"/api/v1/keys/{customer.key_id}/rotate"):
        answer = send(browser, "post", path, {})
        assert (answer.status_code, answer.json()["reason"]) == (403, "proof_needed")
    assert list(ApiKey.objects.values_list("secret_digest", flat=True)) == [before]
    assert send(browser, "get", "/api/v1/keys").status_code == 200
    assert send(browser, "delete", f"/api/v1/keys/{customer.key_id}").status_code == 204


def test_a_key_is_given_another_secret(browser: Client, customer: Customer) -> None:
    path = f"/api/v1/keys/{customer.key_id}/rotate"
    answer = send(browser, "post", path, {"overlap_hours": 1})
    assert answer.status_code == 200
    authentication.forget()
    for api in (Api(customer), of(answer.json())):
        assert api("GET", "/v2/clock").status_code == 200
    kinds = [entry.kind for entry in activity.since(customer.account.pk, 0)]
    assert kinds[-1] == "key.rotated"
    assert Letter.objects.filter(kind="key_rotated").count() == 1
    at_once = send(browser, "post", path, {"overlap_hours": 0}).json()
    authentication.forget()
    assert [api("GET", "/v2/clock").status_code for api in (Api(customer), of(at_once))] == [
        401,
        200,
    ]


@pytest.mark.parametrize(
    ("overlap", "reason"),
    [(169, "invalid_request"), (-1, "invalid_request"), ("1", "invalid_request")],
)
def test_the_old_secret_works_on_for_a_week_at_most(
    browser: Client, customer: Customer, overlap: object, reason: str
) -> None:
    path = f"/api/v1/keys/{customer.key_id}/rotate"
    answer = send(browser, "post", path, {"overlap_hours": overlap})
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)
    assert Api(customer)("GET", "/v2/clock").status_code == 200


def test_what_has_ended_and_what_is_anothers_is_given_no_secret(
    browser: Client, customer: Customer, other: Customer
) -> None:
    path = f"/api/v1/keys/{other.key_id}/rotate"
    assert send(browser, "post", path, {}).status_code == 404
    assert Api(other)("GET", "/v2/clock").status_code == 200
    send(browser, "delete", f"/api/v1/keys/{customer.key_id}")
    answer = send(browser, "post", f"/api/v1/keys/{customer.key_id}/rotate", {})
    assert (answer.status_code, answer.json()["reason"]) == (422, "key_ended")
