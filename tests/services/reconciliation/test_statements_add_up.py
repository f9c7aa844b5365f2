"""Opening and movements are the closing, whatever happens to an account."""

from __future__ import annotations

import itertools
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from marketdata import calendars
from portfolio import reversals
from portfolio import services as portfolio
from portfolio.actions import entitlements
from portfolio.actions import services as corporate_actions
from portfolio.models import Transfer
from reconciliation.statements import composing
from reconciliation.statements.models import Statement
from tests import issuers, world
from tests.services.reconciliation.lived import Life, balances, held, moved
from venues.messages import Side

pytestmark = pytest.mark.django_db
D = Decimal


def _something(life: Life, chance: random.Random, number: int) -> None:
    """Let something happen that may."""
    what = chance.choice(("buy", "buy", "sell", "bust", "deposit", "withdraw", "reverse", "issuer"))
    price, symbol = f"{chance.randint(9000, 11000) / 100:.2f}", chance.choice(("AAPL", "MSFT"))
    holds = balances(life.account).get(symbol, D(0))
    if what == "buy":
        life.trade(str(chance.randint(1, 30)), price, symbol=symbol)
    elif what == "sell" and holds > 0:
        life.trade(str(chance.randint(1, int(holds))), price, Side.SELL, symbol)
    elif what == "bust" and life.fills:
        life.bust(chance.randrange(len(life.fills)))
        Account.objects.filter(pk=life.account.pk).update(status="active", status_reason="")
    elif what == "deposit":
        # Entered late now and then: for a day whose statement is made already.
        at = timezone.now() - timedelta(days=chance.choice((0, 0, 1)))
        life.deposit(f"{chance.randint(1, 99999) / 100:.2f}", f"deposit {number}", at=at)
    elif what == "withdraw":
        portfolio.request_withdrawal(
            account_id=life.account.pk, amount=D("12.34"), reference=f"withdrawal {number}",
            actor="user:test", now=timezone.now(), payee_id=world.payee(life.account).pk,
        )  # fmt: skip
    elif what == "reverse":
        found = Transfer.objects.filter(
            kind__in=("deposit", "fee"), credit__owner=life.account, reversed_by=None
        ).exclude(amount=D(100_000))
        if transfer := found.order_by("-pk").first():
            reversals.reverse(
                transfer=transfer, reason="=wrong", actor="operator:test", now=timezone.now()
            )
    elif what == "issuer" and holds > 0:
        splits = chance.random() < 0.4
        listed = life.listed[symbol]
        due = issuers.split(listed, 2, 1) if splits else issuers.dividend(listed, "0.24")
        entitlements.entitle(due, now=timezone.now())
        corporate_actions.restate(due, note="", now=timezone.now())
        entitlements.pay(due, now=timezone.now())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_opening_and_movements_are_the_closing_whatever_happens(life, seed):
    chance = random.Random(seed)
    life.night()
    life.clock.move_to(calendars.midnight(date(2026, 3, 27)) + timedelta(hours=12))
    ends: dict[date, dict[str, Decimal]] = {}
    for day in range(7):
        for number in range(chance.randint(1, 4)):
            _something(life, chance, 100 * day + number)
        before = life.today
        life.night()
        ends[before] = balances(life.account)

    daily = list(Statement.objects.filter(kind="daily", last__gt="2026-03-10").order_by("last"))
    assert len(daily) >= 3
    for statement in daily:
        data = life.then[statement.number]
        opening, change = held(data, "opening"), moved(data)
        assert held(data, "closing") == ends[statement.last]
        assert {
            symbol: units
            for symbol in opening.keys() | change.keys()
            if (units := opening.get(symbol, D(0)) + change.get(symbol, D(0)))
        } == ends[statement.last]
    for earlier, later in itertools.pairwise(daily):
        assert held(life.then[earlier.number], "closing") == held(
            life.then[later.number], "opening"
        )
    # Whatever came after it, each says what it said, and on paper too.
    for statement in Statement.objects.order_by("number"):
        assert b"".join(composing.csv(statement)) == life.then[statement.number]
        assert composing.is_as_it_was(statement)
    march = life.statement("monthly", date(2026, 3, 31))
    assert held(life.then[march.number], "closing") == ends[date(2026, 3, 31)]
    in_march = Statement.objects.filter(kind="daily", last__lte=march.last).order_by("last")
    total: dict[str, Decimal] = {}
    for statement in in_march:
        for symbol, units in moved(life.then[statement.number]).items():
            total[symbol] = total.get(symbol, D(0)) + units
    assert total == moved(life.then[march.number])
