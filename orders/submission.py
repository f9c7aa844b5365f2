"""Placing and cancelling a batch of orders in one transaction.

Set-based from end to end: the accounts are locked in order, what the batch needs is read in a
handful of queries, each ticket is then decided in memory in the order of arrival, on what the
tickets before it have left, and all of it is written with one statement a table.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import transaction

from accounts.locks import LockedAccount
from foundation import failpoints
from foundation.decimals import CASH
from marketdata import calendars
from marketdata.models import Instrument
from orders import events, history, lifecycle, tickets
from orders.batch import Batch
from orders.history import Cause
from orders.lifecycle import Event, Status
from orders.models import Order
from orders.tickets import CancelTicket, OrderTicket, Refusal, Ticket
from risk import services as risk
from risk.checks import Denial, Proposal, Situation
from venues import outbox
from venues.messages import CancelOrder, NewOrder, OrderType, Side, TimeInForce

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a ticket: its order, denied ones too, or a refusal when there is none.

    `is_repeat` says that the order was there before: this ticket changed nothing.
    """

    order: Order | None = None
    refusal: Refusal | None = None
    is_repeat: bool = False


def submit_batch(batch: Sequence[Ticket], *, now: datetime) -> list[Answer]:
    """Decide and write the tickets in one transaction; answer them in order.

    A denial or refusal is an answer. Anything unexpected raises, and nothing was written.
    """
    flaws = [tickets.flaw(t) if isinstance(t, OrderTicket) else None for t in batch]
    sound = [ticket for ticket, flaw in zip(batch, flaws, strict=True) if flaw is None]
    with transaction.atomic():
        working = Batch(sound, now=now)
        answers = [
            _answer(working, ticket) if flaw is None else Answer(refusal=flaw)
            for ticket, flaw in zip(batch, flaws, strict=True)
        ]
        working.write()
        failpoints.reach("intake.before_commit")
    failpoints.reach("intake.committed")
    return answers


def _answer(working: Batch, ticket: Ticket) -> Answer:
    account = working.accounts.get(ticket.account_id)
    if account is None:
        return Answer(refusal=Refusal("unknown_account", "There is no such account."))
    if isinstance(ticket, CancelTicket):
        return _cancel(working, account, ticket)
    return _place(working, account, ticket)


def _place(working: Batch, account: LockedAccount, ticket: OrderTicket) -> Answer:
    before = _earlier_order(working, ticket)
    if before is not None:
        if before.content_digest == ticket.content_digest:
            return Answer(order=before, is_repeat=True)
        return Answer(
            refusal=Refusal(
                "client_order_id_reused",
                f"The client_order_id {ticket.client_order_id} names another order of yours. "
                "Use a new one.",
            )
        )
    instrument = working.instruments.get(ticket.symbol)
    if instrument is None:
        return Answer(
            refusal=Refusal("unknown_symbol", f"There is no instrument {ticket.symbol} here.")
        )
    return Answer(order=_decide(working, account, ticket, instrument))


def _earlier_order(working: Batch, ticket: OrderTicket) -> Order | None:
    return working.by_client_id.get((ticket.account_id, ticket.client_order_id))


def _decide(
    working: Batch, account: LockedAccount, ticket: OrderTicket, instrument: Instrument
) -> Order:
    """Make the order and let risk decide: it is submitted with its hold, or rejected."""
    order = _new_order(ticket, instrument, working.now)
    proposal = Proposal(
        symbol=instrument.symbol,
        side=ticket.side,
        type=ticket.type,
        quantity=ticket.quantity,
        limit_price=ticket.limit_price,
    )
    assessment = risk.assess(
        order_id=order.pk,
        account_id=account.pk,
        proposal=proposal,
        situation=_situation(working, account, instrument),
        bounds=working.bounds[account.pk],
        now=working.now,
    )
    if assessment.denial is None:
        _submit(working, account, order, instrument, assessment.worst_price)
        kind, reason = "submitted", "Passed every risk check"
    else:
        _deny(order, assessment.denial)
        kind, reason = "denied", order.status_reason
    working.new_orders.append(order)
    working.by_client_id[account.pk, order.client_order_id] = order
    working.decisions.append(assessment.decision)
    cause = Cause(
        actor=ticket.actor,
        at=working.now,
        reason=reason,
        source_address=ticket.source_address,
    )
    working.steps.append(history.step(order, cause, kind=history.CREATED))
    working.activities.append(
        (
            account,
            events.order_event(
                order,
                kind=kind,
                symbol=instrument.symbol,
                at=working.now,
                actor=ticket.actor,
                code=order.denial_code,
                reason=order.status_reason,
            ),
        )
    )
    return order


def _new_order(ticket: OrderTicket, instrument: Instrument, now: datetime) -> Order:
    return Order(
        account_id=ticket.account_id,
        client_order_id=ticket.client_order_id,
        content_digest=ticket.content_digest,
        instrument=instrument,
        side=ticket.side.value,
        type=ticket.type.value,
        time_in_force=ticket.time_in_force.value,
        quantity=ticket.quantity,
        limit_price=ticket.limit_price,
        extended_hours=ticket.extended_hours,
        status=Status.PENDING.value,
        venue=outbox.EMBEDDED,
        created_at=now,
        updated_at=now,
    )


def _situation(working: Batch, account: LockedAccount, instrument: Instrument) -> Situation:
    """Return what the order meets, as the tickets before it have left it."""
    quote = working.quotes.get(instrument.pk)
    return Situation(
        at=working.now,
        account_status=account.status,
        cash_available=working.books.available(account, CASH),
        position=working.books.settled(account, instrument.code),
        position_available=working.books.available(account, instrument.code),
        open_buy_quantity=working.open_buys.get((account.pk, instrument.pk), ZERO),
        is_tradable=instrument.tradable,
        is_halted=instrument.halted,
        is_session_open=calendars.is_open(instrument.calendar, working.now),
        price_increment=instrument.price_increment,
        quantity_increment=instrument.quantity_increment,
        quantity_min=instrument.quantity_min,
        bid=quote.bid if quote else None,
        ask=quote.ask if quote else None,
        # A quote that arrived while this batch waited for its locks is of age zero.
        quote_age=(max((working.now - quote.received_at).total_seconds(), 0.0) if quote else None),
    )


def _submit(
    working: Batch,
    account: LockedAccount,
    order: Order,
    instrument: Instrument,
    worst_price: Decimal,
) -> None:
    """Hold what the order may cost and put it in the outbox."""
    is_buy = order.side == Side.BUY
    working.books.hold(
        account,
        order_id=order.pk,
        asset=CASH if is_buy else instrument.code,
        per_unit=worst_price if is_buy else Decimal(1),
        quantity=order.quantity,
    )
    if is_buy:
        key = (account.pk, instrument.pk)
        working.open_buys[key] = working.open_buys.get(key, ZERO) + order.quantity
    if order.type == OrderType.MARKET:
        order.protection_price = worst_price
    order.status = _following(order, Event.SUBMIT).value
    order.submitted_at = working.now
    working.messages.append(
        outbox.message(
            venue=order.venue,
            order_id=order.pk,
            request=NewOrder(
                client_order_id=str(order.pk),
                symbol=instrument.symbol,
                side=Side(order.side),
                quantity=order.quantity,
                type=OrderType(order.type),
                time_in_force=TimeInForce(order.time_in_force),
                limit_price=worst_price,
            ),
            now=working.now,
        )
    )


def _deny(order: Order, denial: Denial) -> None:
    order.status = _following(order, Event.DENY).value
    order.rejected_at = order.created_at
    order.denial_code, order.status_reason = denial.code, denial.message


def _cancel(working: Batch, account: LockedAccount, ticket: CancelTicket) -> Answer:
    order = working.by_id.get((account.pk, ticket.order_id))
    if order is None:
        return Answer(refusal=Refusal("unknown_order", "There is no such order."))
    if order.status == Status.PENDING_CANCEL:
        return Answer(order=order, is_repeat=True)
    try:
        order.status = _following(order, Event.REQUEST_CANCEL).value
    except lifecycle.IllegalTransition:
        return Answer(
            refusal=Refusal(
                "not_cancelable",
                f"The order is {order.status}: there is nothing to cancel.",
            )
        )
    order.updated_at = max(working.now, order.updated_at)
    working.cancelled_orders.append(order)
    working.steps.append(
        history.step(
            order,
            Cause(
                actor=ticket.actor,
                at=order.updated_at,
                reason=ticket.reason,
                source_address=ticket.source_address,
            ),
        )
    )
    working.messages.append(
        outbox.message(
            venue=order.venue,
            order_id=order.pk,
            request=CancelOrder(request_id=str(uuid.uuid4()), client_order_id=str(order.pk)),
            now=working.now,
        )
    )
    working.activities.append(
        (
            account,
            events.order_event(
                order,
                kind="cancel_requested",
                symbol=order.instrument.symbol,
                at=working.now,
                actor=ticket.actor,
            ),
        )
    )
    return Answer(order=order)


def _following(order: Order, event: Event) -> Status:
    return lifecycle.next_status(
        Status(order.status),
        event,
        is_filled=not order.leaves_quantity,
        has_fills=bool(order.filled_quantity),
    )
