"""What sales are charged that replace one another: what one order of all of it would be."""

import random
from decimal import Decimal

import pytest

from orders.models import Order, Trade
from portfolio.fees import rules, schedule
from portfolio.fees.models import FeeRule
from portfolio.fees.rules import FeeTerms
from portfolio.models import Transfer
from tests import issuers, on_margin, world
from tests.invariants import broken
from tests.on_margin import submit
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal

TERMS = {
    "commission": ("fees", FeeTerms(per_order=D("1.00"), rate=D("0.0003"))),
    "section_31": ("regulatory", FeeTerms(rate=D("0.0000206"))),
    "taf": ("regulatory", FeeTerms(per_unit=D("0.007"), most=D("0.16"))),
}
LINES = [rules.FeeRule(name, to, issuers.today(), terms) for name, (to, terms) in TERMS.items()]


@pytest.fixture
def venue(db):
    for name, (beneficiary, terms) in TERMS.items():
        FeeRule.objects.create(
            name=name,
            beneficiary=beneficiary,
            valid_from="2020-01-01",
            side="sell",
            tier="charged",
            per_order=terms.per_order,
            per_unit=terms.per_unit,
            rate=terms.rate,
            most=terms.most,
        )
    schedule.forget()
    yield world.Venue()
    schedule.forget()


@pytest.fixture
def account(venue):
    """One who may sell short, and has nothing to sell."""
    on_margin.instrument(bid="100.00", ask="100.01")
    return on_margin.customer(cash="100000.00", tier="charged")


class Sale:
    """One order after the other, each in place of the last, with fills of each that were busted."""

    def __init__(self, account, venue, quantity="40"):
        [placed] = submit(
            world.limit_ticket(account, "100.00", side=Side.SELL, quantity=D(quantity))
        )
        self.venue, self.order, self.fills = venue, placed.order, []

    def fill(self, quantity, price="100.00"):
        report = self.venue.fills(self.order, quantity, price)
        self.fills.append((self.order, report))
        world.apply_reports()

    def bust(self, place):
        self.venue.busts(*self.fills.pop(place))
        world.apply_reports()

    def replace(self, price):
        old = now_of(self.order)
        [changed] = submit(world.replace_ticket(old, limit_price=D(price)))
        self.venue.replaces(old, changed.order, total=str(old.quantity))
        world.apply_reports()
        self.order = now_of(changed.order)
        assert self.order.status in ("submitted", "accepted", "partially_filled")

    def as_one(self):
        """Return what one order is charged that has traded the same, to whom."""
        executed = [report for _, report in self.fills]
        charges = rules.fees_of_sale(
            LINES,
            quantity_before=D(0),
            value_before=D(0),
            quantity=sum((each.quantity for each in executed), D(0)),
            value=sum((each.quantity * each.price for each in executed), D(0)),
        )
        return {charge.beneficiary: charge.amount for charge in charges}


def now_of(order):
    return Order.objects.get(pk=order.pk)


def charged():
    """Return what was charged in all, less what was given back, to whom."""
    found = {}
    for each in Transfer.objects.filter(kind="fee").select_related("debit", "credit"):
        is_back = each.debit.owner_id is None
        house = each.debit if is_back else each.credit
        found[house.kind] = found.get(house.kind, D(0)) + (-each.amount if is_back else each.amount)
    return {kind: amount for kind, amount in found.items() if amount}


def test_the_fee_by_order_its_most_and_the_rounding_come_once(account, venue):
    sale = Sale(account, venue)
    sale.fill("10")
    assert charged() == {"fees": D("1.30"), "regulatory": D("0.10")}  # 0.0206 and 0.07, each up
    sale.replace("99.00")
    sale.fill("10", "99.00")
    sale.replace("98.00")
    sale.fill("20", "98.00")
    # 1 and 0.0003 of 3,950: 2.185; 0.08137; 0.28, of which 0.16 is the most.
    assert charged() == {"fees": D("2.19"), "regulatory": D("0.25")}
    assert broken() == set()


def test_a_bust_of_what_was_replaced_gives_back_what_its_successor_does_not_owe(account, venue):
    sale = Sale(account, venue)
    sale.fill("10")
    sale.replace("99.00")
    sale.fill("10", "99.00")
    sale.bust(0)
    assert charged() == sale.as_one() == {"fees": D("1.30"), "regulatory": D("0.10")}
    assert broken() == set()
    sale.bust(0)
    assert (charged(), broken()) == ({}, set())


def test_all_of_it_in_one_batch_of_reports_is_charged_the_same(account, venue):
    sale = Sale(account, venue)
    old = now_of(sale.order)
    [changed] = submit(world.replace_ticket(old, limit_price=D("99.00")))
    first = venue.fills(old, "10", "100.00")
    venue.replaces(old, changed.order, total="40")
    second = venue.fills(changed.order, "10", "99.00")
    sale.fills = [(old, first), (changed.order, second)]
    assert world.apply_reports() == 3
    assert charged() == sale.as_one()
    sale.bust(0)
    assert charged() == sale.as_one()
    assert broken() == set()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_course_a_sale_takes_it_is_charged_as_one_order(account, venue, seed):
    draw = random.Random(seed)
    sale = Sale(account, venue, "200")
    for _ in range(14):
        act = draw.choice(("fill", "fill", "replace", "replace", "bust"))
        cents = D(draw.randrange(9_800, 10_050)) / 100
        if act == "fill":
            limit = now_of(sale.order).limit_price
            sale.fill(str(draw.randrange(1, 12)), str(max(cents, limit)))
        elif act == "replace":
            sale.replace(str(min(cents, D("100.00"))))
        elif sale.fills:
            sale.bust(draw.randrange(len(sale.fills)))
        assert charged() == sale.as_one()
    assert Trade.objects.filter(busts__isnull=False).exists()
    assert Order.objects.filter(replaces__isnull=False).count() > 1
    assert broken() == set()
