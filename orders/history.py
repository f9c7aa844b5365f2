"""Each step of an order, kept as django-simple-history keeps it: the whole row, who, when, why.

The library writes its rows one by one as models are saved; the order path writes many orders in
one statement, so it makes the same rows itself, in the same tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from django.db import models

from foundation import bulk
from foundation.values import value
from orders.models import Order
from orders.tickets import Actor

HistoricalOrder: Final[type[models.Model]] = Order.history.model
_FIELDS: Final = tuple(field.attname for field in Order._meta.concrete_fields)
_CAUSE: Final = (
    "history_date",
    "history_type",
    "history_change_reason",
    "history_user_id",
    "actor",
    "source_address",
)
_values_of: Final = attrgetter(*_FIELDS)

Step = tuple[Any, ...]
"""A history row as plain values: an instance of its model costs more to make than to write."""

CREATED: Final = "+"
CHANGED: Final = "~"


@value
class Cause:
    """Who did something to an order, from where, when and why."""

    actor: Actor
    at: datetime
    reason: str
    source_address: str = ""


def steps(order_id: UUID) -> models.QuerySet[models.Model]:
    """Return the history rows of an order, oldest first."""
    return HistoricalOrder._default_manager.filter(id=order_id).order_by("history_id")


def step(order: Order, cause: Cause, *, kind: str = CHANGED) -> Step:
    """Return the history row of the order as it stands now."""
    return (
        *_values_of(order),
        cause.at,
        kind,
        cause.reason,
        cause.actor.id if cause.actor.kind == "user" else None,
        str(cause.actor),
        cause.source_address,
    )


def begin(placed: Iterable[tuple[Order, Cause]]) -> None:
    """Write new orders and the first step of each, of which they are still what it says.

    The two rows have the same values, which go over once.
    """
    rows = [step(order, cause, kind=CREATED) for order, cause in placed]
    if rows:
        bulk.insert_recorded(Order, _FIELDS, rows, record=HistoricalOrder, more=_CAUSE)


def write(taken: Sequence[Step]) -> None:
    """Write history rows, in order."""
    if taken:
        bulk.insert_values(HistoricalOrder, (*_FIELDS, *_CAUSE), taken)
