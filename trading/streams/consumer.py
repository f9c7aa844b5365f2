"""The browser's socket, /ws/v1: prices that change, and what happens in the account.

`docs/market-data.md` describes the protocol. Whatever is sent is made when it can be sent, of
what is true by then; the socket's own task sends it, one frame after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

import orjson
from asgiref.sync import sync_to_async
from django.db import connection

from accounts import activity
from accounts.models import Account, Activity
from accounts.sessions.sign_ins import SignedIn
from trading.streams import encoding, gate
from trading.streams.desk import desk
from trading.streams.faces import Seen
from trading.streams.hub import hub, ladders
from trading.streams.mailbox import Mailbox
from trading.streams.page_socket import PageSocket

SYMBOLS_MAX: Final = 500
BOOKS_MAX: Final = 100
SYMBOL_LENGTH_MAX: Final = 24
STREAM_LENGTH_MAX: Final = 32
SEQUENCE_LENGTH_MAX: Final = 15
EVENTS_OF_A_FRAME_MAX: Final = 100


class Refused(Exception):
    """What the client asked for cannot be done; it is told so and may go on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LiveConsumer(PageSocket):
    kind = "page"

    async def __call__(self, scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        signed_in: SignedIn = scope["signed_in"]
        self.account_id: UUID | None = signed_in.account_id
        self.mailbox = Mailbox()
        self.books_sent: dict[str, int] = {}
        self.mailbox.seen = _seen_before(scope.get("query_string", b""))
        await super().__call__(scope, receive, send)

    def who(self) -> dict[str, str]:
        return {"account_id": str(self.account_id)}

    async def connect(self) -> None:
        await self.accept()
        self.mailbox.sequence = await _head(self.account_id)
        if self.account_id is not None:
            desk.join(self.account_id, self.mailbox)
            self.mailbox.put_activity()  # something may have happened before we joined
        hello = encoding.hello(account_id=self.account_id, sequence=self.mailbox.sequence)
        self.start_sending(self._work(hello))

    def leave(self) -> None:
        hub.unsubscribe(self.mailbox, set(self.mailbox.symbols))
        ladders.unsubscribe(self.mailbox, set(self.mailbox.books))
        if self.account_id is not None:
            desk.leave(self.account_id, self.mailbox)

    # --- What the client asks for ----------------------------------------------------------

    async def act(self, data: str | bytes) -> None:
        try:
            await self._act(data)
        except Refused as refused:
            await self.say(encoding.error(code=refused.code, message=str(refused)))

    async def _act(self, data: str | bytes) -> None:
        try:
            message = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise Refused("invalid_json", "A message is one JSON object.") from error
        if not isinstance(message, dict):
            raise Refused("invalid_json", "A message is one JSON object.")
        match message.get("action"):
            case "subscribe":
                self._subscribe(_symbols_in(message), _depth_in(message))
            case "unsubscribe":
                hub.unsubscribe(self.mailbox, _symbols_in(message) & self.mailbox.symbols)
                ladders.unsubscribe(self.mailbox, _depth_in(message) & self.mailbox.books)
            case "resume":
                await self._resume(message.get("since"))
            case "portfolio":
                self._show_from(_seen_in(message))
            case _:
                raise Refused(
                    "unknown_action", "Actions: subscribe, unsubscribe, resume, portfolio."
                )

    def _subscribe(self, symbols: set[str], books: set[str]) -> None:
        if len(self.mailbox.symbols | symbols) > SYMBOLS_MAX:
            raise Refused("too_many_symbols", f"A socket has at most {SYMBOLS_MAX} symbols.")
        if len(self.mailbox.books | books) > BOOKS_MAX:
            raise Refused("too_many_books", f"A socket has at most {BOOKS_MAX} books.")
        hub.subscribe(self.mailbox, symbols)
        for symbol in books:
            self.books_sent[symbol] = 0
        ladders.subscribe(self.mailbox, books)

    async def _resume(self, since: object) -> None:
        if isinstance(since, bool) or not isinstance(since, int) or since < 0:
            raise Refused("invalid_since", "`since` is the sequence of the last event you have.")
        # Nothing follows a number from the future: it would silence the socket.
        self.mailbox.sequence = min(since, await _head(self.account_id))
        self.mailbox.put_activity()

    def _show_from(self, seen: Seen | None) -> None:
        """Send what the account is worth from what the client has on."""
        self.mailbox.seen = seen
        self.mailbox.put_portfolio()

    # --- What it is sent -------------------------------------------------------------------

    async def _work(self, hello: str) -> None:
        await self.say(hello)
        await self.keep_sending()

    async def send_news(self) -> None:
        self.mailbox.news.clear()
        if self.mailbox.take_activity() and self.account_id is not None:
            await self._send_activity(self.account_id)
        if entries := hub.entries(self.mailbox.take_quotes()):
            await self.say(encoding.quotes(entries))
        if books := self._books_since(self.mailbox.take_books()):
            await self.say(encoding.depth(books))
        if self.mailbox.take_portfolio() and self.account_id is not None:
            await self._send_portfolio(self.account_id)

    def _books_since(self, symbols: set[str]) -> list[str]:
        """Return what the client lacks of these books, and count it as sent."""
        entries = []
        for book in ladders.shown(symbols):
            if (text := book.text(self.books_sent.get(book.symbol, 0))) is not None:
                entries.append(text)
                self.books_sent[book.symbol] = book.sequence
        return entries

    async def _send_activity(self, account_id: UUID) -> None:
        """Send the next events, a frame of them at a time: the numbers leave no gap."""
        since = self.mailbox.sequence
        events = await _events(account_id, since)
        if not events:
            return
        await self.say(encoding.activity(events))
        # Where the client has meanwhile asked to resume from earlier, that stands.
        if self.mailbox.sequence == since:
            self.mailbox.sequence = events[-1].sequence
        if len(events) == EVENTS_OF_A_FRAME_MAX or self.mailbox.sequence < events[-1].sequence:
            self.mailbox.put_activity()

    async def _send_portfolio(self, account_id: UUID) -> None:
        """Send what is newer of the account's worth, as it is by now."""
        before = self.mailbox.seen
        if (news := desk.news(account_id, before)) is None:
            return
        frame, seen = news
        await self.say(frame)
        # Where the client has meanwhile asked for it from elsewhere, that stands.
        if self.mailbox.seen == before:
            self.mailbox.seen = seen
            if desk.news(account_id, seen) is not None:
                self.mailbox.put_portfolio()


def _seen_in(message: Mapping[str, Any]) -> Seen | None:
    """Return what the client has of its account's worth: nothing where it names no stream."""
    stream, since = message.get("stream"), message.get("since")
    if stream is None and since is None:
        return None
    if (
        not isinstance(stream, str)
        or len(stream) > STREAM_LENGTH_MAX
        or isinstance(since, bool)
        or not isinstance(since, int)
        or since < 0
    ):
        raise Refused(
            "invalid_portfolio", "`stream` and `since` are those of the last portfolio message."
        )
    return Seen(stream, since)


def _seen_before(query: bytes) -> Seen | None:
    """Return what a client has that connects again: /ws/v1?portfolio=STREAM:SEQUENCE."""
    named = parse_qs(query.decode("latin1")).get("portfolio", [""])[0]
    stream, _, since = named.rpartition(":")
    is_named = 0 < len(stream) <= STREAM_LENGTH_MAX and since.isascii() and since.isdigit()
    return Seen(stream, int(since)) if is_named and len(since) <= SEQUENCE_LENGTH_MAX else None


def _symbols_in(message: dict[str, Any]) -> set[str]:
    is_about_books = "depth" in message and "symbols" not in message
    return set() if is_about_books else _names_in(message, "symbols", SYMBOLS_MAX)


def _depth_in(message: dict[str, Any]) -> set[str]:
    return _names_in(message, "depth", BOOKS_MAX) if "depth" in message else set()


def _names_in(message: dict[str, Any], name: str, count_max: int) -> set[str]:
    symbols = message.get(name)
    if (
        not isinstance(symbols, list)
        or len(symbols) > count_max
        or not all(isinstance(each, str) and len(each) <= SYMBOL_LENGTH_MAX for each in symbols)
    ):
        raise Refused(f"invalid_{name}", f"`{name}` is a list of at most {count_max} symbols.")
    return set(symbols)


# Each in a thread of its own and not in the one that all synchronous views share; the connection
# goes back to the pool at once, because nobody knows when that thread works again.


async def _head(account_id: UUID | None) -> int:
    """Return the number of the account's latest activity; 0 without an account."""
    if account_id is None:
        return 0
    read_id = account_id

    def read() -> int:
        try:
            return Account.objects.only("activity_sequence").get(pk=read_id).activity_sequence
        finally:
            connection.close()

    return await sync_to_async(read, thread_sensitive=False)()


async def _events(account_id: UUID, since: int) -> list[Activity]:
    def read() -> list[Activity]:
        try:
            return activity.since(account_id, since, EVENTS_OF_A_FRAME_MAX)
        finally:
            connection.close()

    return await sync_to_async(read, thread_sensitive=False)()
