"""A provider of prices as others are: a stream and calls, over real sockets, told what to say."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgpack
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.live_server import free_port

KEY: Final = ("KEY", "hush")
PAGE: Final = 2
Record = dict[str, Any]


def trade(number: int, at: datetime, price: float = 100, size: float = 1, **more: Any) -> Record:
    return {"i": number, "t": at, "p": price, "s": size, **more}


def quote(at: datetime, bid: float, ask: float, size: float = 100) -> Record:
    return {"t": at, "bp": bid, "bs": size, "ap": ask, "as": size}


class Provider:
    """What it has, by symbol, and what it does when it is asked.

    `refusal` is the error with which it answers a key or a subscription, by action.
    """

    def __init__(self) -> None:
        self.stream_port = self.past_port = free_port()
        while self.past_port == self.stream_port:
            self.past_port = free_port()
        self.trades: dict[str, list[Record]] = {}
        self.quotes: dict[str, Record] = {}
        self.refusal: dict[str, int] = {}
        self.past_status = 200
        self.connections: list[ServerConnection] = []
        self.said: list[Mapping[str, Any]] = []
        self.headers: list[str | None] = []
        self.calls: list[dict[str, str]] = []

    @property
    def settings(self) -> dict[str, dict[str, str]]:
        return {
            "FEEDS": {"acme": f"ws://127.0.0.1:{self.stream_port}"},
            "FEED_PASTS": {"acme": f"http://127.0.0.1:{self.past_port}"},
            "FEED_KEYS": {"acme": ":".join(KEY)},
        }

    # --- The stream ------------------------------------------------------------------------

    def tell(self, kind: str, symbol: str, *records: Record) -> None:
        """Say it to whoever is connected, in one frame."""
        self.send([{"T": kind, "S": symbol, **record} for record in records])

    def send(self, told: Any) -> None:
        frame = told if isinstance(told, str | bytes) else msgpack.packb(told, datetime=True)
        for connection in list(self.connections):
            try:
                connection.send(frame)
            except ConnectionClosed:
                continue

    def break_off(self) -> None:
        """Lose every connection as a network does."""
        for connection in list(self.connections):
            with suppress(OSError):  # it has gone by itself
                connection.socket.shutdown(socket.SHUT_RDWR)

    def _talk(self, connection: ServerConnection) -> None:
        self.headers.append(connection.request and connection.request.headers.get("Content-Type"))
        self.connections.append(connection)
        try:
            connection.send(_frame({"T": "success", "msg": "connected"}))
            for data in connection:
                self._answer(connection, msgpack.unpackb(data))
        except ConnectionClosed:
            pass
        finally:
            self.connections.remove(connection)

    def _answer(self, connection: ServerConnection, asked: Mapping[str, Any]) -> None:
        self.said.append(asked)
        action = str(asked["action"])
        if code := self.refusal.get(action):
            connection.send(_frame({"T": "error", "code": code, "msg": "refused"}))
        elif action == "auth" and (asked["key"], asked["secret"]) == KEY:
            connection.send(_frame({"T": "success", "msg": "authenticated"}))
        elif action == "auth":
            connection.send(_frame({"T": "error", "code": 402, "msg": "auth failed"}))
        else:
            channels = {name: value for name, value in asked.items() if name != "action"}
            connection.send(_frame({"T": "subscription", **channels}))

    # --- The calls -------------------------------------------------------------------------

    def _past(self, path: str, query: dict[str, str]) -> tuple[int, Record]:
        self.calls.append(query)
        if self.past_status != 200:
            return self.past_status, {"message": "not now"}
        symbols = query["symbols"].split(",")
        if path.endswith("quotes/latest"):
            return 200, {"quotes": {s: self.quotes[s] for s in symbols if s in self.quotes}}
        start = datetime.fromisoformat(query["start"])
        end = datetime.fromisoformat(query.get("end", "9999-01-01T00:00:00+00:00"))
        found = [each for each in self.trades.get(symbols[0], []) if start <= each["t"] <= end]
        first = int(query.get("page_token", 0))
        page, rest = found[first : first + PAGE], found[first + PAGE :]
        return 200, {
            "trades": {symbols[0]: page} if page else {},
            "next_page_token": str(first + PAGE) if rest else None,
        }


def _frame(*messages: Record) -> bytes:
    packed: bytes = msgpack.packb(list(messages), datetime=True)
    return packed


def _as_text(value: object) -> str:
    assert isinstance(value, datetime)
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            is_known = (
                self.headers["APCA-API-KEY-ID"], self.headers["APCA-API-SECRET-KEY"]
            ) == KEY  # fmt: skip
            status, told = provider._past(address.path, query) if is_known else (401, {})
            body = json.dumps(told, default=_as_text).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    """Let the provider be reached."""
    past = ThreadingHTTPServer(("127.0.0.1", provider.past_port), _handler(provider))
    stream = serve(provider._talk, "127.0.0.1", provider.stream_port)
    threads: Sequence[threading.Thread] = [
        threading.Thread(target=past.serve_forever, args=(0.05,), daemon=True),
        threading.Thread(target=stream.serve_forever, daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield provider
    finally:
        provider.break_off()
        stream.shutdown()
        past.shutdown()
        past.server_close()
        for thread in threads:
            thread.join()
