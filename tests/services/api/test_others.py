"""What is somebody else's is not there: every address that names an object of A, asked by B.

The routes are found by themselves, and a new kind of object has to be placed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from accounts import watchlists
from accounts.keys import issuing
from accounts.models import Account, ApiKey, Phone, SignIn, Watchlist
from accounts.sessions import authentication
from marketdata import calendars
from orders.entry import submission
from orders.models import Order
from portfolio import services as portfolio
from portfolio.funding import services as funding
from portfolio.models import Funding, Payee
from reconciliation.models import Statement
from reconciliation.statements import making
from reconciliation.statements.periods import Kind, Period
from tests import people, world
from tests.services.api.conftest import Caller

PUBLIC = {"symbol", "name", "market", "activity_type", "action", "part", "way"}
"""What names nothing that anybody owns: instruments, their issuers' actions, words."""
TOKENS = {"token"}
"""Whoever holds it may: it is no name."""


@dataclass(frozen=True)
class Route:
    path: str
    kind: str


def routes() -> list[Route]:
    """Return every address of pages and calls that names an object, but the admin's."""
    return list(_under(get_resolver(), "/"))


def _under(resolver: URLResolver, prefix: str) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if path.startswith("/admin"):
            continue  # of staff alone: to customers none of it exists, see test_gate
        if isinstance(entry, URLResolver):
            yield from _under(entry, path)
            continue
        names = set(entry.pattern.converters) - PUBLIC - TOKENS
        assert len(names) <= 1, path
        for name in names:
            yield Route(path, name)


def objects_of(account: Account) -> dict[str, str]:
    """Let the customer of `account` have one of everything; return what each is named."""
    now, user = timezone.now(), account.user
    ticket = world.limit_ticket(account, "90")
    order = submission.submit_batch([ticket], now=now)[0].order
    assert order is not None
    key, _ = issuing.create(account)
    payee = world.payee(account)
    sent = funding.request_withdrawal(
        account_id=account.pk, payee_id=payee.pk, amount=Decimal(10), reference="theirs",
        actor=f"user:{user.pk}", now=now,
    )  # fmt: skip
    people.browser_of(user)
    watched = watchlists.create(account_id=account.pk, name="Theirs", symbols=["AAPL"], now=now)
    return {
        "order_id": str(order.pk),
        "key_id": key.key_id,
        "payee_id": str(payee.pk),
        "funding_id": str(sent.pk),
        "phone_id": str(Phone.objects.get(user=user).pk),
        "sign_in_id": str(SignIn.objects.get(user=user).pk),
        "statement_id": str(_statement(account).pk),
        "watchlist_id": str(watched.pk),
    }


def _statement(account: Account) -> Statement:
    """Return a statement of what moved until the day that goes on now."""
    today = calendars.date_of(timezone.now())
    period = Period(Kind.MONTHLY, today - timedelta(days=1), today)
    tomorrow = calendars.midnight(today + timedelta(days=1))
    making.make([account.pk], [period], day=today, now=tomorrow)
    return Statement.objects.get(account=account)


def state() -> list[object]:
    """Return what nobody else may have changed."""
    return [
        list(rows.order_by("pk"))
        for rows in (
            Order.objects.values("pk", "status"),
            ApiKey.objects.values("pk", "revoked_at", "secret_digest"),
            Payee.objects.values("pk", "removed_at"),
            Funding.objects.values("pk", "state"),
            Phone.objects.values("pk", "ended_at"),
            SignIn.objects.values("pk", "ended_at"),
            Statement.objects.values("pk", "digest"),
            Watchlist.objects.values("pk", "name", "symbols"),
        )
    ]


@pytest.fixture
def names(committed: None) -> dict[str, str]:
    authentication.forget()
    world.instrument("AAPL")
    theirs = Caller()
    portfolio.deposit(
        account_id=theirs.account.pk, amount=Decimal(1000), reference="opening",
        actor="operator:test", now=timezone.now(),
    )  # fmt: skip
    return objects_of(theirs.account)


def test_what_a_owns_is_not_found_by_b_at_any_address(names: dict[str, str]) -> None:
    stranger, browser = Caller(), people.browser_of(people.customer()[0])
    before = state()
    found = routes()
    assert {route.kind for route in found} == set(names)
    for route in found:
        path = _named(route, names)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if path.startswith(("/v2", "/api/")):
                answer = stranger(method, path, content=b"{}" if method != "GET" else None)
            else:
                answer = browser.generic(method, path)
            assert answer.status_code in (404, 405, 422), (method, path, answer.status_code)
    assert state() == before


def _named(route: Route, names: dict[str, str]) -> str:
    for kind in ("str", "uuid", "path"):
        path = route.path.replace(f"<{kind}:{route.kind}>", names[route.kind])
        if path != route.path:
            return path
    raise AssertionError(route)
