"""Which accounts are read, and that none is forgotten when the database fails in between."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError

from marketdata.models import Quote
from trading.streams import desk
from trading.streams.faces import Seen
from trading.streams.mailbox import Mailbox


class Model:
    """Stands in for the read model: fails as often as it is told to, then knows every account."""

    def __init__(self) -> None:
        self.failures = 0
        self.asked: list[list[UUID]] = []
        self.known: set[UUID] = set()
        self.touched: dict[UUID, set[UUID]] = {}
        self.cash = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def __contains__(self, account_id: UUID) -> bool:
        return account_id in self.known

    def refresh(self, account_ids: Collection[UUID]) -> set[UUID]:
        self.asked.append(list(account_ids))
        self.meanwhile()
        if self.failures:
            self.failures -= 1
            raise OperationalError("the database is away")
        self.known |= set(account_ids)
        return set(account_ids)

    def reprice(self, quotes: Iterable[Quote]) -> Mapping[UUID, set[UUID]]:
        return self.touched

    def drop(self, account_id: UUID) -> None:
        self.known.discard(account_id)

    def snapshot(self, account_id: UUID, *, now: object) -> SimpleNamespace:
        self.cash += 1
        return SimpleNamespace(account_id=account_id, cash=self.cash, positions=())


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    model = Model()
    monkeypatch.setattr(desk, "ReadModel", lambda: model)

    def shown(snapshots: Collection[Any], *, now: object) -> dict[UUID, Any]:
        return {each.account_id: {"cash": each.cash} for each in snapshots}

    monkeypatch.setattr(desk.accounts_now, "shown", shown)
    monkeypatch.setattr(desk.accounts_now, "repriced", shown)
    return model


def nothing() -> None:
    pass


async def test_an_error_loses_no_accounts_worth(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "READ_TOGETHER", 2)
    watched, ids = desk.Desk(), [uuid.uuid4() for _ in range(3)]
    for account_id in ids:
        watched.join(account_id, Mailbox())
    model.failures = 1
    with pytest.raises(OperationalError):
        watched.read_books(nothing)
    watched.read_books(nothing)
    watched.read_books(nothing)
    assert model.asked == [ids[:2], ids[:2], ids[2:]]
    model.touched = {ids[0]: set()}
    monkeypatch.setattr(model, "snapshot", lambda *_, **__: 1 / 0)  # as when risk cannot be read
    with pytest.raises(ZeroDivisionError):
        watched.take_prices()
    monkeypatch.undo()
    assert watched._due() == ids[:1]


async def test_what_happens_while_an_account_is_read_is_read_next(model: Model) -> None:
    watched, account_id = desk.Desk(), uuid.uuid4()
    watched.join(account_id, Mailbox())
    model.meanwhile = lambda: watched.hear(str(account_id))
    watched.read_books(nothing)
    model.meanwhile = nothing
    watched.read_books(nothing)
    watched.read_books(nothing)
    assert model.asked == [[account_id]] * 2


async def test_nobody_is_read_for_a_socket_that_shows_no_worth(model: Model) -> None:
    watched, account_id = desk.Desk(), uuid.uuid4()
    watched.join(account_id, Mailbox(shows_worth=False))
    watched.read_books(nothing)
    assert model.asked == []
    assert watched.watched == {account_id}


async def test_a_face_waits_a_while_for_who_left(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched, account_id, mailbox = desk.Desk(), uuid.uuid4(), Mailbox()
    watched.join(account_id, mailbox)
    watched.read_books(nothing)
    _, seen = watched.news(account_id, None)  # type: ignore[misc]
    watched.leave(account_id, mailbox)
    watched.read_books(nothing)
    assert account_id not in model  # which costs nothing meanwhile
    watched.join(account_id, Mailbox())
    watched.read_books(nothing)
    _, later = watched.news(account_id, seen)  # type: ignore[misc]
    assert later == Seen(seen.stream, seen.sequence + 1)
    watched.leave(account_id, mailbox)
    for box in list(watched._watched[account_id].mailboxes):
        watched.leave(account_id, box)
    monkeypatch.setattr(desk, "KEPT_SECONDS", 0.0)
    watched.read_books(nothing)
    assert watched.news(account_id, seen) is None
