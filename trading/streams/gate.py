"""Who may open a socket: whoever is signed in with both factors, from a page of ours.

The counterpart of `accounts.sessions.gate` for sockets: everything that is routed stands behind it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from typing import Any

from asgiref.sync import sync_to_async
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.db import connection
from django.http.request import split_domain_port, validate_host
from django.utils import timezone
from django.utils.http import is_same_domain

from accounts.phones import tokens
from accounts.sessions import authentication, sign_ins
from accounts.sessions.bearers import token_in
from accounts.sessions.sign_ins import SignedIn
from trading.streams.admission import admission
from trading.streams.watch import NOT_SIGNED_IN, Stand

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def guarded(application: Application) -> Application:
    """Let only verified people from our own pages, or at their phones, reach `application`.

    It finds them in scope["signed_in"], and in scope["stands_on"] the sign-in to keep an eye on
    (`trading.streams.watch`).
    """
    return _ByPhone(application, otherwise=_OurPagesOnly(_SignedInOnly(application)))


class _ByPhone:
    """Lets in whoever brings a phone's access token. A page cannot: its sockets carry none."""

    def __init__(self, application: Application, *, otherwise: Application) -> None:
        self._application = application
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        token = token_in(headers.get(b"authorization", b"").decode("latin1"))
        if token is None or b"origin" in headers or not _is_our_host(headers):
            await self._otherwise(scope, receive, send)
            return
        seen_at = time.monotonic() - authentication.CACHE_SECONDS
        signed_in = await sync_to_async(_look_at_token, thread_sensitive=False)(token)
        if signed_in is None:
            await _turn_away(receive, send)
            return
        phone_id = signed_in.sign_in_id
        at = Stand(tokens.digest_of(str(phone_id)), seen_at, phone_id=phone_id)
        await self._application({**scope, "signed_in": signed_in, "stands_on": at}, receive, send)


class _OurPagesOnly:
    """Refuses the handshake to pages of other origins, whose sockets carry our cookie too."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        application = self._application if _is_from_our_page(scope) else WebsocketDenier()
        await application(scope, receive, send)


class _SignedInOnly:
    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        session_key = _session_key(scope)
        at = Stand(sign_ins.digest_of(session_key or ""), seen_at=time.monotonic())
        signed_in = await admission().signed_in(at.digest) if session_key else None
        if signed_in is None:
            await _turn_away(receive, send)
            return
        await self._application({**scope, "signed_in": signed_in, "stands_on": at}, receive, send)


def _look_at_token(token: str) -> SignedIn | None:
    try:
        return authentication.phone(token, now=timezone.now())
    finally:
        connection.close()


def _is_from_our_page(scope: Scope) -> bool:
    """Judge by the rules that Django has for forms: our own origin, or one we are told to trust.

    Scheme and port count: another program on this machine may have a page of its own.
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin1").lower()
    host = headers.get(b"host", b"").decode("latin1").lower()
    if not origin:  # no page: only where any host may be named
        return "*" in settings.ALLOWED_HOSTS
    scheme = "https" if scope.get("scheme") in ("wss", "https") else "http"
    return (_is_our_host(headers) and origin == f"{scheme}://{host}") or _is_trusted(origin)


def _is_our_host(headers: dict[bytes, bytes]) -> bool:
    host = headers.get(b"host", b"").decode("latin1").lower()
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


def _is_trusted(origin: str) -> bool:
    scheme, _, host = origin.partition("://")
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        trusted_scheme, _, pattern = trusted.lower().partition("://")
        # "*.example.com" is written ".example.com" where hosts are compared
        if scheme == trusted_scheme and is_same_domain(host, pattern.removeprefix("*")):
            return True
    return False


def _session_key(scope: Scope) -> str | None:
    cookies: SimpleCookie = SimpleCookie()
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                cookies.load(value.decode("latin1"))
            except CookieError:
                return None
    morsel = cookies.get(settings.SESSION_COOKIE_NAME)
    return morsel.value if morsel else None


async def _turn_away(receive: Receive, send: Send) -> None:
    # Accepted first: a refused handshake reaches the page as 1006, which says nothing.
    message = await receive()
    if message["type"] == "websocket.connect":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": NOT_SIGNED_IN})
