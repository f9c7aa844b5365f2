"""Checking ourselves, and stopping the account that a breach concerns."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction

from accounts import activity, locks
from accounts.chain import Event
from accounts.models import Account
from foundation import history
from marketdata import calendars
from reconciliation import checked, invariants
from reconciliation.breaks import keeping
from reconciliation.invariants import Breach, Finding

log = structlog.get_logger(__name__)


def check_and_halt(*, now: datetime) -> list[Finding]:
    """Check every invariant; an account that breaks one takes no new orders until a person has
    looked at it. Who reactivates it has: the same breach does not stop it again."""
    findings = invariants.check_invariants(now=now)
    keeping.keep_findings(findings, on=calendars.date_of(now), now=now)
    for finding in findings:
        for breach in finding.breaches:
            log.error("invariant_broken", number=finding.number, what=breach.what)
            if finding.halts and breach.account_id is not None:
                _restrict(finding, breach, now)
    checked.keep(findings, now=now)
    return findings


def _restrict(finding: Finding, breach: Breach, now: datetime) -> None:
    if breach.account_id is None:
        return
    with transaction.atomic():
        account = locks.lock(breach.account_id)
        if account.status != Account.Status.ACTIVE:
            return
        account.status = Account.Status.RESTRICTED
        reason = f"Invariant {finding.number}: {breach.what}"[:200]
        if account.history.filter(status_reason=reason).exists():
            return
        account.status_reason = reason
        history.because(account, account.status_reason)
        account.save(update_fields=["status", "status_reason"])
        activity.record(
            [
                (
                    account,
                    Event(
                        kind="account.restricted",
                        at=now,
                        actor="rule:invariants",
                        payload={"reason": f"Invariant {finding.number}"},
                    ),
                )
            ]
        )
