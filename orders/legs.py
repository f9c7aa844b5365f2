"""Carrying out what a group's orders do next, inside the batch that has changed one of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from uuid import UUID

from orders import groups, steps
from orders.batch import Batch
from orders.groups import Member, Plan
from orders.history import Cause
from orders.lifecycle import Event, Status
from orders.models import Order
from orders.tickets import Role
from portfolio.books import Uncovered

_NOBODY: Final = UUID(int=0)
ROUNDS_MAX: Final = 4
"""A leg that cannot be covered ends, and the others are then planned anew: more never happens."""


def settle(batch: Batch, group: UUID, cause: Cause, *, spared: UUID | None = None) -> None:
    """Bring the group's orders in line with what has happened to one of them.

    Of `spared` the venue has just refused a cancel: it is not asked again at once.
    """
    for _ in range(ROUNDS_MAX):
        orders = {
            order.pk: order
            for order in batch.orders.values()
            if order.group == group and not _is_candidate(order)
        }
        plan = groups.plan([_member(order) for order in orders.values()])
        if not _carry_out(batch, orders, plan, cause, spared):
            return


def _is_candidate(order: Order) -> bool:
    """Tell whether the venue has not let this replacement take over, or never will."""
    return order.replaced_total is not None


def _member(order: Order) -> Member:
    return Member(
        id=order.pk,
        role=Role(order.role),
        status=Status(order.status),
        quantity=order.quantity,
        filled=order.filled_quantity,
        is_triggered=order.triggered_at is not None,
    )


def _carry_out(
    batch: Batch, orders: dict[UUID, Order], plan: Plan, cause: Cause, spared: UUID | None
) -> bool:
    """Do what the plan says; return whether a leg has ended by it, which changes the plan."""
    why = Cause(actor=steps.rule("group"), at=batch.now, reason=cause.reason)
    for order_id in plan.dropped:
        because = _because(why, "The orders that it belongs to have ended")
        steps.end(batch, orders[order_id], Event.CANCEL, because)
    for order_id in plan.cancelled:
        if order_id == spared:
            for order in orders.values():
                steps.wait(batch, order)
        else:
            because = _because(why, "Another order of its group takes its place")
            steps.request_cancel(batch, orders[order_id], because)
    for order_id in plan.watched:
        if order_id != plan.sent and not orders[order_id].is_watched:
            batch.watch(orders[order_id], mark=None)
            if order_id not in plan.sizes:
                batch.note(orders[order_id], _because(why, "Its price is watched from now on"))
    for order_id, size in plan.sizes.items():
        _resize(batch, orders[order_id], size, why)
    return _set_aside_or_send(batch, orders, plan, why) or bool(plan.dropped)


def _set_aside_or_send(batch: Batch, orders: dict[UUID, Order], plan: Plan, why: Cause) -> bool:
    """Let one leg have what the group needs, and go if it may; return whether it ended instead."""
    chosen = orders.get(plan.sent or plan.holder or _NOBODY)
    for order in orders.values():
        if order.status == Status.HELD and order.role in groups.LEGS and order is not chosen:
            batch.books.release(batch.accounts[order.account_id], order_id=order.pk)
    if chosen is None:
        return False
    if plan.sent is None:
        return not _is_covered(batch, chosen, plan.held, why)
    if steps.obstacle(batch, chosen) is not None:
        steps.wait(batch, chosen)
        return not _is_covered(batch, chosen, chosen.leaves_quantity, why)
    steps.send_held(batch, chosen, _because(why, "Its turn in its group has come"))
    return Status(chosen.status).is_final


def _resize(batch: Batch, order: Order, size: Decimal, why: Cause) -> None:
    order.quantity = size
    order.updated_at = max(batch.now, order.updated_at)
    batch.keep(order, _because(why, "Sized to what is left of its group"), "resized")


def _is_covered(batch: Batch, order: Order, quantity: Decimal, why: Cause) -> bool:
    """Set aside what so much of the held leg will need; one that cannot be covered ends."""
    worst = steps.worst_price(batch, order)
    try:
        if worst is None:
            raise Uncovered("there is no price")
        steps.hold_for(batch, order, quantity, worst)
    except Uncovered:
        steps.end_uncovered(batch, order, why)
        return False
    return True


def _because(why: Cause, reason: str) -> Cause:
    return Cause(actor=why.actor, at=why.at, reason=reason)
