"""Wash sales and reversals, with PostgreSQL."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.entry import submission
from portfolio import reversals
from portfolio.lots import tax
from portfolio.models import Balance, Lot, LotClosing, Transfer, WashSale
from tests import invariants, world
from venues.messages import Side

D = Decimal
WHO = {"reason": "Sent twice", "actor": "operator:test"}


@pytest.fixture(autouse=True)
def the_books_agree(db):
    world.instrument()
    yield
    invariants.assert_hold(has_gateway=False)


def trade(account, venue, quantity, price, *, is_buy=True):
    side = Side.BUY if is_buy else Side.SELL
    far = str(D(price) + 1) if is_buy else str(D(price) - 1)
    wanted = world.limit_ticket(account, far, side=side, quantity=D(quantity))
    [answer] = submission.submit_batch([wanted], now=timezone.now())
    report = venue.fills(answer.order, quantity, price)
    world.apply_reports()
    return answer.order, report


def find():
    now = timezone.now()
    found = tax.reverse_overtaken(now=now)
    return found + sum(tax.find(*pair, now=now) for pair in tax.pairs(now=now))


def test_a_loss_whose_shares_are_bought_again_is_disallowed_once():
    account, venue = world.customer(), world.Venue()
    trade(account, venue, "10", "100.00")
    trade(account, venue, "10", "98.00", is_buy=False)
    assert find() == 0
    trade(account, venue, "4", "97.00")
    assert (find(), find()) == (1, 0)
    wash = WashSale.objects.get()
    assert (wash.quantity, wash.disallowed) == (D(4), D("8.00"))
    assert wash.closing == LotClosing.objects.get()
    replacement = Lot.objects.get(number=2)
    assert tax.disallowed_of([replacement.pk]) == {replacement.pk: D("8.00")}
    assert replacement.cost_basis == D("388.00")  # as it was: it is for tax alone


def test_a_purchase_of_before_that_is_still_there_replaces_too():
    account, venue = world.customer(), world.Venue()
    trade(account, venue, "10", "100.00")
    trade(account, venue, "10", "99.00")
    trade(account, venue, "10", "98.00", is_buy=False)
    assert find() == 1
    assert WashSale.objects.get().disallowed == D("20.00")


def test_a_wash_sale_whose_purchase_is_busted_is_reversed():
    account, venue = world.customer(), world.Venue()
    trade(account, venue, "10", "100.00")
    trade(account, venue, "10", "98.00", is_buy=False)
    order, fill = trade(account, venue, "10", "97.00")
    assert find() == 1
    venue.busts(order, fill)
    world.apply_reports()
    assert (find(), find()) == (1, 0)
    first, reversal = WashSale.objects.order_by("pk")
    assert reversal.reverses == first
    assert tax.disallowed_of([first.replacement_id]) == {}


def test_a_reversal_is_the_opposite_and_is_booked_once():
    account = world.customer(cash="100.00")
    deposit = Transfer.objects.get(kind="deposit")
    before = list(Transfer.objects.values())
    now = timezone.now()
    assert reversals.reverse(transfer=deposit, now=now, **WHO) is True
    assert reversals.reverse(transfer=deposit, now=now, **WHO) is False
    assert list(Transfer.objects.order_by("pk").values())[: len(before)] == before
    reversal = Transfer.objects.get(kind="reversal")
    assert (reversal.debit, reversal.credit) == (deposit.credit, deposit.debit)
    assert (reversal.amount, reversal.reverses) == (D("100.00"), deposit)
    assert Balance.objects.get(account=account).amount == 0


def test_a_reversal_may_overdraw_and_a_deposit_mends_it():
    account, venue = world.customer(cash="1000.00"), world.Venue()
    deposit = Transfer.objects.get(kind="deposit")
    trade(account, venue, "10", "99.00")
    assert reversals.reverse(transfer=deposit, now=timezone.now(), **WHO)
    cash = Balance.objects.get(account=account, asset="USD")
    assert (cash.amount, cash.may_be_negative) == (D("-990.00"), True)
    [answer] = submission.submit_batch(
        [world.limit_ticket(account, "1.00", quantity=D(1))],
        now=timezone.now() + timedelta(seconds=1),
    )
    assert answer.order.denial_code


def test_trades_and_reversals_are_not_reversed():
    account, venue = world.customer(cash="1000.00"), world.Venue()
    trade(account, venue, "1", "99.00")
    deposit = Transfer.objects.get(kind="deposit")
    reversals.reverse(transfer=deposit, now=timezone.now(), **WHO)
    refused = [
        *Transfer.objects.filter(kind="trade"),
        Transfer.objects.get(kind="reversal"),
    ]
    count = Transfer.objects.count()
    for transfer in refused:
        with pytest.raises(reversals.UnableToReverse):
            reversals.reverse(transfer=transfer, now=timezone.now(), **WHO)
    assert Transfer.objects.count() == count
