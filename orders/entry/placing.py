"""Placing an order: making it and its legs, letting risk decide, and sending or holding it."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from django.conf import settings

from accounts.locks import LockedAccount
from foundation import bulk
from foundation.decimals import QUANTITY_QUANTUM
from marketdata.calendars import UnknownCalendar
from marketdata.models import Instrument
from orders import legs, lifetimes, steps
from orders.batch import Batch
from orders.entry import judging, lending
from orders.entry.answers import Answer, refused
from orders.entry.desk import Desk
from orders.events import PLAIN, Told
from orders.history import Cause
from orders.lifecycle import Event, Status
from orders.models import Order
from orders.tickets import OrderClass, OrderTicket, Role
from portfolio.lots import book as lot_book
from risk import services as risk
from risk.checks import Denial
from risk.services import Assessment
from venues.messages import OrderType, Side, TimeInForce

_PENDING: Final = Status.PENDING.value


def place(desk: Desk, account: LockedAccount, ticket: OrderTicket) -> Answer:
    """Decide on the ticket; what becomes of it is in the desk's batch."""
    before = desk.by_client_id.get((account.id, ticket.client_order_id))
    if before is not None:
        return repeated(before, ticket.content_digest)
    instrument = desk.by_symbol.get(ticket.symbol)
    if instrument is None:
        return refused("unknown_symbol", f"There is no instrument {ticket.symbol} here.")
    cause = Cause(
        actor=ticket.actor,
        at=desk.batch.now,
        reason="Passed every risk check",
        source_address=ticket.source_address,
    )
    if ticket.lots and not lot_book.are_open(account, instrument.id, ticket.lots):
        return refused("unknown_lot", "You have no such lots of it that are open.")
    first = _first_order(desk, ticket, instrument)
    first.position_intent = str(lending.intent(desk.batch, account, ticket.side, instrument))
    others = _legs(ticket, first)
    _decide(desk, account, [first, *others], ticket, cause)
    if ticket.lots and not first.denial_code:
        desk.batch.books.name_lots(first.pk, ticket.lots)
    desk.by_client_id[account.id, first.client_order_id] = first
    return Answer(order=first, legs=tuple(others))


def repeated(before: Order, digest: str) -> Answer:
    """Answer a client_order_id that is taken: with its order, if the same was asked for."""
    if before.content_digest == digest:
        return Answer(order=before, is_repeat=True, legs=_legs_of(before))
    return refused(
        "client_order_id_reused",
        f"The client_order_id {before.client_order_id} names another order of yours. "
        "Use a new one.",
    )


def _legs_of(first: Order) -> tuple[Order, ...]:
    """Read the other orders of a group that was placed before: a repeat is answered alike."""
    if first.group != first.pk:
        return ()
    members = bulk.select(Order, '"group" = %s AND replaces IS NULL', [first.group])
    found = sorted((m for m in members if m.pk != first.pk), key=lambda m: m.role, reverse=True)
    for leg in found:
        bulk.relate(leg, "instrument", first.instrument)
    return tuple(found)


def _first_order(desk: Desk, ticket: OrderTicket, instrument: Instrument) -> Order:
    order = bulk.new(
        Order,
        account_id=ticket.account_id,
        client_order_id=ticket.client_order_id,
        content_digest=ticket.content_digest,
        instrument_id=instrument.id,
        side=str(ticket.side),
        type=str(ticket.type),
        time_in_force=str(ticket.time_in_force),
        quantity=_quantity(desk, ticket, instrument),
        notional=ticket.notional,
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        trail_amount=ticket.trail_amount,
        trail_percent=ticket.trail_percent,
        display_quantity=ticket.display_quantity,
        is_post_only=ticket.is_post_only,
        extended_hours=ticket.extended_hours,
        order_class=str(ticket.order_class),
        expires_at=expiry_of(
            desk, ticket.time_in_force, instrument, extended_hours=ticket.extended_hours
        ),
        status=_PENDING,
        created_at=desk.batch.now,
        updated_at=desk.batch.now,
    )
    bulk.relate(order, "instrument", instrument)
    if ticket.order_class is not OrderClass.SIMPLE:
        is_oco = ticket.order_class is OrderClass.OCO
        order.group = order.pk
        order.role = (Role.TAKE_PROFIT if is_oco else Role.ENTRY).value
    return order


def expiry_of(
    desk: Desk, time_in_force: TimeInForce, instrument: Instrument, *, extended_hours: bool
) -> datetime | None:
    """Return when an order placed now expires, None for one that is over at once.

    None, too, when nobody knows the instrument's calendar: risk denies the order for that.
    """
    key = time_in_force, instrument.calendar, extended_hours
    if key not in desk.expiries:
        try:
            desk.expiries[key] = lifetimes.of(
                time_in_force,
                instrument.calendar,
                desk.batch.now,
                extended_hours=extended_hours,
                gtc_days_max=settings.GTC_DAYS_MAX,
            )
        except UnknownCalendar:
            desk.expiries[key] = None
    return desk.expiries[key]


def _quantity(desk: Desk, ticket: OrderTicket, instrument: Instrument) -> Decimal:
    """Return the quantity; of an order by value, what that buys in whole increments now."""
    if ticket.quantity is not None:
        return ticket.quantity
    quote = desk.batch.quotes.get(instrument.id)
    price = ticket.limit_price or judging.far(quote, ticket.side)
    if price is None or ticket.notional is None:
        return QUANTITY_QUANTUM  # risk denies: it does not know the price
    increment = instrument.quantity_increment
    units = (ticket.notional / price / increment).to_integral_value(rounding=ROUND_FLOOR)
    quantity: Decimal = max(units * increment, QUANTITY_QUANTUM)
    return quantity


def _legs(ticket: OrderTicket, first: Order) -> list[Order]:
    """Return the other orders of the group."""
    side = ticket.side
    if ticket.order_class is not OrderClass.OCO:
        side = Side.SELL if side is Side.BUY else Side.BUY
    found: list[Order] = []
    if ticket.take_profit is not None:
        found.append(
            _leg(first, side, Role.TAKE_PROFIT, OrderType.LIMIT, limit_price=ticket.take_profit)
        )
    if ticket.stop_loss is not None:
        loss = ticket.stop_loss
        type_ = OrderType.STOP if loss.limit_price is None else OrderType.STOP_LIMIT
        found.append(
            _leg(
                first,
                side,
                Role.STOP_LOSS,
                type_,
                stop_price=loss.stop_price,
                limit_price=loss.limit_price,
            )
        )
    for leg in found:
        leg.position_intent = lending.intent_of_leg(ticket, first).value
    return found


def _leg(
    first: Order,
    side: Side,
    role: Role,
    type_: OrderType,
    *,
    limit_price: Decimal | None = None,
    stop_price: Decimal | None = None,
) -> Order:
    leg = bulk.new(
        Order,
        account_id=first.account_id,
        client_order_id=str(uuid.uuid4()),
        content_digest=first.content_digest,
        instrument_id=first.instrument_id,
        side=side.value,
        type=type_.value,
        time_in_force=first.time_in_force,
        quantity=first.quantity,
        limit_price=limit_price,
        stop_price=stop_price,
        order_class=first.order_class,
        group=first.pk,
        role=role.value,
        expires_at=first.expires_at,
        status=Status.PENDING.value,
        created_at=first.created_at,
        updated_at=first.updated_at,
    )
    bulk.relate(leg, "instrument", first.instrument)
    return leg


def _decide(
    desk: Desk, account: LockedAccount, group: list[Order], ticket: OrderTicket, cause: Cause
) -> None:
    """Let risk decide on all of the group: it is placed as a whole, or denied as a whole."""
    first = group[0]
    content = account.id, first.content_digest
    has_twin = ticket.is_id_ours and content in desk.recent
    desk.paces.count(first, now=desk.batch.now)
    assessments = [
        judging.assess(desk, account, order, ticket=ticket, has_twin=has_twin) for order in group
    ]
    desk.recent.add(content)
    denial = next((each.denial for each in assessments if each.denial), None)
    venue = desk.listing(first.instrument).market.venue
    for order, assessment in zip(group, assessments, strict=True):
        order.venue = venue
        order.warnings = ",".join(caution.code for caution in assessment.cautions)
        desk.batch.new[order.id] = order
        if denial is None:
            desk.batch.decisions.append(assessment.decision)
        else:
            deny(desk, order, denial, cause)
            desk.batch.decisions.append(risk.denied(assessment.decision, denial))
    if denial is not None:
        return
    _put_to_work(desk, first, assessments[0], cause)
    for leg in group[1:]:
        leg.status = steps.following(leg, Event.HOLD).value
        desk.batch.keep(leg, cause, "held")
    if first.group is not None:
        legs.settle(desk.batch, first.group, cause)
    _count(desk, group, assessments[0].worst_price)


def deny(desk: Desk, order: Order, denial: Denial, cause: Cause) -> None:
    """Keep the order as rejected, with our reason."""
    order.status = steps.following(order, Event.DENY).value
    order.rejected_at = order.created_at
    order.denial_code, order.status_reason = denial.code, denial.message
    told = Told(code=denial.code, reason=denial.message)
    why = Cause(cause.actor, cause.at, denial.message, cause.source_address)
    _note(desk.batch, order, why, "denied", told)


def _note(batch: Batch, order: Order, cause: Cause, kind: str, told: Told = PLAIN) -> None:
    """Note what has become of a new order: alone it is done with, in a group more may follow."""
    if order.group is None and order.replaces is None:
        batch.place(order, cause, kind, told)
    else:
        batch.keep(order, cause, kind, told)


def _put_to_work(desk: Desk, order: Order, assessment: Assessment, cause: Cause) -> None:
    """Set aside what the order may need, and send it, or hold it until its price is reached."""
    batch = desk.batch
    if order.group != order.id or order.role == Role.ENTRY:
        steps.hold_for(batch, order, order.quantity, assessment.worst_price)
    if steps.is_stop(order):
        hold_back(desk, order)
        _note(batch, order, cause, "held")
    elif order.role == Role.TAKE_PROFIT:
        order.status = steps.following(order, Event.HOLD).value
        _note(batch, order, cause, "held")
    else:
        steps.submit(batch, order, assessment.worst_price)
        _note(batch, order, cause, "submitted")


def _count(desk: Desk, group: list[Order], worst: Decimal) -> None:
    """Let the tickets that follow see what this one has added."""
    first = group[0]
    desk.interest.add(first, worst=worst, orders=len(group))
    if first.side == Side.BUY:
        desk.firm.add(worst * first.quantity)


def hold_back(desk: Desk, order: Order) -> None:
    """Hold the order with us and let its price be watched."""
    order.status = steps.following(order, Event.HOLD).value
    desk.batch.watch(
        order, mark=judging.first_mark(order, desk.batch.quotes.get(order.instrument_id))
    )
