"""Every call of programs, made with every kind of key. A new call is found by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.keys import issuing
from accounts.keys.terms import Scope, Terms
from accounts.models import ApiKey
from accounts.sessions import authentication
from orders.models import Order
from tests.services.api.conftest import Api, Customer
from trading.api import scopes
from trading.api.authentication import ApiKeyAuthentication

READ = Terms(frozenset({Scope.READ}))
ELSEWHERE = Terms(networks=("192.0.2.0/24", "2001:db8::/32"))
HERE = Terms(networks=("192.0.2.0/24", "127.0.0.1"))


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    scope: Scope | None


def routes() -> list[Route]:
    """Return every call of programs, with an address that reaches it."""
    return sorted(_under(get_resolver(), "/"), key=lambda route: (route.path, route.method))


def _under(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _under(entry, path)
            continue
        view = getattr(entry.callback, "cls", None)
        if view is None or ApiKeyAuthentication not in getattr(view, "authentication_classes", ()):
            continue
        for method in ("get", "post", "put", "patch", "delete"):
            if handler := getattr(view, method, None):
                yield Route(method.upper(), _sample(entry, path), scopes.scope_of(handler))


def _sample(entry: URLPattern, path: str) -> str:
    for name, converter in entry.pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
        path = path.replace(f"<{kind}:{name}>", "stocks" if name == "market" else "AAPL")
    return path


def api_of(customer: Customer, terms: Terms) -> Api:
    key, secret = issuing.create(customer.account, terms=terms)
    return Api(Customer(customer.account, key.key_id, secret))


def answered(api: Api, route: Route) -> tuple[int, str]:
    answer = api(route.method, route.path)
    body = answer.json() if answer.content else {}
    return answer.status_code, body.get("reason", "") if isinstance(body, dict) else ""


def test_every_call_of_programs_says_which_scope_it_needs() -> None:
    found = routes()
    assert len(found) > 40
    assert [route for route in found if route.scope is None] == []
    changing = {route for route in found if route.method != "GET"}
    assert changing == {route for route in found if route.scope is Scope.TRADE}


def test_a_call_that_says_nothing_is_within_no_keys_scopes(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scopes, "scope_of", lambda handler: None)
    answer = api("GET", "/v2/clock")
    assert (answer.status_code, answer.json()["reason"]) == (403, "scope_missing")
    assert answer.json()["code"] == 40310000


def test_scope_matrix_every_call_by_every_kind_of_key(customer: Customer) -> None:
    nobody, former = Api(None), api_of(customer, Terms())
    revoked, ended = api_of(customer, Terms()), api_of(customer, Terms())
    issuing.revoke(customer.account, revoked.headers["APCA-API-KEY-ID"])
    past = timezone.now() - timedelta(seconds=1)
    ApiKey.objects.filter(pk=ended.headers["APCA-API-KEY-ID"]).update(expires_at=past)
    issuing.rotate(customer.account, former.headers["APCA-API-KEY-ID"], overlap=timedelta(0))
    shut_out = [nobody, revoked, ended, former]
    elsewhere, reader = api_of(customer, ELSEWHERE), api_of(customer, READ)
    for route in routes():
        for api in shut_out:
            assert answered(api, route) in ((401, ""), (401, "unauthorized")), route
        assert answered(elsewhere, route) == (403, "address_not_allowed"), route
        status, reason = answered(reader, route)
        if route.scope is Scope.TRADE:
            assert (status, reason) == (403, "scope_missing"), route
        else:
            assert status not in (401, 403), route
            assert status < 500, route
    assert not Order.objects.exists()


def test_a_key_that_trades_is_let_in_everywhere(customer: Customer) -> None:
    api = api_of(customer, HERE)
    for route in routes():
        status, _ = answered(api, route)
        assert status not in (401, 403), route
        assert status < 500, route


def test_no_method_but_those_that_there_are(api: Api) -> None:
    assert api("OPTIONS", "/v2/clock").status_code == 405
    assert api("PUT", "/v2/clock").status_code == 405


def test_a_secret_works_on_beside_the_next_one_until_its_time_is_over(customer: Customer) -> None:
    before = Api(customer)
    _, secret = issuing.rotate(customer.account, customer.key_id, overlap=timedelta(days=1))
    after = Api(Customer(customer.account, customer.key_id, secret))
    authentication.forget()
    assert before("GET", "/v2/clock").status_code == 200
    assert after("GET", "/v2/clock").status_code == 200
    ApiKey.objects.filter(pk=customer.key_id).update(former_until=timezone.now())
    authentication.forget()
    assert before("GET", "/v2/clock").status_code == 401
    assert after("GET", "/v2/clock").status_code == 200


@pytest.mark.parametrize("call", [("GET", "/v2/clock"), ("DELETE", "/v2/orders/x")])
def test_the_last_use_is_noted_with_its_address_once_a_minute(
    customer: Customer, call: tuple[str, str]
) -> None:
    api, begun = Api(customer), timezone.now()
    api(*call)
    api("GET", "/v2/clock")  # whatever the first left to be written is written beside this one
    key = ApiKey.objects.get(pk=customer.key_id)
    assert key.last_used_at is not None
    assert begun - timedelta(seconds=1) <= key.last_used_at <= timezone.now()
    assert key.last_used_from == "127.0.0.1"
    assert key.history.count() == 1  # a use is no change
    authentication.forget()  # as in another process
    api(*call)
    api("GET", "/v2/clock")
    assert ApiKey.objects.get(pk=customer.key_id).last_used_at == key.last_used_at


def test_a_wrong_secret_is_no_use(customer: Customer) -> None:
    Api(Customer(customer.account, customer.key_id, "x" * 43))("GET", "/v2/clock")
    assert ApiKey.objects.get(pk=customer.key_id).last_used_at is None


def test_a_key_has_a_rate_of_its_own(customer: Customer) -> None:
    api = api_of(customer, Terms(calls_per_minute=600_000))
    assert api("GET", "/v2/clock").headers["x-ratelimit-limit"] == "600000"
    slow = api_of(customer, Terms(calls_per_minute=1))
    calls = [("GET", "/v2/clock"), ("DELETE", "/v2/orders/x"), ("DELETE", "/v2/orders/x")]
    answers = [slow(*call) for call in calls]  # two of them in one minute, whenever that begins
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"1"}
    assert 429 in {answer.status_code for answer in answers}
