"""Corporate actions from their announcement to what each account got."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts import activity, watchlists
from accounts.models import Account
from foundation import failpoints
from marketdata.models import Instrument, Quote
from orders.entry import submission
from portfolio.actions import entitlements
from portfolio.actions import services as corporate_actions
from portfolio.actions.announcements import Announced
from portfolio.actions.entitlements import Progress
from portfolio.actions.models import CorporateAction, EntitledLot, Entitlement
from portfolio.actions.services import Due, UnableToAnnounce, UnableToCarryOut
from portfolio.models import Balance, LedgerAccount, Lot, Position, Transfer
from tests import invariants, issuers, world
from tests.issuers import dividend, due, said, split
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture(autouse=True)
def aapl(db):
    global venue  # noqa: PLW0603
    venue = world.Venue()
    yield world.instrument()
    invariants.assert_hold(has_gateway=False)


def owner(quantity: str, symbol: str = "AAPL", price: str = "100.00") -> Account:
    account = world.customer()
    world.own(account, symbol, quantity, venue, price=price)
    return account


def entitle(action: Due, *, later: timedelta = timedelta()) -> Progress:
    return entitlements.entitle(action, now=timezone.now() + later)


def pay(action: Due, *, later: timedelta = timedelta()) -> int:
    return entitlements.pay(action, now=timezone.now() + later)


def held(account: Account, code: str = "AAPL") -> tuple[Decimal, Decimal, Decimal]:
    """Return quantity, cost and realised of a position, which the ledger agrees with."""
    position = Position.objects.get(account=account, instrument__code=code)
    balance = Balance.objects.filter(account=account, asset=code).first()
    assert position.quantity == (balance.amount if balance else 0)
    return position.quantity, position.cost_basis, position.realised


def cash(account: Account) -> Decimal:
    return Balance.objects.get(account=account, asset="USD").amount


def told(account: Account, kind: str) -> list[dict[str, str]]:
    return [each.payload for each in activity.since(account.pk, 0) if each.kind == kind]


def everything() -> tuple[list[object], ...]:
    models = (Transfer, Balance, Position, Entitlement)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


# --- Four eyes ---------------------------------------------------------------------------------


def test_another_person_approves_what_was_announced(aapl):
    ann, now = issuers.person("ann"), timezone.now()
    found = said(aapl, "cash_dividend", cash=D("0.24"))
    action = corporate_actions.announce(found, by=ann, now=now)
    with pytest.raises(UnableToCarryOut, match="Another person"):
        corporate_actions.approve(action.pk, by=ann, reason="Mine", now=now)
    with pytest.raises(UnableToCarryOut, match="announced"):
        corporate_actions.due(found.reference, now=now)

    corporate_actions.approve(action.pk, by=issuers.person("bob"), reason="Right", now=now)
    assert corporate_actions.due(found.reference, now=now).said == found
    assert [step.state for step in action.steps.all()] == ["announced", "approved"]


def test_nobody_approves_alone_after_the_first_asking_ran_out(aapl):
    ann, bob, now = issuers.person("ann"), issuers.person("bob"), timezone.now()
    action = corporate_actions.announce(said(aapl, "cash_dividend", cash=D(1)), by=ann, now=now)
    later = now + timedelta(days=2)
    assert (
        corporate_actions.approve(action.pk, by=bob, reason="Yes", now=later).state == "announced"
    )
    with pytest.raises(UnableToCarryOut, match="Another person"):
        corporate_actions.approve(action.pk, by=bob, reason="Yes", now=later)
    with pytest.raises(UnableToCarryOut, match="Another person"):
        corporate_actions.approve(action.pk, by=ann, reason="Yes", now=later)
    eve = issuers.person("eve")
    assert corporate_actions.approve(action.pk, by=eve, reason="Yes", now=later).state == "approved"


def test_what_was_withdrawn_is_never_carried_out(aapl):
    action, bob = dividend(aapl, "1"), issuers.person("bob")
    corporate_actions.withdraw(action.id, by=bob, reason="Cancelled", now=timezone.now())
    with pytest.raises(UnableToCarryOut, match="withdrawn"):
        corporate_actions.due(action.said.reference, now=timezone.now())


def test_what_is_under_way_is_not_withdrawn(aapl):
    owner("10")
    action = split(aapl, 2, 1)
    entitle(action)
    with pytest.raises(UnableToCarryOut, match="carried out"):
        corporate_actions.withdraw(
            action.id, by=issuers.person(), reason="Too late", now=timezone.now()
        )


def test_nothing_happens_before_the_ex_date(aapl):
    found = said(aapl, "split", new_shares=2, price=D(50), ex_date=issuers.today() + timedelta(1))
    with pytest.raises(UnableToCarryOut, match="is for"):
        due(found)


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        ("cash_dividend", {}),
        ("cash_dividend", {"cash": D(-1)}),
        ("cash_dividend", {"cash": D(1), "new_shares": 1}),
        ("split", {"new_shares": 2}),
        ("split", {"new_shares": 1, "old_shares": 1, "price": D(1)}),
        ("split", {"new_shares": 0, "old_shares": 10, "price": D(1)}),
        ("merger", {}),
        ("merger", {"new_shares": 1}),
        ("merger", {"into": "AAPL", "new_shares": 1, "price": D(1)}),
        ("merger", {"into": "NOSUCH", "new_shares": 1, "price": D(1)}),
        ("spin_off", {"into": "MSFT", "new_shares": 1, "price": D(1)}),
        ("symbol_change", {}),
        ("symbol_change", {"symbol": "A B"}),
        ("cash_dividend", {"cash": D(1), "reference": ""}),
        ("cash_dividend", {"cash": D(1), "source": " "}),
    ],
)
def test_an_announcement_that_makes_no_sense_is_refused(aapl, kind, terms):
    world.instrument("MSFT")
    with pytest.raises(UnableToAnnounce):
        corporate_actions.announce(
            said(aapl, kind, **terms), by=issuers.person(), now=timezone.now()
        )
    assert not CorporateAction.objects.exists()


# --- Dividends ---------------------------------------------------------------------------------


def test_a_dividend_is_paid_on_its_day_to_who_held_when_the_ex_date_began(aapl):
    tomorrow = timedelta(days=1)
    before = owner("10")
    with time_machine.travel(timezone.now() + tomorrow):
        world.quote(aapl, bid="99.99", ask="100.00")
        after = owner("10")  # bought on the ex-date
    day = issuers.today() + tomorrow
    found = said(aapl, "cash_dividend", cash=D("0.24"), ex_date=day, pay_date=day + tomorrow)
    with time_machine.travel(timezone.now() + tomorrow):
        action = due(found)
    had = cash(before), cash(after)
    assert entitle(action, later=tomorrow) == Progress(1, 0)
    assert pay(action, later=tomorrow) == 0
    assert (cash(before), entitlements.is_paid(action)) == (had[0], False)

    assert [pay(action, later=2 * tomorrow), pay(action, later=3 * tomorrow)] == [1, 0]
    assert (cash(before), cash(after)) == (had[0] + D("2.40"), had[1])
    assert entitlements.is_paid(action)
    assert told(before, "money.dividend") == [
        {
            "symbol": "AAPL", "amount": "2.4", "asset": "USD", "quantity": "10",
            "per_share": "0.24", "action": found.reference,
        }
    ]  # fmt: skip
    issuer = LedgerAccount.objects.get(kind="issuer", asset="USD")
    assert Transfer.objects.get(debit=issuer).amount == D("2.40")


# --- Splits ------------------------------------------------------------------------------------


def test_a_split_multiplies_shares_and_keeps_their_cost(aapl):
    account, nobody = owner("10"), world.customer()
    assert entitle(split(aapl, 4, 1)) == Progress(1, 0)
    assert held(account) == (D(40), D(1000), D(0))
    assert [p["quantity"] for p in told(account, "holding.split")] == ["30"]
    assert not Entitlement.objects.filter(account=nobody).exists()


def test_a_reverse_split_pays_fractions_in_cash_and_realises_them(aapl):
    account = owner("13")
    had = cash(account)
    entitle(split(aapl, 1, 10, price="950"))
    assert held(account) == (D(1), D(1000), D(-15))  # 0.3 shares that had cost 300 for 285
    assert cash(account) == had + D(285)
    [paid] = told(account, "money.cash_in_lieu")
    assert (paid["quantity"], paid["amount"]) == ("0.3", "285")


def test_a_reverse_split_waits_for_orders_that_hold_shares(aapl):
    account, other = owner("10"), owner("20")
    ticket = world.limit_ticket(account, "110.00", side=Side.SELL, quantity=D(5))
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    action = split(aapl, 1, 10)
    assert entitle(action) == Progress(entitled=1, waiting=1)
    assert (held(account)[0], held(other)[0]) == (D(10), D(2))

    submission.submit_batch([world.cancel_ticket(answer.order)], now=timezone.now())
    venue.cancels(answer.order)
    world.apply_reports()
    assert entitle(action) == Progress(1, 0)
    assert held(account)[0] == D(1)


def test_done_twice_it_is_done_once(aapl):
    owner("10")
    owner("7")
    action = split(aapl, 3, 2)
    entitle(action)
    before = everything()
    assert entitle(action) == Progress(0, 0)
    assert everything() == before


@pytest.mark.parametrize("at", ["actions.entitling", "actions.entitled"])
def test_what_was_cut_short_goes_on_where_it_stopped(aapl, monkeypatch, at):
    accounts = [owner("10") for _ in range(4)]
    action = split(aapl, 2, 1)
    monkeypatch.setattr(failpoints, "_points", {at: ("raise", 2)})
    monkeypatch.setattr(failpoints, "_arrivals", {})
    with pytest.raises(failpoints.FailpointReached):
        entitle(action)
    done = Entitlement.objects.count()
    assert done == (1 if at == "actions.entitling" else 2)
    assert sorted(held(a)[0] for a in accounts) == [D(10)] * (4 - done) + [D(20)] * done

    assert entitle(action) == Progress(4 - done, 0)
    assert [held(a)[0] for a in accounts] == [D(20)] * 4
    assert Transfer.objects.filter(kind="split").count() == 4


def test_prices_are_brought_to_the_new_terms_once(aapl):
    Quote.objects.update(last=D("100.00"), previous_close=D("98.00"), day_volume=D(1000))
    action = split(aapl, 4, 1)
    entitle(action)
    for _ in range(2):
        corporate_actions.restate(action, note="now", now=timezone.now())
    quote = Quote.objects.get()
    assert (quote.bid, quote.ask, quote.last) == (D("24.9975"), D(25), D(25))
    assert (quote.previous_close, quote.day_volume) == (D("24.5"), D(4000))
    assert Instrument.objects.get().reference_price == D(25)


# --- Mergers, spin-offs, symbols ---------------------------------------------------------------


def test_a_merger_for_cash_and_stock(aapl):
    world.instrument("MSFT")
    account = owner("10")
    had = cash(account)
    terms = {"into": "MSFT", "cash": D(20), "new_shares": 3, "old_shares": 4, "price": D(160)}
    action = due(said(aapl, "merger", **terms))
    assert entitle(action) == Progress(1, 0)
    # 7.5 shares worth 1,200 and 200 in cash for 1,000: a gain of 400, of which 200 are cash.
    assert held(account) == (D(0), D(0), D("213.33"))
    quantity, cost, _ = held(account, "MSFT")
    assert (quantity, cost) == (D(7), D("933.33"))
    assert cash(account) == had + D(280)
    corporate_actions.restate(action, note="now", now=timezone.now())
    assert not Instrument.objects.get(code="AAPL").tradable


def test_a_spin_off_leaves_the_parent_and_shares_its_cost(aapl):
    world.instrument("MSFT")
    account = owner("10")
    terms = {"into": "MSFT", "new_shares": 1, "old_shares": 2, "price": D(40)}
    entitle(due(said(aapl, "spin_off", cost_share=D("0.25"), **terms)))
    assert held(account) == (D(10), D(750), D(0))
    assert held(account, "MSFT") == (D(5), D(250), D(0))


def test_a_symbol_changes_and_the_code_stays(aapl):
    account = owner("10")
    watchlists.create(account_id=account.pk, name="W", symbols=["X", "AAPL"], now=timezone.now())
    before = everything()
    action = due(said(aapl, "symbol_change", symbol="APPL"))
    assert entitle(action) == Progress(0, 0)
    corporate_actions.restate(action, note="renamed", now=timezone.now())
    after = Instrument.objects.get()
    assert (after.code, after.symbol) == ("AAPL", "APPL")
    assert [h.symbol for h in after.history.filter(history_change_reason="renamed")] == ["APPL"]
    assert watchlists.named(account.pk, "W").symbols == ["X", "APPL"]
    assert everything() == before


def test_a_symbol_that_is_taken_is_refused(aapl):
    world.instrument("MSFT")
    action = due(said(aapl, "symbol_change", symbol="MSFT"))
    with pytest.raises(UnableToCarryOut, match="another instrument"):
        corporate_actions.restate(action, note="renamed", now=timezone.now())
    assert Instrument.objects.get(code="AAPL").symbol == "AAPL"


def test_entitlements_are_never_changed(aapl):
    owner("10")
    entitle(split(aapl, 2, 1))
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        Entitlement.objects.update(quantity_after=0)


def test_what_was_announced_is_given_back_as_it_was(aapl):
    world.instrument("MSFT")
    found = said(
        aapl, "merger", into="MSFT", new_shares=3, old_shares=7, price=D("1.5"), cash=D("0.01")
    )
    assert isinstance(found, Announced)
    assert due(found).said == found


# --- Lots --------------------------------------------------------------------------------------


def lots(account: Account, code: str = "AAPL") -> list[tuple[Decimal, Decimal]]:
    found = Lot.objects.filter(account=account, instrument__code=code).exclude(quantity=0)
    return list(found.order_by("acquired_at", "number").values_list("quantity", "cost_basis"))


def acquired(account: Account, code: str = "AAPL") -> list[datetime]:
    found = Lot.objects.filter(account=account, instrument__code=code)
    return list(found.order_by("number").values_list("acquired_at", flat=True))


def test_each_lot_keeps_its_cost_and_its_day_over_a_split(aapl):
    account = owner("10")
    world.own(account, "AAPL", "5", venue, price="98.00")
    days = acquired(account)
    entitle(split(aapl, 3, 1))
    assert lots(account) == [(D(30), D(1000)), (D(15), D(490))]
    assert acquired(account) == days


def test_a_fraction_comes_out_of_the_oldest_lot(aapl):
    account = owner("10")
    world.own(account, "AAPL", "5", venue, price="98.00")
    entitle(split(aapl, 1, 10, price="1000"))
    # 1.5 new shares: half of one for 500, out of the first lot that had cost 1,000.
    assert lots(account) == [(D("0.5"), D(500)), (D("0.5"), D(490))]
    assert held(account) == (D(1), D(990), D(0))


def test_what_a_merger_brings_was_acquired_with_what_it_replaces(aapl):
    world.instrument("MSFT")
    account = owner("10")
    world.own(account, "AAPL", "6", venue, price="98.00")
    days = acquired(account)
    terms = {"into": "MSFT", "new_shares": 1, "old_shares": 2, "price": D(200)}
    entitle(due(said(aapl, "merger", **terms)))
    assert (lots(account), lots(account, "MSFT")) == ([], [(D(5), D(1000)), (D(3), D(588))])
    assert acquired(account, "MSFT") == days


def test_the_lots_of_an_entitlement_say_what_it_did(aapl):
    account = owner("13")
    entitle(split(aapl, 1, 10, price="950"))
    [lot] = EntitledLot.objects.all()
    assert (lot.quantity_before, lot.quantity_after) == (D(13), D(1))
    assert (lot.cost_before, lot.cost_after, lot.realised) == (D(1300), D(1000), D(-15))
    assert lot.lot_id == Lot.objects.get(account=account).pk


def test_what_is_sold_afterwards_is_sold_of_the_lots_as_they_became(aapl):
    account = owner("10")
    entitle(split(aapl, 2, 1))
    world.quote(aapl, bid="59.99", ask="60.00")
    ticket = world.limit_ticket(account, "59.00", side=Side.SELL, quantity=D(5))
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    venue.fills(answer.order, "5", "60.00")
    world.apply_reports()
    quantity, cost, realised = held(account)
    assert (quantity, cost) == (D(15), D(750))
    assert realised == D(50)


def test_who_is_short_owes_dividends_and_is_split_too(aapl):
    account = on_margin()
    with time_machine.travel(timezone.now() - timedelta(days=1), tick=True):
        sell_short(account, aapl, "15")
    had = cash(account)
    paid = dividend(aapl, "0.20")
    entitle(paid)
    pay(paid)
    assert cash(account) == had - D(3)
    entitle(split(aapl, 1, 10, price="990"))
    # Half a share, sold for 50, is bought back for 495.
    quantity, cost, realised = held(account)
    assert (quantity, cost, realised) == (D(-1), D(-1000), D(5))
    assert cash(account) == had - D(3) - D(495)
    assert [p["amount"] for p in told(account, "money.dividend")] == ["-3"]


def on_margin() -> Account:
    account = world.customer()
    Account.objects.filter(pk=account.pk).update(margin=True)
    account.refresh_from_db()
    return account


def sell_short(account: Account, instrument: Instrument, quantity: str) -> None:
    """Have it sold short at 100, as a fill that the venue reports."""
    Instrument.objects.filter(pk=instrument.pk).update(
        shortable=True, marginable=True, easy_to_borrow=True
    )
    world.quote(instrument, bid="100.00", ask="100.01")
    ticket = world.limit_ticket(account, "100.00", side=Side.SELL, quantity=D(quantity))
    [answer] = submission.submit_batch([ticket], now=timezone.now())
    venue.fills(answer.order, quantity, "100.00")
    world.apply_reports()
