"""What Daphne's sockets do through `felt`: it knows them by their protocol's own module."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from autobahn.exception import Disconnected
from uvicorn.protocols.utils import ClientDisconnected

from trading.streams.backpressure import felt


class Transport:
    def registerProducer(self, producer: object, streaming: bool) -> None: ...  # noqa: N802
    def unregisterProducer(self) -> None: ...  # noqa: N802
    def getHandle(self) -> None: ...  # noqa: N802


def protocol_of_daphne() -> Any:
    made = type("WebSocketProtocol", (), {"__module__": "daphne.ws_protocol"})()
    made.transport = Transport()
    return made


@pytest.mark.parametrize("kind", ["websocket.send", "websocket.close"])
async def test_a_client_that_has_left_is_told_nothing_and_that_is_no_failure(kind: str) -> None:
    told = []

    async def send(protocol: Any, message: dict[str, Any]) -> None:
        told.append(message["type"])
        raise Disconnected("Attempt to send on a closed protocol")

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": kind})

    async def receive() -> dict[str, Any]:
        raise NotImplementedError

    await felt(application)({}, receive, partial(send, protocol_of_daphne()))
    assert told == [kind]


@pytest.mark.parametrize("kind", ["websocket.send", "websocket.close"])
async def test_behind_other_servers_too(kind: str) -> None:
    told = []

    async def send(message: dict[str, Any]) -> None:
        told.append(message["type"])
        raise ClientDisconnected

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": kind})

    async def receive() -> dict[str, Any]:
        raise NotImplementedError

    await felt(application)({}, receive, send)
    assert told == [kind]
