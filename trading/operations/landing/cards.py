"""What needs a person now: how much of each, how grave, and the page on which it is worked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from accounts import approvals
from accounts.models import User
from portfolio.funding import services as funding
from portfolio.funding import waiting as moneys
from reconciliation.breaks import selectors as reconciliation
from reconciliation.day import selectors as days
from risk import selectors as risk
from risk.findings import Severity
from trading.operations import approving
from trading.operations.landing.lines import age
from venues.backlog import Backlog


@dataclass(frozen=True, slots=True)
class Card:
    """How many of something wait, what is to know of them, and the page on which they do.

    One that is urgent cannot wait until tomorrow.
    """

    name: str
    count: int
    note: str
    link: str
    is_urgent: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page was asked with: who looks, when, and what waits on the wire."""

    by: User
    now: datetime
    wire: Sequence[Backlog]


Read = Callable[[Asked], list[Card]]


def cards(asked: Asked) -> list[Card]:
    """Return what waits and `asked.by` may see; what they may not is not read."""
    return [
        card for permission, read in _READS if asked.by.has_perm(permission) for card in read(asked)
    ]


def _alerts(_: Asked) -> list[Card]:
    found = risk.open_alerts()
    severe = sum(each.count for each in found if each.severity is Severity.SEVERE)
    nobodys = sum(each.count for each in found if not each.is_acknowledged)
    return [
        Card(
            "Alerts",
            sum(each.count for each in found),
            f"{severe or 'none'} severe, {nobodys or 'none'} unacknowledged",
            reverse("admin:risk_alert_changelist"),
            is_urgent=bool(severe),
        )
    ]


def _approvals(asked: Asked) -> list[Card]:
    yours, of = approving.count_waiting(by=asked.by, now=asked.now)
    return [
        Card(
            "Approvals",
            yours,
            f"wait for you, of {of} in all",
            reverse("operations:approvals"),
            is_urgent=bool(yours),
        )
    ]


def _margin_calls(asked: Asked) -> list[Card]:
    calls = risk.open_calls(now=asked.now)
    return [
        Card(
            "Margin calls",
            calls.open,
            f"not met yet, {calls.overdue or 'none'} overdue",
            reverse("admin:risk_margincall_changelist"),
            is_urgent=bool(calls.open),
        )
    ]


def _switches(_: Asked) -> list[Card]:
    engaged = risk.engaged_switches()
    return [
        Card(
            "Switches and halts",
            engaged,
            "stop something",
            reverse("admin:risk_switch_changelist"),
            is_urgent=bool(engaged),
        )
    ]


def _parked(asked: Asked) -> list[Card]:
    found = [each for each in asked.wire if each.box == "parked"]
    oldest = min((each.oldest_at for each in found), default=None)
    return [
        Card(
            "Parked reports",
            sum(each.count for each in found),
            f"the oldest for {age(oldest, asked.now)}" if oldest else "all were applied",
            reverse("admin:venues_parkedreport_changelist"),
            is_urgent=bool(found),
        )
    ]


def _withdrawals(asked: Asked) -> list[Card]:
    found = moneys.withdrawals(now=asked.now)
    second = approvals.waiting(now=asked.now, kind=funding.APPROVAL).count()
    where = reverse("admin:portfolio_funding_changelist")
    return [
        Card(
            "Withdrawals",
            found.asked,
            f"asked for, {second or 'none'} for a second person",
            f"{where}?direction__exact=withdrawal&state__exact=requested",
            is_urgent=False,
        ),
        Card(
            "Overdue withdrawals",
            found.overdue,
            f"the oldest asked {age(found.oldest_at, asked.now)} ago"
            if found.overdue and found.oldest_at
            else "all go their way",
            f"{where}?direction__exact=withdrawal",
            is_urgent=bool(found.overdue),
        ),
    ]


def _breaks(_: Asked) -> list[Card]:
    count, severe = reconciliation.count_open()
    return [
        Card(
            "Breaks",
            count,
            f"{severe or 'none'} severe",
            reverse("admin:reconciliation_break_changelist"),
            is_urgent=bool(severe),
        )
    ]


def _day(asked: Asked) -> list[Card]:
    failed, late = days.failed(), days.late(now=asked.now)
    return [
        Card(
            "Close of day",
            failed + late,
            f"{failed or 'no'} job{'' if failed == 1 else 's'} failed, {late or 'none'} late",
            reverse("operations:days"),
            is_urgent=bool(failed),
        )
    ]


_READS: Final[tuple[tuple[str, Read], ...]] = (
    ("risk.view_alert", _alerts),
    ("accounts.view_approval", _approvals),
    ("risk.view_margincall", _margin_calls),
    ("risk.view_switch", _switches),
    ("venues.view_parkedreport", _parked),
    ("portfolio.view_funding", _withdrawals),
    ("reconciliation.view_break", _breaks),
    ("reconciliation.view_dayrun", _day),
)
