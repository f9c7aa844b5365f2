"""Throwing a switch, also of a single order: it is thrown for the order that lives.

What a customer has replaced lives on in the order that took its place, and to stop the former alone
would stop nothing. So a switch is thrown for the first order of the chain that has not ended, and
`orders.safeguards.killing` follows the chain from there on. An order that is not there, or has
ended, has nothing to stop, and whoever asks is told so.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from foundation import bulk
from orders.lifecycle import Status
from risk.controls import switches
from risk.controls.models import Switch
from risk.controls.switches import Scope, UnableToSwitch


@dataclass(frozen=True, slots=True)
class Reach:
    """How many open orders a switch would meet, and of how many accounts."""

    orders: int
    accounts: int


def engage(
    *, scope: Scope, effect: Switch.Effect, reason: str, actor: str, now: datetime
) -> Switch:
    """Throw a switch: one person or rule is enough, and it holds at once. Raises UnableToSwitch."""
    with transaction.atomic():
        scope = checked(scope, effect)
        return switches.engage(scope=scope, effect=effect, reason=reason, actor=actor, now=now)


def checked(scope: Scope, effect: Switch.Effect) -> Scope:
    """Return what a switch of this scope would stop now.

    Raises UnableToSwitch, for an order with the codes unknown_order and order_ended.
    """
    switches.check(scope, effect)
    if scope.order_id is None:
        return scope
    return dataclasses.replace(scope, order_id=_living(scope.order_id))


def reach(scope: Scope) -> Reach:
    """Count the open orders of a scope that is `checked`."""
    named = [scope.order_id, scope.account_id, scope.instrument_id, scope.venue]
    [(orders, accounts)] = bulk.execute(_REACH, named)
    return Reach(orders, accounts)


def _living(order_id: UUID) -> UUID:
    """Return the order itself, or the first that took its place and has not ended."""
    chain: list[tuple[UUID, Status]] = [
        (id_, Status(status)) for id_, status in bulk.execute(_CHAIN, [order_id])
    ]
    if not chain:
        raise UnableToSwitch(f"There is no order {order_id}.", code="unknown_order")
    living = next((id_ for id_, status in chain if not status.is_final), None)
    if living is None:
        last_id, ended_as = chain[-1]
        which = "it" if last_id == order_id else f"{last_id}, which took its place,"
        raise UnableToSwitch(
            f"Order {order_id} has ended: {which} is {ended_as}.", code="order_ended"
        )
    return living


_CHAIN: Final = """
    WITH RECURSIVE chain AS (
        SELECT id, status, replaced_by, 1 AS place FROM orders_order WHERE id = %s
        UNION ALL
        SELECT o.id, o.status, o.replaced_by, chain.place + 1
          FROM chain JOIN orders_order o ON o.id = chain.replaced_by)
    SELECT id, status FROM chain ORDER BY place
"""
_REACH: Final = """
    WITH open AS MATERIALIZED (
        SELECT id, account_id, instrument_id, venue FROM orders_order
         WHERE status NOT IN ('filled', 'cancelled', 'rejected', 'expired', 'replaced'))
    SELECT count(*), count(DISTINCT account_id) FROM open
     WHERE id = coalesce(%s::uuid, id) AND account_id = coalesce(%s::uuid, account_id)
       AND instrument_id = coalesce(%s::uuid, instrument_id) AND %s IN ('', venue)
"""
