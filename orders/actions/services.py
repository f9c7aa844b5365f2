"""Carrying resting orders over a corporate action: replaced on new terms, or cancelled.

Whatever rests while the market is closed rests over the action: orders good till cancelled, and
those that were placed after the close for the next day or its auctions. What an action is, and
when it was first applied, stands in its instrument's history: orders placed since are on the new
terms already, so that applying it again finds only what it could not change before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from marketdata import services as marketdata
from marketdata.models import Instrument
from orders.actions import adjustments
from orders.actions.adjustments import Action, Change, Increments, Terms, Unfit
from orders.entry.answers import Answer
from orders.lifecycle import Status
from orders.models import Order, Watch
from orders.tickets import CORPORATE_ACTION, CancelTicket, ReplaceTicket
from venues.messages import OrderType, Side

REFERENCE_LENGTH_MAX: Final = 60
CHUNK: Final = 256
ANSWER_SECONDS_MAX: Final = 15.0

_CHANGEABLE: Final = (Status.HELD, Status.SUBMITTED, Status.PARTIALLY_FILLED)
_UNDECIDED: Final = (
    Status.PENDING,
    Status.PENDING_CANCEL,
    Status.PENDING_REPLACE,
    Status.UNKNOWN,
)

Enter = Callable[[ReplaceTicket | CancelTicket], Future[Answer]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many orders were replaced, cancelled, left as they were, and wait for their venue:
    as it may refuse what was asked of it, the action is to be applied again."""

    replaced: int = 0
    cancelled: int = 0
    unchanged: int = 0
    waiting: int = 0

    def then(self, later: Outcome) -> Outcome:
        """Return what came of both: what was done adds up, what is left is as it is later."""
        return Outcome(
            self.replaced + later.replaced,
            self.cancelled + later.cancelled,
            later.unchanged,
            later.waiting,
        )


def adjust(
    instrument: Instrument, action: Action, *, reference: str, enter: Enter, now: datetime
) -> Outcome:
    """Carry the instrument's resting orders over `action`; `reference` names one action for ever.

    An order that cannot be replaced, or whose replacement risk denies, is cancelled: nobody shall
    trade at a price of before the action.
    """
    since = marketdata.note_action(instrument, note_of(reference), now=now)
    replaced = cancelled = unchanged = 0
    for orders in _chunks(instrument, since):
        some = _carry_over(orders, action, reference=reference, enter=enter, now=now)
        replaced += some.replaced
        cancelled += some.cancelled
        unchanged += some.unchanged
    # What was just asked of a venue counts as well: it may yet refuse a change or a cancel.
    return Outcome(replaced, cancelled, unchanged, undecided(instrument, now=since))


def undecided(instrument: Instrument, *, now: datetime) -> int:
    """Return how many of the instrument's orders of before now wait for their venue's word."""
    return _resting(instrument, now).filter(status__in=_values(_UNDECIDED)).count()


def note_of(reference: str) -> str:
    """Return what an instrument's history calls the action: orders of before it are adjusted."""
    return f"Corporate action {reference}"


def _carry_over(
    orders: Sequence[Order], action: Action, *, reference: str, enter: Enter, now: datetime
) -> Outcome:
    begun, marks = _begun_groups(orders), _marks(orders)
    found = {
        order.pk: _adjustment(order, action, order.group in begun, marks.get(order.pk))
        for order in orders
    }
    replacing = [
        (order, enter(_replacement(order, change, action, reference=reference, now=now)))
        for order in orders
        if isinstance(change := found[order.pk], Change)
    ]
    ending = {key: change.reason for key, change in found.items() if isinstance(change, Unfit)}
    failures = {order.pk: _failure(_answer_of(asked)) for order, asked in replacing}
    ending |= {key: why for key, why in failures.items() if why}
    cancels = [
        enter(_cancel(order, f"{action}: {ending[order.pk]}", now))
        for order in orders
        if order.pk in ending
    ]
    return Outcome(
        replaced=sum(not why for why in failures.values()),
        # One that is refused has ended meanwhile, with the rest of its group or by a fill.
        cancelled=sum(_answer_of(asked).refusal is None for asked in cancels),
        unchanged=sum(change is None for change in found.values()),
    )


def _begun_groups(orders: Sequence[Order]) -> set[UUID | None]:
    """Return the groups of the orders of which something has executed."""
    groups = {order.group for order in orders if order.group is not None}
    begun = Order.objects.filter(group__in=groups, filled_quantity__gt=0)
    return set(begun.values_list("group", flat=True))


def _marks(orders: Sequence[Order]) -> dict[UUID, Decimal | None]:
    """Return what those of the orders have followed to that are watched trailing stops."""
    watched = Watch.objects.filter(order__in=[order.pk for order in orders])
    return dict(watched.values_list("order_id", "mark"))


def _adjustment(
    order: Order, action: Action, is_group_begun: bool, mark: Decimal | None
) -> Change | Unfit | None:
    instrument = order.instrument
    terms = Terms(
        side=Side(order.side),
        type=OrderType(order.type),
        filled=order.filled_quantity,
        leaves=order.leaves_quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price if order.triggered_at is None else None,
        is_by_value=order.notional is not None,
        is_group_begun=is_group_begun,
        trail_amount=order.trail_amount,
        mark=mark,
    )
    increments = Increments(instrument.price_steps, instrument.quantity_increment)
    return adjustments.adjustment(terms, action, increments)


def _replacement(
    order: Order, change: Change, action: Action, *, reference: str, now: datetime
) -> ReplaceTicket:
    """Ask for the new terms, under a name that is the same however often the action is applied."""
    return ReplaceTicket(
        account_id=order.account_id,
        order_id=order.pk,
        client_order_id=f"{reference}:{order.pk}",
        quantity=change.quantity,
        limit_price=change.limit_price,
        stop_price=change.stop_price,
        trail=change.trail,
        time_in_force=None,
        actor=CORPORATE_ACTION,
        source_address="",
        received_at=now,
        mark=change.mark,
        reason=f"{action}: the order goes on under the new terms",
    )


def _cancel(order: Order, reason: str, now: datetime) -> CancelTicket:
    return CancelTicket(
        account_id=order.account_id,
        order_id=order.pk,
        actor=CORPORATE_ACTION,
        source_address="",
        reason=reason,
        received_at=now,
    )


def _answer_of(asked: Future[Answer]) -> Answer:
    return asked.result(ANSWER_SECONDS_MAX)


def _failure(answer: Answer) -> str:
    """Return why the order was not replaced, nothing when it was or the venue has yet to say."""
    if answer.refusal is not None:
        return answer.refusal.message
    if answer.order is not None and answer.order.status == Status.REJECTED:
        return answer.order.status_reason
    return ""


def _resting(instrument: Instrument, since: datetime) -> QuerySet[Order]:
    return Order.objects.filter(instrument=instrument, created_at__lt=since)


def _chunks(instrument: Instrument, since: datetime) -> Iterator[list[Order]]:
    """Read the orders that can be changed, some at a time, each once."""
    rest = _resting(instrument, since).filter(status__in=_values(_CHANGEABLE))
    rest = rest.select_related("instrument").order_by("pk")
    chunk = list(rest[:CHUNK])
    while chunk:
        yield chunk
        chunk = list(rest.filter(pk__gt=chunk[-1].pk)[:CHUNK])


def _values(statuses: Iterable[Status]) -> list[str]:
    return [status.value for status in statuses]
