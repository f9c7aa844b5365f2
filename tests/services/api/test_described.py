"""The OpenAPI document: current, whole, and tried with what nobody thought of."""

from __future__ import annotations

import json
from typing import Any

import pytest
import schemathesis
from django.test import Client
from django.urls import URLResolver, get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from rest_framework.views import APIView

from accounts.sessions import authentication
from tests import world
from tests.services.api.conftest import Caller
from trading.api.described.document import document
from trading.settings import BASE_DIR

EXAMPLES = 3  # of each call; a longer run is by hand
KEPT = json.loads((BASE_DIR / "docs" / "openapi.json").read_text())


def addresses(resolver: URLResolver, prefix: str = "/") -> set[str]:
    """Return every address of the API, with names for what it takes."""
    found: set[str] = set()
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            found |= addresses(entry, path)
        elif issubclass(getattr(entry.callback, "cls", object), APIView):
            for name, converter in entry.pattern.converters.items():
                kind = type(converter).__name__.removesuffix("Converter").lower()
                path = path.replace(f"<{kind.replace('string', 'str')}:{name}>", f"{{{name}}}")
            found.add(path)
    return found


def test_the_document_that_is_kept_is_current() -> None:
    """`manage.py openapi > docs/openapi.json` makes it so."""
    assert json.loads(json.dumps(document())) == KEPT


def test_every_call_of_the_api_is_described() -> None:
    assert set(KEPT["paths"]) == addresses(get_resolver())
    for path, methods in KEPT["paths"].items():
        for method, said in methods.items():
            assert said["description"], (method, path)
            assert said["security"] or "/auth/" in path, (method, path)


def test_every_call_that_takes_a_body_says_which() -> None:
    for path, methods in KEPT["paths"].items():
        for method, said in methods.items():
            assert ("requestBody" in said) == (method in ("post", "put", "patch")), (method, path)


@pytest.mark.django_db
def test_the_document_and_its_page_are_there_for_everybody() -> None:
    browser = Client()
    assert browser.get("/api/schema").json() == KEPT
    page = browser.get("/api/docs")
    assert page.status_code == 200
    text = page.content.decode()
    for methods in KEPT["paths"].values():
        for said in methods.values():
            assert said["operationId"] in text


@pytest.fixture
def caller(committed: None) -> Caller:
    authentication.forget()
    world.instrument("AAPL")
    return Caller()


def test_fuzzed_over_the_whole_document_nothing_fails_on_our_side(caller: Caller) -> None:
    said = schemathesis.openapi.from_dict(KEPT)
    tried: set[str] = set()
    for found in said.get_all_operations():
        operation = found.ok()
        if operation.path.endswith("/auth/sign-out"):
            continue  # it would end the caller; tests/services/api/phones/test_phones.py makes it

        @settings(
            max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def make(case: Any) -> None:
            has_body = not isinstance(case.body, type(schemathesis.core.NOT_SET))
            content = json.dumps(case.body).encode() if has_body else None
            answer = caller(
                case.method,
                case.formatted_path,
                params=case.query or None,
                content=content,
                headers={"Content-Type": "application/json"} if has_body else None,
            )
            assert answer.status_code < 500 or answer.status_code == 503, (case, answer.content)
            if answer.status_code >= 400:
                assert answer.json()["code"] // 100_000 in range(400, 504), (case, answer.content)

        make()
        tried.add(operation.path)
    assert len(tried) > 70
