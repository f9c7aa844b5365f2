"""The binary socket of prices, /ws/v1/binary: docs/binary-stream.md has every byte of it.

The socket knows how far it has sent each chain. What a frame says is asked for when it can be
sent, so that who reads slowly is brought from there to the latest, and nothing waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from django.utils import timezone

from accounts.sessions import SignedIn
from marketdata.stream import frames
from marketdata.stream.frames import Refusal, Refused, Subscribe, Unsubscribe, Wanted
from marketdata.stream.pictures import microseconds
from trading.streams import gate
from trading.streams.hub import hub
from trading.streams.mailbox import Mailbox
from trading.streams.page_socket import PageSocket

SYMBOLS_MAX: Final = 500
HEARTBEAT_SECONDS: Final = 5


class BinaryConsumer(PageSocket):
    async def __call__(self, scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        signed_in: SignedIn = scope["signed_in"]
        self.account_id = signed_in.account_id
        self.mailbox = Mailbox(shows_worth=False)
        self.said_at = time.monotonic()
        # An id and its symbol belong together for as long as the connection lasts: what is under
        # way must never be taken for another instrument's.
        self.numbers: dict[str, int] = {}
        self.symbols: dict[int, str] = {}
        self.sent: dict[str, int] = {}
        await super().__call__(scope, receive, send)

    def who(self) -> dict[str, str]:
        return {"account_id": str(self.account_id)}

    async def connect(self) -> None:
        await self.accept()
        self.start_sending(self._work())

    def leave(self) -> None:
        hub.unsubscribe(self.mailbox, set(self.mailbox.symbols))

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
        self._check_names(asked.wanted)
        symbols = {each.symbol for each in asked.wanted}
        if len(self.mailbox.symbols | symbols) > SYMBOLS_MAX:
            raise Refused(Refusal.TOO_MANY_SYMBOLS, f"A socket has at most {SYMBOLS_MAX} symbols.")
        is_our_stream = asked.stream == hub.chains.stream
        for each in asked.wanted:
            number, symbol, sequence = each.number, each.symbol, each.sequence
            is_known = symbol in self.numbers
            self.numbers[symbol], self.symbols[number] = number, symbol
            if not sequence:
                self.sent[symbol] = 0
            elif not is_known:
                self.sent[symbol] = sequence if is_our_stream else 0
        hub.subscribe(self.mailbox, symbols)

    def _check_names(self, wanted: Iterable[Wanted]) -> None:
        """Refuse an id that is another symbol's, and another id of a symbol."""
        numbers, symbols = dict(self.numbers), dict(self.symbols)
        for each in wanted:
            symbol = symbols.setdefault(each.number, each.symbol)
            number = numbers.setdefault(each.symbol, each.number)
            if (number, symbol) != (each.number, each.symbol):
                raise Refused(
                    Refusal.ID_IN_USE,
                    f"Here id {each.number} is {symbol}, and {each.symbol} has id {number}.",
                )

    def _unsubscribe(self, numbers: Iterable[int]) -> None:
        symbols = {self.symbols[number] for number in numbers if number in self.symbols}
        hub.unsubscribe(self.mailbox, symbols & self.mailbox.symbols)

    # --- What it is sent -------------------------------------------------------------------

    async def _work(self) -> None:
        await self._say(
            frames.hello(
                stream=hub.chains.stream,
                at=microseconds(timezone.now()),
                heartbeat_seconds=HEARTBEAT_SECONDS,
            )
        )
        await self.keep_sending()

    async def send_news(self) -> None:
        self.mailbox.news.clear()
        entries = [self._entries(symbol) for symbol in self.mailbox.take_quotes()]
        if any(entries):
            await self._say(frames.updates(entries))

    def _entries(self, symbol: str) -> bytes:
        """Return what the client lacks of `symbol`, and count it as sent."""
        if (link := hub.chains.link(symbol)) is None:
            return b""
        entries = link.entries(self.numbers[symbol], self.sent[symbol])
        self.sent[symbol] = link.sequence
        return entries

    def heartbeat_at(self) -> float:
        return self.said_at + HEARTBEAT_SECONDS

    async def send_heartbeat(self) -> None:
        await self._say(frames.heartbeat(at=microseconds(timezone.now())))

    async def _say(self, frame: bytes) -> None:
        self.said_at = time.monotonic()
        await self.say(frame)
