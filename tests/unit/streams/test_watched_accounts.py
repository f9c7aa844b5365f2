"""Which accounts are valued, and in which order, when the database fails in between."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.db import OperationalError

from trading.streams import desk, encoding
from trading.streams.mailbox import Mailbox


class Valuer:
    """Stands in for the portfolio: fails as often as it is told to, then values."""

    def __init__(self) -> None:
        self.failures = 0
        self.asked: list[UUID] = []
        self.meanwhile: Callable[[UUID], None] = lambda _account_id: None

    def snapshot(self, account_id: UUID) -> SimpleNamespace:
        self.asked.append(account_id)
        self.meanwhile(account_id)
        if self.failures:
            self.failures -= 1
            raise OperationalError("the database is away")
        return SimpleNamespace(positions=(), account_id=account_id)


@pytest.fixture
def valuer(monkeypatch: pytest.MonkeyPatch) -> Valuer:
    valuer = Valuer()
    monkeypatch.setattr(desk, "portfolio", valuer)
    monkeypatch.setattr(encoding, "portfolio", lambda snapshot: str(snapshot.account_id))
    return valuer


async def test_an_error_loses_no_accounts_value(valuer: Valuer) -> None:
    watched, ids = desk.Desk(), [uuid.uuid4() for _ in range(3)]
    for account_id in ids:
        watched.join(account_id, Mailbox())
    valuer.failures = 1
    with pytest.raises(OperationalError):
        watched.value_who_is_due(lambda: None)
    assert valuer.asked == ids[:1]
    watched.value_who_is_due(lambda: None)
    assert valuer.asked[1:] == [ids[1], ids[2], ids[0]]  # whom it fails for holds nobody up
    watched.value_who_is_due(lambda: None)
    assert len(valuer.asked) == 4


async def test_what_happens_while_an_account_is_valued_is_told_next(valuer: Valuer) -> None:
    watched, account_id = desk.Desk(), uuid.uuid4()
    watched.join(account_id, Mailbox())
    valuer.meanwhile = lambda account_id: watched.hear(str(account_id))
    watched.value_who_is_due(lambda: None)
    valuer.meanwhile = lambda _account_id: None
    watched.value_who_is_due(lambda: None)
    watched.value_who_is_due(lambda: None)
    assert valuer.asked == [account_id] * 2
