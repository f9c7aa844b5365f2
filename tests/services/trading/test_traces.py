"""Spans of an order, for who collects them; nobody else pays for it."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from foundation import spans
from orders.entry import intake
from tests import world
from trading import traces
from trading.traces import Traces

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collected():
    kept = InMemorySpanExporter()
    collecting = Traces(SimpleSpanProcessor(kept), ratio=1.0)
    spans.use(collecting)
    yield kept.get_finished_spans
    collecting.end()


def test_a_batch_is_linked_to_the_calls_that_it_answers(db, collected):
    world.instrument()
    account = world.customer(cash="1000.00")
    with spans.span("POST call", parent=CALLER, path="/v2/orders"):
        entry = intake._Entry(world.ticket(account))
    assert entry.set_running_or_notify_cancel()
    intake._settle([entry])
    call, batch = collected()
    assert (call.name, f"{call.context.trace_id:032x}") == ("POST call", CALLER[3:35])
    assert f"{call.parent.span_id:016x}" == CALLER[36:52]
    assert (batch.name, batch.attributes["tickets"], batch.parent) == ("intake batch", 1, None)
    assert [link.context.span_id for link in batch.links] == [call.context.span_id]


def test_nothing_is_collected_unless_somebody_wants_it(collected):
    spans.use(None)
    with spans.span("POST call"):
        assert spans.current() is None
    assert collected() == ()


def test_what_is_collected_reaches_the_collector():
    came = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        begun = traces.begin(endpoint=f"http://127.0.0.1:{server.server_port}/v1/traces", ratio=1.0)
        with spans.span("gateway send", venue="V", requests=2):
            pass
        begun.end()
        server.shutdown()
        thread.join()
    [(path, said)] = came
    [of_all] = said.resource_spans
    [scope] = of_all.scope_spans
    assert path == "/v1/traces"
    assert [each.name for each in scope.spans] == ["gateway send"]
