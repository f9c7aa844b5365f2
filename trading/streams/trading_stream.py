"""The socket of compatible trading clients, /stream: what happens to the account's orders.

`docs/api.md` describes the protocol. Authentication is the first message, not the handshake.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import orjson

from trading.streams import gate, trade_updates
from trading.streams.desk import desk
from trading.streams.key_socket import NOT_AUTHORIZED, NOT_UNDERSTOOD, KeySocket, ask
from trading.streams.mailbox import Mailbox

STREAM: Final = "trade_updates"


class TradingStream(KeySocket):
    kind = "trading"

    @property
    def waiting(self) -> int:
        return self.mailbox.waiting

    async def __call__(self, scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        self.mailbox = Mailbox(shows_worth=False)  # it tells of orders alone
        self.is_listening = False
        await super().__call__(scope, receive, send)

    def leave(self) -> None:
        if self.principal is not None:
            desk.leave(self.principal.account_id, self.mailbox)

    async def connect(self) -> None:
        await self.accept()
        self.start_sending(self.work())

    # --- What the client asks for ----------------------------------------------------------

    async def act(self, data: str | bytes) -> None:
        try:
            message = orjson.loads(data)
        except orjson.JSONDecodeError:
            message = None
        match message:
            case {
                "action": "authenticate",
                "data": {"key_id": str(key), "secret_key": str(secret)},
            }:
                await self._authenticate(key, secret)
            case {"action": "auth", "key": str(key), "secret": str(secret)}:
                await self._authenticate(key, secret)
            case {"action": "listen", "data": {"streams": list(streams), **rest}}:
                await self._listen(streams, rest.get("since"))
            case {"action": "authenticate" | "auth"}:
                await self._turn_away("authenticate")
            case _:
                await self._say("error", {"error": "Actions: authenticate, listen."})
                await self.close(code=NOT_UNDERSTOOD)

    async def _authenticate(self, key_id: str, secret: str) -> None:
        if self.principal is None and not await self.proves(key_id, secret):
            await self._turn_away("authenticate")
            return
        await self._say("authorization", {"action": "authenticate", "status": "authorized"})

    async def _turn_away(self, action: str) -> None:
        await self._say("authorization", {"action": action, "status": "unauthorized"})
        await self.close(code=NOT_AUTHORIZED)

    async def _listen(self, streams: list[object], since: object) -> None:
        """Listen to what is named, from `since` on, or from now."""
        if self.principal is None:
            await self._turn_away("listen")
            return
        account_id = self.principal.account_id
        if since is not None and (type(since) is not int or since < 0):
            await self._say("listening", {"error": "since is the event_id of the last update."})
            return
        is_listening, was_listening = STREAM in streams, self.is_listening
        if is_listening and (since is not None or not was_listening):
            latest = await ask(lambda: trade_updates.head(account_id))
            # Nothing follows a number from the future: it would silence the stream.
            self.mailbox.sequence = latest if since is None else min(since, latest)
        await self._say("listening", {"streams": [STREAM] if is_listening else []})
        self.is_listening = is_listening
        if is_listening:
            desk.join(account_id, self.mailbox)
            self.mailbox.put_activity()
        else:
            desk.leave(account_id, self.mailbox)

    # --- What it is sent -------------------------------------------------------------------

    async def keep_sending(self) -> None:
        while True:
            await self.mailbox.news.wait()
            self.mailbox.news.clear()
            if self.mailbox.take_activity() and self.is_listening and self.principal is not None:
                await self._send_next(self.principal.account_id)

    async def _send_next(self, account_id: UUID) -> None:
        """Send the next updates; where there are more, come back for them."""
        told = self.mailbox.sequence
        page = await ask(lambda: trade_updates.page(account_id, told))
        for sequence, update in [*page.updates, (page.sequence, None)]:
            # What the client has meanwhile asked for stands: to stop, or to begin elsewhere.
            if self.mailbox.sequence != told or not self.is_listening:
                break
            self.mailbox.sequence = told = sequence
            if update is not None:
                await self.say(update)
        if not page.is_last or self.mailbox.sequence != page.sequence:
            self.mailbox.put_activity()

    async def _say(self, stream: str, data: dict[str, Any]) -> None:
        await self.say(orjson.dumps({"stream": stream, "data": data}).decode())
