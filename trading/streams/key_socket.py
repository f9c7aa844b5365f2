"""A socket of a program: it proves an API key after the handshake, and ends with that key."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import Final, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

from accounts.keys.keyring import Principal
from accounts.keys.terms import Scope
from accounts.sessions import authentication
from trading.api.authentication import CREDENTIAL_LENGTH_MAX
from trading.streams import gate
from trading.streams.bounded import BoundedSocket

AUTHENTICATION_SECONDS_MAX: Final = 10.0
CHECKED_EVERY_SECONDS: Final = 3.0
"""A revoked key is remembered for another second: its sockets end within five."""

NOT_AUTHORIZED: Final = 4401
NOT_UNDERSTOOD: Final = 4400

Found = TypeVar("Found")


class KeySocket(BoundedSocket):
    async def __call__(self, scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        self.credentials: tuple[str, str] | None = None
        self.principal: Principal | None = None
        self.authenticated = asyncio.Event()
        await super().__call__(scope, receive, send)

    def who(self) -> dict[str, str]:
        return {"key_id": self.principal.key_id if self.principal else ""}

    @abstractmethod
    async def keep_sending(self) -> None:
        """Send what there is to send, for ever."""

    async def say_late(self) -> None:
        """Say, where the protocol has words for it, that the key was not proved in time."""

    async def proves(self, key_id: str, secret: str) -> bool:
        """Tell whether these are a key and its secret; the socket is then that key's."""
        if len(key_id) + len(secret) > CREDENTIAL_LENGTH_MAX:
            return False
        principal = await self._admitted(key_id, secret)
        if principal is None:
            return False
        self.credentials, self.principal = (key_id, secret), principal
        self.authenticated.set()
        return True

    async def work(self) -> None:
        """Send until the client is gone, too slow, or its key is revoked."""
        async with asyncio.TaskGroup() as group:
            # Beside each other: who takes slowly is not let in for longer.
            group.create_task(self.keep_sending())
            await self._until_unauthorized()
            await self.give_up(NOT_AUTHORIZED)

    async def _until_unauthorized(self) -> None:
        try:
            async with asyncio.timeout(AUTHENTICATION_SECONDS_MAX):
                await self.authenticated.wait()
        except TimeoutError:
            await self.say_late()
            return
        while True:
            await asyncio.sleep(CHECKED_EVERY_SECONDS)
            if not await self._is_authorized():
                return

    async def _is_authorized(self) -> bool:
        if self.credentials is None:
            return False
        key_id, secret = self.credentials
        return await self._admitted(key_id, secret) is not None

    async def _admitted(self, key_id: str, secret: str) -> Principal | None:
        """Return whom the secret proves, if that key may read from where this socket is."""
        address = (self.scope.get("client") or ("",))[0]
        found = await ask(lambda: authentication.api_key(key_id, secret, address=address))
        is_in = found is not None and found.is_admitted(address) and found.may(Scope.READ)
        return found if is_in else None


async def ask(question: Callable[[], Found]) -> Found:
    """Ask the database in a thread of its own, whose connection goes back to the pool at once."""

    def asked() -> Found:
        try:
            return question()
        finally:
            connection.close()

    return await sync_to_async(asked, thread_sensitive=False)()
