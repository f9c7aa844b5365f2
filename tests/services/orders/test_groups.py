"""Brackets, OCO and OTO on PostgreSQL: what is filled, held, sent and told, in every order."""

from decimal import Decimal

import pytest
from django.utils import timezone

from orders import selectors
from orders.entry import submission
from orders.models import Order, Watch
from orders.tickets import ExpireTicket, OrderClass, StopLoss
from portfolio.models import Balance, Position
from reconciliation.invariants import check_invariants
from tests import world
from tests.placing import states, submit
from venues.messages import OrderType, ReportKind, Side
from venues.models import OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("agreeing")]

D = Decimal


@pytest.fixture
def account(db):
    world.instrument()
    return world.customer(cash="10000.00")


def bracket(account, **wanted):
    """Buy ten at 100; take the profit at 110, stop the loss at 95."""
    answer = submit(
        world.ticket(
            account,
            **{
                "type": OrderType.LIMIT,
                "limit_price": D("100.00"),
                "order_class": OrderClass.BRACKET,
                "take_profit": D("110.00"),
                "stop_loss": StopLoss(D("95.00")),
                **wanted,
            },
        )
    )
    assert not answer.order.denial_code, answer.order.status_reason
    return [answer.order, *answer.legs]


def held(account, asset="AAPL"):
    return Balance.objects.get(account=account, asset=asset).held


def sent():
    return [(m.kind, str(m.order_id)) for m in OutboxMessage.objects.order_by("pk")]


def watched():
    return {watch.order_id for watch in Watch.objects.all()}


def test_the_legs_of_a_bracket_wait_for_their_entry(account):
    entry, profit, loss = bracket(account)
    assert states(entry, profit, loss) == ["submitted", "held", "held"]
    assert [o.role for o in (entry, profit, loss)] == ["entry", "take_profit", "stop_loss"]
    assert {o.group for o in (entry, profit, loss)} == {entry.pk}
    assert (profit.side, profit.type, loss.type) == ("sell", "limit", "stop")
    assert sent() == [("new", str(entry.pk))]
    assert watched() == set()
    assert selectors.legs_of([entry])[entry.pk] == [entry, *sorted([profit, loss], key=str_id)]


def str_id(order):
    return str(order.pk)


def test_what_is_filled_is_protected_at_once_and_the_profit_follows_the_end(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "4", "100.00")
    world.apply_reports()
    assert states(entry, profit, loss) == ["partially_filled", "held", "held"]
    assert (profit.quantity, loss.quantity, held(account)) == (D(4), D(4), D(4))
    assert watched() == {loss.pk}
    venue.fills(entry, "6", "100.00")
    world.apply_reports()
    assert states(entry, profit, loss) == ["filled", "submitted", "held"]
    assert (profit.quantity, loss.quantity, held(account)) == (D(10), D(10), D(10))
    assert sent() == [("new", str(entry.pk)), ("new", str(profit.pk))]
    assert watched() == {loss.pk}


def test_the_history_says_since_when_a_price_is_watched(account, venue):
    world.own(account, "AAPL", "10", venue, price="100.00")
    profit, loss = bracket(
        account,
        side=Side.SELL,
        order_class=OrderClass.OCO,
        limit_price=D("110.00"),
        take_profit=None,
    )
    watched_in = list(Order.history.filter(id=loss.pk).values_list("is_watched", flat=True))
    assert watched_in == [True, False]  # the latest first
    assert selectors.as_of(loss.pk, timezone.now()).is_watched
    assert not Order.history.filter(id=profit.pk, is_watched=True).exists()


def test_a_filled_profit_ends_the_stop_in_the_same_transaction(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    venue.fills(profit, "3", "110.00")
    world.apply_reports()
    assert states(profit, loss) == ["partially_filled", "held"]
    assert (loss.quantity, held(account)) == (D(7), D(7))
    venue.fills(profit, "7", "110.00")
    world.apply_reports()
    assert states(entry, profit, loss) == ["filled", "filled", "cancelled"]
    assert watched() == set()
    assert Position.objects.get(account=account).quantity == 0
    assert loss.status_reason == "The orders that it belongs to have ended"


def test_a_triggered_stop_goes_only_when_the_profit_has_left_the_venue(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    world.quote(entry.instrument, bid="94.50", ask="94.52")
    submit(world.trigger_ticket(loss, "94.90"))
    assert states(profit, loss) == ["pending_cancel", "held"]
    assert loss.triggered_at is not None
    # The race: the venue fills a part of the profit before it sees the cancel.
    venue.fills(profit, "2", "110.00")
    venue.cancels(profit)
    world.apply_reports()
    assert states(profit, loss) == ["cancelled", "submitted"]
    assert (loss.quantity, held(account)) == (D(8), D(8))
    venue.fills(loss, "8", "94.50")
    world.apply_reports()
    assert states(loss) == ["filled"]
    assert Position.objects.get(account=account).quantity == 0


def test_a_profit_that_is_faster_than_the_cancel_leaves_the_stop_nothing(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    submit(world.trigger_ticket(loss, "94.90"))
    venue.fills(profit, "10", "110.00")
    venue.says(profit, ReportKind.CANCEL_REJECTED, reason="order_not_open")
    world.apply_reports()
    assert states(profit, loss) == ["filled", "cancelled"]
    assert Position.objects.get(account=account).quantity == 0


def test_a_stop_that_is_reached_during_the_entry_cancels_the_rest_of_it_first(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "4", "100.00")
    world.apply_reports()
    submit(world.trigger_ticket(loss, "94.90"))
    assert states(entry, profit, loss) == ["pending_cancel", "held", "held"]
    venue.fills(entry, "1", "100.00")
    venue.cancels(entry)
    world.apply_reports()
    assert states(entry, profit, loss) == ["cancelled", "held", "submitted"]
    assert (loss.quantity, held(account)) == (D(5), D(5))
    venue.fills(loss, "5", "94.00")
    world.apply_reports()
    assert states(profit, loss) == ["cancelled", "filled"]


def test_a_cancelled_entry_ends_the_legs_or_leaves_them_what_it_filled(account, venue):
    entry, profit, loss = bracket(account)
    submit(world.cancel_ticket(entry))
    venue.fills(entry, "3", "100.00")
    venue.cancels(entry)
    world.apply_reports()
    assert states(entry, profit, loss) == ["cancelled", "submitted", "held"]
    assert profit.quantity == loss.quantity == D(3)
    other, its_profit, its_loss = bracket(account)
    submit(world.cancel_ticket(other))
    venue.cancels(other)
    world.apply_reports()
    assert states(other, its_profit, its_loss) == ["cancelled", "cancelled", "cancelled"]


def test_a_cancelled_leg_takes_the_others_with_it(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    submit(world.cancel_ticket(loss))
    assert states(profit, loss) == ["pending_cancel", "cancelled"]
    venue.cancels(profit)
    world.apply_reports()
    assert states(profit, loss) == ["cancelled", "cancelled"]
    assert (held(account), watched()) == (0, set())


def test_a_rejected_profit_leaves_the_stop_alone_with_the_position(account, venue):
    entry, profit, loss = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    venue.says(profit, ReportKind.REJECTED, reason="price_off_tick")
    world.apply_reports()
    assert states(profit, loss) == ["rejected", "held"]
    assert (held(account), watched()) == (D(10), {loss.pk})


def test_legs_are_denied_with_their_entry(account):
    answer = submit(
        world.limit_ticket(
            account, "100.00", order_class=OrderClass.BRACKET,
            take_profit=D("110.005"), stop_loss=StopLoss(D("95.00")),
        )
    )  # fmt: skip
    assert [o.status for o in (answer.order, *answer.legs)] == ["rejected"] * 3
    assert {o.denial_code for o in (answer.order, *answer.legs)} == {"price_increment"}
    assert sent() == []
    assert Balance.objects.get(account=account, asset="USD").held == 0


def test_an_entry_that_is_a_stop_waits_like_any_other(account, venue):
    entry, profit, loss = bracket(
        account, type=OrderType.STOP, limit_price=None, stop_price=D("105.00"),
        take_profit=D("120.00"),
    )  # fmt: skip
    assert states(entry, profit, loss) == ["held", "held", "held"]
    assert watched() == {entry.pk}
    submit(world.trigger_ticket(entry, "105.00"))
    venue.fills(entry, "10", "105.00")
    world.apply_reports()
    assert states(entry, profit, loss) == ["filled", "submitted", "held"]
    assert watched() == {loss.pk}


def test_an_oto_has_one_leg(account, venue):
    answer = submit(
        world.limit_ticket(
            account, "100.00", order_class=OrderClass.OTO, stop_loss=StopLoss(D("95"), D("94.50"))
        )
    )
    entry, loss = answer.order, *answer.legs
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    assert states(entry, loss) == ["filled", "held"]
    assert (loss.type, held(account), watched()) == ("stop_limit", D(10), {loss.pk})


@pytest.fixture
def oco(account, venue):
    """Ten shares, to be sold at 110 or, below 95, at the market."""
    world.own(account, "AAPL", "10", venue, price="100.00")
    answer = submit(
        world.limit_ticket(
            account, "110.00", side=Side.SELL, order_class=OrderClass.OCO,
            stop_loss=StopLoss(D("95.00")),
        )
    )  # fmt: skip
    assert not answer.order.denial_code, answer.order.status_reason
    return answer.order, *answer.legs


def test_an_oco_holds_the_position_once(account, oco):
    profit, loss = oco
    assert states(profit, loss) == ["submitted", "held"]
    assert (held(account), watched()) == (D(10), {loss.pk})
    assert (profit.group, profit.role, loss.role) == (profit.pk, "take_profit", "stop_loss")


def test_one_fill_of_an_oco_reduces_and_ends_the_other(account, oco, venue):
    profit, loss = oco
    venue.fills(profit, "4", "110.00")
    world.apply_reports()
    assert states(loss) == ["held"]
    assert loss.quantity == D(6)
    venue.fills(profit, "6", "110.00")
    world.apply_reports()
    assert states(profit, loss) == ["filled", "cancelled"]


def test_the_stop_of_an_oco_takes_what_the_profit_leaves(account, oco, venue):
    profit, loss = oco
    submit(world.trigger_ticket(loss, "94.00"))
    venue.fills(profit, "1", "110.00")
    venue.cancels(profit)
    world.apply_reports()
    assert states(profit, loss) == ["cancelled", "submitted"]
    assert (loss.quantity, held(account)) == (D(9), D(9))


def test_a_replaced_leg_keeps_its_place_in_the_group(account, oco, venue):
    profit, loss = oco
    lower = submit(world.replace_ticket(loss, stop_price=D("90.00"))).order
    higher = submit(world.replace_ticket(profit, limit_price=D("115.00"))).order
    venue.replaces(profit, higher, total="10")
    world.apply_reports()
    assert states(profit, loss, lower, higher) == ["replaced", "replaced", "held", "submitted"]
    assert (held(account), watched()) == (D(10), {lower.pk})
    venue.fills(higher, "10", "115.00")
    world.apply_reports()
    assert states(lower, higher) == ["cancelled", "filled"]


def test_the_legs_of_a_day_expire_with_it(account, oco, venue):
    profit, loss = oco
    expiring = ExpireTicket(account.pk, loss.pk, timezone.now())
    [answer] = submission.submit_batch([expiring], now=loss.expires_at)
    assert answer.order.status == "expired"
    venue.says(profit, ReportKind.EXPIRED, reason="session_ended")
    world.apply_reports()
    assert states(profit, loss) == ["expired", "expired"]
    assert held(account) == 0


def test_a_repeat_of_a_bracket_makes_no_second_one(account):
    ticket = world.limit_ticket(
        account, "100.00", order_class=OrderClass.BRACKET, take_profit=D("110.00"),
        stop_loss=StopLoss(D("95.00")),
    )  # fmt: skip
    first, again = submit(ticket), submit(ticket)
    assert (again.is_repeat, again.order.pk) == (True, first.order.pk)
    assert [leg.pk for leg in again.legs] == [leg.pk for leg in first.legs]
    assert Order.objects.count() == 3


def test_a_leg_that_the_venue_has_is_replaced_within_the_collar_alone(account, venue):
    world.limits(price_collar=D("0.05"))
    entry, profit, _ = bracket(account)
    cheap = world.replace_ticket(profit, limit_price=D("96.00"))
    venue.fills(entry, str(entry.quantity), "100.00")
    world.apply_reports()
    assert states(profit) == ["submitted"]
    given_away = world.replace_ticket(profit, limit_price=D("1.00"))
    answers = [submit(given_away), submit(cheap)]
    assert [answer.order.denial_code for answer in answers] == ["price_collar", ""]
    assert [kind for kind, _ in sent()].count("replace") == 1


def test_a_bust_of_what_its_exit_has_closed_leaves_shares_owed_and_no_breach(account, venue):
    entry, profit, stop = bracket(account)
    venue.accepts(entry)
    venue.fills(entry, "4", "100.00")
    last = venue.fills(entry, "6", "100.00")
    world.apply_reports()
    venue.fills(profit, "10", "110.00")
    venue.busts(entry, last)
    world.apply_reports()

    assert states(entry, profit, stop) == ["cancelled", "filled", "cancelled"]
    assert Position.objects.get(account=account).quantity == D(-6)
    account.refresh_from_db()
    assert account.status == "restricted"


def test_exits_that_close_more_than_was_ever_opened_are_a_breach(account, venue):
    entry, profit, _ = bracket(account)
    venue.fills(entry, "10", "100.00")
    world.apply_reports()
    venue.fills(profit, "10", "110.00")
    world.apply_reports()
    Order.objects.filter(pk=entry.pk).update(filled_quantity=D(9))
    breaches = {b.what for f in check_invariants(now=timezone.now()) for b in f.breaches}
    Order.objects.filter(pk=entry.pk).update(filled_quantity=D(10))
    assert (
        f"group {entry.pk}: its exits have closed 10.000000000 of the 9.000000000 that were opened"
        in breaches
    )
