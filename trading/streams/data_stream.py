"""The sockets of compatible data clients: trades, quotes, bars and statuses as they happen.

`docs/api.md` describes the protocol. What is sent is asked for when it can be sent: a socket that
takes slowly gets the latest quote and every trade, and is closed when it falls too far behind.
"""

from __future__ import annotations

from typing import Final

from trading.streams import counted, data_wire, gate
from trading.streams.bounded import TOO_SLOW
from trading.streams.data_lines import Box, DataHub, Lagging, Place
from trading.streams.data_wire import (
    SYMBOLS_MAX,
    Asked,
    Authenticate,
    Code,
    Refused,
    Subscribe,
    Wanted,
)
from trading.streams.key_socket import KeySocket

MESSAGES_OF_A_FRAME_MAX: Final = 500
PACKED: Final = b"application/msgpack"


class DataStream(KeySocket):
    """Its market's hub is what the route was made with: `DataStream.as_asgi(hub=...)`."""

    hub: DataHub
    kind = "data"

    @property
    def waiting(self) -> int:
        return self.box.waiting

    def __init__(self, *, hub: DataHub) -> None:
        super().__init__()
        self.hub = hub

    async def __call__(self, scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        self.is_packed = dict(scope["headers"]).get(b"content-type") == PACKED
        self.box = Box()
        await super().__call__(scope, receive, send)

    def leave(self) -> None:
        self.hub.subscribe(self.box, set())

    async def connect(self) -> None:
        await self.accept()
        await self.say(data_wire.success("connected", is_packed=self.is_packed))
        self.start_sending(self.work())

    # --- What the client asks for ----------------------------------------------------------

    async def act(self, data: str | bytes) -> None:
        try:
            await self._do(data_wire.asked(data, is_packed=self.is_packed))
        except Refused as refused:
            await self._refuse(refused.code, str(refused))

    async def _do(self, asked: Asked) -> None:
        if isinstance(asked, Authenticate):
            await self._authenticate(asked)
            return
        if self.principal is None:
            raise Refused(Code.NOT_AUTHENTICATED, "not authenticated")
        named = _places(asked.wanted)
        places = self.box.places
        places = places | named if isinstance(asked, Subscribe) else places - named
        if len({place.symbol for place in places}) > SYMBOLS_MAX:
            raise Refused(Code.SYMBOL_LIMIT, "symbol limit exceeded")
        self.hub.subscribe(self.box, places)
        await self.say(data_wire.subscription(self.box.wanted, is_packed=self.is_packed))

    async def _authenticate(self, asked: Authenticate) -> None:
        if self.principal is not None:
            raise Refused(Code.ALREADY_AUTHENTICATED, "already authenticated")
        if not await self.proves(asked.key_id, asked.secret):
            raise Refused(Code.AUTHENTICATION_FAILED, "auth failed")
        await self.say(data_wire.success("authenticated", is_packed=self.is_packed))

    async def _refuse(self, code: Code, message: str) -> None:
        await self.say(data_wire.error(code, message, is_packed=self.is_packed))

    # --- What it is sent -------------------------------------------------------------------

    async def say_late(self) -> None:
        await self._refuse(Code.AUTHENTICATION_TIMEOUT, "auth timeout")

    async def keep_sending(self) -> None:
        while True:
            await self.box.news.wait()
            try:
                messages = self.box.take(self.hub.lines)
            except Lagging:
                counted.SLOW.labels(self.kind).inc()
                await self._refuse(Code.SLOW_CLIENT, "slow client")
                await self.give_up(TOO_SLOW)
                return
            for start in range(0, len(messages), MESSAGES_OF_A_FRAME_MAX):
                part = messages[start : start + MESSAGES_OF_A_FRAME_MAX]
                await self.say(data_wire.frame(part, is_packed=self.is_packed))


def _places(wanted: Wanted) -> set[Place]:
    return {Place(channel, symbol) for channel, symbols in wanted.items() for symbol in symbols}
