"""One account's books under 16 threads: cash to the cent, no overdraft, nothing sold twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import locks
from accounts.models import Account
from orders import executions
from orders.entry import submission
from portfolio import books, services
from portfolio.models import Balance, LedgerAccount, Lot, LotClosing, Position, Transfer
from tests import invariants, world
from tests.placing import direct
from tests.racing import at_once
from venues.messages import Side

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal
THREADS = 16


def place(ticket):
    return submission.submit_batch([ticket], now=timezone.now())[0].order


def test_fills_sales_and_money_of_one_account_race_to_the_cent():
    """Purchases and sales are filled, busted and paid for by sixteen threads at once."""
    world.instrument()
    account, venue = world.customer(cash="100000.00"), world.Venue()
    world.own(account, "AAPL", "100", venue, price="100.00")
    bought = [place(world.limit_ticket(account, "101.00")) for _ in range(8)]
    sold = [place(world.limit_ticket(account, "101.50", side=Side.SELL)) for _ in range(8)]
    fills = []
    for order in bought:
        fills.append((order, venue.fills(order, "4", "100.50")))
        venue.fills(order, "6", "100.25")
    for order in sold:
        venue.fills(order, "10", "101.57")
    for order, report in fills[:3]:
        venue.busts(order, report)
    deposits = [
        lambda number=number: services.deposit(
            account_id=account.pk,
            amount=D("10.01"),
            reference=str(number),
            actor="operator:test",
            now=timezone.now(),
        )
        for number in range(6)
    ]
    runners = [lambda: executions.apply_next(limit=3) for _ in range(10)]
    at_once(*runners, *deposits)
    world.apply_reports()
    # A sale of 1,015.70: 0.03 of section 31 (20.60 per million), 0.01 of TAF (0.000195 a share).
    spent = 8 * D("1003.50") - 3 * D("402.00")
    earned = 8 * (D("1015.70") - D("0.04"))
    cash = Balance.objects.get(account=account, asset="USD")
    assert cash.amount == D("90000.00") + 6 * D("10.01") - spent + earned
    position = Position.objects.get(account=account)
    assert position.quantity == 100 + 80 - 12 - 80
    assert sum(Lot.objects.values_list("quantity", flat=True)) == position.quantity
    assert LotClosing.objects.filter(undoes=None, is_correction=False).exists()
    invariants.assert_hold()


@pytest.mark.parametrize("has_margin", [False, True])
def test_sixteen_debits_never_overdraw_a_cash_account(has_margin):
    """Each takes 1,000 of 5,500: a cash account pays five, a margin account owes the rest."""
    account = world.customer(cash="5500.00")
    Account.objects.filter(pk=account.pk).update(margin=has_margin)

    def take(number):
        def run():
            with transaction.atomic():
                locked = locks.lock(account.pk)
                opened = books.ask_books(account_ids=[account.pk]).get()
                try:
                    opened.move(
                        locked,
                        books.Move(
                            asset="USD",
                            amount=D(-1000),
                            kind=Transfer.Kind.CORRECTION,
                            house=LedgerAccount.Kind.SUSPENSE,
                            reference=f"race:{number}",
                            at=timezone.now(),
                        ),
                    )
                except books.Uncovered:
                    return False
                opened.close()
                return True

        return run

    done = at_once(*(take(number) for number in range(THREADS)))
    went = THREADS if has_margin else 5
    assert sum(done) == went
    cash = Balance.objects.get(account=account, asset="USD")
    assert cash.amount == D(5500) - 1000 * went
    assert cash.may_be_negative is has_margin
    invariants.assert_hold()


def test_sixteen_sales_of_one_position_sell_it_once():
    world.instrument()
    account, venue = world.customer(), world.Venue()
    world.own(account, "AAPL", "20", venue, price="100.00")
    wanted = [
        direct(world.limit_ticket(account, "99.00", side=Side.SELL, quantity=D(5)))
        for _ in range(THREADS)
    ]
    answers = at_once(*wanted)
    accepted = [a.order for a in answers if a.order.status == "submitted"]
    assert len(accepted) == 4
    for order in accepted:
        venue.fills(order, "5", "99.50")
    at_once(*(lambda: executions.apply_next(limit=1) for _ in range(8)))
    world.apply_reports()
    assert Position.objects.get(account=account).quantity == 0
    assert sum(LotClosing.objects.values_list("quantity", flat=True)) == 20
    assert not Lot.objects.exclude(quantity=0, cost_basis=0).exists()
    invariants.assert_hold()
