"""A customer with a key, another customer, a market, and two ways to call the API."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.keys import issuing
from accounts.models import Account, Phone
from accounts.phones import tokens
from accounts.sessions import authentication
from tests import people, world
from trading.asgi import application


@dataclass(frozen=True)
class Customer:
    account: Account
    key_id: str
    secret: str

    @property
    def headers(self) -> dict[str, str]:
        return {"APCA-API-KEY-ID": self.key_id, "APCA-API-SECRET-KEY": self.secret}


def new_customer(*, cash: str = "100000.00") -> Customer:
    account = world.customer(cash=cash)
    key, secret = issuing.create(account)
    return Customer(account, key.key_id, secret)


def phone_of(account: Account) -> dict[str, str]:
    """Sign a phone of the account's owner in, who proved a factor a moment ago: it may make every
    call. Return the headers that it sends."""
    now, access = timezone.now(), tokens.new()
    Phone.objects.create(
        user=account.user, name="phone", device_digest=tokens.digest_of(access),
        factor="authenticator app",
        password_stamp=tokens.digest_of(account.user.get_session_auth_hash()), started_at=now,
        seen_at=now, proved_at=now, strength=2, access_digest=tokens.digest_of(access),
        access_until=now + tokens.ACCESS_LASTS,
    )  # fmt: skip
    return {"Authorization": f"Bearer {access}"}


class Api:
    """Calls the ASGI application as a server would, plain handlers and all."""

    def __init__(self, customer: Customer | None) -> None:
        self.headers = customer.headers if customer else {}

    def __call__(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost", headers=self.headers
            ) as client:
                return await client.request(method, path, **request)

        return asyncio.run(call())


@pytest.fixture
def customer(committed: None) -> Customer:
    authentication.forget()
    world.instrument("AAPL", bid="99.99", ask="100.00")
    return new_customer()


@pytest.fixture
def api(customer: Customer) -> Api:
    return Api(customer)


@pytest.fixture
def other(customer: Customer) -> Customer:
    return new_customer()


@pytest.fixture
def browser(customer: Customer) -> Client:
    """A browser that the customer is signed in with, and that sends the CSRF token."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    token = services.new_sign_in_link(customer.account.user, timezone.now())
    client.get(f"/sign-in/link/{token}")
    link = f"/sign-in/link/{token}"
    client.post(link, {"csrfmiddlewaretoken": client.cookies["csrf"].value})
    client.defaults["HTTP_X_CSRFTOKEN"] = client.cookies["csrf"].value
    return client


def send(browser: Client, method: str, path: str, body: object = None) -> Any:
    call = getattr(browser, method)
    return call(path, body, content_type="application/json") if body is not None else call(path)


class Caller(Api):
    """A phone that is signed in, and has proved a factor a moment ago: it may make every call."""

    def __init__(self) -> None:
        _, self.account = people.customer()
        self.headers = phone_of(self.account)
