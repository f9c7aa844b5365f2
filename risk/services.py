"""Deciding on an order inside its own transaction, and keeping what was decided and why."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from foundation import bulk
from foundation.values import value
from risk import checks, records, tracing
from risk.checks import Denial, Proposal, Situation
from risk.limits import book as limit_book
from risk.limits import precedence as limits
from risk.limits.book import AppliedLimits
from risk.limits.precedence import Found
from risk.models import Decision
from risk.records import Unreadable
from risk.tracing import Outcome

INPUTS_VERSION = 2


class NotRecomputable(ValueError):
    """The decision was written down by a former version, which kept other inputs."""


@dataclasses.dataclass(slots=True)
class Decided:
    """A decision as it is kept: what `Decision` has."""

    order_id: UUID
    account_id: UUID
    at: datetime
    allowed: bool
    code: str
    message: str
    inputs: dict[str, Any]


_KEPT: Final = tuple(field.name for field in dataclasses.fields(Decided))


@value
class Assessment:
    """What was decided: the denial or None, the cautions, and what is kept of it.

    `worst_price` is what an order that may go is held for; zero for one that may not.
    """

    denial: Denial | None
    cautions: tuple[checks.Caution, ...]
    worst_price: Decimal
    decision: Decided


def assess(
    *,
    order_id: UUID,
    account_id: UUID,
    proposal: Proposal,
    situation: Situation,
    limits: AppliedLimits | None,
    now: datetime,
) -> Assessment:
    """Decide. The caller lets `keep` write the decision in the transaction that acts on it.

    Without limits the answer is no.
    """
    bounds = limits.bounds if limits else None
    denial = checks.first_denial(proposal, situation, bounds)
    worst = checks.worst_price(proposal, situation, bounds) if bounds else None
    return Assessment(
        denial=denial,
        cautions=() if denial else checks.cautions(proposal, situation),
        worst_price=worst or Decimal(0),
        decision=Decided(
            order_id=order_id,
            account_id=account_id,
            at=now,
            allowed=denial is None,
            code=denial.code if denial else "",
            message=denial.message if denial else "",
            inputs={
                "version": INPUTS_VERSION,
                "proposal": records.written(proposal),
                "situation": records.written(situation),
                "limits": _written_limits(limits),
            },
        ),
    )


def _written_limits(limits: AppliedLimits | None) -> dict[str, object] | None:
    """Rows of limits never change, so that their ids say it all; ages are settings."""
    if limits is None:
        return None
    bounds = limits.bounds
    return {
        "rows": limits.rows,
        "quote_age_max": bounds.quote_age_max,
        "firm_age_max": bounds.firm_age_max,
    }


def keep(decisions: Iterable[Decided]) -> None:
    """Write decisions, in order."""
    rows = [_values_of(decided) for decided in decisions]
    if rows:
        bulk.insert_values(Decision, _KEPT, rows)


_values_of: Final = attrgetter(*_KEPT)


def denied(decision: Decided, denial: Denial) -> Decided:
    """Make the decision a no, for what only shows once all of its group is looked at.

    As one order of the group may not go, or as the hold of a replacement cannot be covered.
    """
    if decision.allowed:
        decision.allowed, decision.code, decision.message = False, denial.code, denial.message
        decision.inputs["for_another"] = denial.code
    return decision


@dataclasses.dataclass(frozen=True, slots=True)
class Recomputed:
    """What a decision comes to when it is made again, check by check, on what was stored.

    The first denial among `outcomes` is the decision's. `limits` are those that held, with the
    row of each. `agrees` tells that the same comes out.
    """

    proposal: Proposal
    situation: Situation
    limits: dict[str, Found]
    outcomes: tuple[Outcome, ...]
    denial: Denial | None
    agrees: bool


def recompute(decision: Decision) -> Recomputed:
    """Make the decision again on its stored inputs. Raises NotRecomputable."""
    inputs = decision.inputs
    if inputs.get("version") != INPUTS_VERSION:
        raise NotRecomputable("It was decided by a former version, which kept other inputs.")
    try:
        proposal = records.read(Proposal, inputs["proposal"])
        situation = records.read(Situation, inputs["situation"])
    except Unreadable as error:
        raise NotRecomputable(str(error)) from error
    held = inputs["limits"]
    found = limits.resolve(limit_book.rows_of(held["rows"])) if held else {}
    bounds = held and limits.bounds_of(
        found, quote_age_max=held["quote_age_max"], firm_age_max=held["firm_age_max"]
    )
    outcomes = tracing.outcomes(proposal, situation, bounds) if bounds else ()
    denial = checks.first_denial(proposal, situation, bounds)
    own = denial is None and inputs.get("for_another") == decision.code
    told = (decision.code, decision.message) if not decision.allowed else None
    again = (denial.code, denial.message) if denial else None
    return Recomputed(proposal, situation, found, outcomes, denial, agrees=own or told == again)
