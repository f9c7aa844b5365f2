"""Money that moves without a cause, or not as its cause says, is found: each flaw is planted."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import locks
from marketdata.models import Instrument
from portfolio import accounting, books, interest, lending
from portfolio.actions import entitlements
from portfolio.actions import services as corporate_actions
from portfolio.books import Move
from portfolio.fees import charging
from portfolio.fees import rules as fees
from portfolio.fees.models import FeeRule
from portfolio.funding import services as funding
from portfolio.funding.models import InterestAccrual
from portfolio.funding.passage import Step
from portfolio.models import LedgerAccount, Transfer
from reconciliation.invariants import check_invariants
from tests import issuers, on_margin, world
from tests.on_margin import submit
from venues.messages import Side

pytestmark = pytest.mark.django_db
D = Decimal
House, Kind = LedgerAccount.Kind, Transfer.Kind


@pytest.fixture
def venue():
    return world.Venue()


@pytest.fixture
def owner(db, venue):
    """An account that has bought ten shares at 100."""
    world.instrument()
    account = world.customer()
    world.own(account, "AAPL", "10", venue, price="100.00")
    return account


def broken():
    return {(f.number, f.name) for f in check_invariants(now=timezone.now()) if not f.holds}


def causeless(start):
    """Tell whether one of the causes has a breach, the one whose name begins so."""
    return [number for number, name in broken() if name.startswith(start)] == [17]


def move(account, amount, kind, house, reference, asset="USD"):
    with transaction.atomic():
        locked = locks.lock(account.pk)
        opened = books.ask_books(account_ids=[account.pk], symbols=["AAPL"]).get()
        at = timezone.now()
        opened.move(
            locked,
            Move(asset=asset, amount=D(amount), kind=kind, house=house, reference=reference, at=at),
        )
        opened.close()


def sell(account, venue):
    """Sell the ten shares; return the order and its fill."""
    [answer] = submit(world.limit_ticket(account, "99.99", side=Side.SELL))
    fill = venue.fills(answer.order, "10", "99.99")
    world.apply_reports()
    assert Transfer.objects.filter(kind="fee").exists()
    return answer.order, fill


# --- Trades ------------------------------------------------------------------------------------


def test_a_fill_that_moves_other_cash_than_its_value_is_found(db, monkeypatch):
    monkeypatch.setattr(accounting, "cash_of_fill", lambda **_: D("1.00"))
    world.instrument()
    world.own(world.customer(), "AAPL", "10", world.Venue(), price="100.00")
    assert causeless("the cash that an order moved")


def test_fills_in_parts_a_bust_and_dust_are_as_they_should_be(db):
    world.instrument(increment="0.00001")
    account, venue = world.customer(), world.Venue()
    [answer] = submit(world.limit_ticket(account, "100.00", quantity=D("10.00503")))
    parts = ("0.00001", "3.33333", "0.00502", "6.66667")
    fills = [venue.fills(answer.order, part, "99.995") for part in parts]
    venue.busts(answer.order, fills[1])
    world.apply_reports()
    assert broken() == set()


@pytest.mark.parametrize("kind", ["trade", "bust"])
@pytest.mark.parametrize(("asset", "amount"), [("USD", "1.00"), ("AAPL", "1")])
def test_a_leg_without_a_trade_is_found(owner, kind, asset, amount):
    move(owner, amount, Kind(kind), House.SETTLEMENT, f"{kind}:of-nobody", asset)
    assert causeless("each trade and bust moved its securities")


@pytest.mark.parametrize(("asset", "amount"), [("USD", "0.001"), ("AAPL", "-1")])
def test_a_second_leg_of_a_trade_is_found(owner, asset, amount):
    trade = Transfer.objects.filter(kind="trade").first().reference
    move(owner, amount, Kind.TRADE, House.SETTLEMENT, trade, asset)
    assert causeless("each trade and bust moved its securities")


# --- Fees of sales -----------------------------------------------------------------------------


def test_a_sale_charged_a_cent_more_than_the_schedule_is_found(owner, venue, monkeypatch):
    right = charging.fees_of_sale

    def wrong(lines, **totals):
        return (*right(lines, **totals), fees.Charge("fees", D("0.01")))

    monkeypatch.setattr(charging, "fees_of_sale", wrong)
    sell(owner, venue)
    assert causeless("a sale is charged no more")


def test_what_the_schedule_says_may_be_charged_and_taken_back(owner, venue):
    FeeRule.objects.create(
        name="commission", beneficiary="fees", valid_from=issuers.today(), per_order=D(1),
        per_unit=D("0.003"), most=D("1.02"), asset_class="us_equity", side="sell",
    )  # fmt: skip
    charging.schedule.forget()
    try:
        order, fill = sell(owner, venue)
        assert broken() == set()
        venue.busts(order, fill)
        world.apply_reports()
        assert broken() == set()
    finally:
        charging.schedule.forget()


def test_a_fee_that_was_lowered_later_was_right_when_it_was_charged(owner, venue):
    FeeRule.objects.create(
        name="commission", beneficiary="fees", valid_from=issuers.today(), rate=D("0.01"),
        asset_class="us_equity", side="sell",
    )  # fmt: skip
    charging.schedule.forget()
    try:
        sell(owner, venue)
        FeeRule.objects.create(
            name="commission", beneficiary="fees", valid_from=issuers.today(),
            asset_class="us_equity", side="sell", created_by="operator:1",
        )  # fmt: skip
        assert broken() == set()
    finally:
        charging.schedule.forget()


# --- Corporate actions -------------------------------------------------------------------------


def entitled():
    """Entitle everybody to five dollars a share, on the day after today."""
    tomorrow = timezone.now() + timedelta(days=1)
    ex_date = issuers.today() + timedelta(days=1)
    said = issuers.said(Instrument.objects.get(), "cash_dividend", cash=D(5), ex_date=ex_date)
    due = issuers.due(said, at=tomorrow)
    assert entitlements.entitle(due, now=tomorrow).entitled == 1
    return due, tomorrow


def test_a_dividend_that_waits_and_one_that_was_paid_are_right(owner):
    due, then = entitled()
    assert broken() == set()
    assert entitlements.pay(due, now=then) == 1
    assert broken() == set()


def test_a_dividend_without_an_entitlement_is_found(owner):
    due, then = entitled()
    entitlements.pay(due, now=then)
    move(owner, "50", Kind.DIVIDEND, House.ISSUER, "dividend:again")
    assert causeless("what a corporate action moved")


def test_a_dividend_that_nobody_paid_is_found_when_its_action_is_done(owner):
    due, then = entitled()
    corporate_actions.restate(due, note="", now=then)
    corporate_actions.finish(due.id, detail="", now=then)
    assert causeless("what a corporate action moved")


def test_a_split_that_moves_other_shares_than_it_entitled_to_is_found(owner):
    due = issuers.split(Instrument.objects.get(), 3, 2, price="66")
    entitlements.entitle(due, now=timezone.now())
    corporate_actions.restate(due, note=due.said.reference, now=timezone.now())
    assert broken() == set()
    move(owner, "1", Kind.SPLIT, House.ISSUER, "action:again", "AAPL")
    assert causeless("what a corporate action moved")


# --- Deposits, withdrawals, interest -----------------------------------------------------------


def test_a_deposit_that_is_credited_twice_is_found(owner):
    move(owner, "100", Kind.DEPOSIT, House.BANK, "deposit:twice")
    assert causeless("what came from a bank")


def test_a_withdrawal_that_nobody_asked_for_is_found(owner):
    move(owner, "-100", Kind.WITHDRAWAL, House.CLEARING, "withdrawal:by-nobody")
    assert causeless("what came from a bank")


@pytest.mark.parametrize("state", ["pending", "returned", "cancelled"])
def test_a_deposit_that_its_state_does_not_allow_is_found(owner, state):
    owner.fundings.update(state=state)
    assert causeless("what came from a bank")


def test_money_is_right_on_every_step_of_its_way(owner):
    now = timezone.now()
    asked = {"account_id": owner.pk, "amount": D("50.00"), "actor": "user:1", "now": now}
    goes = funding.request_withdrawal(reference="out", payee_id=world.payee(owner).pk, **asked)
    assert broken() == set()
    funding.take(goes.pk, Step.CANCEL, actor="user:1", reason="", now=now)
    assert broken() == set()
    comes = funding.expect_deposit(reference="in", **asked)
    fails = funding.expect_deposit(reference="fails", **asked)
    assert broken() == set()
    funding.take(fails.pk, Step.RETURN, actor="bank", reason="", now=now)
    funding.take(comes.pk, Step.SETTLE, actor="bank", reason="", now=now)
    assert broken() == set()
    funding.take(comes.pk, Step.RETURN, actor="bank", reason="", now=now)
    assert broken() == set()


def test_interest_that_has_not_accrued_is_found(db):
    account = on_margin.customer()
    move(account, "-10", Kind.INTEREST, House.INTEREST, "interest:x")
    assert causeless("interest that was charged")


def test_interest_that_has_accrued_is_right_to_the_cent(db):
    account, month = on_margin.customer(), issuers.today().replace(day=1)
    InterestAccrual.objects.create(
        account=account, day=month, debit=D(100), rate=D("0.08"), amount=D("1.235")
    )
    due = interest.Charge(account.pk, month, lending.charge(D("1.235")))
    assert interest.charge(due, now=timezone.now())
    assert broken() == set()
