"""Each step of an order, kept as django-simple-history keeps it: the whole row, who, when, why.

The library writes its rows one by one as models are saved; the order path writes many orders in
one statement, so it makes the same rows itself, in the same tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import models

from orders.models import Order
from orders.tickets import Actor

HistoricalOrder: Final[type[models.Model]] = Order.history.model
_FIELDS: Final = tuple(field.attname for field in Order._meta.concrete_fields)

CREATED: Final = "+"
CHANGED: Final = "~"


@dataclass(frozen=True, slots=True)
class Cause:
    """Who did something to an order, from where, when and why."""

    actor: Actor
    at: datetime
    reason: str
    source_address: str = ""


def steps(order_id: UUID) -> models.QuerySet[models.Model]:
    """Return the history rows of an order, oldest first."""
    return HistoricalOrder._default_manager.filter(id=order_id).order_by("history_id")


def step(order: Order, cause: Cause, *, kind: str = CHANGED) -> models.Model:
    """Return the history row of the order as it stands now."""
    row: models.Model = HistoricalOrder(
        **{name: getattr(order, name) for name in _FIELDS},
        history_date=cause.at,
        history_type=kind,
        history_change_reason=cause.reason,
        history_user_id=cause.actor.id if cause.actor.kind == "user" else None,
        actor=str(cause.actor),
        source_address=cause.source_address,
    )
    return row
