"""Taking back that somebody is a pattern day trader: asked for by one person, agreed to by another.

FINRA 4210(f)(8)(B) makes a pattern day trader of whoever makes four day trades in five business
days; a firm that believes that it will not happen again may take that back (Regulatory Notice
21-13), here once in 90 days, or whenever the equity is enough for a day trader. The day trades of
before do not count any more then, so that they make none of him again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction

from accounts import activity, approvals, locks
from accounts.chain import Event
from accounts.models import Account, Approval, User
from risk.margin import book as margin_book
from risk.margin.models import MarginStatus
from risk.margin.requirements import DAY_TRADER_EQUITY_MIN

log = structlog.get_logger(__name__)

APPROVAL: Final = "risk.day_trader"
AGAIN_AFTER: Final = timedelta(days=90)


class UnableToClear(ValueError):
    """It cannot be taken back now; the message says why."""


def ask_to_clear(account: Account, *, reason: str, by: User, now: datetime) -> Approval:
    """Ask another person to agree that the account's owner is no pattern day trader.

    Raises UnableToClear.
    """
    with transaction.atomic():
        locks.lock(account.pk)
        status = _clearable(account.pk, now=now)
        content = {
            "account": str(account.pk),
            "number": account.number,
            "pattern_day_trader_since": str(status.day_trader_since),
            "cleared_before": status.cleared_at.isoformat() if status.cleared_at else None,
        }
        return approvals.ask_once(
            kind=APPROVAL,
            subject=str(account.pk),
            content=content,
            reason=reason,
            by=by,
            now=now,
            refusal=UnableToClear,
        )


def approve(approval_id: UUID, *, by: User, reason: str = "", now: datetime) -> MarginStatus:
    """Agree to what another person has asked for, and take it back.

    Raises approvals.UnableToApprove, and UnableToClear when it cannot be taken back any more.
    """
    with transaction.atomic():
        approval = approvals.approve(approval_id, by=by, reason=reason, now=now)
        if approval.kind != APPROVAL:
            raise approvals.UnableToApprove("That is not about a pattern day trader.")
        account = locks.lock(UUID(approval.content["account"]))
        status = _clearable(account.pk, now=now)
        if str(status.day_trader_since) != approval.content["pattern_day_trader_since"]:
            raise UnableToClear("He has become one again since this was asked for: ask again.")
        status.day_trader_since, status.cleared_at, status.day_trades = None, now, 0
        status.save(update_fields=["day_trader_since", "cleared_at", "day_trades"])
        actor = f"operator:{approval.asked_by_id}"
        payload = {"agreed_by": f"operator:{by.pk}"}
        event = Event(kind="account.day_trader_cleared", at=now, actor=actor, payload=payload)
        activity.record([(account, event)])
    log.warning("day_trader_cleared", account_id=str(account.pk), by=by.pk)
    return status


def _clearable(account_id: UUID, *, now: datetime) -> MarginStatus:
    """Return the account's row, to be changed. Raises UnableToClear."""
    rows = MarginStatus.objects.select_for_update(no_key=True)
    status = rows.filter(account_id=account_id).first()
    if status is None or status.day_trader_since is None:
        raise UnableToClear("This account is no pattern day trader's.")
    if status.cleared_at is None or now >= status.cleared_at + AGAIN_AFTER:
        return status
    sheet = margin_book.sheet(account_id, now=now)
    found = sheet.standing() if sheet else None
    if found is None or found.unpriced or found.equity < DAY_TRADER_EQUITY_MIN:
        raise UnableToClear(
            f"It was taken back on {status.cleared_at:%Y-%m-%d}: again after 90 days, or with "
            f"{DAY_TRADER_EQUITY_MIN:,.0f} USD of equity."
        )
    return status
