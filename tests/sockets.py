"""The other end of a socket of ours, which waits as patiently as everybody here."""

# ruff: noqa: ASYNC109 - the parameter is the library's

from __future__ import annotations

from typing import Any

from channels.testing import WebsocketCommunicator

from tests.patience import DEADLINE_SECONDS


class PatientSocket(WebsocketCommunicator):
    """A client's socket. Left to itself, the library waits a second for whatever it is."""

    async def connect(self, timeout: float = DEADLINE_SECONDS) -> Any:
        return await super().connect(timeout)

    async def disconnect(self, code: int = 1000, timeout: float = DEADLINE_SECONDS) -> None:
        await super().disconnect(code, timeout)

    async def wait(self, timeout: float = DEADLINE_SECONDS) -> None:
        await super().wait(timeout)

    async def receive_output(self, timeout: float = DEADLINE_SECONDS) -> Any:
        return await super().receive_output(timeout)

    async def receive_from(self, timeout: float = DEADLINE_SECONDS) -> Any:
        return await super().receive_from(timeout)

    async def receive_json_from(self, timeout: float = DEADLINE_SECONDS) -> Any:
        return await super().receive_json_from(timeout)
