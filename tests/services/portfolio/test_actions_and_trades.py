"""Trades and corporate actions in any order: value is conserved, and the books agree throughout."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Account
from marketdata.models import Instrument
from orders.entry import submission
from portfolio.actions import entitlements
from portfolio.actions import services as corporate_actions
from portfolio.actions.models import Entitlement
from portfolio.models import Balance, LedgerAccount, Lot, Position, Transfer
from tests import invariants, issuers, world
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal
CENT = D("0.01")
EVENTS = 30


class House:
    """Three customers, one of them short, who trade in one instrument while its issuer is busy."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.venue = world.Venue()
        self.instrument = world.instrument()
        Instrument.objects.update(shortable=True, marginable=True, easy_to_borrow=True)
        self.price = Fraction(100)
        self.accounts = [world.customer(cash="1000000.00") for _ in range(3)]
        Account.objects.filter(pk=self.accounts[2].pk).update(margin=True)
        self.trade(self.accounts[2], Side.SELL, 37)

    def quoted(self) -> Decimal:
        """Return the price in cents, and have it quoted."""
        price = max(_decimal(self.price, CENT), D("0.02"))
        world.quote(self.instrument, bid=str(price), ask=str(price + CENT))
        return price

    def trade(self, account: Account, side: Side, quantity: int) -> None:
        price = self.quoted() + (CENT if side is Side.BUY else 0)
        ticket = world.limit_ticket(account, str(price), side=side, quantity=D(quantity))
        [answer] = submission.submit_batch([ticket], now=timezone.now())
        if answer.order.status == "rejected":
            return  # not enough cash, or nothing to sell
        self.venue.fills(answer.order, str(quantity), str(price))
        world.apply_reports()

    def any_trade(self) -> None:
        account = self.draw.choice(self.accounts[:2])
        side = self.draw.choice((Side.BUY, Side.BUY, Side.SELL))
        self.trade(account, side, self.draw.randrange(1, 60))

    def dividend(self) -> None:
        cash = D(self.draw.randrange(1, 300)) / 100
        tomorrow = timezone.now() + timedelta(days=1)
        day = issuers.today() + timedelta(days=1)
        said = issuers.said(self.instrument, "cash_dividend", cash=cash, ex_date=day)
        action = issuers.due(said, at=tomorrow)
        before = {each.pk: self.worth(each) for each in self.accounts}
        self.carry_out(action, tomorrow)
        for each in self.accounts:
            paid = Fraction(cash) * Fraction(held_by(each))
            assert abs(self.worth(each) - before[each.pk] - paid) <= Fraction(CENT)
        corporate_actions.restate(action, note="", now=tomorrow)
        corporate_actions.finish(action.id, detail="", now=tomorrow)

    def split(self) -> None:
        new, old = self.draw.choice(((2, 1), (3, 1), (3, 2), (7, 1), (1, 2), (1, 10), (2, 3)))
        after = self.price * old / new
        paid_at = _decimal(after, D("0.000000001"))
        action = issuers.split(self.instrument, new, old, price=str(paid_at))
        before = {each.pk: self.worth(each) for each in self.accounts}
        self.carry_out(action, timezone.now())
        self.price = after
        for each in self.accounts:
            # Fractions are paid to the cent, and a ratio may leave less than a billionth.
            assert abs(self.worth(each) - before[each.pk]) <= Fraction(CENT), each
        corporate_actions.restate(action, note=action.said.reference, now=timezone.now())
        corporate_actions.finish(action.id, detail="", now=timezone.now())

    def carry_out(self, action: corporate_actions.Due, now: datetime) -> None:
        entitlements.entitle(action, now=now)
        entitlements.pay(action, now=now)
        before = everything()
        entitlements.entitle(action, now=now)
        entitlements.pay(action, now=now)
        assert everything() == before

    def worth(self, account: Account) -> Fraction:
        cash = Balance.objects.get(account=account, asset="USD").amount
        return Fraction(cash) + self.price * Fraction(held_by(account))


def held_by(account: Account) -> Decimal:
    position = Position.objects.filter(account=account).first()
    return position.quantity if position else D(0)


def _decimal(exact: Fraction, quantum: Decimal) -> Decimal:
    return (D(exact.numerator) / D(exact.denominator)).quantize(quantum)


def everything() -> list[list[object]]:
    models = (Transfer, Balance, Position, Lot, Entitlement)
    return [list(model.objects.order_by("pk").values()) for model in models]


def total_of_all_accounts(asset: str) -> Decimal:
    total = D(0)
    for account in LedgerAccount.objects.filter(asset=asset):
        came = Transfer.objects.filter(credit=account).aggregate(sum=Sum("amount"))["sum"] or 0
        went = Transfer.objects.filter(debit=account).aggregate(sum=Sum("amount"))["sum"] or 0
        total += came - went
        if account.owner_id is not None:
            assert Balance.objects.get(ledger_account=account).amount == came - went
    return total


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_whatever_happens_value_is_conserved_and_the_books_agree(seed):
    house = House(seed)
    acts = {house.any_trade: 14, house.dividend: 3, house.split: 3}
    for _ in range(EVENTS):
        (act,) = house.draw.choices(list(acts), list(acts.values()))
        act()
    assert Entitlement.objects.filter(action__kind="split").exists()
    assert Transfer.objects.filter(kind="dividend", credit__owner=None).exists()  # by the short
    assert (total_of_all_accounts("USD"), total_of_all_accounts("AAPL")) == (D(0), D(0))
    invariants.assert_hold(has_gateway=False)
