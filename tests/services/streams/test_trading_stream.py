"""The socket of compatible trading clients: who may listen, what it is told, how it resumes."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from accounts.keys import issuing
from accounts.keys.terms import Terms
from accounts.models import Account
from accounts.sessions import authentication
from orders.entry import submission
from orders.models import Order, Trade
from orders.tickets import OrderClass, OrderTicket, StopLoss, Ticket
from tests import world
from tests.patience import DEADLINE_SECONDS
from tests.sockets import PatientSocket
from trading.asgi import application
from trading.streams import key_socket, trade_updates
from venues.messages import OrderType, ReportKind

WAIT_SECONDS = DEADLINE_SECONDS
pytestmark = pytest.mark.usefixtures("parts")


class Program(PatientSocket):
    """A program's socket to /stream."""

    def __init__(self, path: str = "/stream") -> None:
        super().__init__(application, path, headers=[(b"host", b"localhost")])

    async def say(self, **message: Any) -> None:
        await self.send_json_to(message)

    async def hear(self) -> Any:
        return await self.receive_json_from(timeout=WAIT_SECONDS)

    async def hear_events(self, count: int) -> list[dict[str, Any]]:
        return [(await self.hear())["data"] for _ in range(count)]

    async def closing_code(self) -> int:
        while True:
            message = await self.receive_output(timeout=WAIT_SECONDS)
            if message["type"] == "websocket.close":
                return int(message["code"])

    async def enter(self, customer: Customer, **listening: Any) -> None:
        """Connect, prove the key and listen."""
        assert (await self.connect())[0]
        await self.say(
            action="authenticate", data={"key_id": customer.key_id, "secret_key": customer.secret}
        )
        assert (await self.hear())["data"]["status"] == "authorized"
        await self.listen(**listening)

    async def listen(self, **listening: Any) -> None:
        await self.say(action="listen", data={"streams": ["trade_updates"], **listening})
        assert await self.hear() == {
            "stream": "listening",
            "data": {"streams": ["trade_updates"]},
        }


class Customer:
    def __init__(self) -> None:
        authentication.forget()
        self.account: Account = world.customer()
        key, self.secret = issuing.create(self.account)
        self.key_id = key.key_id
        world.instrument("AAPL")
        self.venue = world.Venue()

    def limit(self, price: str = "90", **wanted: object) -> OrderTicket:
        return world.limit_ticket(self.account, price, **wanted)

    def enters(self, ticket: Ticket) -> Order:
        (answer,) = submission.submit_batch([ticket], now=timezone.now())
        assert answer.order is not None, answer.refusal
        return answer.order

    def is_filled(self, order: Order, *quantities: str) -> None:
        for quantity in quantities:
            self.venue.fills(order, quantity, "89.50")
        world.apply_reports()


@pytest.fixture
def customer(committed: None) -> Customer:
    return Customer()


def names(updates: list[dict[str, Any]]) -> list[str]:
    return [update["event"] for update in updates]


@pytest.mark.parametrize("path", ["/stream", "/stream/"])
async def test_a_program_that_proves_its_key_may_listen(path: str, customer: Customer) -> None:
    program = Program(path)
    assert (await program.connect())[0]
    # Other clients say it in other words, and in binary frames.
    await program.send_to(
        bytes_data=b'{"action":"auth","key":"%s","secret":"%s"}'
        % (customer.key_id.encode(), customer.secret.encode())
    )
    assert await program.hear() == {
        "stream": "authorization",
        "data": {"action": "authenticate", "status": "authorized"},
    }
    await program.listen()
    await program.disconnect()


@pytest.mark.parametrize(
    "message",
    [
        {"action": "authenticate", "data": {"key_id": "PKNOBODY", "secret_key": "nothing"}},
        {"action": "auth", "key": "PKNOBODY", "secret": "nothing"},
        {"action": "auth", "key": "x" * 1000, "secret": ""},
        {"action": "authenticate"},
        {"action": "listen", "data": {"streams": ["trade_updates"]}},
    ],
)
async def test_who_does_not_is_turned_away(message: dict[str, Any], customer: Customer) -> None:
    program = Program()
    assert (await program.connect())[0]
    await program.say(**message)
    assert (await program.hear())["data"]["status"] == "unauthorized"
    assert await program.closing_code() == key_socket.NOT_AUTHORIZED


async def test_who_says_nothing_is_closed(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_socket, "AUTHENTICATION_SECONDS_MAX", 0.1)
    program = Program()
    assert (await program.connect())[0]
    assert await program.closing_code() == key_socket.NOT_AUTHORIZED


@pytest.mark.parametrize("text", ["{", "[]", '{"action":"dance"}', '{"action":"listen"}'])
async def test_what_cannot_be_understood_ends_the_socket(text: str, customer: Customer) -> None:
    program = Program()
    assert (await program.connect())[0]
    await program.send_to(text_data=text)
    assert (await program.hear())["stream"] == "error"
    assert await program.closing_code() == key_socket.NOT_UNDERSTOOD


async def test_an_order_is_followed_from_its_beginning_to_its_fill(customer: Customer) -> None:
    program = Program()
    await program.enter(customer)
    order = await sync_to_async(customer.enters)(customer.limit())
    (placed,) = await program.hear_events(1)
    assert (placed["event"], placed["order"]["id"]) == ("pending_new", str(order.pk))
    assert "price" not in placed

    await sync_to_async(customer.venue.accepts)(order)
    await sync_to_async(customer.is_filled)(order, "4", "6")
    accepted, partly, wholly = await program.hear_events(3)
    assert names([accepted, partly, wholly]) == ["new", "partial_fill", "fill"]
    # Each has the order as it stood with it, also when all came at once.
    assert [
        (u["order"]["status"], u["order"]["filled_qty"]) for u in (accepted, partly, wholly)
    ] == [
        ("new", "0"),
        ("partially_filled", "4"),
        ("filled", "10"),
    ]
    assert [(u["price"], u["qty"], u["position_qty"]) for u in (partly, wholly)] == [
        ("89.5", "4", "4"),
        ("89.5", "6", "10"),
    ]
    ids = [u["event_id"] for u in (placed, accepted, partly, wholly)]
    assert ids == list(range(ids[0], ids[0] + 4))
    await program.disconnect()


async def test_who_resumes_is_told_the_same_again(customer: Customer) -> None:
    def trades() -> None:
        for _ in range(3):
            order = customer.enters(customer.limit())
            customer.venue.accepts(order)
            customer.is_filled(order, "1", "2", "7")

    await sync_to_async(trades)()
    program = Program()
    await program.enter(customer, since=0)
    whole = await program.hear_events(15)
    assert names(whole) == ["pending_new", "new", "partial_fill", "partial_fill", "fill"] * 3
    assert [u["position_qty"] for u in whole if "fill" in u["event"]] == [
        "1", "3", "10", "11", "13", "20", "21", "23", "30",
    ]  # fmt: skip
    for seen in (0, 3, 13):
        await program.listen(since=whole[seen]["event_id"])
        assert await program.hear_events(14 - seen) == whole[seen + 1 :]
    await program.listen(since=10**9)  # from the future: nothing was missed
    assert await program.receive_nothing(timeout=0.3)
    await program.disconnect()


async def test_pages_part_no_moment(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    def trades() -> None:
        order = customer.enters(customer.limit())
        customer.venue.accepts(order)
        customer.is_filled(order, *["1"] * 10)

    await sync_to_async(trades)()
    monkeypatch.setattr(trade_updates, "PAGE", 4)
    program = Program()
    await program.enter(customer, since=0)
    updates = await program.hear_events(12)
    assert [u["position_qty"] for u in updates[2:]] == [str(n) for n in range(1, 11)]
    await program.disconnect()


async def test_a_resume_reads_each_trade_once(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions are told back from now: what came after a page is summed where it lies."""
    read: list[str] = []

    def trades() -> list[str]:
        order = customer.enters(customer.limit())
        customer.venue.accepts(order)
        fills = [customer.venue.fills(order, "1", "89.50") for _ in range(2)]
        world.apply_reports()
        customer.venue.busts(order, fills[0])
        for _ in range(5):
            customer.is_filled(order, "1")
        given = Trade.from_db.__func__  # type: ignore[attr-defined]
        monkeypatch.setattr(
            Trade, "from_db", classmethod(lambda *a, **k: read.append("") or given(*a, **k))
        )
        monkeypatch.setattr(trade_updates, "PAGE", 2)
        since, told = 0, []
        while True:
            page = trade_updates.page(customer.account.pk, since)
            told += [json.loads(text)["data"].get("position_qty") for _, text in page.updates]
            since = page.sequence
            if page.is_last:
                return [position for position in told if position is not None]

    assert await sync_to_async(trades)() == ["1", "2", "1", "2", "3", "4", "5", "6"]
    assert len(read) == 8


async def test_what_is_held_denied_and_refused_is_told(customer: Customer) -> None:
    program = Program()
    await program.enter(customer)

    def acts() -> None:
        stop = world.ticket(customer.account, type=OrderType.STOP, stop_price=Decimal(110))
        customer.enters(stop)
        customer.enters(customer.limit(quantity=Decimal(5000)))
        order = customer.enters(customer.limit())
        customer.venue.accepts(order)
        world.apply_reports()
        customer.enters(world.cancel_ticket(order))
        customer.venue.says(order, ReportKind.CANCEL_REJECTED, reason="too_late")
        customer.venue.says(order, ReportKind.CANCELLED)
        world.apply_reports()

    await sync_to_async(acts)()
    updates = await program.hear_events(7)
    assert names(updates) == [
        "new", "rejected", "pending_new", "new", "pending_cancel", "order_cancel_rejected",
        "canceled",
    ]  # fmt: skip
    assert (updates[0]["order"]["type"], updates[0]["order"]["status"]) == ("stop", "new")
    assert updates[1]["code"] == "insufficient_buying_power"
    assert updates[1]["rejected_by"] == updates[1]["order"]["rejected_by"] == "openfloor"
    assert updates[5]["reason"]
    assert (updates[5]["rejected_by"], updates[5]["order"]["rejected_by"]) == ("venue", None)
    await program.disconnect()


async def test_the_legs_of_a_group_are_told_of(customer: Customer) -> None:
    program = Program()
    await program.enter(customer)
    bracket = customer.limit(
        order_class=OrderClass.BRACKET,
        take_profit=Decimal(120),
        stop_loss=StopLoss(Decimal(80)),
    )
    await sync_to_async(customer.enters)(bracket)
    updates = await program.hear_events(3)
    assert sorted(names(updates)) == ["pending_new"] * 3
    assert sorted(u["order"]["status"] for u in updates) == ["accepted", "held", "held"]
    await program.disconnect()


async def test_nobody_is_told_of_the_orders_of_another(customer: Customer) -> None:
    program = Program()
    await program.enter(customer)
    stranger = await sync_to_async(world.customer)()
    await sync_to_async(submission.submit_batch)(
        [world.limit_ticket(stranger, "90")], now=timezone.now()
    )
    assert await program.receive_nothing(timeout=0.5)
    await program.disconnect()


async def test_a_revoked_key_ends_its_sockets(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_socket, "CHECKED_EVERY_SECONDS", 0.2)
    program = Program()
    await program.enter(customer)
    await sync_to_async(issuing.revoke)(customer.account, customer.key_id)
    assert await program.closing_code() == key_socket.NOT_AUTHORIZED


async def test_a_key_with_an_address_list_opens_no_socket_from_elsewhere(
    customer: Customer,
) -> None:
    terms = Terms(networks=("192.0.2.0/24",))
    key, secret = await sync_to_async(issuing.create)(customer.account, terms=terms)
    for client, status in (("192.0.2.9", "authorized"), ("198.51.100.9", "unauthorized")):
        program = Program()
        program.scope["client"] = [client, 5000]
        assert (await program.connect())[0]
        await program.say(action="auth", key=key.key_id, secret=secret)
        answer = await program.hear()
        assert answer["data"] == {"action": "authenticate", "status": status}
        await program.disconnect()


async def test_who_listens_no_more_is_told_nothing(customer: Customer) -> None:
    program = Program()
    await program.enter(customer)
    await program.say(action="listen", data={"streams": []})
    assert await program.hear() == {"stream": "listening", "data": {"streams": []}}
    await sync_to_async(customer.enters)(customer.limit())
    assert await program.receive_nothing(timeout=0.5)
    await program.disconnect()


async def test_a_revoked_key_ends_a_socket_that_takes_nothing(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a server whose `send` waits, as long as the client does not read."""
    monkeypatch.setattr(key_socket, "CHECKED_EVERY_SECONDS", 0.2)
    order = await sync_to_async(customer.enters)(customer.limit())
    await sync_to_async(customer.is_filled)(order, "4")
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    updated, closed = asyncio.Event(), asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            assert message["code"] == key_socket.NOT_AUTHORIZED
            closed.set()
        elif "event_id" in message.get("text", ""):
            updated.set()
            await asyncio.sleep(3600)

    def text(**message: Any) -> dict[str, Any]:
        return {"type": "websocket.receive", "text": json.dumps(message)}

    said.put_nowait({"type": "websocket.connect"})
    said.put_nowait(text(action="auth", key=customer.key_id, secret=customer.secret))
    said.put_nowait(text(action="listen", data={"streams": ["trade_updates"], "since": 0}))
    scope = {"type": "websocket", "path": "/stream", "headers": []}
    socket = asyncio.create_task(application(scope, said.get, send))
    async with asyncio.timeout(WAIT_SECONDS):
        await updated.wait()
        await sync_to_async(issuing.revoke)(customer.account, customer.key_id)
        await closed.wait()
    socket.cancel()
