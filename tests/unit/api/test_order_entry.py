"""What is said of a ticket when the answer is late, broken or not wanted any more."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import MutableMapping
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.db import OperationalError

from accounts.keys import terms
from accounts.keys.keyring import Principal
from orders.entry import intake
from orders.entry.submission import Answer
from orders.tickets import Actor, OrderTicket
from trading.api import authentication, order_entry, parsing, plain, tickets
from trading.api.errors import ApiError
from trading.api.tickets import Origin

ORIGIN = Origin(
    uuid.uuid4(), Actor("api_key", "PK1"), "192.0.2.1", datetime(2026, 1, 5, tzinfo=UTC)
)
PAYLOAD = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "day"}


def ticket() -> OrderTicket:
    return tickets.order_ticket(
        PAYLOAD, origin=ORIGIN, new_id=lambda: "made-here", refuses_unknown=True
    )


def test_a_ticket_that_was_not_begun_is_withdrawn() -> None:
    waiting: Future[Answer] = Future()
    error = order_entry.unanswered(ticket(), waiting)
    assert waiting.cancelled()
    assert (error.status, error.body["reason"]) == (503, "not_accepted")


def test_of_a_ticket_that_was_begun_the_outcome_is_unknown() -> None:
    begun: Future[Answer] = Future()
    begun.set_running_or_notify_cancel()
    error = order_entry.unanswered(ticket(), begun)
    # Never 504, which clients repeat by themselves; and how to ask is told.
    assert (error.status, error.body["reason"]) == (503, "outcome_unknown")
    assert error.body["client_order_id"] == "made-here"


@pytest.mark.parametrize(
    ("failure", "status"), [(OperationalError("gone"), 503), (ZeroDivisionError(), 500)]
)
def test_of_a_failed_commit_nothing_is_claimed(failure: Exception, status: int) -> None:
    entered: Future[Answer] = Future()
    entered.set_exception(failure)
    with pytest.raises(ApiError) as caught:
        order_entry.outcome(ticket(), entered)
    assert (caught.value.status, caught.value.body["reason"]) == (status, "outcome_unknown")
    assert "gone" not in caught.value.body["message"]


class Conversation:
    """One request to the plain handlers, as a server holds it."""

    def __init__(self, *messages: MutableMapping[str, Any], headers: Any = ()) -> None:
        self.messages, self.headers = list(messages), list(headers)
        self.sent: list[MutableMapping[str, Any]] = []

    async def receive(self) -> MutableMapping[str, Any]:
        if not self.messages:
            await asyncio.sleep(3600)
        return self.messages.pop(0)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)

    async def hold(self) -> None:
        async def nobody(*_: object) -> None:
            raise RuntimeError("handed on")

        scope = {
            "type": "http", "method": "POST", "path": "/v2/orders", "client": ("192.0.2.1", 1),
            "headers": [
                (b"apca-api-key-id", b"PK1"), (b"apca-api-secret-key", b"secret"), *self.headers,
            ],
        }  # fmt: skip
        await plain.OrderEntry(nobody)(scope, self.receive, self.send)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])


@pytest.fixture
def known_key(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Principal(account_id=uuid.uuid4(), key_id="PK1", scopes=terms.ALL)
    monkeypatch.setattr(authentication.authentication, "api_key_cached", lambda *_, **__: known)


async def test_a_client_that_leaves_is_not_answered(known_key: None) -> None:
    talk = Conversation({"type": "http.disconnect"})
    await talk.hold()
    assert talk.sent == []


async def test_a_body_without_an_end_is_cut_off(known_key: None) -> None:
    part = {"type": "http.request", "body": b" " * 10_000, "more_body": True}
    talk = Conversation(*[part] * 20)
    await talk.hold()
    assert (talk.status, len(talk.messages)) == (413, 13)


async def test_a_declared_length_is_believed_before_anything_is_read(known_key: None) -> None:
    length = str(parsing.BODY_BYTES_MAX + 1).encode()
    talk = Conversation(headers=[(b"content-length", length)])
    await talk.hold()
    assert talk.status == 413


async def test_a_body_that_does_not_come_is_given_up(
    known_key: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "BODY_SECONDS_MAX", 0.01)
    talk = Conversation()
    await talk.hold()
    assert talk.status == 408


ORDER = {"type": "http.request", "body": orjson.dumps(PAYLOAD)}


@pytest.fixture
def entered(known_key: None, monkeypatch: pytest.MonkeyPatch) -> list[Future[Answer]]:
    """What is entered here is never answered."""
    entered: list[Future[Answer]] = []

    def silent(_ticket: object) -> Future[Answer]:
        entered.append(Future())
        return entered[-1]

    monkeypatch.setattr(intake.intake, "enter", silent)
    return entered


@pytest.mark.parametrize("has_begun", [True, False])
async def test_an_answer_that_does_not_come_is_given_up(
    entered: list[Future[Answer]], monkeypatch: pytest.MonkeyPatch, has_begun: bool
) -> None:
    monkeypatch.setattr(order_entry, "WAIT_SECONDS_MAX", 0.05)
    talk = Conversation(ORDER)
    holding = asyncio.create_task(talk.hold())
    await asyncio.sleep(0)
    if has_begun:
        entered[0].set_running_or_notify_cancel()
    await holding
    assert talk.status == 503
    reason = orjson.loads(talk.sent[1]["body"])["reason"]
    assert reason == ("outcome_unknown" if has_begun else "not_accepted")
    assert entered[0].cancelled() is not has_begun


async def test_a_call_that_is_ended_withdraws_its_ticket(entered: list[Future[Answer]]) -> None:
    talk = Conversation(ORDER)
    holding = asyncio.create_task(talk.hold())
    await asyncio.sleep(0)
    holding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holding
    assert (entered[0].cancelled(), talk.sent) == (True, [])
