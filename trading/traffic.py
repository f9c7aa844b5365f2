"""The calls that this process answers, counted: by the route that Django or we have for them.

An address is never a label: what somebody outside writes would fill our memory.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter

from foundation import metrics

REQUESTS: Final = metrics.counter(
    "openfloor_http_requests_total",
    "Calls that were answered.",
    "method",
    "route",
    "status",
)
SECONDS: Final = metrics.histogram(
    "openfloor_http_request_seconds",
    "From a call's arrival to the end of its answer.",
    "face",
    bounds=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)

ROUTE: Final = "openfloor.route"
"""Under this name whoever answers a call leaves its route in the scope."""
UNKNOWN: Final = "unknown"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics", "/status.json"})
_FACES: Final = (
    ("/v2/orders", "orders"),
    ("/v", "api"),
    ("/api/", "api"),
    ("/admin", "admin"),
    ("/static", "static"),
)
_SECONDS: Final = {
    face: SECONDS.labels(face)
    for face in ("orders", "api", "admin", "static", "probes", "pages", UNKNOWN)
}

_known: Final[dict[tuple[str, str, int], tuple[Counter, Any]]] = {}


def answered(scope: MutableMapping[str, Any], *, status: int, seconds: float) -> None:
    """Count a call that was answered with `status`, `seconds` after it had come."""
    route = scope.get(ROUTE) or ("/static/" if scope["path"].startswith("/static/") else UNKNOWN)
    method = scope["method"] if scope["method"] in METHODS else "other"
    key = method, route, status
    found = _known.get(key)
    if found is None:
        found = _known[key] = REQUESTS.labels(method, route, status), _SECONDS[_face(route)]
    count, spread = found
    count.inc()
    spread.observe(seconds)


def _face(route: str) -> str:
    if route == UNKNOWN:
        return UNKNOWN
    if route in PROBES:
        return "probes"
    return next((face for begin, face in _FACES if route.startswith(begin)), "pages")


class Routed:
    """Django middleware: leaves the route of the view that was found in the call's scope."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        scope = getattr(request, "scope", None)
        if scope is not None and request.resolver_match is not None:
            scope[ROUTE] = "/" + request.resolver_match.route
        return response
