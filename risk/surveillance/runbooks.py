"""What to do about each kind of alert: a page of docs/runbooks, and the place in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings

from risk.findings import Kind

GENERAL: Final = "alerts"

PLACES: Final[Mapping[str, str]] = {
    Kind.LARGE_TRADE: "alerts#unusual-for-the-customer",
    Kind.ODD_HOURS: "alerts#unusual-for-the-customer",
    Kind.VELOCITY: "alerts#unusual-for-the-customer",
    Kind.UNUSUAL_TRANSFER: "alerts#severe-ones",
    Kind.WASH_TRADE: "alerts#severe-ones",
    Kind.LAYERING: "alerts#made-to-deceive",
    Kind.MARKING_CLOSE: "alerts#made-to-deceive",
    Kind.MOMENTUM_IGNITION: "alerts#made-to-deceive",
    Kind.REPEATED_EXECUTIONS: "kill-switch#executions_repeated",
    Kind.CLOCK_DRIFT: "kill-switch#clock_drift",
    Kind.MARGIN_CALL: "margin-call#look",
    Kind.LIQUIDATION: "margin-call#a-liquidation-stands-still",
    Kind.DEPOSIT_RETURNED: "alerts#money-that-came-back",
    Kind.DEPOSIT_FAILED: "alerts#money-that-came-back",
    Kind.BUST_OWED: "alerts#money-that-came-back",
    Kind.SHARED_PAYEE: "alerts#made-to-deceive",
    Kind.CORPORATE_ACTION_DUE: "corporate-action#when-it-does-not-go-on",
    Kind.DAY_JOB_FAILED: "close-of-day#do",
    Kind.BOOKS_TOUCHED: "tampering#first",
    Kind.REPORT_PARKED: "venue-link#parked-reports",
    Kind.BACKUP_OVERDUE: "backups#no-backup-is-taken",
    Kind.ARCHIVE_BEHIND: "backups#the-log-is-not-archived",
    "break_found": "alerts#a-break",
    "feed_lost": "feed-stale#do",
    "surveillance_failed": "alerts#severe-ones",
    "switch_engaged": "kill-switch#see-that-it-holds",
}


def place(kind: str) -> str:
    """Return the page, and the place in it, for an alert of this kind: `alerts#severe-ones`."""
    return PLACES.get(kind, GENERAL)


def path(kind: str) -> str:
    """Return where operations reads it."""
    page, _, anchor = place(kind).partition("#")
    return f"/admin/runbooks/{page}/" + (f"#{anchor}" if anchor else "")


def address(kind: str) -> str:
    """Return the same for a message that leaves the program."""
    return f"{settings.PUBLIC_URL}{path(kind)}"
