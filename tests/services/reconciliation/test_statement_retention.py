"""Seven years, then a file that was read back; legal holds, which two people release."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts import activity, approvals
from accounts.models import Account
from marketdata import calendars
from portfolio import services as portfolio
from portfolio.models import Transfer
from reconciliation.statements import composing, holds, making, periods, retention
from reconciliation.statements.models import (
    ArchivedStatements,
    LegalHold,
    LegalHoldRelease,
    Statement,
)
from reconciliation.statements.retention import NotProved
from tests import issuers, world

pytestmark = pytest.mark.django_db

OLD = date(2018, 3, 31)


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.ARCHIVE = str(tmp_path)
    return tmp_path


def old_account(reference: str = "long ago") -> Account:
    """Return an account that has a daily and a monthly statement of long ago."""
    account = world.customer(cash="0")
    at = datetime(2018, 3, 31, 16, tzinfo=UTC)
    portfolio.deposit(
        account_id=account.pk,
        amount=Decimal(100),
        reference=reference,
        actor="operator:test",
        now=at,
    )
    making.make([account.pk], periods.due(OLD), day=OLD, now=at + timedelta(days=1))
    return account


def archive() -> str:
    today = calendars.date_of(timezone.now())
    return retention.run(day=today, now=timezone.now(), progress=lambda done, of: None)


def test_old_statements_go_into_a_file_and_are_the_same_there(files):
    account = old_account()
    kept = {each.number: (each.digest, each.size) for each in Statement.objects.all()}
    moved = list(Transfer.objects.order_by("pk").values_list())
    assert len(kept) == 2

    assert archive() == "2 statements into 1 files"
    assert not Statement.objects.exists()
    [note] = ArchivedStatements.objects.all()
    assert (note.month, note.file, note.statements) == (
        date(2018, 3, 1), "statements-2018-03-1.parquet", 2,
    )  # fmt: skip
    data = (files / note.file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == note.digest
    found = {row["number"]: row for row in retention.read(note.file)}
    assert {
        number: (hashlib.sha256(row["csv"]).hexdigest(), len(row["csv"]))
        for number, row in found.items()
    } == kept
    assert {row["account_id"] for row in found.values()} == {str(account.pk)}
    # The ledger stays as it was, and nothing is left to be done.
    assert list(Transfer.objects.order_by("pk").values_list()) == moved
    assert archive() == "0 statements into 0 files"


def test_what_is_younger_stays():
    account = world.customer()
    day = calendars.date_of(timezone.now())
    making.make([account.pk], periods.due(day)[:2], day=day, now=timezone.now() + timedelta(days=2))
    assert archive() == "0 statements into 0 files"
    assert Statement.objects.count() == 1


def test_nothing_is_dropped_unless_the_file_reads_back_as_it_was(monkeypatch):
    old_account()
    real = composing.csv
    monkeypatch.setattr(composing, "csv", lambda statement: [*real(statement), b"more"])
    with pytest.raises(NotProved, match="as it was made"):
        archive()
    assert Statement.objects.count() == 2
    assert not ArchivedStatements.objects.exists()


def test_the_database_refuses_to_drop_what_is_in_no_file():
    old_account()
    with pytest.raises(DatabaseError, match="in no archive"), transaction.atomic():
        Statement.objects.all().delete()
    assert Statement.objects.count() == 2


def test_under_a_legal_hold_nothing_leaves_and_then_it_does():
    held, free = old_account("held"), old_account("free")
    ann, now = issuers.person("ann"), timezone.now()
    hold = holds.place(account_id=held.pk, reason="An inquiry", until=None, by=ann, now=now)
    assert archive() == "2 statements into 1 files"
    assert set(Statement.objects.values_list("account", flat=True)) == {held.pk}
    # Another file of the same month has those of others: the hold still counts.
    with pytest.raises(DatabaseError, match="legal hold"), transaction.atomic():
        Statement.objects.all().delete()
    assert free.pk != held.pk

    asked = holds.ask_for_release(hold, reason="It is over", by=ann, now=now)
    assert archive() == "0 statements into 0 files"
    holds.release(asked.pk, by=issuers.person("bob"), reason="Read it", now=now)
    assert archive() == "2 statements into 1 files"
    assert ArchivedStatements.objects.latest("number").file == "statements-2018-03-2.parquet"


def test_a_hold_ends_with_its_day():
    account = old_account()
    today = calendars.date_of(timezone.now())
    holds.place(
        account_id=account.pk, reason="An audit", until=today, by=issuers.person(),
        now=timezone.now(),
    )  # fmt: skip
    assert list(holds.on(today).values_list("account", flat=True)) == [account.pk]
    assert not holds.on(today + timedelta(days=1)).exists()


def test_nobody_releases_a_hold_alone():
    account = world.customer()
    ann, now = issuers.person("ann"), timezone.now()
    hold = holds.place(account_id=account.pk, reason="An inquiry", until=None, by=ann, now=now)
    asked = holds.ask_for_release(hold, reason="It is over", by=ann, now=now)
    with pytest.raises(approvals.UnableToApprove, match="Another person"):
        holds.release(asked.pk, by=ann, reason="Mine", now=now)
    with pytest.raises(holds.UnableToHold, match="already"):
        holds.ask_for_release(hold, reason="Again", by=ann, now=now)
    assert not LegalHoldRelease.objects.exists()

    bob = issuers.person("bob")
    found = holds.release(asked.pk, by=bob, reason="Read it", now=now)
    assert (found.asked_by, found.agreed_by, found.reason) == (ann, bob, "It is over")
    with pytest.raises(holds.UnableToHold, match="before"):
        holds.ask_for_release(hold, reason="Again", by=ann, now=now)
    # The customer is not told of an inquiry.
    assert "hold" not in str([(e.kind, e.payload) for e in activity.since(account.pk, 0)])


@pytest.mark.parametrize(
    ("reason", "until", "said"),
    [(" ", None, "Say why"), ("An audit", date(2020, 1, 1), "That day is over")],
)
def test_a_hold_that_makes_no_sense_is_refused(reason, until, said):
    account = world.customer()
    with pytest.raises(holds.UnableToHold, match=said):
        holds.place(
            account_id=account.pk, reason=reason, until=until, by=issuers.person(),
            now=timezone.now(),
        )  # fmt: skip
    assert not LegalHold.objects.exists()
