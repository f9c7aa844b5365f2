"""Many customers with positions, written into the tables at once."""

from __future__ import annotations

import random
import uuid
from decimal import Decimal

from accounts.models import Account, User
from marketdata.models import Instrument, Quote
from portfolio.models import Balance, LedgerAccount, Position
from tests import world

D = Decimal
SECTORS = ("Energy", "Financials", "Information Technology", "")


def instruments(count: int, *, seed: int = 1) -> list[Instrument]:
    """List instruments of several sectors, of which the last has no price."""
    chance = random.Random(seed)
    listed = []
    for number in range(count):
        each = world.instrument(f"S{number:02}", bid=None, ask=None)
        each.sector = SECTORS[number % len(SECTORS)]
        each.save()
        price = D(chance.randint(500, 50_000)) / 100
        Quote.objects.filter(instrument=each).update(last=None if number == count - 1 else price)
        listed.append(each)
    return listed


def accounts(count: int, listed: list[Instrument], *, each: int, seed: int = 1) -> list[Account]:
    """Open accounts, every third on margin, with `each` positions of these instruments."""
    chance = random.Random(seed)
    people = User.objects.bulk_create(
        User(email=f"{uuid.UUID(int=chance.getrandbits(128))}@example.com") for _ in range(count)
    )
    made = Account.objects.bulk_create(
        Account(user=person, number=f"C{seed}{number:09}", margin=number % 3 == 0)
        for number, person in enumerate(people)
    )
    positions = []
    for account in made:
        for instrument in chance.sample(listed, each):
            is_short = account.margin and chance.random() < 0.3
            quantity = D(chance.randint(1, 400)) * (-1 if is_short else 1)
            cost = quantity * D(chance.randint(500, 50_000)) / 100
            positions.append(
                Position(account=account, instrument=instrument, quantity=quantity, cost_basis=cost)
            )
    Position.objects.bulk_create(positions)
    ledger = LedgerAccount.objects.bulk_create(
        LedgerAccount(owner=account, kind=LedgerAccount.Kind.CUSTOMER, asset="USD")
        for account in made
    )
    Balance.objects.bulk_create(
        Balance(
            ledger_account=row,
            account=row.owner,
            asset="USD",
            amount=D(chance.randint(-9_000_000 if row.owner.margin else 0, 20_000_000)) / 100,
            may_be_negative=row.owner.margin,
        )
        for row in ledger
    )
    return made
