"""The binary socket of prices, /ws/v1/binary: docs/binary-stream.md has every byte of it.

The socket knows how far it has sent each chain. What a frame says is asked for when it can be
sent, so that who reads slowly is brought from there to the latest, and nothing waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final, NamedTuple

from django.utils import timezone

from accounts.sessions.sign_ins import SignedIn
from marketdata.stream import frames
from marketdata.stream.frames import Refusal, Refused, Subscribe, Unsubscribe, Wanted
from marketdata.stream.pictures import microseconds
from trading.streams import gate
from trading.streams.chains import STREAM
from trading.streams.hub import hub, ladders
from trading.streams.mailbox import Mailbox
from trading.streams.page_socket import PageSocket

SYMBOLS_MAX: Final = 500
BOOKS_MAX: Final = 100
HEARTBEAT_SECONDS: Final = 5


class Asked(NamedTuple):
    """What has an id: an instrument's prices, or its book."""

    symbol: str
    is_book: bool

    def __str__(self) -> str:
        return f"the book of {self.symbol}" if self.is_book else self.symbol


class BinaryConsumer(PageSocket):
    async def __call__(self, scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        signed_in: SignedIn = scope["signed_in"]
        self.account_id = signed_in.account_id
        self.mailbox = Mailbox(shows_worth=False)
        self.said_at = time.monotonic()
        # An id and what it means belong together for as long as the connection lasts: what is
        # under way must never be taken for another instrument's.
        self.numbers: dict[Asked, int] = {}
        self.meanings: dict[int, Asked] = {}
        self.sent: dict[Asked, int] = {}
        await super().__call__(scope, receive, send)

    def who(self) -> dict[str, str]:
        return {"account_id": str(self.account_id)}

    async def connect(self) -> None:
        await self.accept()
        self.start_sending(self._work())

    def leave(self) -> None:
        hub.unsubscribe(self.mailbox, set(self.mailbox.symbols))
        ladders.unsubscribe(self.mailbox, set(self.mailbox.books))

    # --- What the client asks for ----------------------------------------------------------

    async def act(self, data: str | bytes) -> None:
        try:
            match frames.asked(data.encode() if isinstance(data, str) else data):
                case Subscribe() as asked:
                    self._subscribe(asked)
                case Unsubscribe(numbers):
                    self._unsubscribe(numbers)
        except Refused as refused:
            await self._say(frames.refused(code=refused.code, message=str(refused)))

    def _subscribe(self, asked: Subscribe) -> None:
        wanted = [(each, Asked(each.symbol, asked.are_books)) for each in asked.wanted]
        self._check_ids(wanted)
        symbols = {each.symbol for each in asked.wanted}
        if asked.are_books and len(self.mailbox.books | symbols) > BOOKS_MAX:
            raise Refused(Refusal.TOO_MANY_SYMBOLS, f"A socket has at most {BOOKS_MAX} books.")
        if not asked.are_books and len(self.mailbox.symbols | symbols) > SYMBOLS_MAX:
            raise Refused(Refusal.TOO_MANY_SYMBOLS, f"A socket has at most {SYMBOLS_MAX} symbols.")
        for each, meaning in wanted:
            is_known = meaning in self.numbers
            self.numbers[meaning], self.meanings[each.number] = each.number, meaning
            if not each.sequence:
                self.sent[meaning] = 0
            elif not is_known:
                self.sent[meaning] = each.sequence if asked.stream == STREAM else 0
        (ladders if asked.are_books else hub).subscribe(self.mailbox, symbols)

    def _check_ids(self, wanted: Iterable[tuple[Wanted, Asked]]) -> None:
        """Refuse an id that means something else, and another id of what has one."""
        numbers, meanings = dict(self.numbers), dict(self.meanings)
        for each, asked in wanted:
            meaning = meanings.setdefault(each.number, asked)
            number = numbers.setdefault(asked, each.number)
            if (number, meaning) != (each.number, asked):
                raise Refused(
                    Refusal.ID_IN_USE,
                    f"Here id {each.number} is {meaning}, and {asked} has id {number}.",
                )

    def _unsubscribe(self, numbers: Iterable[int]) -> None:
        asked = {self.meanings[number] for number in numbers if number in self.meanings}
        symbols = {each.symbol for each in asked if not each.is_book}
        books = {each.symbol for each in asked if each.is_book}
        hub.unsubscribe(self.mailbox, symbols & self.mailbox.symbols)
        ladders.unsubscribe(self.mailbox, books & self.mailbox.books)

    # --- What it is sent -------------------------------------------------------------------

    async def _work(self) -> None:
        await self._say(
            frames.hello(
                stream=STREAM,
                at=microseconds(timezone.now()),
                heartbeat_seconds=HEARTBEAT_SECONDS,
            )
        )
        await self.keep_sending()

    async def send_news(self) -> None:
        self.mailbox.news.clear()
        asked = [Asked(symbol, is_book=False) for symbol in self.mailbox.take_quotes()]
        asked += [Asked(symbol, is_book=True) for symbol in self.mailbox.take_books()]
        entries = [self._entries(each) for each in asked]
        if any(entries):
            await self._say(frames.updates(entries))

    def _entries(self, asked: Asked) -> bytes:
        """Return what the client lacks of it, and count it as sent."""
        chains = ladders.chains if asked.is_book else hub.chains
        if (link := chains.link(asked.symbol)) is None:
            return b""
        entries = link.entries(self.numbers[asked], self.sent[asked])
        self.sent[asked] = link.sequence
        return entries

    def heartbeat_at(self) -> float:
        return self.said_at + HEARTBEAT_SECONDS

    async def send_heartbeat(self) -> None:
        await self._say(frames.heartbeat(at=microseconds(timezone.now())))

    async def _say(self, frame: bytes) -> None:
        self.said_at = time.monotonic()
        await self.say(frame)
