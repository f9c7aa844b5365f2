"""Every type of order, from its ticket to its end, as a trader's handbook would tell it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts import activity
from marketdata.models import Instrument
from orders import selectors
from orders.entry import submission
from orders.lifecycle import Status
from orders.models import Order, Watch
from orders.tickets import ExpireTicket
from portfolio.models import Balance, Hold
from tests import world
from tests.placing import submit
from venues import inbox
from venues.messages import OrderType, Side, TimeInForce
from venues.models import InboxReport, OutboxMessage

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("agreeing")]

D = Decimal


@pytest.fixture
def account(db):
    world.instrument()
    return world.customer(cash="10000.00")


def place(ticket):
    order = submit(ticket).order
    assert not order.denial_code, order.status_reason
    return order


def status(order):
    order.refresh_from_db()
    return order.status


def held(account, asset="USD"):
    return Balance.objects.get(account=account, asset=asset).held


def sent():
    return [(m.kind, m.message) for m in OutboxMessage.objects.order_by("pk")]


def kinds(account):
    return [event.kind for event in activity.since(account.pk, 0)]


STOP = {"type": OrderType.STOP, "stop_price": D("105.00")}


def test_a_stop_waits_with_us_and_is_watched(account):
    order = place(world.ticket(account, **STOP))
    assert (order.status, order.is_watched) == ("held", True)
    assert held(account) == D("1081.50")  # 10 at 105 and three percent beyond
    assert sent() == []
    watch = Watch.objects.get()
    assert (watch.order_id, watch.side, watch.stop_price, watch.mark) == (
        order.pk, "buy", D("105.00"), None,
    )  # fmt: skip
    assert watch.changed_in > 0


def test_a_triggered_stop_goes_to_the_market_once(account):
    order = place(world.ticket(account, **STOP))
    world.quote(order.instrument, bid="105.00", ask="105.02")
    assert submit(world.trigger_ticket(order, "105.01")).order.status == "submitted"
    [(kind, message)] = sent()
    assert (kind, message["type"], message["limit_price"]) == ("new", "market", "108.18")
    assert held(account) == D("1081.80")
    assert not Watch.objects.exists()
    assert submit(world.trigger_ticket(order, "105.01")).refusal.code == "not_held"
    assert len(sent()) == 1
    steps = selectors.timeline(order)
    assert [(s.status, s.actor) for s in steps] == [
        ("held", f"user:{account.user_id}"),
        ("held", "rule:trigger"),
        ("submitted", "rule:trigger"),
    ]
    assert steps[1].reason.startswith("Its price was reached: traded at 105.01, ")


def test_a_stop_that_the_account_cannot_pay_beyond_its_hold_goes_at_what_is_held(venue):
    world.instrument()
    account = world.customer(cash="1081.50")
    order = place(world.ticket(account, **STOP))
    world.quote(order.instrument, bid="111.00", ask="112.00")
    submit(world.trigger_ticket(order, "111.50"))
    assert sent()[0][1]["limit_price"] == "108.15"
    assert held(account) == D("1081.50")


def test_a_stop_limit_becomes_a_limit_order(account):
    stop_limit = {"type": OrderType.STOP_LIMIT, "stop_price": D("105"), "limit_price": D("105.50")}
    order = place(world.ticket(account, **stop_limit))
    assert held(account) == D("1055.00")
    submit(world.trigger_ticket(order, "105.00"))
    [(_, message)] = sent()
    assert (message["type"], message["limit_price"]) == ("limit", "105.5")


def test_a_trailing_stop_starts_from_the_market_and_keeps_its_mark(account, venue):
    world.own(account, "AAPL", "10", venue, price="100.00")
    trailing = {"type": OrderType.TRAILING_STOP, "trail_percent": D(5), "side": Side.SELL}
    order = place(world.ticket(account, **trailing))
    assert Watch.objects.get().mark == D("99.99")  # nothing was traded yet: the bid
    assert held(account, "AAPL") == 10
    world.quote(order.instrument, bid="104.00", ask="104.01")
    submit(world.trigger_ticket(order, "104.50", mark=D("110.00")))
    assert (status(order), order.high_water_mark) == ("submitted", D("110.00"))
    assert sent()[-1][1]["limit_price"] == "100.88"


def test_nothing_is_triggered_in_a_halt(account):
    order = place(world.ticket(account, **STOP))
    Instrument.objects.update(halted=True)
    assert submit(world.trigger_ticket(order, "105.00")).refusal.code == "not_trading"
    assert status(order) == "held"


def test_what_we_hold_is_cancelled_at_once(account):
    order = place(world.ticket(account, **STOP))
    assert submit(world.cancel_ticket(order)).order.status == "cancelled"
    assert held(account) == 0
    assert sent() == []
    assert not Watch.objects.exists()
    assert submit(world.cancel_ticket(order)).refusal.code == "not_cancelable"


def test_a_held_order_expires_with_its_day(account):
    order = place(world.ticket(account, **STOP))
    expiring = ExpireTicket(account.pk, order.pk, timezone.now())
    assert submit(expiring).refusal.code == "not_expired"
    assert order.expires_at - timezone.now() <= timedelta(days=1)
    [answer] = submission.submit_batch([expiring], now=order.expires_at)
    assert answer.order.status == "expired"
    assert held(account) == 0


def test_an_old_order_at_the_venue_is_cancelled_there(account):
    order = place(world.limit_ticket(account, "99.00", time_in_force=TimeInForce.GTC))
    expiring = ExpireTicket(account.pk, order.pk, timezone.now())
    [answer] = submission.submit_batch([expiring], now=timezone.now() + timedelta(days=90))
    assert answer.order.status == "pending_cancel"
    assert [kind for kind, _ in sent()] == ["new", "cancel"]
    Order.objects.update(updated_at=timezone.now())  # the test's, not ninety days from now


def test_an_order_by_value_never_costs_more(venue):
    world.instrument(increment="0.000000001")
    Instrument.objects.update(fractionable=True)
    account = world.customer(cash="100.00")
    order = place(world.ticket(account, quantity=None, notional=D("100.00")))
    assert (order.quantity, held(account)) == (D(1), D("100.00"))
    [(_, message)] = sent()
    assert (message["quantity"], message["cash_max"]) == ("1", "100")
    # The price rises while it executes: less is bought for the same money.
    venue.fills(order, "0.5", "100.00")
    venue.fills(order, "0.49", "102.00")
    world.apply_reports()
    assert held(account) == D("0.02")
    venue.says(order, world.ReportKind.CANCELLED, reason="cash_reached")
    world.apply_reports()
    assert (status(order), order.filled_quantity, order.quantity) == (
        "filled",
        D("0.99"),
        D("0.99"),
    )
    assert held(account) == 0
    assert Balance.objects.get(account=account, asset="USD").amount == D("0.02")


def dismissed() -> str:
    """Dismiss the report that is parked, as two people do; return why it was."""
    parked = InboxReport.objects.get(state="parked")
    inbox.dismiss(parked, reason="A test", now=timezone.now())
    return parked.reason


def test_a_fill_behind_the_end_of_an_order_whose_value_is_spent_is_booked(venue):
    world.instrument(increment="0.000000001")
    Instrument.objects.update(fractionable=True)
    account = world.customer(cash="100.00")
    order = place(world.ticket(account, quantity=None, notional=D("100.00")))
    venue.fills(order, "0.5", "101.00")
    venue.says(order, world.ReportKind.CANCELLED, reason="cash_reached")
    venue.fills(order, "0.48", "102.00")
    world.apply_reports()
    assert (status(order), order.filled_quantity, order.quantity) == (
        "filled",
        D("0.98"),
        D("0.98"),
    )
    assert Balance.objects.get(account=account, asset="USD").amount == D("0.54")
    venue.fills(order, "0.01", "100.00")  # one cent more than it may cost
    world.apply_reports()
    assert status(order) == "filled"
    assert dismissed() == "overfill: the order may cost 100.00"


def test_an_order_by_value_is_never_filled_beyond_its_quantity(venue):
    world.instrument(increment="0.000000001")
    Instrument.objects.update(fractionable=True)
    order = place(world.ticket(world.customer(), quantity=None, notional=D("100.00")))
    venue.fills(order, "1", "50.00")
    venue.fills(order, "0.5", "50.00")
    world.apply_reports()
    assert (status(order), order.filled_quantity) == ("filled", D(1))
    assert dismissed() == "overfill: 0.5 reported, 0 of the order is left"


def test_a_sale_by_value_is_of_what_that_is_worth_now(venue):
    world.instrument(increment="0.01", bid="50.00", ask="50.02")
    Instrument.objects.update(fractionable=True)
    account = world.customer()
    world.own(account, "AAPL", "10", venue, price="50.00")
    order = place(world.ticket(account, side=Side.SELL, quantity=None, notional=D("101.00")))
    assert (order.quantity, held(account, "AAPL")) == (D("2.02"), D("2.02"))
    assert "cash_max" not in sent()[-1][1]


def test_an_order_by_value_needs_an_instrument_of_parts(account):
    order = submit(world.ticket(account, quantity=None, notional=D("100.00"))).order
    assert (order.status, order.denial_code) == (Status.REJECTED, "not_fractionable")


def test_the_same_unnamed_order_again_is_flagged(account):
    first = place(world.ticket(account, is_id_ours=True))
    second = place(world.ticket(account, is_id_ours=True))
    other = place(world.ticket(account, is_id_ours=True, quantity=D(11)))
    named = place(world.ticket(account))
    assert [o.warnings for o in (first, second, other, named)] == ["", "possible_duplicate", "", ""]
    Order.objects.update(created_at=timezone.now() - timedelta(seconds=6))
    assert place(world.ticket(account, is_id_ours=True)).warnings == ""


def test_instructions_for_the_venue_reach_it(account):
    ticket = world.limit_ticket(
        account, "99.00", is_post_only=True, display_quantity=D(2), time_in_force=TimeInForce.GTC
    )
    place(ticket)
    [(_, message)] = sent()
    assert (message["is_post_only"], message["display_quantity"], message["party"]) == (
        True, "2", str(account.pk),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"type": OrderType.STOP}, "stop_price_missing"),
        ({"stop_price": D(5)}, "stop_price_unexpected"),
        ({"type": OrderType.TRAILING_STOP}, "trail"),
        ({"notional": D(5)}, "quantity_or_notional"),
        ({"quantity": None}, "quantity_or_notional"),
        ({"quantity": None, "notional": D("5.001")}, "invalid_notional"),
        ({"type": OrderType.STOP, "stop_price": D(105), "time_in_force": TimeInForce.IOC},
         "time_in_force_unfit"),
        ({"extended_hours": True}, "extended_hours_unfit"),
        ({"is_post_only": True}, "post_only_unfit"),
        ({"display_quantity": D(1)}, "display_unfit"),
        ({"take_profit": D(5)}, "order_class_missing"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_makes_no_order(account, wanted, code):
    assert submit(world.ticket(account, **wanted)).refusal.code == code
    assert not Order.objects.exists()


def test_a_denied_stop_holds_nothing(account):
    order = submit(world.ticket(account, type=OrderType.STOP, stop_price=D("99.00"))).order
    assert (order.status, order.denial_code) == ("rejected", "stop_price_passed")
    assert not Hold.objects.exists()
    assert not Watch.objects.exists()
    assert kinds(account)[-1] == "order.denied"
