"""What a venue's fill or bust books: money, securities, the order's figures, and the trade."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

from foundation import bulk
from orders import events, steps, succession
from orders.batch import Batch
from orders.groups import LEGS
from orders.history import Cause
from orders.lifecycle import Status
from orders.models import Order, Trade
from portfolio.actions import late
from portfolio.actions.late import Acted
from portfolio.books import Fill
from portfolio.fees.rules import Traded
from venues.messages import ExecutionReport, ReportKind, Side

ZERO: Final = Decimal(0)


class Inapplicable(ValueError):
    """The report contradicts what we know; its message says how. It will be parked."""


class Early(ValueError):
    """The report follows one that we do not have yet. It will be tried again."""


def fill(
    batch: Batch, order: Order, report: ExecutionReport, price: Decimal, at: datetime
) -> Trade:
    """Book a fill: money and securities, the order's figures, and the trade.

    Raises Inapplicable when it was executed before the issuer changed what it moves.
    """
    quantity = report.quantity or ZERO
    trade = _trade(order, report, quantity, price, at)
    done = late.Trade(
        id=trade.pk,
        account_id=order.account_id,
        instrument=order.instrument,
        signed_quantity=quantity * Side(order.side).sign,
        executed_at=report.at,
    )
    acted = _acted(order, since=report.at) if late.is_late(report.at, now=batch.now) else []
    try:
        late.check(acted, done, since=max(report.at, order.created_at))
    except late.OtherTerms as action:
        raise Inapplicable(f"it was executed before {action}, on other terms") from None
    filled = order.filled_quantity + quantity
    account = batch.accounts[order.account_id]
    violation = batch.books.book_fill(
        account,
        Fill(
            trade_id=trade.pk,
            order_id=order.pk,
            instrument=order.instrument,
            signed_quantity=done.signed_quantity,
            price=price,
            value_before=order.filled_value,
            filled_quantity=filled,
            leaves_quantity=max(order.quantity - filled, ZERO),
            at=at,
            replaced=_replaced(batch, order),
        ),
    )
    order.filled_quantity = filled
    order.filled_value += price * quantity
    # One by value that was spent was taken for as large as it had filled.
    order.quantity = max(order.quantity, filled)
    batch.trades.append(trade)
    if violation is not None:
        until = batch.books.settled_only_until(account)
        told = events.good_faith_violation(order, violation.funds_settle_on, until, at=at)
        batch.activities.append((account, told))
    _make_up(batch, done, acted, at)
    return trade


def busted_quantity(report: ExecutionReport, busted: Trade | None) -> Decimal:
    if busted is None:
        raise Early(f"the fill {report.reference} that is taken back is not here")
    if (report.quantity, report.price) != (busted.quantity, busted.price):
        raise Inapplicable(f"the fill {report.reference} was of other terms")
    quantity: Decimal = busted.quantity
    return quantity


def busted_by(batch: Batch, order: Order, report: ExecutionReport) -> Trade | None:
    """Return the fill that the report takes back, if it does and the fill is here.

    Raises Inapplicable for a fill that was taken back before.
    """
    if report.kind is not ReportKind.BUSTED:
        return None
    of_order = [
        *Trade.objects.filter(order=order),
        *(trade for trade in batch.trades if trade.order_id == order.pk),
    ]
    found = next(
        (t for t in of_order if t.execution_id == report.reference and not t.busts_id), None
    )
    if found is not None and any(trade.busts_id == found.pk for trade in of_order):
        raise Inapplicable(f"the fill {report.reference} was taken back before")
    return found


def make_room(batch: Batch, order: Order, busted: Trade, cause: Cause) -> None:
    """Take from the order's own legs what a bust takes back: they close less then.

    What a leg at the venue is to sell must leave the venue first: raises Early until it has.
    """
    if order.group is None or order.side != Side.BUY:
        return
    account, asset = batch.accounts[order.account_id], order.instrument.code
    available = batch.books.available(account, asset)
    legs = [o for o in batch.group_of(order) if o.role in LEGS and not Status(o.status).is_final]
    held = [leg for leg in legs if leg.status == Status.HELD]
    if busted.quantity <= available:
        return
    if busted.quantity <= available + sum((batch.books.held(leg.pk) for leg in held), ZERO):
        for leg in held:
            batch.books.release(account, order_id=leg.pk)
        return
    at_venue = [leg for leg in legs if Status(leg.status).is_at_venue]
    for leg in at_venue:
        if leg.status != Status.PENDING_CANCEL:
            why = "The venue has taken back what it was to sell"
            rule = steps.rule("group")
            steps.request_cancel(batch, leg, Cause(actor=rule, at=cause.at, reason=why))
    if at_venue:
        raise Early("what is taken back is at the venue to be sold, and is cancelled there first")


def bust(batch: Batch, order: Order, report: ExecutionReport, busted: Trade, at: datetime) -> Trade:
    """Take a fill back: what it moved, the order's figures, and a trade that says so.

    What it moved may be gone: the account then owes it (`orders.owing`). Raises Inapplicable when
    the issuer has changed it since: it is something else by now, and people have to say what goes
    back.
    """
    trade = _trade(order, report, busted.quantity, busted.price, at)
    trade.busts_id = busted.pk
    undone = late.Trade(
        id=trade.pk,
        account_id=order.account_id,
        instrument=order.instrument,
        signed_quantity=-busted.quantity * Side(order.side).sign,
        executed_at=busted.executed_at,
    )
    acted = _acted(order, since=busted.executed_at)
    try:
        late.check(acted, undone, since=busted.booked_at)
    except late.OtherTerms as action:
        raise Inapplicable(
            f"{action} came after the fill {busted.execution_id}: people say what goes back"
        ) from None
    is_open = not Status(order.status).is_final
    filled = order.filled_quantity - busted.quantity
    value = order.filled_value - busted.price * busted.quantity
    batch.books.book_bust(
        batch.accounts[order.account_id],
        Fill(
            trade_id=trade.pk,
            order_id=order.pk,
            instrument=order.instrument,
            signed_quantity=busted.quantity * Side(order.side).sign,
            price=busted.price,
            value_before=value,
            filled_quantity=filled,
            leaves_quantity=order.leaves_quantity,
            at=at,
            replaced=_replaced(batch, order),
            busted_id=busted.pk,
            busted_at=busted.booked_at,
        ),
    )
    order.filled_quantity, order.filled_value = filled, value
    if is_open:
        order.quantity -= busted.quantity  # it is not executed again: the leaves stay
    batch.trades.append(trade)
    _make_up(batch, undone, acted, at)
    return trade


def _replaced(batch: Batch, order: Order) -> Traded:
    """Return what a sale's predecessors and successors have traded; of a purchase nobody asks."""
    is_sale = order.side == Side.SELL
    return succession.traded_beside(order, batch.orders) if is_sale else succession.NOTHING


def _acted(order: Order, *, since: datetime) -> list[Acted]:
    """Return what the issuer has done since then: read for what comes late alone."""
    return late.ask(
        account_ids=[order.account_id], instrument_ids=[order.instrument_id], since=since
    ).get()


def _make_up(batch: Batch, trade: late.Trade, acted: list[Acted], at: datetime) -> None:
    """Pay or charge the dividends that the trade has a part in, and that were settled without."""
    account = batch.accounts[trade.account_id]
    for move, told in late.moves(acted, trade, at=at):
        batch.books.move(account, move)
        batch.activities.append((account, told))


def _trade(
    order: Order, report: ExecutionReport, quantity: Decimal, price: Decimal, at: datetime
) -> Trade:
    return bulk.new(
        Trade,
        order_id=order.pk,
        account_id=order.account_id,
        instrument_id=order.instrument_id,
        venue=order.venue,
        execution_id=report.execution_id,
        side=order.side,
        quantity=quantity,
        price=price,
        executed_at=report.at,
        booked_at=at,
    )
