"""A phone, and its owner with a factor of every kind, at a time that stands still."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from accounts.models import User
from accounts.sessions import authentication
from tests import people
from tests.authenticator import SoftwareKey
from tests.people import PASSWORD
from tests.phone_app import App
from tests.services.api.phones.owners import START, add_key, add_place


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as found:
        yield found


@pytest.fixture
def owner(clock: Any) -> User:
    """Somebody with a factor of every kind."""
    authentication.forget()
    user, _ = people.customer(password=PASSWORD)
    add_place(user, "sms", "+436601234567")
    add_place(user, "email", "box@example.com")
    return user


@pytest.fixture
def key(owner: User) -> SoftwareKey:
    return add_key(owner)


@pytest.fixture
def app(owner: User) -> App:
    return App(owner)
