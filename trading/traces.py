"""Traces for who has a collector: OpenTelemetry over OTLP, where OTLP_ENDPOINT says.

Its packages are in requirements-traces.txt and are loaded by nobody else. What is collected waits
in a bounded queue and is sent by a thread of its own: a collector that is away costs spans, and no
order anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from foundation import spans
from foundation.spans import Attributes

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

SERVICE: Final = "openfloor"


class UnableToTrace(RuntimeError):
    """The packages are not here; the message says what to do."""


class Traces:
    """The spans of this process, given to `processor`."""

    def __init__(self, processor: SpanProcessor, *, ratio: float) -> None:
        from opentelemetry import propagate, trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

        self._trace: Any = trace
        self._extract = propagate.extract
        self._provider: TracerProvider = TracerProvider(
            resource=Resource.create({"service.name": SERVICE}),
            sampler=ParentBasedTraceIdRatio(ratio),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(SERVICE)

    @contextmanager
    def span(
        self, name: str, *, parent: str, links: Sequence[object], attributes: Attributes
    ) -> Iterator[None]:
        begun = self._tracer.start_as_current_span(
            name,
            context=self._extract({"traceparent": parent}) if parent else None,
            links=[self._trace.Link(link) for link in links],
            attributes=dict(attributes),
        )
        with begun:
            yield

    def current(self) -> object | None:
        found = self._trace.get_current_span().get_span_context()
        return found if found.is_valid else None

    def end(self) -> None:
        """Send what is left, and collect no more."""
        spans.use(None)
        self._provider.shutdown()


def begin(*, endpoint: str, ratio: float) -> Traces:
    """Collect spans from now on and send them to `endpoint`. Raises UnableToTrace."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise UnableToTrace(
            "OTLP_ENDPOINT needs packages that are not here: "
            ".venv/bin/python -m pip install -r requirements-traces.txt"
        ) from error
    traces = Traces(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=5)), ratio=ratio)
    spans.use(traces)
    return traces
