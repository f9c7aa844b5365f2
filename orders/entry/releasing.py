"""The turn of an order that we hold: its price was reached, or its way may be free now."""

from __future__ import annotations

from accounts.locks import LockedAccount
from marketdata.calendars import Phase
from orders import holding, legs, steps
from orders.batch import Batch
from orders.entry import judging
from orders.entry.answers import UNKNOWN_ORDER, Answer, refused
from orders.entry.desk import Desk
from orders.groups import LEGS
from orders.history import Cause
from orders.lifecycle import Status
from orders.models import Order
from orders.tickets import ResumeTicket, TriggerTicket
from risk.checks import VENUE_UNAVAILABLE


def trigger(desk: Desk, account: LockedAccount, ticket: TriggerTicket) -> Answer:
    """Let a held order go whose price was reached; in a group, as soon as its way is free."""
    batch, order = desk.batch, desk.order_of(account, ticket.order_id)
    if order is None or order.status != Status.HELD or not order.is_watched:
        return refused("not_held", "The order is not held for its price any more.")
    if not _may_trigger(batch, order):
        return refused("not_trading", "Nothing is triggered while the order may not trade.")
    cause = Cause(
        actor=steps.rule("trigger"),
        at=batch.now,
        reason=f"Its price was reached: traded at {ticket.price.normalize():f}, "
        f"{ticket.price_at:%H:%M:%S} UTC",
    )
    order.triggered_at = batch.now
    order.high_water_mark = ticket.mark
    order.updated_at = max(batch.now, order.updated_at)
    batch.unwatch(order)
    batch.keep(order, cause, "triggered")
    _go(desk, account, order, cause)
    return Answer(order=order)


def _may_trigger(batch: Batch, order: Order) -> bool:
    """Tell whether a price counts now; a venue that is out of reach is waited for."""
    if batch.market_of(order).phase is not Phase.REGULAR:
        return False
    obstacle = steps.obstacle(batch, order)
    return obstacle is None or obstacle.code == VENUE_UNAVAILABLE


def resume(desk: Desk, account: LockedAccount, ticket: ResumeTicket) -> Answer:
    """Look again at an order whose turn has come and whose way was not free."""
    order = desk.order_of(account, ticket.order_id)
    if order is None:
        return refused(*UNKNOWN_ORDER)
    if not order.is_waiting:
        return Answer(order=order, is_repeat=True)
    order.is_waiting = False
    desk.batch.touch(order)
    cause = Cause(actor=steps.rule("resume"), at=desk.batch.now, reason="Its way may be free now")
    _go(desk, account, order, cause)
    return Answer(order=order)


def _go(desk: Desk, account: LockedAccount, order: Order, cause: Cause) -> None:
    """Send an order whose turn has come, let it wait until its way is free, or end it.

    A leg closes what its entry has opened: it goes with its group. What closes a position is not
    measured by the limits of today.
    """
    batch = desk.batch
    if order.role in LEGS and order.group is not None:
        legs.settle(batch, order.group, cause)
        return
    if steps.obstacle(batch, order) is not None:
        steps.wait(batch, order)
        return
    if holding.intent_of(order).opens:
        measured = judging.measure(desk, account, order)
        if measured.waits_for is not None:
            steps.wait(batch, order)
            return
        if measured.outgrown is not None:
            steps.end_outgrown(batch, order, measured.outgrown, cause)
    if order.status == Status.HELD:
        steps.send_held(batch, order, cause)
    if Status(order.status).is_final and order.group is not None:
        legs.settle(batch, order.group, cause)  # the legs of an entry end with it
