"""What operations sees of margin, and sets: standings, calls with notes, rates, locates."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import approvals
from accounts.approvals import UnableToApprove
from accounts.models import Approval
from foundation.admin import figure
from marketdata import calendars
from portfolio import selectors as portfolio
from portfolio.models import Position
from risk.margin import rates as margin_rates
from risk.margin.rates import UnableToSetRate
from risk.margin.requirements import IN_FULL, Rates
from risk.models import (
    LiquidationWave,
    Locate,
    MarginCall,
    MarginCallNote,
    MarginRate,
    MarginStatus,
)
from tests import on_margin, people, world
from tests.staff import at_work

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def _anew():
    margin_rates.forget()
    yield
    margin_rates.forget()


def today():
    return calendars.date_of(timezone.now())


def propose(by, instrument=None, **more):
    wanted = {
        "asset_class": "",
        "rates": Rates(long=D("0.40"), short=D("0.40")),
        "since": today(),
        "reason": "It moves",
        "now": timezone.now(),
        **more,
    }
    return margin_rates.propose(instrument=instrument, by=by, **wanted)


def called(account):
    now = timezone.now()
    return MarginCall.objects.create(
        account=account,
        kind="maintenance",
        amount=D(100),
        amount_max=D(100),
        equity=D(900),
        maintenance=D(1000),
        positions={},
        made_at=now,
        due_at=now,
    )


def test_a_tighter_rate_holds_at_once_and_the_narrowest_goes_first():
    officer, aapl = people.person(is_staff=True), on_margin.instrument()
    msft = on_margin.instrument("MSFT")
    assert margin_rates.schedule().of(aapl) == Rates()
    propose(officer)
    propose(officer, asset_class="us_equity", rates=Rates(long=D("0.45"), short=D("0.45")))
    propose(officer, aapl, rates=Rates(initial=D("0.8"), long=D("0.6"), short=D("0.7")))
    assert margin_rates.schedule().of(aapl) == Rates(D("0.8"), D("0.6"), D("0.7"))
    assert margin_rates.schedule().of(msft).long == D("0.45")
    msft.marginable = False
    assert margin_rates.schedule().of(msft) == IN_FULL


def test_a_looser_rate_holds_when_another_person_agrees():
    one, two, aapl = (
        people.person(is_staff=True),
        people.person(is_staff=True),
        on_margin.instrument(),
    )
    propose(one, aapl)
    waiting = propose(one, aapl, rates=Rates(long=D("0.30"), short=D("0.40")))
    assert isinstance(waiting, Approval)
    assert margin_rates.schedule().of(aapl).long == D("0.40")
    with pytest.raises(UnableToApprove):
        margin_rates.approve(waiting.pk, by=one, now=timezone.now())
    assert MarginRate.objects.count() == 1
    row = margin_rates.approve(waiting.pk, by=two, now=timezone.now())
    assert (row.made_by, margin_rates.schedule().of(aapl).long) == (one, D("0.30"))


@pytest.mark.parametrize("of", ["instrument", "class", "everything"])
def test_a_stale_approval_does_not_undo_a_rise_that_was_set_since(of):
    one, two = people.person(is_staff=True), people.person(is_staff=True)
    aapl, msft = on_margin.instrument(), on_margin.instrument("MSFT")
    propose(one, aapl)
    waiting = propose(one, aapl, rates=Rates(long=D("0.30"), short=D("0.40")))
    unconcerned = propose(one, msft, rates=Rates(long=D("0.60")))
    assert isinstance(unconcerned, MarginRate)
    raised = Rates(initial=D("0.9"), long=D("0.9"), short=D("0.9"))
    match of:
        case "instrument":
            propose(two, aapl, rates=raised)
        case "class":
            propose(two, asset_class="us_equity", rates=raised)
        case "everything":
            propose(two, rates=raised)
    before = MarginRate.objects.count()
    with pytest.raises(margin_rates.UnableToSetRate, match="ask again"):
        margin_rates.approve(waiting.pk, by=two, now=timezone.now())
    assert MarginRate.objects.count() == before


def test_a_tightening_that_is_to_come_is_undone_by_two_alone():
    one, aapl = people.person(is_staff=True), on_margin.instrument()
    tomorrow, later = today() + timedelta(days=1), today() + timedelta(days=2)
    tight = Rates(initial=D("0.9"), long=D("0.9"), short=D("0.9"))
    propose(one, aapl, rates=tight, since=tomorrow)
    for since in (tomorrow, later):
        assert isinstance(propose(one, aapl, rates=Rates(), since=since), Approval)
    assert isinstance(propose(one, aapl, rates=Rates(), since=today()), MarginRate)
    msft = on_margin.instrument("MSFT")
    propose(one, asset_class="us_equity", rates=tight, since=tomorrow)
    assert isinstance(propose(one, msft, rates=Rates()), Approval)  # before the class's


def test_a_rate_of_tomorrow_does_not_hold_today():
    officer, aapl = people.person(is_staff=True), on_margin.instrument()
    propose(officer, aapl, since=today() + timedelta(days=1))
    assert margin_rates.schedule().of(aapl) == Rates()


@pytest.mark.parametrize(
    "wrong",
    [
        {"rates": Rates(initial=D("0.49"))},
        {"rates": Rates(long=D("0.24"))},
        {"rates": Rates(short=D("0.29"))},
        {"rates": Rates(long=D("1.01"))},
        {"asset_class": "us_equity"},
    ],
)
def test_rates_below_the_rules_are_refused(wrong):
    aapl = on_margin.instrument()
    with pytest.raises(UnableToSetRate):
        propose(people.person(is_staff=True), aapl, **wrong)
    assert not MarginRate.objects.exists()


def test_the_past_is_not_rewritten():
    with pytest.raises(UnableToSetRate):
        propose(people.person(is_staff=True), since=today() - timedelta(days=1))


def test_rates_are_set_on_their_page():
    user, browser = at_work()
    given = {
        "since": today().isoformat(),
        "initial": "0.6",
        "maintenance_long": "0.4",
        "maintenance_short": "0.4",
        "reason": "Turbulent",
    }
    assert browser.get("/admin/risk/marginrate/add/").status_code == 200
    answer = browser.post("/admin/risk/marginrate/add/", given)
    assert answer.status_code == 302, answer.content
    row = MarginRate.objects.get()
    assert (row.initial, row.made_by) == (D("0.6"), user)
    looser = given | {"initial": "0.5", "reason": "Calm"}
    assert browser.post("/admin/risk/marginrate/add/", looser).status_code == 302
    assert MarginRate.objects.count() == 1
    assert approvals.waiting(now=timezone.now()).get().kind == margin_rates.APPROVAL
    wrong = given | {"maintenance_long": "0.1"}
    assert b"is not between" in browser.post("/admin/risk/marginrate/add/", wrong).content
    assert b"Turbulent" in browser.get("/admin/risk/marginrate/").content


def test_a_call_takes_notes_and_nothing_else():
    user, browser = at_work()
    call = called(on_margin.customer())
    page = f"/admin/risk/margincall/{call.pk}/change/"
    assert browser.get(page).status_code == 200
    given = {
        "waves-TOTAL_FORMS": "0",
        "waves-INITIAL_FORMS": "0",
        "notes-TOTAL_FORMS": "1",
        "notes-INITIAL_FORMS": "0",
        "notes-0-text": "Called, will pay today",
        "amount": "1",
        "status": "met",
    }
    answer = browser.post(page, given)
    assert answer.status_code == 302, answer.content
    note = MarginCallNote.objects.get()
    assert (note.by, note.text) == (user, "Called, will pay today")
    call.refresh_from_db()
    assert (call.status, call.amount) == ("open", D(100))
    assert b"Called, will pay today" in browser.get(page).content
    assert browser.get("/admin/risk/margincall/").status_code == 200


def test_a_call_shows_what_was_held_and_is_and_what_its_waves_were_to_sell():
    """The positions of before and of now beside each other, and no JSON anywhere."""
    _, browser = at_work()
    account, aapl = on_margin.customer(), on_margin.instrument()
    call = called(account)
    call.positions = {aapl.code: "1200", "GONE": "-3.5"}
    call.save()
    Position.objects.create(account=account, instrument=aapl, quantity=D(1000), cost_basis=D(1))
    LiquidationWave.objects.create(
        call=call,
        number=1,
        at=timezone.now(),
        deficit=D(100),
        orders=[[aapl.code, "sell", "200", "wave-1"], ["GONE", "buy", "3.5"]],
    )
    shown = browser.get(f"/admin/risk/margincall/{call.pk}/change/").content.decode()
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))
    assert "symbol when it was made now price, USD value, USD" in words
    [held] = portfolio.snapshot(account.pk).positions
    assert held.price is not None
    now = f"1,000 {figure(held.price)} {figure(held.market_value)}"
    assert f"{aapl.symbol} 1,200 {now}" in words
    assert "GONE \N{MINUS SIGN}3.50 0 \N{EN DASH} \N{EN DASH}" in words
    assert f"{aapl.symbol} sell 200 show GONE buy 3.50 \N{EN DASH}" in words
    assert "/admin/orders/order/?q=wave-1" in shown
    assert "&quot;1200&quot;" not in shown
    assert "[[" not in words


def test_standings_and_locates_have_pages():
    user, browser = at_work()
    account, aapl = on_margin.customer(), on_margin.instrument()
    MarginStatus.objects.create(account=account, at=timezone.now(), excess=D(-1))
    assert account.number in browser.get("/admin/risk/marginstatus/").content.decode()
    lacking = browser.get("/admin/risk/marginstatus/?standing=lacking").content.decode()
    assert account.number in lacking
    assert browser.get("/admin/risk/marginstatus/?standing=unpriced").status_code == 200
    given = {
        "instrument": str(aapl.pk),
        "quantity": "100",
        "lasts_until": today().isoformat(),
        "source": "Lender 7",
    }
    assert browser.get("/admin/risk/locate/add/").status_code == 200
    assert browser.post("/admin/risk/locate/add/", given).status_code == 302
    assert Locate.objects.get().made_by == user
    assert world.customer().margin is False
