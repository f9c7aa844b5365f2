"""A statement and a booking at the same time: what is booked is in it, or in the next, and once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import Account
from marketdata import calendars
from portfolio import services as portfolio
from portfolio.models import LedgerAccount, Transfer
from reconciliation.statements import composing, ledger, making, periods
from reconciliation.statements.models import Statement
from tests import world
from tests.patience import until
from tests.racing import on_its_own, waiting

pytestmark = pytest.mark.usefixtures("committed")

DAY = date(2026, 3, 10)
NOON = calendars.midnight(DAY) + timedelta(hours=12)
NIGHT = calendars.midnight(DAY) + timedelta(hours=25)


@pytest.fixture
def account() -> Account:
    found = world.customer(cash="0")
    deposit(found, "100.00")
    return found


def deposit(account: Account, amount: str) -> None:
    portfolio.deposit(
        account_id=account.pk, amount=Decimal(amount), reference=amount, actor="operator:test",
        now=NOON,
    )  # fmt: skip


def make(account: Account) -> int:
    wanted = periods.due(DAY)
    return making.make([account.pk], wanted, day=DAY, now=NIGHT)


def closing(statement: Statement) -> Decimal:
    return ledger.figures(composing.cut_of(statement)).closing["USD"]


def test_a_statement_waits_for_what_is_being_booked(account):
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            deposit(account, "7.00")
            made = threads.submit(on_its_own, lambda: make(account))
            until(lambda: made.done() or waiting() == 1)
        assert made.result() == 1
    statement = Statement.objects.get()
    assert closing(statement) == Decimal("107.00")
    assert composing.is_as_it_was(statement)


def test_without_the_lock_what_is_being_booked_would_change_the_statement(account):
    """The twin: a number that was given before the cut, and committed after it."""
    with ThreadPoolExecutor(1) as threads, transaction.atomic():
        own = LedgerAccount.objects.get(owner=account, asset="USD")
        bank = LedgerAccount.objects.get(owner=None, kind="bank", asset="USD")
        Transfer.objects.create(
            at=NOON, kind="deposit", reference="unlocked", asset="USD", debit=bank, credit=own,
            amount=7,
        )  # fmt: skip
        # Somebody else's booking is numbered higher, so that the cut lies behind ours.
        threads.submit(on_its_own, lambda: deposit(world.customer(cash="0"), "5.00")).result()
        assert threads.submit(on_its_own, lambda: make(account)).result() == 1
    statement = Statement.objects.get(account=account)
    assert closing(statement) == Decimal("107.00")
    assert not composing.is_as_it_was(statement)


def test_two_runs_at_once_make_each_statement_once(account):
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(on_its_own, lambda: make(account)) for _ in range(2)]
        assert sum(int(run.result()) for run in runs) == 1
    assert Statement.objects.count() == 1
