"""The sockets of compatible data clients: who may listen, and what the market says there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgpack
import pytest
from asgiref.sync import sync_to_async

from accounts.keys import issuing
from accounts.models import ApiKey
from accounts.sessions import authentication
from marketdata import selectors
from marketdata import services as prices
from marketdata.batches.columns import TickColumns
from marketdata.models import Instrument
from marketdata.ticks import QuoteTick, Tick, TradeTick
from tests import world
from tests.patience import DEADLINE_SECONDS
from tests.sockets import PatientSocket
from trading.asgi import application
from trading.streams import data_wire, key_socket
from trading.streams.data_market import CRYPTO, EQUITIES, Market

WAIT_SECONDS = DEADLINE_SECONDS
SOURCE = "feed"
NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
D = Decimal

pytestmark = pytest.mark.usefixtures("committed")


class Program(PatientSocket):
    """A program's socket to market data."""

    def __init__(self, path: str = "/v2/iex", *, is_packed: bool = False) -> None:
        codec = [(b"content-type", b"application/msgpack")] if is_packed else []
        super().__init__(application, path, headers=[(b"host", b"localhost"), *codec])
        self.is_packed = is_packed

    async def say(self, **message: Any) -> None:
        if self.is_packed:
            await self.send_to(bytes_data=msgpack.packb(message))
        else:
            await self.send_to(text_data=json.dumps(message))

    async def hear(self) -> Any:
        heard = await self.receive_from(timeout=WAIT_SECONDS)
        return msgpack.unpackb(heard, timestamp=3) if self.is_packed else json.loads(heard)

    async def closing_code(self) -> int:
        message = await self.receive_output(timeout=WAIT_SECONDS)
        assert message["type"] == "websocket.close"
        return int(message["code"])

    async def enter(self, key: Key, **channels: Sequence[str]) -> None:
        """Connect, prove the key and subscribe."""
        assert (await self.connect())[0]
        assert await self.hear() == [{"T": "success", "msg": "connected"}]
        await self.say(action="auth", key=key.key_id, secret=key.secret)
        assert await self.hear() == [{"T": "success", "msg": "authenticated"}]
        await self.say(action="subscribe", **channels)
        (answer,) = await self.hear()
        assert {name: answer[name] for name in channels} == channels


class Key:
    def __init__(self) -> None:
        authentication.forget()
        row, self.secret = issuing.create(world.customer())
        self.key_id = row.key_id


@pytest.fixture
def key(committed: None) -> Key:
    return Key()


class Told:
    """A market of its own, whose time the test tells."""

    def __init__(self) -> None:
        self.market = Market({"us_equity": EQUITIES, "crypto": CRYPTO})
        self.sequence = 0
        for symbol, asset_class, exchange in (
            ("IBM", "us_equity", "NYSE"),
            ("AAPL", "us_equity", "NASDAQ"),
            ("BTC/USD", "crypto", "CRYPTO"),
        ):
            Instrument.objects.create(
                code=symbol, symbol=symbol, name=symbol, asset_class=asset_class,
                exchange=exchange, reference_price=D(100),
            )  # fmt: skip

    def look(self, *, now: datetime) -> None:
        quotes = selectors.quotes_since(self.sequence)
        self.sequence = max([self.sequence, *(quote.sequence for quote in quotes)])
        self.market.take(quotes, selectors.standings(), now=now)

    @sync_to_async
    def happens(self, *ticks: Tick, now: datetime) -> None:
        prices.accept(TickColumns.of(ticks), source=SOURCE, now=now)
        self.look(now=now)

    @sync_to_async
    def passes(self, now: datetime) -> None:
        self.look(now=now)


@pytest.fixture
def told(committed: None) -> Told:
    return Told()


def quote(symbol: str, bid: str, ask: str, *, at: datetime) -> QuoteTick:
    return QuoteTick(symbol, at, D(bid), D(300), D(ask), D(200))


def trade(
    symbol: str, price: str, size: str, number: int, *, at: datetime, sets_last: bool = True
) -> TradeTick:
    return TradeTick(symbol, at, D(price), D(size), str(number), sets_last)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"action": "subscribe", "trades": ["IBM"]}], 401),
        ([{"action": "auth", "key": "PKNOBODY", "secret": "nothing"}], 402),
        ([{"action": "auth", "key": "x" * 1000, "secret": ""}], 402),
        ([{"action": "dance"}], 400),
    ],
)
async def test_who_proves_no_key_hears_nothing(
    messages: list[dict[str, Any]], code: int, key: Key
) -> None:
    program = Program()
    assert (await program.connect())[0]
    await program.hear()
    for message in messages:
        await program.say(**message)
        (answer,) = await program.hear()
        assert (answer["T"], answer["code"]) == ("error", code)
    assert not EQUITIES.is_heard
    await program.disconnect()


async def test_who_is_in_stays_in_whatever_is_refused(
    key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program()
    await program.enter(key, trades=["IBM"])
    await program.say(action="auth", key=key.key_id, secret=key.secret)
    assert (await program.hear())[0]["code"] == 403
    many = [f"S{number}" for number in range(data_wire.SYMBOLS_MAX)]
    await program.say(action="subscribe", quotes=many)
    assert (await program.hear())[0]["code"] == 405
    await program.say(action="subscribe", quotes=many[1:])
    assert len((await program.hear())[0]["quotes"]) == data_wire.SYMBOLS_MAX - 1
    await program.say(action="unsubscribe", quotes=many, trades=["IBM"])
    (answer,) = await program.hear()
    assert (answer["quotes"], answer["trades"]) == ([], [])
    assert not EQUITIES.is_heard
    await program.disconnect()


async def test_who_says_nothing_is_told_so_and_closed(
    key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_socket, "AUTHENTICATION_SECONDS_MAX", 0.1)
    program = Program()
    assert (await program.connect())[0]
    await program.hear()
    assert (await program.hear())[0]["code"] == 404
    assert await program.closing_code() == key_socket.NOT_AUTHORIZED


async def test_a_revoked_key_ends_its_sockets(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_socket, "CHECKED_EVERY_SECONDS", 0.1)
    program = Program()
    await program.enter(key, trades=["IBM"])
    await sync_to_async(ApiKey.objects.all().update)(revoked_at=NOON)
    authentication.forget()
    assert await program.closing_code() == key_socket.NOT_AUTHORIZED
    await program.disconnect()
    assert not EQUITIES.is_heard


@pytest.mark.parametrize("is_packed", [False, True])
async def test_trades_and_quotes_are_told_as_they_happen(
    is_packed: bool, key: Key, told: Told
) -> None:
    program = Program(is_packed=is_packed)
    await program.enter(key, trades=["IBM"], quotes=["*"])
    await told.passes(NOON)
    await told.happens(
        quote("IBM", "100", "100.02", at=NOON),
        trade("IBM", "100.02", "5", 1, at=NOON),
        trade("AAPL", "50", "9", 2, at=NOON),  # nobody wants it
        trade("IBM", "100.01", "7", 3, at=NOON, sets_last=False),
        quote("BTC/USD", "9", "10", at=NOON),  # another market
        now=NOON,
    )  # fmt: skip
    at = NOON if is_packed else "2026-03-02T17:00:00.000000Z"
    heard = await program.hear()
    assert heard == [
        {
            "T": "q", "S": "IBM", "t": at, "bp": 100, "bs": 300, "ap": 100.02, "as": 200,
            "bx": "", "ax": "", "c": ["R"], "z": "A",
        },
        {"T": "t", "S": "IBM", "t": at, "p": 100.02, "s": 5, "i": 1, "x": "", "c": ["@"], "z": "A"},
        {"T": "t", "S": "IBM", "t": at, "p": 100.01, "s": 7, "i": 3, "x": "", "c": ["Z"], "z": "A"},
    ]  # fmt: skip
    # A trade alone is no news of the quote, and nothing is told twice.
    later = NOON + SECOND
    await told.happens(trade("IBM", "100", "1", 4, at=later), now=later)
    assert [(each["T"], each["i"]) for each in await program.hear()] == [("t", 4)]
    await told.passes(later)
    assert await program.receive_nothing(timeout=0.1)
    await program.disconnect()


async def test_a_minute_is_told_when_it_has_ended_and_again_when_it_was_repaired(
    key: Key, told: Told
) -> None:
    program = Program()
    await program.enter(key, bars=["IBM"], updatedBars=["IBM"], dailyBars=["IBM"])
    await told.passes(NOON)
    for number, (price, second) in enumerate((("100", 1), ("101", 30), ("99", 59)), start=1):
        at = NOON + second * SECOND
        await told.happens(trade("IBM", price, "10", number, at=at), now=at)
    ended = NOON + 60 * SECOND
    await told.passes(ended + SECOND / 2)
    await told.passes(ended + SECOND)
    bar, day = await program.hear()
    assert bar == {
        "T": "b", "S": "IBM", "t": "2026-03-02T17:00:00Z",
        "o": 100, "h": 101, "l": 99, "c": 99, "v": 30, "n": 3, "vw": 100,
    }  # fmt: skip
    assert (day["T"], day["t"], day["v"], day["c"]) == ("d", "2026-03-02T05:00:00Z", 30, 99)
    # A trade of that minute comes late, and one of the next.
    late = trade("IBM", "98", "1", 4, at=ended - SECOND / 2)
    await told.happens(late, now=ended + 2 * SECOND)
    at = ended + 3 * SECOND
    await told.happens(trade("IBM", "99.5", "4", 5, at=at), now=at)
    await told.passes(ended + 30 * SECOND)
    (updated,) = await program.hear()
    assert (updated["T"], updated["t"]) == ("u", "2026-03-02T17:00:00Z")
    assert (updated["l"], updated["c"], updated["v"], updated["n"]) == (98, 98, 31, 4)
    await told.passes(ended + 61 * SECOND)
    bar, day = await program.hear()
    assert (bar["T"], bar["t"], bar["v"], bar["c"]) == ("b", "2026-03-02T17:01:00Z", 4, 99.5)
    assert (day["v"], day["l"]) == (35, 98)
    await told.passes(ended + 121 * SECOND)  # nothing happened in the third
    assert await program.receive_nothing(timeout=0.1)
    await program.disconnect()


async def test_a_halt_is_told_in_the_codes_of_its_tape(key: Key, told: Told) -> None:
    program = Program("/v2/sip")
    await program.enter(key, statuses=["*"])
    await told.happens(
        quote("IBM", "100", "101", at=NOON), quote("AAPL", "50", "51", at=NOON), now=NOON
    )
    for is_halted, codes in ((True, {"IBM": "2", "AAPL": "H"}), (False, {"IBM": "3", "AAPL": "T"})):
        await sync_to_async(Instrument.objects.all().update)(halted=is_halted)
        await told.passes(NOON + SECOND)
        heard = await program.hear()
        assert {each["S"]: (each["T"], each["sc"]) for each in heard} == {
            symbol: ("s", code) for symbol, code in codes.items()
        }
    await program.disconnect()


async def test_crypto_has_a_market_of_its_own(key: Key, told: Told) -> None:
    program = Program("/v1beta3/crypto/us")
    await program.enter(key, trades=["*"])
    await told.passes(NOON)
    await told.happens(
        trade("IBM", "100", "1", 1, at=NOON), trade("BTC/USD", "9", "0.5", 2, at=NOON), now=NOON
    )
    assert await program.hear() == [
        {
            "T": "t", "S": "BTC/USD", "t": "2026-03-02T17:00:00.000000Z",
            "p": 9, "s": 0.5, "i": 2, "tks": "-",
        }
    ]  # fmt: skip
    await program.disconnect()
    await asyncio.sleep(0)
    assert not CRYPTO.is_heard
