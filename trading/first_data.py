"""What the first start puts in place: a market, and in the demo shape two people."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from accounts import selectors
from accounts import services as accounts
from accounts.factors import proving
from accounts.models import User
from marketdata.history import first_data as market
from portfolio import services as portfolio

DEMO_EMAIL: Final = "demo@openfloor.example"
OPERATIONS_EMAIL: Final = "operations@openfloor.example"
DEMO_DEPOSIT: Final = Decimal(100_000)
ACTOR: Final = "operator:first start"

_TURN: Final = 0x0F_F1_0A_12  # the advisory lock: processes that start together take turns


@transaction.atomic
def load(*, now: datetime) -> None:
    """Put in place what is not there yet; a second call finds nothing to do.

    Raises OSError or UnableToList when settings.INSTRUMENTS is no list of instruments.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '120s'; SET LOCAL lock_timeout = '120s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_TURN])
    market.load(now=now, path=settings.INSTRUMENTS)
    if settings.DEMO:
        _open_demo_customer(now)
        _open_operations()


def people() -> list[User]:
    """Return the demo customer and the operations user, where they exist."""
    found = (selectors.user_by_email(email) for email in (DEMO_EMAIL, OPERATIONS_EMAIL))
    return [user for user in found if user is not None]


def _open_demo_customer(now: datetime) -> None:
    if selectors.user_by_email(DEMO_EMAIL) is not None:
        return
    user = accounts.register(email=DEMO_EMAIL, name="Demo Customer")
    proving.enrol_unseen(user)
    account = accounts.open_account(user)
    portfolio.deposit(
        account_id=account.pk, amount=DEMO_DEPOSIT, reference="opening", actor=ACTOR, now=now
    )


def _open_operations() -> None:
    if selectors.user_by_email(OPERATIONS_EMAIL) is not None:
        return
    user = accounts.register(email=OPERATIONS_EMAIL, name="Operations", is_staff=True)
    proving.enrol_unseen(user)
