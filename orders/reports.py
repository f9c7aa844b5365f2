"""What each kind of a venue's report does to an order, inside a batch."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from foundation import decimals
from orders import booking, steps
from orders.batch import Batch
from orders.booking import Early, Inapplicable
from orders.events import Told
from orders.history import Cause
from orders.lifecycle import Event, Status, next_status
from orders.lifetimes import TIME_IS_OVER
from orders.models import Order, Trade
from orders.tickets import Actor
from venues import inbox, reasons
from venues.messages import ExecutionReport, ReportKind, Side, TimeInForce

ZERO: Final = Decimal(0)

OF_REPLACES: Final = frozenset({ReportKind.REPLACED, ReportKind.REPLACE_REJECTED})

_EVENTS: Final = {
    ReportKind.ACCEPTED: Event.ACCEPT,
    ReportKind.REJECTED: Event.REJECT,
    ReportKind.FILL: Event.FILL,
    ReportKind.CANCELLED: Event.CANCEL,
    ReportKind.EXPIRED: Event.EXPIRE,
    ReportKind.CANCEL_REJECTED: Event.REJECT_CANCEL,
    ReportKind.BUSTED: Event.BUST,
    ReportKind.STATUS: Event.CONFIRM,
    ReportKind.DOUBTED: Event.DOUBT,
}

_REASONS: Final = {
    ReportKind.ACCEPTED: "Accepted by the venue",
    ReportKind.REJECTED: "Rejected by the venue",
    ReportKind.FILL: "Filled at the venue",
    ReportKind.CANCELLED: "Cancelled at the venue",
    ReportKind.EXPIRED: "Expired at the venue",
    ReportKind.CANCEL_REJECTED: "Too late to cancel",
    ReportKind.REPLACED: "Replaced at the venue",
    ReportKind.REPLACE_REJECTED: "The venue refused to replace it",
    ReportKind.BUSTED: "The venue took a fill back",
    ReportKind.STATUS: "The venue has confirmed it",
    ReportKind.DOUBTED: "The link to the venue was lost before it had answered",
}

_TOLD_AS: Final = {
    ReportKind.STATUS: "confirmed",
}

# What says nothing of how far the order is: the venue may not even know it. An acknowledgement
# counts what was executed when it was made, and fills may have overtaken it.
_UNCOUNTED: Final = frozenset(
    {ReportKind.ACCEPTED, ReportKind.CANCEL_REJECTED, ReportKind.STATUS, ReportKind.DOUBTED}
)

_ENDS: Final = frozenset({ReportKind.CANCELLED, ReportKind.EXPIRED})

# What can be said of a replacement before it has taken over.
_ANY_TIME: Final = frozenset({ReportKind.CANCEL_REJECTED, ReportKind.STATUS, ReportKind.DOUBTED})

# What is not worth a line in the order's history when it changes nothing.
_QUIET: Final = frozenset({ReportKind.STATUS, ReportKind.DOUBTED})

_CASH_SPENT: Final = "cash_reached"
_NOT_OPEN: Final = "order_not_open"
_REST_DISMISSED: Final = "The venue has executed the rest of it, and that was dismissed here"


def apply(batch: Batch, order: Order, report: ExecutionReport, busted: Trade | None) -> Cause:
    """Carry the order one step on; return why. Raises before it changes anything.

    Raises Early, Inapplicable, lifecycle.IllegalTransition and books.Uncovered.
    """
    if order.replaced_total is not None and report.kind not in _ANY_TIME:
        raise Early("the venue has not said yet that this order replaces the other")
    report = _as_we_see_it(batch, order, report)
    change = _change(order, report, busted)
    dismissed = _count(order, report, change)
    filled = order.filled_quantity + change
    has_spent = _has_spent(order, report)
    status = next_status(
        Status(order.status),
        Event.FILL if has_spent else _EVENTS[report.kind],
        is_filled=has_spent or filled == order.quantity,
        has_fills=filled > 0,
    )
    is_over = not report.leaves_quantity and report.kind is not ReportKind.BUSTED
    if dismissed and is_over and filled + dismissed >= order.quantity and not status.is_final:
        # The venue has nothing of it any more, and nobody else would ever end it.
        status = next_status(status, Event.CANCEL, is_filled=False, has_fills=filled > 0)
        report = replace(report, reason=_REST_DISMISSED)
    cause = _cause(batch, order, report)
    account = batch.accounts[order.account_id]
    trade = None
    if report.kind is ReportKind.FILL and report.price is not None:
        trade = booking.fill(batch, order, report, report.price, cause.at)
    elif busted is not None:
        booking.make_room(batch, order, busted, cause)
        trade = booking.bust(batch, order, report, busted, cause.at)
    elif has_spent:
        order.quantity = order.filled_quantity
    if status.is_final:
        batch.books.release(account, order_id=order.pk)
    if report.kind is ReportKind.DOUBTED and order.venue_order_id:
        return cause  # the venue has acknowledged it meanwhile: nothing is in doubt
    _carry_on(batch, order, status, report, cause, trade)
    return cause


def decide_replace(batch: Batch, new: Order, old: Order, report: ExecutionReport) -> Cause:
    """Let the new order take over from the old one, or leave all as it was; return why."""
    cause = _cause(batch, new, report)
    reason = reasons.sentence(report.reason)
    code = report.reason if reason != report.reason else ""
    told = Told(code=code, reason=reason)
    account = batch.accounts[new.account_id]
    if new.replaces != old.pk or new.replaced_total is None:
        raise Inapplicable(f"order {new.pk} does not replace {old.pk}, or did so already")
    if report.kind is ReportKind.REPLACE_REJECTED:
        rejected = steps.following(new, Event.REJECT)
        back = steps.following(old, Event.REJECT_REPLACE)
        batch.books.release(account, order_id=new.pk)
        steps.carry_on(new, rejected, cause, reason=reason or cause.reason, venue_code=code)
        batch.keep(new, cause, "rejected", told)
        steps.carry_on(old, back, cause)
        old.replaced_by = None
        batch.keep(old, cause, "replace_rejected", told)
        return cause
    executed = old.filled_quantity
    if report.cumulative_quantity != executed:
        executed += inbox.dismissed_quantity(str(old.pk))
    if report.cumulative_quantity != executed:
        raise _miscounted(old, report.cumulative_quantity, executed)
    taken_over = steps.following(new, Event.ACCEPT)
    over = steps.following(old, Event.REPLACE)
    left = new.replaced_total - executed
    if report.leaves_quantity != left:
        theirs, ours = decimals.text(report.leaves_quantity), decimals.text(left)
        raise Inapplicable(f"the venue has {theirs} left for it, we {ours}")
    new.quantity, new.replaced_total = left, None
    batch.books.take_over(account, old_id=old.pk, new_id=new.pk, quantity=new.quantity)
    steps.carry_on(old, over, cause, reason=cause.reason)
    batch.keep(old, cause, "replaced")
    new.venue_order_id = report.venue_order_id
    new.submitted_at = cause.at
    steps.carry_on(new, taken_over, cause)
    batch.keep(new, cause, "accepted")
    return cause


def _as_we_see_it(batch: Batch, order: Order, report: ExecutionReport) -> ExecutionReport:
    """Return the report, as an expiry where a venue cancels what we have asked it to for its age.

    How long an order good till cancelled may stand is our rule, and venues know nothing of it.
    """
    is_aged = (
        report.kind is ReportKind.CANCELLED
        and order.status == Status.PENDING_CANCEL
        and order.time_in_force == TimeInForce.GTC
        and order.expires_at is not None
        and order.expires_at <= batch.now
    )
    return replace(report, kind=ReportKind.EXPIRED, reason=TIME_IS_OVER) if is_aged else report


def _change(order: Order, report: ExecutionReport, busted: Trade | None) -> Decimal:
    """Return by how much the report changes what is filled, after making sure that it can."""
    if report.kind is ReportKind.BUSTED:
        return -booking.busted_quantity(report, busted)
    if report.kind is not ReportKind.FILL:
        return ZERO
    if not report.quantity or report.quantity <= 0 or not report.price or report.price <= 0:
        raise Inapplicable("a fill needs a quantity and a price")
    value, most = order.filled_value + report.price * report.quantity, order.notional
    if most is not None and order.side == Side.BUY and value > most:
        raise Inapplicable(f"overfill: the order may cost {most}")
    if report.quantity > order.leaves_quantity and not _was_spent(order):
        told, left = decimals.text(report.quantity), decimals.text(order.leaves_quantity)
        raise Inapplicable(f"overfill: {told} reported, {left} of the order is left")
    return report.quantity


def _was_spent(order: Order) -> bool:
    """Tell whether the order is filled because its value was: a fill may still come behind that."""
    return (
        order.status == Status.FILLED
        and order.side == Side.BUY
        and order.notional is not None
        and order.venue_code == _CASH_SPENT
    )


def _has_spent(order: Order, report: ExecutionReport) -> bool:
    """Tell whether an order by value ends because its value is spent: it then is filled."""
    return (
        report.kind is ReportKind.CANCELLED
        and report.reason == _CASH_SPENT
        and order.notional is not None
        and order.filled_quantity > 0
    )


def _count(order: Order, report: ExecutionReport, change: Decimal) -> Decimal:
    """Make sure that the venue and we count alike; return what it counts that was dismissed here.

    That is looked up only where it may matter: where we count apart, and where a venue no longer
    knows what we take for open.
    """
    if report.kind is ReportKind.CANCEL_REJECTED and report.reason == _NOT_OPEN:
        return inbox.dismissed_quantity(str(order.pk))
    if report.kind in _UNCOUNTED:
        return ZERO
    counted = order.filled_quantity + change
    # An end that was overtaken by a fill, which it had not counted, is the end all the same.
    if report.cumulative_quantity == counted or _is_overtaken(report, counted):
        return ZERO
    dismissed = inbox.dismissed_quantity(str(order.pk))
    counted += dismissed
    if report.cumulative_quantity != counted and not _is_overtaken(report, counted):
        raise _miscounted(order, report.cumulative_quantity, counted)
    return dismissed


def _is_overtaken(report: ExecutionReport, counted: Decimal) -> bool:
    return report.kind in _ENDS and report.cumulative_quantity < counted


def _miscounted(order: Order, theirs: Decimal, ours: Decimal) -> Early | Inapplicable:
    """A venue that counts more than we do has told us of a fill that is still under way."""
    counted, known = decimals.text(theirs), decimals.text(ours)
    sentence = f"the venue counts {counted} of order {order.pk} filled, we {known}"
    return Early(sentence) if theirs > ours else Inapplicable(sentence)


def _cause(batch: Batch, order: Order, report: ExecutionReport) -> Cause:
    # Clocks differ, ours and the venue's, and step back; what follows must not come before.
    return Cause(
        actor=Actor("venue", order.venue),
        at=max(batch.now, order.updated_at, report.at),
        reason=reasons.sentence(report.reason) or _REASONS[report.kind],
    )


def _carry_on(
    batch: Batch,
    order: Order,
    status: Status,
    report: ExecutionReport,
    cause: Cause,
    trade: Trade | None,
) -> None:
    """Give the order its new state, and tell of it; what changes nothing is not told."""
    is_news = report.kind not in _QUIET or status != order.status
    order.venue_order_id = report.venue_order_id or order.venue_order_id
    sentence = reasons.sentence(report.reason)
    code = report.reason if sentence != report.reason else ""
    steps.carry_on(order, status, cause, reason=sentence, venue_code=code)
    if not is_news:
        return
    kind = _TOLD_AS.get(report.kind, report.kind.value)
    if report.kind is ReportKind.FILL:
        kind = "filled" if status is Status.FILLED else "partially_filled"
    batch.keep(order, cause, kind, Told(trade=trade, code=code, reason=sentence))
