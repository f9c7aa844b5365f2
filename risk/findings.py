"""What somebody should look at: whoever finds it says so, people work it as alerts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID


class Severity(IntEnum):
    """How soon: look some time, look today, look now (people are told at once)."""

    NOTICE = 1
    WARNING = 2
    SEVERE = 3


class Kind(StrEnum):
    """What was found. Others may raise kinds of their own; these have names on the pages."""

    LARGE_TRADE = "large_trade"
    ODD_HOURS = "odd_hours"
    VELOCITY = "velocity"
    WASH_TRADE = "wash_trade"
    LAYERING = "layering"
    MARKING_CLOSE = "marking_close"
    MOMENTUM_IGNITION = "momentum_ignition"
    UNUSUAL_TRANSFER = "unusual_transfer"
    SHARED_PAYEE = "shared_payee"
    REPEATED_EXECUTIONS = "repeated_executions"
    CLOCK_DRIFT = "clock_drift"
    MARGIN_CALL = "margin_call"
    LIQUIDATION = "liquidation"
    DEPOSIT_RETURNED = "deposit_returned"
    DEPOSIT_FAILED = "deposit_failed"
    BUST_OWED = "bust_owed"
    CORPORATE_ACTION_DUE = "corporate_action_due"
    DAY_JOB_FAILED = "day_job_failed"
    BOOKS_TOUCHED = "books_touched"
    REPORT_PARKED = "report_parked"
    BACKUP_OVERDUE = "backup_overdue"
    ARCHIVE_BEHIND = "archive_behind"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be looked at, with what shows it.

    Of one kind, account, instrument and subject there is one alert at a time; `account_id` or
    `instrument_id` is None where it concerns none or many, and `subject` names what else it is
    about: a venue, a feed. `key` names the fact, so that it is told once however often it is
    found: `order:ID`. `evidence` holds ids and figures, as plain JSON values, Decimals and UUIDs.
    """

    kind: str
    severity: Severity
    account_id: UUID | None
    summary: str
    key: str
    happened_at: datetime
    instrument_id: UUID | None = None
    subject: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)
