"""A port of its own for the metrics of this process: for those without pages, and of several.

Processes that share the port of the pages answer there in turns, so that nobody could tell whose
figures these are. The process that was started has METRICS_PORT, its companions have the next.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

from django.conf import settings

from foundation.metrics import REGISTRY
from trading.metrics import views

POLL_SECONDS: Final = 0.5
SLOW_SECONDS_MAX: Final = 2.0


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Answer GET /metrics with what this process counts, until `stop`."""
    with HTTPServer((settings.METRICS_HOST, settings.METRICS_PORT), _Handler) as server:
        server.timeout = POLL_SECONDS
        while not stop.is_set():
            server.handle_request()
            beat()


class _Handler(BaseHTTPRequestHandler):
    timeout = SLOW_SECONDS_MAX  # one after the other: nobody keeps the next from it
    server_version = "openfloor"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404)
            return
        if not views.fence().lets_in(
            address=str(self.client_address[0]),
            authorization=self.headers.get("authorization", ""),
            is_forwarded="x-forwarded-for" in self.headers,
        ):
            self.send_error(403)
            return
        body, content_type = views.written((REGISTRY,), accept=self.headers.get("accept", ""))
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Whoever asks every few seconds is no news."""
