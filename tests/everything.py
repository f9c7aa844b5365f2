"""A customer who has some of everything that a page can show."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone

from accounts.keys import issuing
from accounts.models import Account, Profile
from orders.entry import submission
from portfolio.funding import services as funding
from tests import people, world


def active_customer(symbol: str) -> Account:
    """Open an account that has some of everything."""
    user, account = people.customer()
    now = timezone.now()
    world.instrument(symbol)
    world.portfolio.deposit(
        account_id=account.pk, amount=Decimal(50_000), reference=symbol, actor="operator:test",
        now=now,
    )  # fmt: skip
    world.own(account, symbol, "5", world.Venue(), price="100")
    submission.submit_batch([world.limit_ticket(account, "90", symbol=symbol)], now=now)
    issuing.create(account)
    Profile.objects.create(user=user, legal_name="Pat Person", country="US", updated_at=now)
    funding.request_withdrawal(
        account_id=account.pk, payee_id=world.payee(account).pk, amount=Decimal(10),
        reference=symbol, actor=f"user:{user.pk}", now=now,
    )  # fmt: skip
    people.browser_by_link(user)
    return account
