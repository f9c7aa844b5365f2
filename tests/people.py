"""People for tests, who sign in as people do."""

from __future__ import annotations

import itertools
import uuid

from django.conf import settings
from django.contrib import auth
from django.test import Client
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from accounts import services
from accounts.factors import passwords, proving
from accounts.factors.models import SignInLink
from accounts.models import Account, SignIn, User
from accounts.sessions.store import SessionStore
from foundation.tokens import digest_of
from foundation.tokens import new as new_token

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
    """Return a browser in which `user` is signed in with both factors, as a link leaves it.

    A sign-in is judged, told of, logged and ends others; whoever looks at that signs in by
    `browser_by_link`, at six times the cost.
    """
    now = timezone.now()
    link = SignInLink.objects.create(
        user=user, name="sign-in link", token_digest=digest_of(new_token()), created_at=now,
        expires_at=now + services.SIGN_IN_LINK_AGE, used_at=now, confirmed=True,
    )  # fmt: skip
    stamp = user.get_session_auth_hash()
    session = SessionStore()
    session[auth.SESSION_KEY] = str(user.pk)
    session[auth.BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[auth.HASH_SESSION_KEY] = stamp
    session[DEVICE_ID_SESSION_KEY] = link.persistent_id
    session.create()
    SignIn.objects.create(
        user=user, session_digest=digest_of(session.session_key), password_stamp=digest_of(stamp),
        device=link.name, address="127.0.0.1", started_at=now, seen_at=now, proved_at=now,
        strength=link.strength,
    )  # fmt: skip
    browser = Client(raise_request_exception=False)
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return browser


def browser_by_link(user: User) -> Client:
    """Return a browser in which `user` has signed in by a link, and all that goes with it."""
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
