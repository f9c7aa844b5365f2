"""A custodian and a bank that tell of every day, and accounts to which things happen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from portfolio.fees import schedule
from reconciliation.venue_statements.models import StatementSource
from tests import world
from tests.services.reconciliation import lived
from tests.services.reconciliation.handed_in import BANK, CUSTODIAN, NOON
from tests.services.reconciliation.lived import Life
from venues import outbox


@pytest.fixture
def sources(db):
    StatementSource.objects.create(
        name=CUSTODIAN, kind="custodian", venue=outbox.EMBEDDED, account="OF-1"
    )
    StatementSource.objects.create(name=BANK, kind="bank", account="12345")


@pytest.fixture
def owner(sources):
    """An account with 100,000 USD that has bought ten shares at 100 at noon."""
    with time_machine.travel(NOON, tick=False):
        world.instrument()
        account = world.customer()
        world.own(account, "AAPL", "10", world.Venue(), price="100.00")
    return account


@pytest.fixture
def life(db: None) -> Iterator[Life]:
    """An account at noon of a day from which time goes on."""
    schedule.forget()
    with time_machine.travel(lived.NOON, tick=True) as clock:
        yield Life(clock)
    schedule.forget()
