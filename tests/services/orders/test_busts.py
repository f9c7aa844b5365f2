"""Fills that a venue takes back, also when what they brought is gone or something else by then."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from accounts import activity, locks
from accounts import services as accounts
from accounts.models import Account
from orders import selectors
from orders.models import Trade
from orders.safeguards.killing import Killing
from portfolio import books
from portfolio.actions import entitlements
from portfolio.books import Move
from portfolio.models import Balance, LedgerAccount, Position, Transfer
from risk.models import Alert
from tests import held, issuers, on_margin, world
from tests.invariants import broken
from tests.placing import parked_reason, place, state
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def account(db):
    world.instrument()
    return world.customer(cash="100000.00")


def dealt(venue, ticket, price="99.00"):
    """Let a ticket be executed as a whole; return its order and the fill."""
    order = place(ticket)
    fill = venue.fills(order, str(order.quantity), price)
    world.apply_reports()
    return order, fill


def take_back(venue, order, fill):
    venue.busts(order, fill)
    world.apply_reports()


def has(account, asset):
    balance = Balance.objects.get(account=account, asset=asset)
    return balance.amount, balance.held


def books_of(account):
    positions = Position.objects.filter(account=account).order_by("pk")
    return (
        list(Balance.objects.filter(account=account).order_by("asset").values()),
        list(positions.values()),
    )


def standing(account):
    account.refresh_from_db()
    return account.status


def test_a_busted_fill_goes_back_with_all_that_it_moved(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    fill = venue.fills(order, "10", "99.00")
    world.apply_reports()
    venue.busts(order, fill)
    world.apply_reports()
    assert state(order) == ("cancelled", D(0))
    assert order.status_reason == ""  # it had ended; the history says what was taken back
    cash = Balance.objects.get(account=account, asset="USD")
    assert (cash.amount, cash.held) == (D("100000.00"), 0)
    assert Position.objects.get(account=account).quantity == 0
    bust = Trade.objects.get(busts__isnull=False)
    assert (bust.busts.execution_id, bust.quantity, bust.price) == (
        fill.execution_id, D(10), D("99.00"),
    )  # fmt: skip
    assert [t.kind for t in Transfer.objects.filter(reference=f"bust:{bust.pk}")] == ["bust"] * 2
    assert activity.since(account.pk, 0)[-1].kind == "order.busted"
    assert broken() == set()


def test_a_bust_while_the_order_works_leaves_what_is_left_of_it(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue.fills(order, "2", "99.00")
    fill = venue.fills(order, "3", "98.00")
    venue.busts(order, fill)  # in the same batch
    world.apply_reports()
    assert state(order) == ("partially_filled", D(2))
    assert (order.quantity, order.leaves_quantity) == (D(7), D(5))
    assert Balance.objects.get(account=account, asset="USD").held == D("500.00")
    venue.fills(order, "5", "100.00")
    world.apply_reports()
    assert state(order) == ("filled", D(7))
    assert Balance.objects.get(account=account, asset="USD").held == 0
    assert broken() == set()


def test_a_bust_is_made_once_and_of_a_fill_that_is_here(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    fill = venue.fills(order, "4", "99.00")
    venue.busts(order, fill)
    world.apply_reports()
    venue._filled[str(order.pk)] = D(4)
    venue.busts(order, fill)
    world.apply_reports()
    assert "was taken back before" in parked_reason()
    assert Trade.objects.count() == 2


def test_a_bust_says_which_fill_it_takes_back(account, venue):
    order = place(world.limit_ticket(account, "100.00"))
    venue.accepts(order)
    first, _ = venue.fills(order, "2", "99"), venue.fills(order, "2", "99")
    venue.busts(order, first)
    world.apply_reports()
    busted = Trade.objects.get(execution_id=first.execution_id)
    (told,) = [e for e in activity.since(account.pk, 0) if e.kind == "order.busted"]
    assert told.payload["busts"] == str(busted.pk)


# --- What it brought is gone -------------------------------------------------------------------


def test_a_purchase_that_is_busted_when_its_shares_are_sold_leaves_them_owed(account, venue):
    bought, fill = dealt(venue, world.limit_ticket(account, "100.00"))
    dealt(venue, world.limit_ticket(account, "98.00", side=Side.SELL), "98.00")
    take_back(venue, bought, fill)
    assert state(bought) == ("cancelled", D(0))
    # The sale stands: 980 less 0.03 of section 31 and 0.01 of TAF.
    assert has(account, "USD") == (D("100979.96"), D(0))
    assert has(account, "AAPL") == (D(-10), D(0))
    position = Position.objects.get(account=account)
    assert (position.quantity, position.cost_basis, position.realised) == (D(-10), D(-980), D(0))
    assert standing(account) == "restricted"
    assert account.status_reason == "openfloor-exchange took a trade back: 10 AAPL are owed."
    kinds = [each.kind for each in activity.since(account.pk, 0)]
    assert kinds[-2:] == ["order.busted", "account.restricted"]
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity, alert.account, alert.state) == (
        "bust_owed", 3, account, "open",
    )  # fmt: skip
    [evidence] = alert.evidence.all()
    assert (evidence.facts["owed"], evidence.facts["asset"]) == ("10", "AAPL")
    assert broken() == set()


def test_what_is_owed_is_bought_back_once_a_person_has_let_the_account_go_on(account, venue):
    bought, fill = dealt(venue, world.limit_ticket(account, "100.00"))
    dealt(venue, world.limit_ticket(account, "98.00", side=Side.SELL), "98.00")
    take_back(venue, bought, fill)
    active = Account.Status.ACTIVE
    accounts.change_status(
        account.pk, status=active, reason="Spoken to", actor="operator:1", now=timezone.now()
    )
    dealt(venue, world.limit_ticket(account, "100.00"))
    assert has(account, "AAPL") == (D(0), D(0))
    position = Position.objects.get(account=account)
    assert (position.quantity, position.cost_basis, position.realised) == (D(0), D(0), D(-10))
    assert broken() == set()


def test_a_sale_that_is_busted_when_its_proceeds_are_spent_leaves_them_owed(venue, db):
    world.instrument()
    account = world.customer(cash="1000.00")
    world.own(account, "AAPL", "10", venue, price="100.00")
    sold, fill = dealt(venue, world.limit_ticket(account, "99.00", side=Side.SELL))
    dealt(venue, world.limit_ticket(account, "99.00", quantity=D(9)))
    take_back(venue, sold, fill)
    # 990 in, less fees of 0.04, 891 out; then all but the 891 goes back.
    assert has(account, "USD") == (D("-891.00"), D(0))
    assert has(account, "AAPL") == (D(19), D(0))
    assert standing(account) == "restricted"
    assert Alert.objects.get().evidence.get().facts["owed"] == "891"
    assert broken() == set()


def test_proceeds_that_an_open_order_has_set_aside_are_owed_and_its_fill_is_booked(venue, db):
    world.instrument()
    account = world.customer(cash="1000.00")
    world.own(account, "AAPL", "10", venue, price="100.00")
    sold, fill = dealt(venue, world.limit_ticket(account, "99.00", side=Side.SELL))
    order = place(world.limit_ticket(account, "99.00", quantity=D(9)))
    take_back(venue, sold, fill)
    assert has(account, "USD") == (D(0), D(891))
    assert standing(account) == "restricted"
    venue.fills(order, "9", "99.00")
    world.apply_reports()
    assert has(account, "USD") == (D(-891), D(0))
    assert broken() == set()


def test_shares_that_are_on_sale_are_owed_and_the_sale_is_booked(account, venue):
    bought, fill = dealt(venue, world.limit_ticket(account, "100.00"))
    sale = place(world.limit_ticket(account, "99.00", side=Side.SELL))
    take_back(venue, bought, fill)
    assert has(account, "AAPL") == (D(0), D(10))
    assert standing(account) == "restricted"
    assert broken() == set()
    venue.fills(sale, "10", "99.00")
    world.apply_reports()
    assert has(account, "AAPL") == (D(-10), D(0))
    assert broken() == set()


def test_orders_that_would_take_of_what_is_owed_are_cancelled_and_no_others(account, venue):
    msft = world.instrument("MSFT")
    bought, fill = dealt(venue, world.limit_ticket(account, "100.00"))
    world.own(account, msft.symbol, "5", venue, price="100.00")
    [sale, other] = [
        place(world.limit_ticket(account, "99.00", symbol=symbol, side=Side.SELL, quantity=D(5)))
        for symbol in ("AAPL", "MSFT")
    ]
    purchase = place(world.limit_ticket(account, "90.00"))
    take_back(venue, bought, fill)
    Killing(held.at_once).look(now=timezone.now())
    assert [state(each)[0] for each in (sale, other, purchase)] == [
        "pending_cancel", "submitted", "submitted",
    ]  # fmt: skip
    cancel = selectors.timeline(sale)[-1]
    assert (cancel.actor, cancel.reason) == (
        "rule:bust_owed", "A trade was taken back, and AAPL is owed",
    )  # fmt: skip


def test_busts_of_one_batch_restrict_an_account_once(account, venue):
    dealings = [dealt(venue, world.limit_ticket(account, "100.00")) for _ in range(2)]
    dealt(venue, world.limit_ticket(account, "98.00", side=Side.SELL, quantity=D(20)), "98.00")
    for order, fill in dealings:
        venue.busts(order, fill)
    world.apply_reports()
    assert has(account, "AAPL") == (D(-20), D(0))
    kinds = [each.kind for each in activity.since(account.pk, 0)]
    assert kinds.count("account.restricted") == 1
    assert broken() == set()


def test_a_bust_that_the_account_can_bear_restricts_nobody(account, venue):
    bought, fill = dealt(venue, world.limit_ticket(account, "100.00"))
    take_back(venue, bought, fill)
    assert (standing(account), Alert.objects.exists()) == ("active", False)


def test_a_margin_account_borrows_what_a_bust_takes(venue, db):
    on_margin.instrument()
    account = on_margin.customer()
    bought, fill = dealt(venue, world.limit_ticket(account, "100.00"))
    dealt(venue, world.limit_ticket(account, "98.00", side=Side.SELL), "98.00")
    take_back(venue, bought, fill)
    assert has(account, "AAPL") == (D(-10), D(0))
    assert (standing(account), Alert.objects.exists()) == ("active", False)
    assert broken() == set()


def test_who_owes_shares_owes_what_their_issuer_does(account, venue):
    """The dividend is charged, the split multiplies what is owed, though the cash be spent."""
    bought, fill = dealt(venue, world.limit_ticket(account, "100.00"))
    dealt(venue, world.limit_ticket(account, "98.00", side=Side.SELL), "98.00")
    take_back(venue, bought, fill)
    tomorrow = timezone.now() + timedelta(days=1)
    day = issuers.today() + timedelta(days=1)
    said = issuers.said(bought.instrument, "cash_dividend", cash=D("10500.00"), ex_date=day)
    dividend = issuers.due(said, at=tomorrow)
    entitlements.entitle(dividend, now=tomorrow)
    assert entitlements.pay(dividend, now=tomorrow) == 1
    assert has(account, "USD") == (D("-4020.04"), D(0))  # 105,000 of 100,979.96
    twice = issuers.split(bought.instrument, 2, 1, price="50")
    entitlements.entitle(twice, now=tomorrow)
    assert has(account, "AAPL") == (D(-20), D(0))
    assert broken() == set()


def test_a_cash_account_that_owes_more_than_was_busted_is_a_breach(account, venue):
    bought, fill = dealt(venue, world.limit_ticket(account, "100.00"))
    dealt(venue, world.limit_ticket(account, "98.00", side=Side.SELL), "98.00")
    take_back(venue, bought, fill)
    locked = locks.lock(account.pk)
    opened = books.ask_books(account_ids=[account.pk], symbols=["AAPL"]).get()
    opened.move(
        locked,
        Move(
            asset="AAPL",
            amount=D(-1),
            kind=Transfer.Kind.CORRECTION,
            house=LedgerAccount.Kind.SUSPENSE,
            reference="one:more",
            at=timezone.now(),
            may_overdraw=True,
        ),
    )
    opened.close()
    assert 2 in broken()


# --- The issuer has acted since ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        ("split", {"new_shares": 2, "price": D(50)}),
        ("split", {"new_shares": 1, "old_shares": 5, "price": D(500)}),
        ("merger", {"cash": D(90)}),
        ("merger", {"into": "MSFT", "new_shares": 1, "price": D(100)}),
        ("spin_off", {"into": "MSFT", "new_shares": 1, "price": D(9), "cost_share": D("0.1")}),
    ],
)
def test_a_bust_of_what_an_issuer_has_acted_on_since_is_for_a_person(account, venue, kind, terms):
    """100 shares are 200 by then, or have brought something: people say what goes back."""
    world.instrument("MSFT")
    order, fill = dealt(venue, world.limit_ticket(account, "100.00", quantity=D(100)), "100.00")
    tomorrow = timezone.now() + timedelta(days=1)
    day = issuers.today() + timedelta(days=1)
    action = issuers.due(issuers.said(order.instrument, kind, ex_date=day, **terms), at=tomorrow)
    entitlements.entitle(action, now=tomorrow)
    before = books_of(account)
    take_back(venue, order, fill)
    assert parked_reason() == (
        f"{action.said.reference} came after the fill {fill.execution_id}: "
        "people say what goes back"
    )
    assert books_of(account) == before
    assert state(order) == ("filled", D(100))
    assert 9 in broken()


@pytest.mark.parametrize("is_paid", [True, False])
def test_a_bust_takes_back_what_a_dividend_paid_for_what_it_takes(account, venue, is_paid):
    """Whoever had no shares has earned nothing; what is left of the position has."""
    world.own(account, "AAPL", "5", venue, price="100.00")
    order, fill = dealt(venue, world.limit_ticket(account, "100.00"), "100.00")
    tomorrow = timezone.now() + timedelta(days=1)
    day = issuers.today() + timedelta(days=1)
    said = issuers.said(
        order.instrument, "cash_dividend", cash=D("0.25"), ex_date=day, pay_date=day
    )
    action = issuers.due(said, at=tomorrow)
    entitlements.entitle(action, now=tomorrow)
    if is_paid:
        assert entitlements.pay(action, now=tomorrow) == 1
    with time_machine.travel(tomorrow):
        take_back(venue, order, fill)
        assert state(order) == ("cancelled", D(0))
        if not is_paid:
            assert entitlements.pay(action, now=tomorrow) == 1
        assert has(account, "USD") == (D("99501.25"), D(0))
        assert has(account, "AAPL") == (D(5), D(0))
        told = [e.payload for e in activity.since(account.pk, 0) if e.kind == "money.dividend"]
        assert sorted(each["amount"] for each in told) == ["-2.5", "3.75"]
        assert broken() == {10}  # nobody sends here, and a day has passed


def test_a_bust_of_what_was_bought_on_the_ex_date_takes_nothing_back(account, venue):
    """It was executed before accounts were entitled, and had no part in it."""
    order, fill = dealt(venue, world.limit_ticket(account, "100.00"), "100.00")
    action = issuers.dividend(order.instrument, "0.25")
    entitlements.entitle(action, now=timezone.now())
    take_back(venue, order, fill)
    assert state(order) == ("cancelled", D(0))
    assert not Transfer.objects.filter(kind="dividend").exists()
    assert broken() == set()


def test_a_new_symbol_is_no_reason_to_keep_a_bust_from_going_back(account, venue):
    order, fill = dealt(venue, world.limit_ticket(account, "100.00"))
    action = issuers.due(issuers.said(order.instrument, "symbol_change", symbol="APPL"))
    assert entitlements.entitle(action, now=timezone.now()).entitled == 0
    take_back(venue, order, fill)
    assert state(order) == ("cancelled", D(0))
    assert has(account, "USD") == (D(100000), D(0))
    assert broken() == set()
