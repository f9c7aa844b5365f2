"""What people look after about a customer: alerts, breaks, approvals, switches, legal holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from accounts import approvals
from accounts.models import Account, Approval
from reconciliation.breaks.models import Break
from reconciliation.statements.models import LegalHold
from risk.controls.models import Switch
from risk.findings import Severity
from risk.surveillance.models import Alert
from trading.operations import approving
from trading.operations.customer.tables import ROWS_MAX, Table, day, time, word
from trading.operations.customer.ways import listing, page


def alerts(account: Account) -> Table:
    """Return the alerts about the account, open ones first, with the last note to each."""
    rows = Alert.objects.filter(account=account).prefetch_related("steps")
    open_first = rows.order_by("-closed_at", "-severity", "-pk")  # null is first
    return Table(
        "alerts",
        "Alerts",
        ("Raised", "Alert", "Severity", "State", "Last note"),
        [
            (
                time(each.raised_at),
                word(each.summary or each.name, link=page("risk_alert", each.pk)),
                word(
                    Severity(each.severity).name.lower(),
                    bad=each.severity == Severity.SEVERE and each.closed_at is None,
                ),
                word(each.get_state_display()),
                word(_last_note(each)),
            )
            for each in open_first[:ROWS_MAX]
        ],
        listing("risk_alert", account.number, waiting="all"),
        "No alert.",
    )


def _last_note(alert: Alert) -> str:
    notes = [step for step in alert.steps.all() if step.note]
    return max(notes, key=lambda step: step.pk).note if notes else ""


def breaks(account: Account) -> Table:
    """Return on what we and others have not agreed about the account."""
    rows = Break.objects.filter(account=account).order_by("-day", "-pk")
    return Table(
        "breaks",
        "Breaks",
        ("Day", "Break", "Source", "State"),
        [
            (
                day(each.day),
                word(each.type.replace("_", " "), link=page("reconciliation_break", each.pk)),
                word(each.source),
                word(each.get_state_display()),
            )
            for each in rows[:ROWS_MAX]
        ],
        listing("reconciliation_break", account.number, waiting="all"),
        "No break.",
    )


def asked(account: Account, now: datetime) -> Table:
    """Return what waits for a second person and names the account or its owner."""
    named = {str(account.pk), account.number, str(account.user_id)}
    waiting = reverse("operations:approvals")
    found = [each for each in approvals.waiting(now=now) if named & set(_said(each))]
    return Table(
        "approvals",
        "Waiting for a second person",
        ("Asked", "By", "What", "Why"),
        [
            (
                time(each.asked_at),
                word(each.asked_by),
                word(approving.name_of(each.kind), link=f"{waiting}#asked-{each.pk}"),
                word(each.reason),
            )
            for each in found[:ROWS_MAX]
        ],
        waiting,
        "Nothing waits.",
    )


def _said(approval: Approval) -> Iterator[str]:
    yield approval.subject
    yield from _words(approval.content)


def _words(content: Mapping[str, Any]) -> Iterator[str]:
    for value in content.values():
        if isinstance(value, Mapping):
            yield from _words(value)
        else:
            yield str(value)


def switches(account: Account) -> Table:
    """Return what stops, or has stopped, the account."""
    rows = Switch.objects.filter(account=account).select_related("instrument", "account")
    engaged_first = rows.order_by("-released_at", "-engaged_at")
    return Table(
        "switches",
        "Switches and halts",
        ("Since", "What", "Of", "Why", "Released"),
        [
            (
                time(each.engaged_at),
                word(
                    each.effect.replace("_", " "),
                    link=page("risk_switch", each.pk),
                    bad=each.released_at is None,
                ),
                word(each.scope),
                word(each.reason),
                time(each.released_at),
            )
            for each in engaged_first[:ROWS_MAX]
        ],
        listing("risk_switch", account.number),
        "Nothing stops it.",
    )


def legal_holds(account: Account) -> Table:
    """Return for what everything of the account is kept."""
    rows = LegalHold.objects.filter(account=account).select_related("placed_by", "release")
    return Table(
        "legal-holds",
        "Legal holds",
        ("Placed", "By", "Why", "Until", "Released"),
        [
            (
                time(each.placed_at),
                word(each.placed_by),
                word(each.reason, link=page("reconciliation_legalhold", each.pk)),
                day(each.until),
                time(each.release.at if hasattr(each, "release") else None),
            )
            for each in rows.order_by("-placed_at", "-pk")[:ROWS_MAX]
        ],
        listing("reconciliation_legalhold", account.number),
        "None.",
    )
