"""Margin accounts, and instruments that money is lent on."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone

from accounts.models import Account
from marketdata.models import Instrument
from orders.entry import submission
from orders.entry.answers import Answer
from orders.tickets import Ticket
from portfolio import services as portfolio
from risk.margin import book as margin_book
from risk.margin.requirements import Standing
from tests import world


def customer(*, cash: str = "10000.00", **fields: object) -> Account:
    """Open a margin account with this much cash."""
    account = world.customer(cash="0")
    Account.objects.filter(pk=account.pk).update(margin=True, **fields)
    account.refresh_from_db()
    if Decimal(cash):
        deposit(account, cash, reference="opening")
    return account


def deposit(account: Account, amount: str, *, reference: str) -> None:
    portfolio.deposit(
        account_id=account.pk,
        amount=Decimal(amount),
        reference=reference,
        actor="operator:test",
        now=timezone.now(),
    )


def instrument(symbol: str = "AAPL", *, bid: str = "99.99", ask: str = "100.00") -> Instrument:
    """List an instrument that money is lent on and that can be borrowed."""
    listed = world.instrument(symbol, bid=bid, ask=ask)
    listed.marginable = listed.shortable = listed.easy_to_borrow = True
    listed.save()
    return listed


def submit(*tickets: Ticket) -> list[Answer]:
    return submission.submit_batch(tickets, now=timezone.now())


def standing(account: Account) -> Standing:
    sheet = margin_book.sheet(account.pk, now=timezone.now())
    assert sheet is not None
    return sheet.standing()
