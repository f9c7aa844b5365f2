"""Setting limits: one person tightens them, at once; it takes two to loosen or override them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Q, QuerySet

from accounts import approvals
from accounts.models import Account, Approval, User
from foundation import decimals
from risk.limits import book as limit_book
from risk.limits import precedence as limits
from risk.limits.models import Limits
from risk.limits.precedence import NAMES, Row, Term, Value

LOOSEN: Final = "risk.limits"
"""The kind of an approval to loosen limits, or to override them for a time."""


class UnableToLimit(ValueError):
    """The limits cannot be set so; the message says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Limits as somebody wants them for a scope; what is not among `values` is not limited there.

    `valid_from` None is at once. An override names only what it overrides, and when it ends.
    """

    values: Mapping[str, Value]
    reason: str
    account_id: UUID | None = None
    tier: str = ""
    instrument_id: UUID | None = None
    is_override: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None

    @property
    def is_of_firm(self) -> bool:
        return self.account_id is None and not self.tier and self.instrument_id is None


def put(wanted: Wanted, *, by: User, now: datetime) -> Limits | Approval:
    """Set the limits, or ask for another person's agreement where they loosen something.

    Raises UnableToLimit.
    """
    told = flaw(wanted, now=now)
    if told:
        raise UnableToLimit(told)
    with transaction.atomic():
        _one_by_one()
        if needs_two(wanted, now=now):
            return approvals.ask(
                kind=LOOSEN,
                subject=_subject(wanted),
                content=_content(wanted),
                reason=wanted.reason,
                by=by,
                now=now,
            )
        return _write(wanted, set_by=f"operator:{by.pk}", approved_by="", now=now)


def needs_two(wanted: Wanted, *, now: datetime) -> bool:
    """Tell whether it takes two people: for every override, and where a limit widens or goes.

    It does so against what it replaces and against what it hides: that of the account's tier and
    of the firm.
    """
    return wanted.is_override or bool(limits.widened(*_terms(wanted, now=now)))


def _terms(wanted: Wanted, *, now: datetime) -> tuple[list[Term], Term]:
    """Return the rows that hold or will for whom the limits are for, and the row to come."""
    tier = wanted.tier
    if wanted.account_id is not None:
        tier = Account.objects.values_list("tier", flat=True).get(pk=wanted.account_id)
    whom = Q(account=None, tier="") | Q(account=None, tier=tier)
    if wanted.account_id is not None:
        whom |= Q(account_id=wanted.account_id)
    where: dict[str, Any] = {"instrument_id": wanted.instrument_id}
    rows_in_force = Limits.objects.filter(
        whom, Q(valid_until=None) | Q(valid_until__gt=now), **where
    )
    found = dict(rows_in_force.values_list("pk", "valid_until"))
    rows = limit_book.rows_of(found)
    new = Row(
        id=max(found, default=0) + 1,
        owner="account" if wanted.account_id else "tier" if wanted.tier else "firm",
        is_of_instrument=wanted.instrument_id is not None,
        is_override=wanted.is_override,
        valid_from=max(wanted.valid_from or now, now),
        values=wanted.values,
    )
    return [Term(row, found[row.id]) for row in rows], Term(new, wanted.valid_until)


def _latest(of: Wanted) -> int:
    """Return the number of the latest row of this very scope, zero when there is none."""
    latest: int | None = _rows_of(of).aggregate(pk=Max("pk"))["pk"]
    return latest or 0


def _before(wanted: Wanted) -> dict[str, str]:
    """Return what the scope itself says until now, of an override what it is to override."""
    row = _rows_of(wanted).filter(is_override=False).order_by("-pk").first()
    said = {} if row is None else row.values
    return {
        name: decimals.text(Decimal(value))
        for name, value in said.items()
        if name in wanted.values or not wanted.is_override
    }


def _rows_of(wanted: Wanted) -> QuerySet[Limits]:
    """Return the rows of this very scope."""
    scope: dict[str, Any] = {
        "account_id": wanted.account_id,
        "tier": wanted.tier,
        "instrument_id": wanted.instrument_id,
    }
    return Limits.objects.filter(**scope)


def _one_by_one() -> None:
    """Let whoever changes limits wait for the other, until the end of the transaction.

    Else each of two would compare with what the other is about to replace.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [LOOSEN])


def approve(approval_id: UUID, *, by: User, reason: str = "", now: datetime) -> Limits:
    """Agree to limits that another person has asked for, and set them.

    Raises approvals.UnableToApprove, and UnableToLimit when they would make no sense any more.
    """
    with transaction.atomic():
        approval = approvals.approve(approval_id, by=by, reason=reason, now=now)
        return carry_out(approval, by=by, now=now)


def carry_out(approval: Approval, *, by: User, now: datetime) -> Limits:
    """Set the limits of an approval that was given, in the transaction that gave it.

    They take the place of the scope's limits as whoever asked has seen them, and of no later ones.
    """
    wanted = _wanted(approval)
    told = flaw(wanted, now=now, is_late=True)
    if told:
        raise UnableToLimit(told)
    _one_by_one()
    if _latest(wanted) != approval.content.get("latest_row"):
        raise UnableToLimit("These limits were changed since this was asked for: ask again.")
    return _write(
        wanted,
        set_by=f"operator:{approval.asked_by_id}",
        approved_by=f"operator:{by.pk}",
        now=now,
    )


def flaw(wanted: Wanted, *, now: datetime, is_late: bool = False) -> str:
    """Return what is wrong with the limits, in words; nothing when they can be set.

    `is_late` tells that they have waited for an approval: they then begin when it is given.
    """
    unknown = wanted.values.keys() - set(NAMES)
    is_standing_firm = wanted.is_of_firm and not wanted.is_override
    begins, ends = wanted.valid_from, wanted.valid_until
    flaws = (
        (not wanted.reason.strip(), "Say why."),
        (
            wanted.account_id is not None and bool(wanted.tier),
            "Limits are of an account or of a tier, not of both.",
        ),
        (bool(unknown), f"There is no limit called {min(unknown, default='')}."),
        (any(value < 0 for value in wanted.values.values()), "A limit is not below zero."),
        (
            is_standing_firm and bool(set(NAMES) - wanted.values.keys()),
            "Of the firm every limit is set: without one of them nothing may go.",
        ),
        (
            is_standing_firm and ends is not None,
            "What holds for the firm has no end: set other limits when it is to change.",
        ),
        (
            "firm_open_buys_max" in wanted.values and not wanted.is_of_firm,
            "What all customers may have open is a limit of the firm.",
        ),
        (
            begins is not None and begins < now and not is_late,
            "Limits are set from now on, or for later.",
        ),
        (wanted.is_override and ends is None, "An override ends by itself: say when."),
        (
            ends is not None and ends <= max(begins or now, now),
            "That would have ended before it begins.",
        ),
    )
    return next((told for is_so, told in flaws if is_so), "")


def _write(wanted: Wanted, *, set_by: str, approved_by: str, now: datetime) -> Limits:
    return Limits.objects.create(
        account_id=wanted.account_id,
        tier=wanted.tier,
        instrument_id=wanted.instrument_id,
        is_override=wanted.is_override,
        **wanted.values,
        valid_from=max(wanted.valid_from or now, now),
        valid_until=wanted.valid_until,
        set_at=now,
        set_by=set_by,
        approved_by=approved_by,
        reason=wanted.reason.strip(),
    )


def _subject(wanted: Wanted) -> str:
    whom = wanted.account_id or wanted.tier or "firm"
    return f"{whom} {wanted.instrument_id or ''}".strip()


def _content(wanted: Wanted) -> dict[str, Any]:
    """Return what was asked for, as the one who decides on it is shown it."""
    return {
        "account": str(wanted.account_id) if wanted.account_id else None,
        "tier": wanted.tier,
        "instrument": str(wanted.instrument_id) if wanted.instrument_id else None,
        "is_override": wanted.is_override,
        "valid_from": wanted.valid_from.isoformat() if wanted.valid_from else None,
        "valid_until": wanted.valid_until.isoformat() if wanted.valid_until else None,
        "latest_row": _latest(wanted),
        "before": _before(wanted),
        "values": {name: decimals.text(Decimal(value)) for name, value in wanted.values.items()},
    }


def _wanted(approval: Approval) -> Wanted:
    content = approval.content
    return Wanted(
        values={name: Decimal(value) for name, value in content["values"].items()},
        reason=approval.reason,
        account_id=content["account"] and UUID(content["account"]),
        tier=content["tier"],
        instrument_id=content["instrument"] and UUID(content["instrument"]),
        is_override=content["is_override"],
        valid_from=content["valid_from"] and datetime.fromisoformat(content["valid_from"]),
        valid_until=content["valid_until"] and datetime.fromisoformat(content["valid_until"]),
    )
