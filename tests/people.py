"""People for tests, who sign in as people do."""

from __future__ import annotations

import itertools
import uuid

from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.factors import passwords, proving
from accounts.models import Account, User

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


class Cheap(passwords.Argon2id):
    """The hash of the program, in 64 KiB instead of 46 MiB."""

    memory_cost = 64


def person(*, is_staff: bool = False, password: str | None = None) -> User:
    """Register somebody who has an authenticator."""
    email = f"person{next(_numbers)}-{uuid.uuid4().hex[:8]}@example.com"
    user = services.register(email=email, name="Pat Person", password=password, is_staff=is_staff)
    proving.enrol_unseen(user)
    return user


def customer(*, password: str | None = None) -> tuple[User, Account]:
    user = person(password=password)
    return user, services.open_account(user)


def browser_of(user: User) -> Client:
    """Return a browser in which `user` is signed in with both factors."""
    browser = Client(raise_request_exception=False)
    token = services.new_sign_in_link(user, timezone.now())
    response = browser.post(f"/sign-in/link/{token}")
    if response.status_code != 302:
        raise RuntimeError(f"the sign-in link was answered with {response.status_code}")
    return browser


def halfway(user: User, *, password: str = PASSWORD) -> Client:
    """Return a browser in which `user` has given the password and nothing else."""
    browser = Client(raise_request_exception=False)
    browser.post("/sign-in", {"email": user.email, "password": password})
    return browser
