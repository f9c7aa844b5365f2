"""What operations sees first: what waits for people, and where the way leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import approvals
from reconciliation.breaks import selectors as reconciliation
from reconciliation.day import selectors as days
from risk import selectors as risk
from venues import parked


@dataclass(frozen=True, slots=True)
class Card:
    """How many of something wait, and the page on which they do."""

    name: str
    count: int
    note: str
    permission: str
    page: str
    is_urgent: bool

    @property
    def link(self) -> str:
        return reverse(self.page)


def cards(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what waits to the context of the admin's first page (django-unfold calls this)."""
    context["title"] = "What waits"
    context["cards"] = [card for card in _all() if request.user.has_perm(card.permission)]
    context["may_see_firm"] = request.user.has_perm("risk.view_marginstatus")
    return context


def _all() -> list[Card]:
    open_breaks, severe_breaks = reconciliation.count_open()
    waiting, parked_count, failed_jobs = risk.waiting(), parked.count(), days.failed()
    return [
        Card(
            "Alerts",
            waiting.alerts,
            f"{waiting.severe_alerts or 'none'} severe",
            "risk.view_alert",
            "admin:risk_alert_changelist",
            is_urgent=bool(waiting.severe_alerts),
        ),
        Card(
            "Margin calls",
            waiting.margin_calls,
            "not met yet",
            "risk.view_margincall",
            "admin:risk_margincall_changelist",
            is_urgent=bool(waiting.margin_calls),
        ),
        Card(
            "Switches and halts",
            waiting.switches,
            "stop something",
            "risk.view_switch",
            "admin:risk_switch_changelist",
            is_urgent=bool(waiting.switches),
        ),
        Card(
            "Parked reports",
            parked_count,
            "not applied",
            "venues.view_parkedreport",
            "admin:venues_parkedreport_changelist",
            is_urgent=bool(parked_count),
        ),
        Card(
            "Close of day",
            failed_jobs,
            "jobs have failed",
            "reconciliation.view_dayrun",
            "operations:days",
            is_urgent=bool(failed_jobs),
        ),
        Card(
            "Breaks",
            open_breaks,
            f"{severe_breaks or 'none'} severe",
            "reconciliation.view_break",
            "admin:reconciliation_break_changelist",
            is_urgent=bool(severe_breaks),
        ),
        Card(
            "Approvals",
            approvals.waiting(now=timezone.now()).count(),
            "wait for a second person",
            "accounts.view_approval",
            "operations:approvals",
            is_urgent=False,
        ),
    ]
