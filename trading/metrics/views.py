"""`/metrics`: what this process counts, and what lies in tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import Metric, exposition
from prometheus_client.registry import CollectorRegistry

from accounts.sessions.gate import public
from foundation.metrics import REGISTRY
from trading.metrics import jobs as jobs  # its instruments are there from the start
from trading.metrics.fence import Fence
from trading.metrics.tables import TABLES

READ: Final = {"process": (REGISTRY,), "tables": (TABLES,), "": (REGISTRY, TABLES)}
"""What is read for what `only` says."""


@public  # without a session: the fence is its own gate
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """What is counted here and what lies in tables; `?only=process` or `tables` for one of them.

    Of several processes each counts for itself, and all see the same tables.
    """
    if not fence().lets_in(
        address=request.META.get("REMOTE_ADDR", ""),
        authorization=request.headers.get("authorization", ""),
        is_forwarded="x-forwarded-for" in request.headers and not settings.TRUSTED_PROXIES,
    ):
        return HttpResponse("These are not for everybody.\n", status=403, content_type="text/plain")
    registries = READ.get(request.GET.get("only", ""))
    if registries is None:
        return HttpResponse("only=process or only=tables\n", status=400, content_type="text/plain")
    body, content_type = written(registries, accept=request.headers.get("accept", ""))
    return HttpResponse(body, content_type=content_type, headers={"Cache-Control": "no-store"})


def fence() -> Fence:
    return Fence.of(networks=settings.METRICS_NETWORKS, token=settings.METRICS_TOKEN)


def written(registries: tuple[CollectorRegistry, ...], *, accept: str) -> tuple[bytes, str]:
    """Return what `registries` show and its content type, in the format that `accept` asks for."""
    write, content_type = exposition.choose_encoder(accept)
    return write(_Together(registries)), content_type


class _Together:
    """Several registries, as one that is written out."""

    def __init__(self, registries: tuple[CollectorRegistry, ...]) -> None:
        self._registries = registries

    def collect(self) -> Iterator[Metric]:
        for registry in self._registries:
            yield from registry.collect()
