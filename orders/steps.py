"""The steps of one order inside a batch: each changes its state, its hold, and what is told of it.

Every step takes the batch that it is part of; the account of the order is locked there.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Final

from orders import holding, lifecycle
from orders.batch import Batch
from orders.events import Told
from orders.history import Cause
from orders.lifecycle import Event, Status
from orders.models import Order
from orders.tickets import Actor
from orders.words import SIDES, STATUSES, TIMES_IN_FORCE
from portfolio.books import Uncovered
from risk import checks
from risk.checks import Denial, Proposal
from risk.margin.requirements import Intent
from venues import outbox
from venues.messages import STOPS, CancelOrder, NewOrder, OrderType, ReplaceOrder, Side

_ENDED_AT: Final = {
    Status.FILLED: "filled_at",
    Status.CANCELLED: "cancelled_at",
    Status.EXPIRED: "expired_at",
    Status.REJECTED: "rejected_at",
    Status.REPLACED: "replaced_at",
}


def rule(name: str) -> Actor:
    """Return the actor that a rule of ours is."""
    return Actor("rule", name)


def is_stop(order: Order) -> bool:
    return order.type in STOPS


def following(order: Order, event: Event) -> Status:
    """Return the state that the event leads to. Raises lifecycle.IllegalTransition."""
    return lifecycle.next_status(
        STATUSES[order.status],
        event,
        is_filled=not order.leaves_quantity,
        has_fills=bool(order.filled_quantity),
    )


def carry_on(
    order: Order, status: Status, cause: Cause, *, reason: str = "", venue_code: str = ""
) -> None:
    """Give the order its state; the first end sets when and why it ended."""
    if status.is_final and not Status(order.status).is_final:
        order.status_reason, order.venue_code = reason, venue_code
    if status.is_final and status != order.status:
        setattr(order, _ENDED_AT[status], cause.at)
    if status.is_final:
        order.is_waiting = False
    order.status = status.value
    order.updated_at = max(cause.at, order.updated_at)


def hold_for(batch: Batch, order: Order, quantity: Decimal, worst: Decimal) -> None:
    """Set aside what `quantity` of the order may need, in place of what was. Raises Uncovered."""
    account = batch.accounts[order.account_id]
    needs = holding.terms(batch, order, worst)
    if order.notional is not None and order.side == Side.BUY and not account.margin:
        batch.books.hold_amount(
            account,
            order_id=order.id,
            amount=order.notional,
            quantity=order.quantity,
            fees=needs.fees,
        )
        return
    batch.books.hold(account, order_id=order.id, terms=needs, quantity=quantity)


def worst_price(batch: Batch, order: Order, *, is_triggered: bool = False) -> Decimal | None:
    """Return the worst price that the order may execute at, None when that is unknown.

    Before it is triggered that of a stop follows from its stop price, afterwards from the market.
    """
    quote, bounds = batch.quotes.get(order.instrument_id), batch.bounds_of(order)
    if bounds is None:
        return None
    return checks.worst_price_of(
        side=Side(order.side),
        limit_price=order.limit_price,
        stop_price=None if is_triggered else order.stop_price,
        bid=quote.bid if quote else None,
        ask=quote.ask if quote else None,
        steps=order.instrument.price_steps,
        buffer=bounds.market_buffer,
    )


def submit(batch: Batch, order: Order, worst: Decimal) -> None:
    """Put the order into the outbox of the venue that it is routed to; its hold is there."""
    instrument = order.instrument
    order.status = str(following(order, Event.SUBMIT))
    order.submitted_at = batch.now
    order.venue = batch.market_in(instrument).venue or order.venue
    order.is_waiting = False
    is_limited = order.limit_price is not None
    if not is_limited:
        order.protection_price = worst
    side = SIDES[order.side]
    batch.messages.append(
        outbox.message(
            venue=order.venue,
            order_id=order.id,
            request=NewOrder(
                client_order_id=str(order.id),
                symbol=instrument.symbol,
                side=side,
                quantity=order.quantity,
                type=OrderType.LIMIT if is_limited else OrderType.MARKET,
                time_in_force=TIMES_IN_FORCE[order.time_in_force],
                limit_price=worst,
                is_post_only=order.is_post_only,
                display_quantity=order.display_quantity,
                cash_max=order.notional if side is Side.BUY else None,
                extended_hours=order.extended_hours,
                party=str(order.account_id),
                was_triggered=order.triggered_at is not None,
            ),
            now=batch.now,
        )
    )


def obstacle(batch: Batch, order: Order) -> Denial | None:
    """Return what keeps an order that we hold from going at this moment, None when it may go.

    It is judged by what every new order is judged by (`risk.checks.release`).
    """
    is_limited = order.limit_price is not None
    proposal = Proposal(
        symbol=order.instrument.symbol,
        side=SIDES[order.side],
        type=OrderType.LIMIT if is_limited else OrderType.MARKET,
        quantity=order.leaves_quantity,
        limit_price=order.limit_price,
        time_in_force=TIMES_IN_FORCE[order.time_in_force],
        extended_hours=order.extended_hours,
        intent=None if order.is_leg else holding.intent_of(order),
    )
    return checks.obstacle(proposal, batch.moment_of(order))


def wait(batch: Batch, order: Order) -> None:
    """Note that a held order's way is not free; it is looked at again by and by."""
    if order.status == Status.HELD and not order.is_waiting:
        order.is_waiting = True
        batch.touch(order)


def send_held(batch: Batch, order: Order, cause: Cause) -> None:
    """Send an order that we held: it is covered, or it ends here and its owner is told why."""
    worst = _protection(batch, order)
    try:
        hold_for(batch, order, order.leaves_quantity, worst)
    except Uncovered:
        end_uncovered(batch, order, cause)
        return
    batch.unwatch(order)
    submit(batch, order, worst)
    order.updated_at = max(batch.now, order.updated_at)
    batch.keep(order, cause, "submitted")


def end_outgrown(batch: Batch, order: Order, denial: Denial, cause: Cause) -> None:
    """End a held order that the limits of today do not allow any more."""
    end(batch, order, Event.CANCEL, cause, code=denial.code, reason=denial.message)


def end_uncovered(batch: Batch, order: Order, cause: Cause) -> None:
    """End a held order that the account can no longer pay for."""
    reason = "Not enough was left to cover it when its turn came."
    end(batch, order, Event.CANCEL, cause, code="insufficient_buying_power", reason=reason)


def _protection(batch: Batch, order: Order) -> Decimal:
    """Return the limit of a held order that goes: for a buy, no more than what it can pay.

    A stop is held for the price that was expected at its trigger. When the market is worse by
    then, it may cost what else the account has, and else what is held.
    """
    held = batch.books.held_price(order.pk)
    worst = worst_price(batch, order, is_triggered=True) or worst_price(batch, order) or held
    if worst is None:
        raise lifecycle.IllegalTransition(f"order {order.pk} has no price to be sent at")
    is_opening_buy = holding.intent_of(order) is Intent.BUY_TO_OPEN
    if not is_opening_buy or held is None or worst <= held:
        return worst
    freed = batch.books.held(order.pk)
    return worst if holding.missing(batch, order, worst, freed=freed) <= 0 else held


def request_cancel(batch: Batch, order: Order, cause: Cause) -> None:
    """Ask the venue for the cancel of what is left. Raises lifecycle.IllegalTransition."""
    order.status = following(order, Event.REQUEST_CANCEL).value
    order.updated_at = max(batch.now, order.updated_at)
    batch.messages.append(
        outbox.message(
            venue=order.venue,
            order_id=order.pk,
            request=CancelOrder(request_id=str(uuid.uuid4()), client_order_id=str(order.pk)),
            now=batch.now,
        )
    )
    batch.keep(order, cause, "cancel_requested")


def request_replace(batch: Batch, order: Order, by: Order, total: Decimal, cause: Cause) -> None:
    """Ask the venue to let `by` take over. Raises lifecycle.IllegalTransition."""
    order.status = following(order, Event.REQUEST_REPLACE).value
    order.replaced_by = by.pk
    order.updated_at = max(batch.now, order.updated_at)
    by.replaced_total = total
    batch.messages.append(
        outbox.message(
            venue=order.venue,
            order_id=by.pk,
            request=ReplaceOrder(
                client_order_id=str(order.pk),
                new_client_order_id=str(by.pk),
                quantity=total,
                limit_price=by.limit_price,
            ),
            now=batch.now,
            party=str(order.account_id),
            symbol=order.instrument.symbol,
        )
    )
    batch.keep(order, cause, "replace_requested")


def end(
    batch: Batch, order: Order, event: Event, cause: Cause, *, code: str = "", reason: str = ""
) -> None:
    """End an order that we hold: its hold is given back. Raises lifecycle.IllegalTransition."""
    carry_on(order, following(order, event), cause, reason=reason or cause.reason)
    batch.books.release(batch.accounts[order.account_id], order_id=order.pk)
    batch.unwatch(order)
    batch.keep(order, cause, order.status, Told(code=code, reason=reason))
