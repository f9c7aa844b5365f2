"""What every HTTP answer has, whoever made it: a request id, and JSON for programs."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

import orjson
import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from foundation import spans
from trading import traffic
from trading.api import errors
from trading.api.plain import Application, Receive, Scope, Send

PROGRAM_PATHS: Final = ("/v1", "/v2", "/v3", "/api/")  # also where nothing of ours is
BODY_BYTES_MAX: Final = 1024 * 1024

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
# A name, no secret: to ask the system for chance would hand Python's lock to another thread.
_numbers: Final = random.Random()  # noqa: S311


class Manners:
    """Names and counts every request, and turns away a body that nothing here would take.

    The name comes in X-Request-ID or is made, is handed on to be logged, and goes out with the
    answer. A body is refused by its declared length, before any of it is read.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun, status = time.perf_counter(), 0
        given = dict(scope["headers"])
        request_id = _request_id(given)

        def send_named(message: MutableMapping[str, Any]) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                kept = [h for h in message.get("headers", ()) if h[0].lower() != b"x-request-id"]
                message = {**message, "headers": [*kept, (b"x-request-id", request_id)]}
            return send(message)

        if _declared_length(given) > BODY_BYTES_MAX:
            await _refuse_body(send_named)
            traffic.answered(scope, status=status, seconds=time.perf_counter() - begun)
            return
        headers = [h for h in scope["headers"] if h[0] != b"x-request-id"]
        named = {**scope, "headers": [*headers, (b"x-request-id", request_id)]}
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        parent = given.get(b"traceparent", b"").decode("latin-1")
        try:
            with spans.span(f"{scope['method']} call", parent=parent, path=scope["path"]):
                await self._application(named, receive, send_named)
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            # Without an answer the client had left, or the server says that we have failed.
            traffic.answered(named, status=status, seconds=time.perf_counter() - begun)


def _request_id(headers: Mapping[bytes, bytes]) -> bytes:
    given = headers.get(b"x-request-id", b"")
    return bytes(given) if _REQUEST_ID.fullmatch(given) else b"%032x" % _numbers.getrandbits(128)


def _declared_length(headers: Mapping[bytes, bytes]) -> int:
    declared = headers.get(b"content-length", b"")
    return int(declared[:12]) if declared.isdigit() else 0


async def _refuse_body(send: Send) -> None:
    content = orjson.dumps(
        errors.body(
            413, f"A body may have at most {BODY_BYTES_MAX:,} bytes.", reason="body_too_large"
        )
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class JsonForPrograms:
    """Django middleware: at the addresses of programs, every failure is JSON.

    The pages of Django and of what stands before a view (404, 500, CSRF, a wrong host, a
    redirect to sign in) would crash a client that reads JSON.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code < 300 or not request.path.startswith(PROGRAM_PATHS):
            return response
        if response.get("Content-Type", "").startswith("application/json"):
            return response
        # A program is never sent elsewhere: whoever would be, is not signed in.
        status = 401 if response.status_code < 400 else response.status_code
        response.status_code = status
        response.content = orjson.dumps(errors.body(status))
        response["Content-Type"] = "application/json"
        # That of the page, set below us: a client would wait for the rest of it.
        response["Content-Length"] = str(len(response.content))
        del response["Location"]
        return response
