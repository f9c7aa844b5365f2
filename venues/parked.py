"""What people decide about reports that could not be applied: try again, or dismiss for ever.

Where money moves (a fill, a bust) one person proposes and another approves; for anything else
one person is enough. Every step is kept, with who took it, when and why.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog
from django.db import transaction

from venues import inbox
from venues.messages import ReportKind
from venues.models import InboxReport, ParkedReport, ParkedStep

log = structlog.get_logger(__name__)

Kind = ParkedStep.Kind
Remedy = ParkedStep.Remedy

_MOVES_MONEY: Final = frozenset({ReportKind.FILL, ReportKind.BUSTED})


class UnableToDecide(ValueError):
    """The step is not open to this person now; the message says why."""


def moves_money(report: InboxReport) -> bool:
    """Tell whether two people must agree on what becomes of the report."""
    return report.report.get("kind") in _MOVES_MONEY


def proposal(report: InboxReport) -> ParkedStep | None:
    """Return the proposal that waits for a second person, if there is one."""
    if report.state != InboxReport.State.PARKED or not moves_money(report):
        return None
    last = ParkedStep.objects.filter(report_id=report.pk).order_by("-pk").first()
    return last if last is not None and last.kind == Kind.PROPOSED else None


def propose(
    report_id: int, *, remedy: ParkedStep.Remedy, actor: str, reason: str, now: datetime
) -> None:
    """Propose what is to become of the report; where no money moves, it is done at once.

    Raises UnableToDecide.
    """
    with transaction.atomic():
        report = _locked(report_id)
        if proposal(report) is not None:
            raise UnableToDecide("There is a proposal already: approve it or withdraw it.")
        _step(report, Kind.PROPOSED, remedy, actor, reason, now)
        if not moves_money(report):
            _carry_out(report, remedy, reason, now)


def approve(report_id: int, *, actor: str, reason: str, now: datetime) -> None:
    """Approve the proposal of somebody else, and carry it out. Raises UnableToDecide."""
    with transaction.atomic():
        report = _locked(report_id)
        open_proposal = _proposal_of(report)
        if open_proposal.actor == actor:
            raise UnableToDecide("Another person has to approve what you have proposed.")
        remedy = Remedy(open_proposal.remedy)
        _step(report, Kind.APPROVED, remedy, actor, reason, now)
        _carry_out(report, remedy, reason, now)


def withdraw(report_id: int, *, actor: str, reason: str, now: datetime) -> None:
    """Take the proposal off the table, one's own or another's. Raises UnableToDecide."""
    with transaction.atomic():
        report = _locked(report_id)
        remedy = Remedy(_proposal_of(report).remedy)
        _step(report, Kind.WITHDRAWN, remedy, actor, reason, now)


def _locked(report_id: int) -> ParkedReport:
    """Return the report, so that only one decision at a time is taken about it."""
    report = ParkedReport.objects.select_for_update(no_key=True).filter(pk=report_id).first()
    if report is None or report.state != InboxReport.State.PARKED:
        raise UnableToDecide("The report is not parked any more.")
    return report


def _proposal_of(report: ParkedReport) -> ParkedStep:
    found = proposal(report)
    if found is None:
        raise UnableToDecide("Nothing is proposed.")
    return found


def _step(
    report: ParkedReport,
    kind: ParkedStep.Kind,
    remedy: ParkedStep.Remedy,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    if not reason.strip():
        raise UnableToDecide("Say why.")
    ParkedStep.objects.create(
        report=report, kind=kind, remedy=remedy, actor=actor, reason=reason.strip(), at=now
    )
    log.warning(
        "parked_report_step",
        execution_id=report.execution_id,
        step=kind.value,
        remedy=remedy.value,
        actor=actor,
    )


def _carry_out(report: ParkedReport, remedy: ParkedStep.Remedy, reason: str, now: datetime) -> None:
    if remedy is Remedy.RETRY:
        inbox.retry(report)
    else:
        inbox.dismiss(report, reason=f"Dismissed: {reason}", now=now)
