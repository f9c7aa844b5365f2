"""What becomes of orders that are there: cancels, replaces and expiries."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from accounts.locks import LockedAccount
from foundation import bulk
from foundation.decimals import CASH
from orders import flaws, holding, legs, lifetimes, steps, tickets
from orders.batch import Batch
from orders.entry import judging, placing
from orders.entry.answers import UNKNOWN_ORDER, Answer, refused
from orders.entry.desk import ZERO, Desk
from orders.entry.judging import Open
from orders.groups import LEGS
from orders.history import Cause
from orders.lifecycle import Event, Status
from orders.models import Order
from orders.tickets import CancelTicket, ExpireTicket, ReplaceTicket
from portfolio.books import Uncovered
from risk import services as risk
from risk.checks import Denial
from risk.services import Assessment
from venues.messages import OrderType, Side, TimeInForce

_KEPT: Final = (
    "account_id",
    "instrument_id",
    "instrument",
    "side",
    "position_intent",
    "type",
    "time_in_force",
    "limit_price",
    "stop_price",
    "trail_amount",
    "trail_percent",
    "display_quantity",
    "is_post_only",
    "extended_hours",
    "order_class",
    "group",
    "role",
    "expires_at",
    "venue",
)
"""What a replacement has of the order that it replaces, but for what is asked to change."""


# --- Cancel ------------------------------------------------------------------------------------


def cancel(desk: Desk, account: LockedAccount, ticket: CancelTicket) -> Answer:
    """End what we hold at once, and ask the venue for the cancel of what it has."""
    order = desk.order_of(account, ticket.order_id)
    if order is None:
        return refused(*UNKNOWN_ORDER)
    if order.status == Status.PENDING_CANCEL:
        return Answer(order=order, is_repeat=True)
    if Status(order.status).is_final:
        return refused(
            "not_cancelable", f"The order is {order.status}: there is nothing to cancel."
        )
    cause = Cause(
        actor=ticket.actor,
        at=desk.batch.now,
        reason=ticket.reason,
        source_address=ticket.source_address,
    )
    for each in _ending_with(desk.batch, order):
        _end(desk.batch, each, Event.CANCEL, cause)
    if order.group is not None:
        legs.settle(desk.batch, order.group, cause)
    return Answer(order=order)


def _ending_with(batch: Batch, order: Order) -> list[Order]:
    """Return the open orders that end when somebody cancels this one.

    A leg takes its whole group with it; an entry leaves the legs of what it has filled. Whether a
    replace will be accepted is not known, so both orders of it are cancelled.
    """
    ending = {order.pk: order}
    if order.role in LEGS:
        ending |= {each.pk: each for each in batch.group_of(order)}
    for each in list(ending.values()):
        for other in (each.replaces, each.replaced_by):
            if other is not None and other in batch.orders:
                ending[other] = batch.orders[other]
    return [
        each
        for each in ending.values()
        if not Status(each.status).is_final and each.status != Status.PENDING_CANCEL
    ]


def _end(batch: Batch, order: Order, event: Event, cause: Cause) -> None:
    if order.status == Status.HELD:
        steps.end(batch, order, event, cause)
    else:
        steps.request_cancel(batch, order, cause)


# --- Expire ------------------------------------------------------------------------------------


def expire(desk: Desk, account: LockedAccount, ticket: ExpireTicket) -> Answer:
    """End an order whose time is over; the venue is asked for a cancel of what it has."""
    order = desk.order_of(account, ticket.order_id)
    if order is None:
        return refused(*UNKNOWN_ORDER)
    if order.expires_at is None or order.expires_at > desk.batch.now:
        return refused("not_expired", "The order's time is not over.")
    if Status(order.status).is_final or order.status == Status.PENDING_CANCEL:
        return Answer(order=order, is_repeat=True)
    cause = Cause(actor=steps.rule("expiry"), at=desk.batch.now, reason=lifetimes.TIME_IS_OVER)
    _end(desk.batch, order, Event.EXPIRE, cause)
    if order.group is not None:
        legs.settle(desk.batch, order.group, cause)
    return Answer(order=order)


# --- Replace -----------------------------------------------------------------------------------


def change(desk: Desk, account: LockedAccount, ticket: ReplaceTicket) -> Answer:
    """Put another order in the place of this one, if risk agrees to the difference.

    What we hold is replaced at once; of what the venue has, the venue decides.
    """
    before = desk.by_client_id.get((ticket.account_id, ticket.client_order_id))
    if before is not None:
        return placing.repeated(before, ticket.content_digest)
    order = desk.order_of(account, ticket.order_id)
    if order is None:
        return refused(*UNKNOWN_ORDER)
    refusal = flaws.of_replacement(ticket) or _misfit(order, ticket)
    if refusal is not None:
        return Answer(refusal=refusal)
    total = ticket.quantity or order.quantity
    new = _replacement(desk, order, ticket, total)
    replaced = judging.as_open(desk.batch, order)
    desk.paces.count(new, now=desk.batch.now)
    assessment = judging.assess(
        desk,
        account,
        new,
        there=replaced,
        is_working=order.status != Status.HELD,
        is_restated=_is_restated(ticket),
    )
    desk.batch.new[new.pk] = new
    desk.batch.decisions.append(assessment.decision)
    desk.by_client_id[account.pk, new.client_order_id] = new
    cause = Cause(
        actor=ticket.actor,
        at=desk.batch.now,
        reason=ticket.reason,
        source_address=ticket.source_address,
    )
    if assessment.denial is not None:
        new.replaced_total = total  # it never took over
        placing.deny(desk, new, assessment.denial, cause)
    elif order.status == Status.HELD:
        _replace_held(desk, order, new, assessment, cause, mark=ticket.mark)
    else:
        _ask_to_replace(desk, order, new, total, assessment, cause)
    if not new.denial_code and not new.is_leg:
        _count(desk, new, assessment.worst_price, replaced=replaced)
    return Answer(order=new)


def _is_restated(ticket: ReplaceTicket) -> bool:
    """Tell whether a corporate action asks for it, and no customer."""
    return ticket.actor == tickets.CORPORATE_ACTION


def _count(desk: Desk, new: Order, worst: Decimal, *, replaced: Open) -> None:
    """Let the tickets that follow see by how much the new order is more than the old one.

    Where it is less, they see the old one: a venue may not let go of it.
    """
    cost = worst * new.quantity
    more, dearer = max(new.quantity - replaced.leaves, ZERO), max(cost - replaced.cost, ZERO)
    desk.interest.grow(new, more, cost=dearer)
    if new.side == Side.BUY:
        desk.firm.add(max(cost - replaced.worth, ZERO))


def _misfit(order: Order, ticket: ReplaceTicket) -> tickets.Refusal | None:
    """Return why this order cannot be replaced so, or None."""
    is_held = order.status == Status.HELD
    type_ = OrderType(order.type)
    if not is_held and order.status not in (Status.SUBMITTED, Status.PARTIALLY_FILLED):
        return tickets.Refusal(
            "not_replaceable", f"The order is {order.status} and cannot be replaced now."
        )
    if order.notional is not None or (type_ is OrderType.MARKET and not is_held):
        return tickets.Refusal(
            "not_replaceable", "An order by value or at the market cannot be replaced: cancel it."
        )
    if order.triggered_at is not None and (is_held or type_ is not OrderType.STOP_LIMIT):
        return tickets.Refusal(
            "not_replaceable", "The stop was triggered and is on its way: cancel it."
        )
    if ticket.quantity is not None and order.is_leg and not _is_restated(ticket):
        return tickets.Refusal(
            "leg_quantity", "A leg is for what its entry has filled: its quantity is not yours."
        )
    if ticket.quantity is not None and ticket.quantity <= order.filled_quantity:
        return tickets.Refusal(
            "quantity_filled",
            f"{order.filled_quantity.normalize():f} are filled already, and the quantity is the "
            "total. Cancel the order to keep what it has.",
        )
    return _unfit_term(order, ticket, type_, is_held=is_held)


def _unfit_term(
    order: Order, ticket: ReplaceTicket, type_: OrderType, *, is_held: bool
) -> tickets.Refusal | None:
    is_trailing = type_ is OrderType.TRAILING_STOP
    for name, value, fits in (
        ("limit_price", ticket.limit_price, order.limit_price is not None),
        ("stop_price", ticket.stop_price, order.stop_price is not None and is_held),
        ("trail", ticket.trail, is_trailing and is_held),
    ):
        if value is not None and not fits:
            return tickets.Refusal(
                f"{name}_unexpected", f"This order has no {name.replace('_', ' ')} to change."
            )
    if ticket.trail is not None and order.trail_percent is not None and ticket.trail >= 100:
        return tickets.Refusal("invalid_trail", "A trail must be less than 100 percent.")
    wanted = ticket.time_in_force
    if wanted is None or wanted == order.time_in_force:
        return None
    if is_held and wanted in (TimeInForce.DAY, TimeInForce.GTC):
        return None
    return tickets.Refusal(
        "time_in_force_fixed",
        "The time in force of an order at the venue stays as it is: cancel it and place another.",
    )


def _replacement(desk: Desk, order: Order, ticket: ReplaceTicket, total: Decimal) -> Order:
    new = bulk.new(
        Order,
        **{name: getattr(order, name) for name in _KEPT if name != "instrument"},
        client_order_id=ticket.client_order_id,
        content_digest=ticket.content_digest,
        quantity=total - order.filled_quantity,
        replaces=order.pk,
        status=Status.PENDING.value,
        created_at=desk.batch.now,
        updated_at=desk.batch.now,
    )
    new.instrument = order.instrument
    new.limit_price = ticket.limit_price or order.limit_price
    new.stop_price = ticket.stop_price or order.stop_price
    if ticket.trail is not None:
        is_percent = order.trail_percent is not None
        new.trail_percent = ticket.trail if is_percent else None
        new.trail_amount = None if is_percent else ticket.trail
    if ticket.time_in_force is not None:
        new.time_in_force = ticket.time_in_force.value
        new.expires_at = placing.expiry_of(
            desk, ticket.time_in_force, order.instrument, extended_hours=order.extended_hours
        )
    if new.display_quantity:
        new.display_quantity = min(new.display_quantity, new.quantity)
    return new


def _replace_held(
    desk: Desk,
    order: Order,
    new: Order,
    assessment: Assessment,
    cause: Cause,
    *,
    mark: Decimal | None,
) -> None:
    """Replace an order that we hold: nobody else has a say in it."""
    batch, worst = desk.batch, assessment.worst_price
    was_holding = bool(batch.books.held(order.pk))
    missing = holding.missing(batch, new, worst, freed=batch.books.held(order.pk))
    if was_holding and missing > 0:
        _deny_uncovered(desk, new, missing, assessment, cause)
        return
    mark = batch.marks.get(order.pk) if mark is None else mark
    was_watched = order.is_watched
    order.replaced_by = new.pk
    steps.end(batch, order, Event.REPLACE, replace(cause, reason="Replaced by another order"))
    if was_holding:
        steps.hold_for(batch, new, new.quantity, worst)
        batch.books.pass_lots_on(old_id=order.pk, new_id=new.pk)
    new.status = steps.following(new, Event.HOLD).value
    if was_watched:
        batch.watch(new, mark=mark)
    batch.keep(new, cause, "held")
    if order.role in LEGS and order.group is not None:
        legs.settle(batch, order.group, cause)


def _ask_to_replace(
    desk: Desk, order: Order, new: Order, total: Decimal, assessment: Assessment, cause: Cause
) -> None:
    """Ask the venue, and set aside what the new order may need beyond the old one's hold."""
    batch, account = desk.batch, desk.batch.accounts[order.account_id]
    needs, free = holding.terms(batch, new, assessment.worst_price), holding.standing(batch, new)
    try:
        extra = batch.books.hold_beyond(
            account,
            old_id=order.pk,
            leaves=order.leaves_quantity,
            order_id=new.pk,
            terms=needs,
            quantity=new.quantity,
        )
        if needs.asset == CASH and free is not None and extra > max(free.available, ZERO):
            # Risk looked at the new order alone; until the venue decides, both may execute.
            batch.books.release(account, order_id=new.pk)
            raise Uncovered("beyond the equity", needed=extra)
    except Uncovered as uncovered:
        _deny_uncovered(desk, new, uncovered.needed, assessment, cause)
        return
    steps.request_replace(batch, order, new, total, cause)
    batch.keep(new, cause, "pending_replace")


def _deny_uncovered(
    desk: Desk, new: Order, extra: Decimal, assessment: Assessment, cause: Cause
) -> None:
    denial = Denial(
        "insufficient_buying_power",
        f"{extra:,.2f} more must be set aside than the replaced order holds, and you do not have "
        "it. Cancel the order and place another instead.",
    )
    new.replaced_total = new.quantity  # it never took over
    risk.denied(assessment.decision, denial)
    placing.deny(desk, new, denial, cause)
