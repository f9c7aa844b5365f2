"""Deciding on an order inside its own transaction, and keeping what was decided and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from foundation import bulk
from foundation.trips import Answer
from risk import checks
from risk.checks import Bounds, Denial, Proposal, Situation
from risk.models import Decision, Limits


class LimitsMissing(LookupError):
    """There are no limits for everybody: without limits nothing may go."""


def ask_bounds(account_ids: Iterable[UUID]) -> Answer[dict[UUID, Bounds]]:
    """Ask for the limits that hold for each account: its own, else everybody's.

    The answer raises LimitsMissing.
    """
    wanted = set(account_ids)
    found = bulk.ask(Limits, "account_id = ANY(%s) OR account_id IS NULL", [list(wanted)])
    return Answer(lambda: _bounds_of(wanted, {row.account_id: row for row in found.get()}))


def _bounds_of(wanted: set[UUID], rows: dict[UUID | None, Limits]) -> dict[UUID, Bounds]:
    if None not in rows:
        raise LimitsMissing("risk.Limits has no row for everybody")
    return {account_id: _bounds(rows.get(account_id, rows[None])) for account_id in wanted}


def _bounds(row: Limits) -> Bounds:
    return Bounds(
        order_quantity_max=row.order_quantity_max,
        order_value_max=row.order_value_max,
        position_value_max=row.position_value_max,
        market_buffer=row.market_buffer,
        quote_age_max=settings.QUOTE_AGE_SECONDS_MAX,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Assessment:
    """What was decided: the denial or None, the cautions, and the row that keeps it.

    `worst_price` is what an order that may go is held for; zero for one that may not.
    """

    denial: Denial | None
    cautions: tuple[checks.Caution, ...]
    worst_price: Decimal
    decision: Decision


def assess(
    *,
    order_id: UUID,
    account_id: UUID,
    proposal: Proposal,
    situation: Situation,
    bounds: Bounds,
    now: datetime,
) -> Assessment:
    """Decide. The caller writes `decision` in the transaction that acts on it."""
    denial = checks.first_denial(proposal, situation, bounds)
    return Assessment(
        denial=denial,
        cautions=() if denial else checks.cautions(proposal, situation),
        worst_price=checks.worst_price(proposal, situation, bounds) or Decimal(0),
        decision=bulk.new(
            Decision,
            order_id=order_id,
            account_id=account_id,
            at=now,
            allowed=denial is None,
            code=denial.code if denial else "",
            message=denial.message if denial else "",
            inputs={
                "proposal": proposal,
                "situation": situation,
                "limits": bounds,
            },
        ),
    )


def denied(decision: Decision, denial: Denial) -> Decision:
    """Make the decision a no, as one order of the group that it belongs to may not go."""
    if decision.allowed:
        decision.allowed, decision.code, decision.message = False, denial.code, denial.message
    return decision
