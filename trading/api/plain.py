"""The order path over HTTP without a framework: place, replace and cancel an order.

POST /v2/orders, PATCH and DELETE /v2/orders/{id}. Django's stack costs a multiple of what
placing an order does, so these calls are answered in front of it, with the same authentication,
reading and errors as the views. All else, also other methods at these addresses, goes on to
Django.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson
import structlog
from django.db import InterfaceError, OperationalError, connection

from accounts.keys.keyring import Key, Principal
from accounts.keys.terms import Scope as KeyScope
from accounts.sessions import authentication
from accounts.sessions.bearers import token_in
from orders.entry.submission import Answer
from trading import traffic
from trading.api import errors, order_entry, parsing, queries, rate_limits
from trading.api.arrivals import Arrivals
from trading.api.authentication import (
    CHALLENGE,
    CREDENTIAL_HEADERS,
    authorize,
    caller_of,
    credentials,
    unauthorized,
)
from trading.api.bounds import Bounds
from trading.api.tickets import Origin

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

BODY_SECONDS_MAX: Final = 10.0

_ORDERS: Final = "/v2/orders"
_ORDER: Final = "/v2/orders/<order_id>"
_ALWAYS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_JSON: Final = (b"content-type", b"application/json")
_CHALLENGE: Final = (b"www-authenticate", CHALLENGE.encode())


class Gone(Exception):
    """The client left before its request was complete: nobody waits for an answer."""


class ByPhone(Exception):
    """The call brings a phone's token instead of a key: Django's views know those."""


class OrderEntry:
    """Answers the calls of the order path and hands on everything else."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._waits: _Waits | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        route = _ORDER
        if method == "POST" and path == _ORDERS:
            call, route = self._place, _ORDERS
        elif method == "PATCH" and path.startswith(_ORDERS + "/"):
            call = self._replace
        elif method == "DELETE" and path.startswith(_ORDERS + "/"):
            call = self._cancel
        else:
            await self._application(scope, receive, send)
            return
        begun = time.perf_counter()
        scope[traffic.ROUTE] = route
        headers: Headers = []
        request = _Request(scope, receive, self._here())
        try:
            status, body = await self._outcome(call, request, headers)
        except Gone:
            return
        except ByPhone:
            await self._application(scope, receive, send)
            return
        await _answer(send, status, body, headers)
        if request.decided is not None:
            order_entry.acknowledged(request.decided, seconds=time.perf_counter() - begun)

    async def _outcome(
        self,
        call: Callable[[_Request, Headers], Awaitable[tuple[int, Any]]],
        request: _Request,
        headers: Headers,
    ) -> tuple[int, Any]:
        """Return status and body of the answer to a call. Raises Gone, ByPhone."""
        try:
            return await call(request, headers)
        except (Gone, ByPhone):
            raise
        except errors.ApiError as error:
            if isinstance(error, rate_limits.TooManyCalls):
                headers += error.allowance.raw_headers
            if error.status == 401:
                headers.append(_CHALLENGE)
            return error.status, error.body
        except (OperationalError, InterfaceError):
            log.exception("database_unavailable")
            return 503, errors.body(503, reason="database_unavailable")
        except Exception:
            log.exception("order_entry_failed")
            return 500, errors.body(500)

    async def _place(self, request: _Request, headers: Headers) -> tuple[int, Any]:
        origin = await self._origin(request, headers)
        payload = parsing.parse(await request.body())
        ticket = order_entry.order_ticket(payload, origin=origin, refuses_unknown=False)
        return 200, order_entry.placed(await request.outcome(ticket))

    async def _replace(self, request: _Request, headers: Headers) -> tuple[int, Any]:
        origin = await self._origin(request, headers)
        order_id = request.order_id
        payload = parsing.parse(await request.body())
        ticket = order_entry.replace_ticket(payload, order_id, origin=origin, refuses_unknown=False)
        return 200, order_entry.placed(await request.outcome(ticket))

    async def _cancel(self, request: _Request, headers: Headers) -> tuple[int, Any]:
        origin = await self._origin(request, headers)
        ticket = order_entry.cancel_ticket(request.order_id, origin=origin)
        order_entry.cancel_accepted(await request.outcome(ticket))
        return 204, None

    async def _origin(self, request: _Request, headers: Headers) -> Origin:
        """Return who calls, counted against what they may. Raises ApiError."""
        principal = await request.principal()
        if principal is None:
            raise unauthorized()
        authorize(principal, scope=KeyScope.TRADE, address=request.source_address)
        headers += rate_limits.spend(principal.key_id, limit=principal.calls_per_minute).raw_headers
        caller = caller_of(principal)
        return Origin(
            account_id=caller.account_id,
            actor=caller.actor,
            source_address=request.source_address,
            received_at=datetime.now(UTC),
            request_id=request.id,
        )

    def _here(self) -> _Waits:
        """Return what is waited for on the loop that is running; a process has one as a rule."""
        loop = asyncio.get_running_loop()
        if self._waits is None or self._waits.loop is not loop:
            self._waits = _Waits(loop)
        return self._waits


class _Request:
    """One call as the server hands it over."""

    __slots__ = ("_receive", "_scope", "_waits", "decided")

    def __init__(self, scope: Scope, receive: Receive, waits: _Waits) -> None:
        self._scope = scope
        self._receive = receive
        self._waits = waits
        self.decided: order_entry.Asked | None = None  # the ticket that has an answer

    @property
    def order_id(self) -> UUID:
        """Return which order the address names. Raises ApiError when it can name none."""
        order_id = queries.as_uuid(self._scope["path"][len(_ORDERS) + 1 :])
        if order_id is None:
            raise errors.not_found("The order")
        return order_id

    @property
    def id(self) -> str:
        """Return what the request is called in logs: who named it has put that last."""
        name, value = self._scope["headers"][-1] if self._scope["headers"] else (b"", b"")
        return value.decode("latin-1") if name == b"x-request-id" else ""

    @property
    def source_address(self) -> str:
        client = self._scope.get("client")
        return client[0] if client else ""

    async def principal(self) -> Principal | None:
        """Return who proves a key with this call, None when nobody does. Raises ByPhone."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in self._scope["headers"]
            if name in CREDENTIAL_HEADERS
        }
        given = credentials(headers)
        if given is None:
            if token_in(headers.get("authorization", "")) is not None:
                raise ByPhone
            return None
        return await self._waits.keys.principal(*given, address=self.source_address)

    async def body(self) -> bytes:
        """Return the whole body. Raises ApiError when it is too large or too slow, Gone."""
        for name, value in self._scope["headers"]:
            if name == b"content-length" and value.isdigit():
                if int(value[:10]) > parsing.BODY_BYTES_MAX:
                    raise parsing.too_large()
                break
        try:
            with self._waits.bodies.begin():
                return await _read(self._receive)
        except TimeoutError:
            raise errors.ApiError(
                408, "The body did not come in time.", reason="too_slow"
            ) from None

    async def outcome(self, ticket: order_entry.Asked) -> Answer:
        """Return what became of the ticket, within a bound. Raises ApiError when it is unknown.

        A client that leaves while its ticket still waits withdraws it.
        """
        entered = order_entry.enter(ticket)
        try:
            with self._waits.answers.begin():
                await self._waits.arrivals.of(entered)
        except asyncio.CancelledError:
            entered.cancel()
            raise
        except TimeoutError:
            raise order_entry.unanswered(ticket, entered) from None
        try:
            answer = entered.result()
        except Exception as error:
            raise order_entry.failed(ticket, error) from error
        self.decided = ticket
        return answer


class _Waits:
    """What is waited for on one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop: Final = loop
        self.bodies: Final = Bounds(loop, BODY_SECONDS_MAX)
        self.answers: Final = Bounds(loop, order_entry.WAIT_SECONDS_MAX)
        self.arrivals: Final = Arrivals(loop)
        self.keys: Final = _KeyLookups()


class _KeyLookups:
    """Looks for keys: one at a time, and whoever comes meanwhile shares the next one.

    Who brings a key that was looked for within the last second waits for nobody.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._wanted: set[str] = set()
        self._next: asyncio.Task[dict[str, Key]] | None = None

    async def principal(self, key_id: str, secret: str, *, address: str) -> Principal | None:
        found = authentication.api_key_cached(key_id, secret, address=address)
        if found is None:
            self._wanted.add(key_id)
            looked = await asyncio.shield(self._look())  # one who leaves spoils it for nobody
            found = authentication.proved(looked.get(key_id), secret, address=address)
        if authentication.is_look_due() and not self._is_looking:
            # Nobody waits for this one: should it fail, the next call's own look says so.
            self._look().add_done_callback(lambda look: look.cancelled() or look.exception())
        return found

    @property
    def _is_looking(self) -> bool:
        return self._next is not None or self._lock.locked()

    def _look(self) -> asyncio.Task[dict[str, Key]]:
        """Return the look that has not begun yet."""
        if self._next is None:
            self._next = asyncio.create_task(self._look_in_turn())
        return self._next

    async def _look_in_turn(self) -> dict[str, Key]:
        async with self._lock:
            wanted, self._wanted, self._next = self._wanted, set(), None
            return await asyncio.to_thread(_look_up, wanted)


def _look_up(key_ids: set[str]) -> dict[str, Key]:
    try:
        return authentication.look_up(key_ids)
    finally:
        connection.close()  # this thread is anybody's next: the pool gets its connection back


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > parsing.BODY_BYTES_MAX:
            raise parsing.too_large()
        if not message.get("more_body", False):
            return bytes(body)


async def _answer(send: Send, status: int, body: Any, headers: Headers) -> None:
    headers += _ALWAYS
    content = b""
    if body is not None:
        content = orjson.dumps(body)
        headers += (_JSON, (b"content-length", b"%d" % len(content)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
