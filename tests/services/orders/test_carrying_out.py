"""Corporate actions whole: accounts, prices and resting orders, in the right order, restartable."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Account
from foundation import failpoints
from marketdata import calendars
from marketdata import selectors as marketdata
from marketdata.models import Instrument
from orders.actions import carrying_out
from orders.actions.carrying_out import Progress, UnableToCarryOut
from orders.actions.services import Outcome
from orders.entry import submission
from orders.models import Order, Trade
from portfolio.actions import entitlements
from portfolio.actions import services as portfolio
from portfolio.actions.services import Due
from portfolio.models import Position, Transfer
from reconciliation.invariants import check_invariants
from tests import issuers, world
from tests.held import at_once
from tests.issuers import dividend, due, said, split
from venues import links, outbox
from venues.messages import ExecutionReport, ReportKind, Side, TimeInForce
from venues.models import InboxReport

pytestmark = pytest.mark.django_db

D = Decimal
NIGHT = datetime(2026, 1, 7, 2, 0, tzinfo=UTC)  # Tuesday, 21:00 in New York: trading has ended


class Evening:
    """The night before the ex-date: a customer with ten shares, and what rests."""

    def __init__(self) -> None:
        self.aapl = world.instrument()
        self.venue = world.Venue()
        self.owner = self.customer()
        Instrument.objects.update(calendar="XNYS")

    def customer(self, quantity: str = "10") -> Account:
        account = world.customer()
        world.own(account, "AAPL", quantity, self.venue, price="100.00")
        return account

    def rests(self, price: str, **wanted: object) -> Order:
        terms = {"time_in_force": TimeInForce.GTC, **wanted}
        ticket = world.limit_ticket(self.owner, price, **terms)
        [answer] = submission.submit_batch([ticket], now=timezone.now())
        self.venue.says(answer.order, ReportKind.ACCEPTED, execution_id=f"A{answer.order.pk}")
        world.apply_reports()
        return answer.order

    def quotes(self, bid: str, ask: str) -> None:
        world.quote(Instrument.objects.get(code="AAPL"), bid=bid, ask=ask)


def all_holds() -> bool:
    """Tell whether every invariant holds, but for what waits for longer than tests do."""
    found = check_invariants(now=timezone.now())
    return [each for each in found if not each.holds and each.number != 10] == []


@pytest.fixture
def evening(db):
    with time_machine.travel(NIGHT, tick=True):
        yield Evening()
        assert all_holds()


def carry_out(action: Due) -> Progress:
    """Carry it out, and on once the venue has noticed that trading goes on."""
    found = a_step(action)
    if found.waits_for == "the venue to take orders again":
        later = a_step(action, after=carrying_out.STILL)
        return replace(later, entitled=found.entitled)
    return found


def a_step(action: Due, *, after: timedelta = timedelta()) -> Progress:
    """Carry it on as far as it goes; the venue was heard of just now."""
    now = timezone.now() + after
    links.hear(outbox.EMBEDDED, now=now)
    return carrying_out.carry_out(action.said.reference, enter=at_once, now=now)


def position(account: Account) -> Decimal:
    return Position.objects.get(account=account, instrument__code="AAPL").quantity


def state(action: Due) -> str:
    return portfolio.CorporateAction.objects.get(pk=action.id).state


def earned_by(account: Account) -> Decimal:
    """Return what the account got of dividends, less what it was charged for them."""
    found = Transfer.objects.filter(kind="dividend").select_related("credit")
    signed = [(t.amount if t.credit.owner_id else -t.amount, t) for t in found]
    mine = [a for a, t in signed if account.pk in (t.credit.owner_id, t.debit.owner_id)]
    return sum(mine, D(0))


def now_of(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def test_a_split_moves_accounts_then_prices_then_orders(evening):
    order = evening.rests("90.00")
    action = split(evening.aapl, 2, 1, price="50")
    found = carry_out(action)
    assert (found.entitled, found.orders) == (1, Outcome(replaced=1, waiting=1))
    assert position(evening.owner) == D(20)
    assert marketdata.latest_quote(evening.aapl.pk).ask == D(50)
    new = Order.objects.get(pk=now_of(order).replaced_by)
    assert (new.quantity, new.limit_price, new.status) == (D(20), D("45.00"), "pending")

    evening.venue.replaces(order, new, total="20")
    world.apply_reports()
    assert carry_out(action).is_done
    assert state(action) == "done"
    with pytest.raises(UnableToCarryOut, match="done"):
        carry_out(action)


def test_orders_placed_on_the_new_terms_are_left_alone(evening):
    action = split(evening.aapl, 2, 1, price="50")
    order = evening.rests("90.00")
    carry_out(action)
    new = evening.rests("45.00")
    carry_out(action)
    assert now_of(new).status == "submitted"
    assert now_of(order).status == "pending_replace"


def test_a_reverse_split_ends_orders_before_it_moves_anything(evening):
    order = evening.rests("110.00", side=Side.SELL, quantity=D(5))
    action = split(evening.aapl, 1, 10, price="1000")
    found = carry_out(action)
    assert (found.entitled, found.waits_for != "", position(evening.owner)) == (0, True, D(10))
    [answer] = submission.submit_batch(
        [world.limit_ticket(evening.owner, "100.00")], now=timezone.now()
    )
    assert answer.order.status == "rejected"  # nothing new comes in between

    evening.venue.cancels(order)
    world.apply_reports()
    assert carry_out(action).is_done
    assert (position(evening.owner), now_of(order).status) == (D(1), "cancelled")
    assert marketdata.latest_quote(evening.aapl.pk).ask == D(1000)
    assert not Instrument.objects.get(code="AAPL").halted


def test_a_dividend_lowers_orders_and_is_paid_on_its_day(evening):
    order = evening.rests("90.00")
    with time_machine.travel(NIGHT + timedelta(hours=4), tick=True):  # the ex-date has begun
        evening.quotes("99.99", "100.00")
        pay_date = issuers.today() + timedelta(days=14)
        action = dividend(evening.aapl, "0.25", pay_date=pay_date)
        found = carry_out(action)
        assert (found.entitled, found.paid, found.orders.replaced) == (1, 0, 1)
        new = Order.objects.get(pk=now_of(order).replaced_by)
        assert new.limit_price == D("89.75")
        evening.venue.replaces(order, new, total="10")
        world.apply_reports()
        assert (carry_out(action).waits_for_a_day, state(action)) == (True, "entitled")

    with time_machine.travel(NIGHT + timedelta(days=15), tick=True):
        found = carry_out(action)
        assert (found.paid, found.is_done) == (1, True)
    assert Transfer.objects.get(kind="dividend").amount == D("2.50")


def pay_all(*, now):
    due = entitlements.payable(calendars.date_of(now), now=now)
    return sum(entitlements.pay_out(each, now=now) for each in due)


def test_the_job_pays_a_dividend_once_its_orders_are_carried_over(evening):
    with time_machine.travel(NIGHT + timedelta(hours=4), tick=True):
        pay_date = issuers.today() + timedelta(days=7)
        action = dividend(evening.aapl, "0.25", pay_date=pay_date)
    later = NIGHT + timedelta(days=8)
    assert pay_all(now=later) == 0  # nobody has carried it out
    with time_machine.travel(NIGHT + timedelta(hours=4), tick=True):
        carry_out(action)
    assert pay_all(now=NIGHT + timedelta(days=6)) == 0
    assert [pay_all(now=later), pay_all(now=later)] == [1, 0]
    assert state(action) == "done"


def test_a_new_symbol_ends_orders_and_renames(evening):
    order = evening.rests("90.00")
    action = due(said(evening.aapl, "symbol_change", symbol="APPL"))
    assert carry_out(action).orders.cancelled == 1
    evening.venue.cancels(order)
    world.apply_reports()
    assert carry_out(action).is_done
    assert Instrument.objects.get(code="AAPL").symbol == "APPL"
    assert position(evening.owner) == D(10)


def test_a_merger_ends_the_instrument(evening):
    action = due(said(evening.aapl, "merger", cash=D(120)))
    assert carry_out(action).is_done
    after = Instrument.objects.get(code="AAPL")
    assert (after.tradable, position(evening.owner)) == (False, D(0))


def test_nothing_is_carried_out_while_the_market_trades(evening):
    action = split(evening.aapl, 2, 1, price="50")
    with time_machine.travel(NIGHT + timedelta(hours=13)):  # 10:00 in New York
        with pytest.raises(UnableToCarryOut, match="is trading"):
            carry_out(action)
        assert position(evening.owner) == D(10)
        Instrument.objects.update(halted=True)
        assert carry_out(action).is_done
    assert Instrument.objects.get(code="AAPL").halted  # as operations have left it


def test_a_market_that_never_closes_stands_still_first(evening):
    Instrument.objects.update(calendar="always")
    action = split(evening.aapl, 2, 1, price="50")
    assert carry_out(action).waits_for == "the last executions before the halt"
    assert (position(evening.owner), Instrument.objects.get().halted) == (D(10), True)
    with time_machine.travel(NIGHT + timedelta(minutes=1)):
        assert carry_out(action).is_done
    assert (position(evening.owner), Instrument.objects.get().halted) == (D(20), False)


@pytest.mark.parametrize("arrival", [1, 2, 3])
@pytest.mark.parametrize("at", ["actions.entitling", "actions.entitled"])
def test_what_was_cut_short_is_carried_out_again(evening, monkeypatch, at, arrival):
    accounts = [evening.owner, evening.customer(), evening.customer("7")]
    action = split(evening.aapl, 2, 1, price="50")
    monkeypatch.setattr(failpoints, "_points", {at: ("raise", arrival)})
    monkeypatch.setattr(failpoints, "_arrivals", {})
    with pytest.raises(failpoints.FailpointReached):
        carry_out(action)
    assert Instrument.objects.get().halted  # nobody trades on half of it
    assert marketdata.latest_quote(evening.aapl.pk).ask == D(100)

    assert carry_out(action).is_done
    assert [position(each) for each in accounts] == [D(20), D(20), D(14)]
    assert Transfer.objects.filter(kind="split").count() == 3
    assert marketdata.latest_quote(evening.aapl.pk).ask == D(50)


# --- What was executed before, and comes late --------------------------------------------------


def test_nobody_is_split_twice_who_buys_on_the_new_terms(evening):
    """The action waits for a venue, and is carried on while others trade."""
    order = evening.rests("90.00")
    action = split(evening.aapl, 2, 1, price="50")
    assert carry_out(action).orders.waiting == 1
    evening.quotes("49.99", "50.00")
    Instrument.objects.update(calendar="always")
    other = world.customer()
    world.own(other, "AAPL", "10", evening.venue, price="50.00")
    Instrument.objects.update(calendar="XNYS")
    assert carry_out(action).orders.waiting == 1
    assert (position(evening.owner), position(other)) == (D(20), D(10))
    new = Order.objects.get(pk=now_of(order).replaced_by)
    evening.venue.replaces(order, new, total="20")
    world.apply_reports()
    assert carry_out(action).is_done
    assert (position(evening.owner), position(other)) == (D(20), D(10))


def test_a_split_waits_for_the_fills_that_were_made_before_it(evening):
    order = evening.rests("90.00")
    evening.venue.fills(order, "10", "90.00")  # nobody has applied it yet
    action = split(evening.aapl, 2, 1, price="50")
    found = carry_out(action)
    assert (found.waits_for, found.entitled) == ("reports that are not applied yet", 0)
    assert (position(evening.owner), Instrument.objects.get().halted) == (D(10), True)
    world.apply_reports()
    assert carry_out(action).is_done
    assert position(evening.owner) == D(40)


def test_a_split_waits_for_the_venue_that_has_its_orders(evening):
    evening.rests("90.00")
    action = split(evening.aapl, 2, 1, price="50")
    halted_at = timezone.now()
    links.lose(outbox.EMBEDDED, now=halted_at, detail="the other end has hung up")
    found = carrying_out.carry_out(action.said.reference, enter=at_once, now=halted_at)
    assert (found.waits_for, position(evening.owner)) == ("news of openfloor-exchange", D(10))
    # It is up again, and has not said anything since the halt.
    links.hear(outbox.EMBEDDED, now=halted_at - timedelta(seconds=1))
    found = carrying_out.carry_out(action.said.reference, enter=at_once, now=timezone.now())
    assert (found.waits_for, position(evening.owner)) == ("news of openfloor-exchange", D(10))
    assert carry_out(action).entitled == 1
    assert position(evening.owner) == D(20)


def test_a_split_waits_for_the_orders_that_are_in_doubt(evening):
    order = evening.rests("90.00")
    Order.objects.filter(pk=order.pk).update(venue_order_id="")
    evening.venue.says(order, ReportKind.DOUBTED)
    world.apply_reports()
    action = split(evening.aapl, 2, 1, price="50")
    found = carry_out(action)
    assert (found.waits_for, found.entitled) == ("1 orders whose venue has not answered", 0)
    evening.venue.says(order, ReportKind.STATUS)
    world.apply_reports()
    assert carry_out(action).entitled == 1


@pytest.mark.parametrize("owned", [True, False])
def test_a_fill_that_comes_after_the_split_it_was_made_before_is_for_a_person(evening, owned):
    """Ten shares of before are twenty now: on the old terms ten would be missing."""
    if not owned:
        evening.owner = world.customer()
    order = evening.rests("90.00")
    executed_at = timezone.now() - timedelta(minutes=5)
    Order.objects.filter(pk=order.pk).update(created_at=executed_at)
    action = split(evening.aapl, 2, 1, price="50")
    carry_out(action)
    before = timezone.now()
    with time_machine.travel(executed_at, tick=False):
        evening.venue.fills(order, "10", "90.00")
    world.apply_reports()
    parked = InboxReport.objects.get(state="parked")
    assert parked.reason == f"it was executed before {action.said.reference}, on other terms"
    assert not Trade.objects.filter(order=order).exists()
    assert timezone.now() > before
    InboxReport.objects.filter(pk=parked.pk).delete()


EX_NIGHT = NIGHT + timedelta(hours=4)  # the ex-date has begun


def settled_dividend(
    evening: Evening, *, late: str, before_entitling: bool
) -> tuple[Order, ExecutionReport]:
    """Pay 1 USD a share, with a trade of before midnight that is booked after it."""
    side = Side.BUY if D(late) > 0 else Side.SELL
    price = "90.00" if side is Side.BUY else "99.00"
    order = evening.rests(price, side=side, quantity=abs(D(late)))
    report = evening.venue.fills(order, str(order.quantity), price)
    with time_machine.travel(EX_NIGHT, tick=True):
        action, now = dividend(evening.aapl, "1.00"), timezone.now()
        if before_entitling:
            world.apply_reports()
            assert carry_out(action).is_done
        else:
            entitlements.entitle(action, now=now)
            portfolio.restate(action, note="", now=now)
            entitlements.pay(action, now=now)
            world.apply_reports()
        assert all_holds()
    return order, report


@pytest.mark.parametrize(("late", "earned"), [("5", D(15)), ("-4", D(6))])
@pytest.mark.parametrize("before_entitling", [True, False])
def test_a_late_fill_has_its_part_in_a_dividend(evening, late, earned, before_entitling):
    settled_dividend(evening, late=late, before_entitling=before_entitling)
    assert earned_by(evening.owner) == earned


@pytest.mark.parametrize("before_entitling", [True, False])
def test_a_bust_takes_its_part_of_a_dividend_back(evening, before_entitling):
    order, report = settled_dividend(evening, late="5", before_entitling=before_entitling)
    with time_machine.travel(EX_NIGHT + timedelta(minutes=1), tick=True):
        evening.venue.busts(order, report)
        world.apply_reports()
        assert (earned_by(evening.owner), position(evening.owner)) == (D(10), D(10))
        assert all_holds()


def test_a_late_fill_of_who_had_nothing_else_earns_its_dividend(evening):
    evening.owner = world.customer()
    settled_dividend(evening, late="5", before_entitling=False)
    assert earned_by(evening.owner) == D(5)


def test_a_fill_that_was_made_on_the_ex_date_earns_nothing(evening):
    order = evening.rests("90.00")
    with time_machine.travel(EX_NIGHT, tick=True):
        action, now = dividend(evening.aapl, "1.00"), timezone.now()
        assert entitlements.entitle(action, now=now).entitled == 1
        evening.venue.fills(now_of(order), "10", "90.00")
        world.apply_reports()
        assert position(evening.owner) == D(20)
        assert earned_by(evening.owner) == D(0)
        assert all_holds()


# --- The command -------------------------------------------------------------------------------


@pytest.fixture
def here_and_now(monkeypatch):
    monkeypatch.setattr("orders.entry.intake.intake.enter", at_once)
    monkeypatch.setattr("orders.entry.intake.intake.close", lambda _timeout: None)
    monkeypatch.setattr("orders.entry.intake.enter", at_once)


def said_by_command(*arguments: str) -> list[str]:
    said_ = StringIO()
    call_command("corporate_action", *arguments, stdout=said_)
    return said_.getvalue().splitlines()


def test_the_command_lists_what_is_due_and_carries_it_out(evening, here_and_now):
    assert said_by_command() == ["Nothing is due."]
    action = due(said(evening.aapl, "merger", cash=D(120)))
    name = action.said.reference
    assert said_by_command() == [name]
    assert said_by_command(name) == [
        f"{name}: 1 accounts entitled, 0 paid; 0 orders replaced, 0 cancelled, 0 unchanged.",
        "It is done.",
    ]
    assert said_by_command() == ["Nothing is due."]


def test_the_command_says_what_is_wrong_and_does_nothing(evening, here_and_now):
    with pytest.raises(CommandError, match="Nothing was announced"):
        said_by_command("no such")
    found = said(evening.aapl, "split", new_shares=2, price=D(50))
    portfolio.announce(found, by=issuers.person(), now=timezone.now())
    with pytest.raises(CommandError, match="second person"):
        said_by_command(found.reference)
    assert position(evening.owner) == D(10)
