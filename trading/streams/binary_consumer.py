"""The binary socket of prices, /ws/v1/binary: docs/binary-stream.md has every byte of it.

The socket knows how far it has sent each chain. What a frame says is asked for when it can be
sent, so that who reads slowly is brought from there to the latest, and nothing waits for it. As
long as the socket takes what it is sent, the postman writes its frames, a round for all sockets;
where it does not, its own task waits until it does.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from django.utils import timezone

from accounts.sessions.sign_ins import SignedIn
from marketdata.stream import frames
from marketdata.stream.chain import HEADS
from marketdata.stream.frames import Refusal, Refused, Subscribe, Unsubscribe, Wanted
from marketdata.stream.pictures import microseconds
from trading.streams import gate
from trading.streams.chains import NO_STRAND, STREAM, Chains, Strand
from trading.streams.hub import hub, ladders
from trading.streams.mailbox import Mailbox
from trading.streams.outlets import Outlet
from trading.streams.page_socket import NEVER, PageSocket
from trading.streams.postman import postman

SYMBOLS_MAX: Final = 500
BOOKS_MAX: Final = 100
HEARTBEAT_SECONDS: Final = 5


class Asked(NamedTuple):
    """What has an id: an instrument's prices, or its book."""

    symbol: str
    is_book: bool

    def __str__(self) -> str:
        return f"the book of {self.symbol}" if self.is_book else self.symbol


class Followed:
    """An instrument or book that the client has asked for: under which id, and how far sent."""

    __slots__ = ("head", "number", "sequence", "strand")

    def __init__(self, number: int) -> None:
        self.number = number
        self.head = HEADS[number]
        self.sequence = 0  # 0: it has nothing
        self.strand: Strand[Any] = NO_STRAND  # of which news comes while it is followed


class BinaryConsumer(PageSocket):
    kind = "binary"

    async def __call__(self, scope: gate.Scope, receive: gate.Receive, send: gate.Send) -> None:
        signed_in: SignedIn = scope["signed_in"]
        self.account_id = signed_in.account_id
        self.mailbox = Mailbox(shows_worth=False)
        self.said_at = time.monotonic()
        # An id and what it means belong together for as long as the connection lasts: what is
        # under way must never be taken for another instrument's.
        self.meanings: dict[int, Asked] = {}
        self.prices: dict[str, Followed] = {}
        self.books: dict[str, Followed] = {}
        self.outlet: Outlet | None = scope.get("outlet")
        self.postman = postman()
        self.is_called = False  # the postman is on the way
        self.under_way = 1  # frames that others must not overtake; hello is the first
        self.unsent: bytes | None = None
        self.failure: Exception | None = None
        if self.outlet is not None:
            self.mailbox.on_news = self._call
        await super().__call__(scope, receive, send)

    def who(self) -> dict[str, str]:
        return {"account_id": str(self.account_id)}

    async def connect(self) -> None:
        await self.accept()
        self.start_sending(self._work())

    def leave(self) -> None:
        self.postman.leave_out(self)
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
            self.meanings[each.number] = meaning
            known = self._followed(meaning)
            if known is None:
                known = Followed(each.number)
                known.sequence = each.sequence if asked.stream == STREAM else 0
                (self.books if asked.are_books else self.prices)[each.symbol] = known
            else:
                known.strand = NO_STRAND  # nobody may have followed it meanwhile
                known.sequence = known.sequence if each.sequence else 0
        (ladders if asked.are_books else hub).subscribe(self.mailbox, symbols)

    def _check_ids(self, wanted: Iterable[tuple[Wanted, Asked]]) -> None:
        """Refuse an id that means something else, and another id of what has one."""
        numbers, meanings = dict[Asked, int](), dict(self.meanings)
        for each, asked in wanted:
            known = self._followed(asked)
            meaning = meanings.setdefault(each.number, asked)
            number = numbers.setdefault(asked, each.number if known is None else known.number)
            if (number, meaning) != (each.number, asked):
                raise Refused(
                    Refusal.ID_IN_USE,
                    f"Here id {each.number} is {meaning}, and {asked} has id {number}.",
                )

    def _followed(self, asked: Asked) -> Followed | None:
        return (self.books if asked.is_book else self.prices).get(asked.symbol)

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
        self.under_way -= 1
        if self.outlet is not None:
            self.postman.take_on(self)
        await self.keep_sending()

    def _call(self) -> None:
        """Have the postman come: there is news."""
        if not self.is_called:
            self.is_called = True
            self.postman.call_at(self)

    def deliver(self) -> None:
        """Write what is new at once; what cannot be, the socket's own task waits to send."""
        self.is_called = False
        if self.under_way or self.unsent is not None or self.outlet is None:
            self.mailbox.news.set()
            return
        try:
            frame = self._frame()
            is_written = frame is None or self.outlet.write(frame)
        except Exception as error:  # noqa: BLE001 - it ends this socket, not the postman's round
            self.failure = error
            self.mailbox.news.set()
            return
        if not is_written:
            self.unsent = frame
            self.mailbox.news.set()
        elif frame is not None:
            self.said_at = time.monotonic()

    async def send_news(self) -> None:
        self.mailbox.news.clear()
        if self.failure is not None:
            raise self.failure
        frame, self.unsent = self.unsent or self._frame(), None
        if frame is not None:
            await self._say(frame)
            if self.mailbox.has_news:
                self.mailbox.on_news()  # of what the frame that could not be sent does not have

    def _frame(self) -> bytes | None:
        """Return what the client lacks, and count it as sent; None where that is nothing."""
        entries = [frames.UPDATES]
        _add_entries(entries, self.mailbox.take_quotes(), self.prices, hub.chains)
        _add_entries(entries, self.mailbox.take_books(), self.books, ladders.chains)
        return b"".join(entries) if len(entries) > 1 else None

    def pass_by(self, now: float) -> None:
        """Say that we are still here, to who has heard nothing for as long as hello says."""
        if now < self.said_at + HEARTBEAT_SECONDS or self.under_way or self.unsent is not None:
            return
        frame = frames.heartbeat(at=microseconds(timezone.now()))
        self.said_at = now
        if self.outlet is not None and not self.outlet.write(frame):
            self.unsent = frame  # whoever takes nothing is found out by it
            self.mailbox.news.set()

    def heartbeat_at(self) -> float:
        return NEVER if self.outlet is not None else self.said_at + HEARTBEAT_SECONDS

    async def send_heartbeat(self) -> None:
        await self._say(frames.heartbeat(at=microseconds(timezone.now())))

    async def _say(self, frame: bytes) -> None:
        self.said_at = time.monotonic()
        self.under_way += 1
        await self.say(frame)
        self.under_way -= 1


def _add_entries(
    entries: list[bytes],
    symbols: Iterable[str],
    followed: Mapping[str, Followed],
    chains: Chains[Any],
) -> None:
    """Add what brings a client from what it has of `symbols` to what is shown of them now."""
    for symbol in symbols:
        each = followed[symbol]
        link = each.strand.link
        if link is None:
            each.strand = chains.strand(symbol)
            link = each.strand.link
        if link is None:
            continue
        missing = link.sequence - each.sequence
        if missing == 1 and link.differences:  # nearly always: everything here counts
            entries += (each.head, link.differences[-1])
        elif missing:
            entries.append(link.entries(each.number, each.sequence))
        each.sequence = link.sequence
