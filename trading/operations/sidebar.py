"""The way through operations, in words of the trade: what waits, what stops, what is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse_lazy

Permission = Callable[[HttpRequest], bool]
Entry = tuple[str, str, str]

# Of each entry its name, its page, and the permission that opens it: none is everybody's.
GROUPS: Final[tuple[tuple[str, tuple[Entry, ...]], ...]] = (
    (
        "What waits",
        (
            ("All of it", "admin:index", ""),
            ("Alerts", "admin:risk_alert_changelist", "risk.view_alert"),
            ("Margin calls", "admin:risk_margincall_changelist", "risk.view_margincall"),
            ("Approvals", "operations:approvals", "accounts.view_approval"),
            (
                "Parked reports",
                "admin:venues_parkedreport_changelist",
                "venues.view_parkedreport",
            ),
            (
                "Corporate actions",
                "admin:portfolio_corporateaction_changelist",
                "portfolio.view_corporateaction",
            ),
            ("Breaks", "admin:reconciliation_break_changelist", "reconciliation.view_break"),
            ("Money in and out", "admin:portfolio_funding_changelist", "portfolio.view_funding"),
            ("Close of day", "operations:days", "reconciliation.view_dayrun"),
            ("Runbooks", "operations:runbooks", "risk.view_alert"),
        ),
    ),
    (
        "What stops",
        (
            ("Switches and halts", "admin:risk_switch_changelist", "risk.view_switch"),
            ("Limits", "admin:risk_limits_changelist", "risk.view_limits"),
            ("Margin rates", "admin:risk_marginrate_changelist", "risk.view_marginrate"),
        ),
    ),
    (
        "What is looked at",
        (
            ("Firm risk", "operations:firm", "risk.view_marginstatus"),
            ("Reconciliation", "operations:reconciliation", "reconciliation.view_break"),
            ("Seals and proofs", "operations:proofs", "reconciliation.view_seal"),
            (
                "Statements of others",
                "admin:reconciliation_statementfile_changelist",
                "reconciliation.view_statementfile",
            ),
            ("Accounts", "admin:accounts_account_changelist", "accounts.view_account"),
            ("Notes", "admin:accounts_accountnote_changelist", "accounts.view_accountnote"),
            ("Lost factors", "operations:lost_factors", "accounts.add_reenrolment"),
            ("Another name", "operations:names", "accounts.add_profile"),
            ("Orders", "admin:orders_order_changelist", "orders.view_order"),
            ("Trades", "admin:orders_trade_changelist", "orders.view_trade"),
            (
                "Statements",
                "admin:reconciliation_statement_changelist",
                "reconciliation.view_statement",
            ),
            (
                "Legal holds",
                "admin:reconciliation_legalhold_changelist",
                "reconciliation.view_legalhold",
            ),
            ("Positions", "admin:portfolio_position_changelist", "portfolio.view_position"),
            ("Decisions", "admin:risk_decision_changelist", "risk.view_decision"),
            ("Instruments", "admin:marketdata_instrument_changelist", "marketdata.view_instrument"),
            ("Venues", "admin:venues_venue_changelist", "venues.view_venue"),
            (
                "Parts of the program",
                "admin:foundation_heartbeat_changelist",
                "foundation.view_heartbeat",
            ),
        ),
    ),
)


def navigation(_: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar of every page of the admin (django-unfold calls this)."""
    return [
        {
            "title": title,
            "items": [
                {"title": name, "link": reverse_lazy(page), "permission": _opened_by(permission)}
                for name, page, permission in entries
            ],
        }
        for title, entries in GROUPS
    ]


def _opened_by(permission: str) -> Permission:
    return lambda request: not permission or request.user.has_perm(permission)
