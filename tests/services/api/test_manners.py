"""What every call does whatever it is about: JSON errors, headers, limits, never a 5xx."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.api.conftest import Api, Customer, new_customer, phone_of

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def calls() -> dict[str, tuple[str, ...]]:
    """Return the methods of every address of the API, with something in its open places."""
    found: dict[str, tuple[str, ...]] = {}

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> None:
        for pattern in patterns:
            address = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, address)
            elif address.startswith(("v2/", "v1beta3/", "api/v1/")):
                parts = address.replace("<", "\0").replace(">", "\0").split("\0")
                example = "".join("AAPL" if i % 2 else part for i, part in enumerate(parts))
                view = getattr(pattern.callback, "cls", None)
                methods = tuple(each for each in METHODS if hasattr(view, each.lower()))
                found.setdefault(f"/{example}", methods or METHODS)

    walk(get_resolver().url_patterns, "")
    return dict(sorted(found.items()))


def assert_mannerly(answer: Any, what: object) -> None:
    """It succeeded, or failed in the way that clients can read."""
    assert answer.status_code < 500, (what, answer.content[:300])
    assert not 300 <= answer.status_code < 400, what
    if answer.status_code >= 400:
        error = json.loads(answer.content)
        assert isinstance(error["code"], int), what
        assert error["code"] // 100_000 in (answer.status_code, 400), what
        assert error["message"], what
        assert "detail" not in error, what


def test_every_address_is_closed_to_strangers(customer: Customer) -> None:
    client = Client(raise_request_exception=False)
    names = ("password", "factor", "factor/code", "factor/key", "refresh")
    steps = {f"/api/v1/auth/{name}" for name in names}
    seen = calls().keys()
    assert len(seen) > 30
    assert steps <= seen
    for address in sorted(seen - steps):  # by those a phone comes in: they have tests of their own
        for method in METHODS:
            answer = client.generic(method, address, b"{}", content_type="application/json")
            assert answer.status_code in (401, 405), (method, address, answer.status_code)
            assert_mannerly(answer, (method, address))


SIGN_OUT = "/api/v1/auth/sign-out"  # it would end the caller


class Caller:
    """A customer at a phone for what is for people, with a key for what is for programs: what
    comes by a browser's cookie is looked up in four tables more, at each of thousands of calls."""

    def __init__(self) -> None:
        customer = new_customer()
        self._key, self._phone = customer.headers, phone_of(customer.account)
        self._client = Client(raise_request_exception=False)

    def __call__(self, method: str, address: str, body: bytes = b"") -> Any:
        headers = self._phone if address.startswith("/api/v1/") else self._key
        return self._client.generic(
            method, address, body, content_type="application/json", headers=headers
        )

    def is_known(self) -> bool:
        answers = [self("GET", address) for address in ("/api/v1/account", "/v2/account")]
        return [answer.status_code for answer in answers] == [200, 200]


WRONG_BODIES = (
    b"", b"{", b"[]", b"null", b"7", b'"text"', b'{"a":NaN}', b"[" * 20_000, b"\xff",
    b'{"symbol": {"a": []}, "qty": 1e400}', b'{"symbols": [1, null]}', b'{"key": 7}',
    b'{"name": []}', b'{"symbols": ["NOPE"]}',
)  # fmt: skip


def test_no_body_makes_any_call_fail_on_our_side(browser: Client) -> None:
    for body in WRONG_BODIES:
        call = Caller()
        for address, methods in calls().items():
            if not address.startswith("/api/v1/"):
                continue
            for method in methods:
                if address == SIGN_OUT:
                    answer = browser.generic(method, address, body, content_type="application/json")
                else:
                    answer = call(method, address, body)
                assert_mannerly(answer, (method, address, body))
        assert call.is_known()


ODD_QUERIES = (
    "limit=-1", "limit=x", "limit=999999999999", "after=yesterday", "until=9999-99-99",
    "start=0001-01-01&end=9999-12-31", "start=2030-01-01&end=2020-01-01", "symbols=%00",
    "symbols=NOPE", "symbols=AAPL&timeframe=7Fortnight", "symbols=AAPL&page_token=%FF",
    "symbols=AAPL&page_token=QUFQTHw5OTk5LTEyLTMxVDIzOjU5OjU5Ljk5OTk5OQ==",
    "symbols=AAPL&timeframe=1Min&limit=1", "status=bogus", "side=up", "client_order_id=%00",
    "percentage=NaN", "qty=1e9", "cancel_orders=maybe", "date=x", "page_size=0",
    "symbol=%F0%9F%98%80", "asset_class=%00", "since=-5",
)  # fmt: skip


@pytest.mark.usefixtures("customer")
def test_no_query_makes_any_call_fail_on_our_side() -> None:
    for query in ODD_QUERIES:
        call = Caller()
        for address, methods in calls().items():
            for method in sorted({"GET", "DELETE"}.intersection(methods)):
                answer = call(method, f"{address}?{query}")
                assert_mannerly(answer, (method, address, query))
        assert call.is_known()


BODIES = st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.dictionaries(
            st.sampled_from(["symbol", "qty", "side", "type", "time_in_force", "limit_price", "x"]),
            inner,
        )
        | st.lists(inner, max_size=3)
    ),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=BODIES)
def test_no_body_makes_the_order_path_fail_on_our_side(api: Api, body: bytes) -> None:
    answer = api("POST", "/v2/orders", content=body)
    assert_mannerly(answer, body)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v2/nowhere", 404, 40410000),
        ("GET", "/v2/", 404, 40410000),
        ("GET", "/v2/orders/", 404, 40410000),
        ("PUT", "/v2/orders", 405, 40510000),
        ("GET", "/api/v1/nowhere", 404, 40410000),
        ("GET", "/v2/assets/NOPE", 404, 40410000),
        ("GET", "/v1/nowhere", 404, 40410000),
        ("GET", "/v3/clock", 404, 40410000),
    ],
)
def test_errors_have_the_codes_of_the_contract(
    api: Api, method: str, path: str, status: int, code: int
) -> None:
    answer = api(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    # Who is told of more bytes than come waits for the rest until it gives up.
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize("path", ["/v2/account", "/v2/orders"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_wrong_key_is_refused_alike_everywhere(
    customer: Customer, method: str, path: str
) -> None:
    wrong = [
        {},
        {"APCA-API-KEY-ID": customer.key_id},
        {"APCA-API-KEY-ID": customer.key_id, "APCA-API-SECRET-KEY": "wrong"},
        {"APCA-API-KEY-ID": "\u00e9" * 10, "APCA-API-SECRET-KEY": "wrong"},
        {"APCA-API-KEY-ID": "x" * 5000, "APCA-API-SECRET-KEY": "wrong"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Bearer token"},
    ]
    for headers in wrong:
        raw = [(k.encode(), v.encode("latin-1")) for k, v in headers.items()]
        answer = Api(None)(method, path, headers=raw, json={})
        if method == "POST" and path == "/v2/account":
            assert answer.status_code in (401, 405)
        else:
            assert (answer.status_code, answer.json()["code"]) == (401, 40110000), headers


def test_basic_authentication_is_as_good(customer: Customer) -> None:
    pair = base64.b64encode(f"{customer.key_id}:{customer.secret}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}"}
    assert Api(None)("GET", "/v2/stocks/quotes/latest?symbols=AAPL", headers=headers).is_success
    assert Api(None)("DELETE", "/v2/orders/x", headers=headers).status_code == 404


def test_every_answer_has_a_request_id(api: Api) -> None:
    for method, path in (("GET", "/v2/account"), ("POST", "/v2/orders"), ("GET", "/nowhere")):
        assert len(api(method, path).headers["x-request-id"]) == 32
    named = api("GET", "/v2/account", headers={"X-Request-ID": "my-own-name"})
    assert named.headers["x-request-id"] == "my-own-name"
    assert (
        len(api("GET", "/v2/clock", headers={"X-Request-ID": "b@d"}).headers["x-request-id"]) == 32
    )


def test_calls_are_counted_and_limited(api: Api, settings: Any) -> None:
    settings.API_CALLS_PER_MINUTE = 2
    with time_machine.travel(timezone.now(), tick=False):  # all of them are of one minute
        headers = [api("GET", "/v2/clock").headers, api("POST", "/v2/orders").headers]
        answers = [api(method, "/v2/orders") for method in ("GET", "POST")]
    assert [h["x-ratelimit-remaining"] for h in headers] == ["1", "0"]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (429, 42910000)
        assert answer.headers["x-ratelimit-limit"] == "2"
        assert int(answer.headers["x-ratelimit-reset"]) % 60 == 0


def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: Api) -> None:
    for path in ("/v2/orders", "/v2/account", "/sign-in"):
        answer = api("POST", path, content=b"x" * 2_000_000)
        assert (answer.status_code, answer.json()["code"]) == (413, 41310000)
    assert api("POST", "/v2/orders", content=b"x" * 70_000).status_code == 413


def test_a_wrong_host_is_told_in_json(api: Api) -> None:
    answer = api("GET", "/v2/account", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, 40010000)


def test_a_page_without_its_csrf_token_changes_nothing(browser: Client) -> None:
    del browser.defaults["HTTP_X_CSRFTOKEN"]
    answer = browser.post(
        "/api/v1/demo-deposit", {"key": "a-new-key"}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["code"]) == (403, 40310000)


def test_a_fault_of_ours_is_told_in_json(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from portfolio import selectors

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(selectors, "snapshot", broken)
    answer = api("GET", "/v2/account")
    assert (answer.status_code, answer.json()["code"]) == (500, 50010000)
    assert "Zero" not in answer.text


def test_head_and_options_are_sane(api: Api) -> None:
    assert api("HEAD", "/v2/account").status_code == 200
    assert api("OPTIONS", "/v2/orders").status_code == 405
