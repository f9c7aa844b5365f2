"""How a call fails: JSON with a code, a sentence and a reason, from every handler.

The codes are those that compatible clients know. `reason` is ours: a stable word for what
happened, finer than the code. docs/api.md lists both.
"""

from __future__ import annotations

from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response

from orders.tickets import Refusal

log = structlog.get_logger(__name__)

MALFORMED: Final = 40010000
UNAUTHORIZED: Final = 40110000
FORBIDDEN: Final = 40310000
NOT_FOUND: Final = 40410000
METHOD_NOT_ALLOWED: Final = 40510000
INVALID: Final = 40010001
UNPROCESSABLE: Final = 42210000
TOO_LARGE: Final = 41310000
TOO_MANY: Final = 42910000
INTERNAL: Final = 50010000
UNAVAILABLE: Final = 50310000

_CODES: Final = {
    400: MALFORMED,
    401: UNAUTHORIZED,
    403: FORBIDDEN,
    404: NOT_FOUND,
    405: METHOD_NOT_ALLOWED,
    413: TOO_LARGE,
    422: INVALID,
    429: TOO_MANY,
    500: INTERNAL,
    503: UNAVAILABLE,
}
_MESSAGES: Final = {
    400: "The request is malformed.",
    401: "A valid API key or sign-in is needed.",
    403: "This is not allowed.",
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    500: "Something went wrong on our side. Tell us the X-Request-ID of this answer.",
    503: "The platform cannot answer now. Try again shortly.",
}

# A refusal is of a request that made no order. An order of somebody else, like one that nobody
# has, is not found; the other refusals say what is wrong with the request.
_NOT_FOUND_REASONS: Final = frozenset({"unknown_order", "unknown_account"})


class ApiError(Exception):
    """A call that fails as the contract says: status, code, message, and fields of our own."""

    def __init__(
        self, status: int, message: str, *, reason: str, code: int | None = None, **extra: object
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body(status, message, reason=reason, code=code, **extra)


def body(
    status: int, message: str = "", *, reason: str = "", code: int | None = None, **extra: object
) -> dict[str, Any]:
    """Return the JSON of a failure with HTTP `status`."""
    return {
        "code": code or code_of(status),
        "message": message or _MESSAGES.get(status, "The request failed."),
        **({"reason": reason} if reason else {}),
        **extra,
    }


def code_of(status: int) -> int:
    """Return the contract's code of an HTTP status: 404 is 40410000."""
    return _CODES.get(status, status * 100_000 + 10_000)


def not_found(what: str) -> ApiError:
    return ApiError(404, f"{what} is not found.", reason="not_found")


def invalid(message: str, *, reason: str = "invalid_request", **extra: object) -> ApiError:
    """Return the failure of a request that can be read but makes no sense."""
    return ApiError(422, message, reason=reason, code=INVALID, **extra)


def unknown_page() -> ApiError:
    return invalid(
        "The list cannot go on from there: nothing on it has this id.", reason="unknown_page"
    )


def refused(refusal: Refusal) -> ApiError:
    """Return the failure of a request that the order path refused; there is no new order."""
    status = 404 if refusal.code in _NOT_FOUND_REASONS else 422
    code = UNPROCESSABLE if status == 422 else None
    return ApiError(status, refusal.message, reason=refusal.code, code=code)


def handle(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Answer what a view raised (DRF's EXCEPTION_HANDLER); None lets a fault of ours surface."""
    if isinstance(error, ApiError):
        return Response(error.body, status=error.status)
    if isinstance(error, Http404):
        return Response(body(404), status=404)
    if isinstance(error, PermissionDenied):
        return Response(body(403), status=403)
    if isinstance(error, SuspiciousOperation):
        return Response(body(400), status=400)
    if isinstance(error, OperationalError | InterfaceError):
        log.error("database_unavailable", exc_info=error)
        return Response(body(503, reason="database_unavailable"), status=503)
    if isinstance(error, exceptions.APIException):
        challenge = getattr(error, "auth_header", None)
        headers = {"WWW-Authenticate": str(challenge)} if challenge else {}
        status = error.status_code
        message = "" if status in (401, 404, 405) else _sentence(error)
        return Response(body(status, message), status=status, headers=headers)
    return None


def _sentence(error: exceptions.APIException) -> str:
    detail = error.detail
    return str(detail) if isinstance(detail, str) else "The request is not valid."
