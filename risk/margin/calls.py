"""Margin calls: made when equity does not bear what is kept, met or due, and what follows.

A call is made and carried on under its account's lock, and everybody concerned is told of each
step: the customer by an activity, operations by an alert.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import QuerySet

from accounts import activity, locks
from accounts.chain import Event
from accounts.locks import LockedAccount
from accounts.models import User
from foundation import bulk, decimals
from marketdata import calendars
from risk.findings import Kind, Severity
from risk.margin import book as margin_book
from risk.margin import requirements as margin
from risk.margin.book import Sheet
from risk.margin.models import MarginCall, MarginCallNote
from risk.margin.requirements import Standing
from risk.surveillance import alerts

log = structlog.get_logger(__name__)

DAYS: Final = 2
"""A maintenance call is due at the close of the second business day after it (our rule)."""
RULE: Final = "rule:margin"
_CLOSE: Final = time(16)
_WEEKEND: Final = 5


def unmet() -> QuerySet[MarginCall]:
    """Return the calls that are not met, the one that is due first in front."""
    return MarginCall.objects.exclude(status=MarginCall.Status.MET).order_by("due_at", "pk")


def due_at(now: datetime, *, calendar: str) -> datetime:
    """Return when a maintenance call that is made now is due.

    At the close of the second session after today; where the market never closes, at 16:00 in New
    York on the second weekday.
    """
    today = calendars.date_of(now)
    if calendar != calendars.ALWAYS:
        coming = calendars.sessions(
            calendar, first=today + timedelta(days=1), last=today + timedelta(days=15)
        )
        return coming[DAYS - 1].close
    day, left = today, DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _WEEKEND
    return datetime.combine(day, _CLOSE, calendars.NEW_YORK).astimezone(UTC)


def review(account_id: UUID, *, now: datetime) -> MarginCall | None:
    """Make, raise or end the account's call, by how it stands behind its lock; return it.

    Without a live price of each position nothing is decided. Returns None without a call.
    """
    with transaction.atomic():
        account = locks.lock(account_id)
        sheet = margin_book.sheet(account_id, now=now)
        call = unmet().filter(account_id=account_id).first()
        if sheet is None or not sheet.is_live:
            return call
        found = sheet.standing()
        if call is None:
            return _make(account, sheet, found, now) if found.deficit else None
        if not found.deficit:
            _meet(account, sheet, call, now)
        else:
            _raise(account, call, found, now)
        return call


def _make(account: LockedAccount, sheet: Sheet, found: Standing, now: datetime) -> MarginCall:
    is_house = margin.is_below_floor(found)
    call = MarginCall(
        account_id=account.pk,
        kind=MarginCall.Kind.HOUSE if is_house else MarginCall.Kind.MAINTENANCE,
        amount=found.deficit,
        amount_max=found.deficit,
        equity=found.equity,
        maintenance=found.maintenance,
        positions={each.code: decimals.text(each.quantity) for each in sheet.positions},
        made_at=now,
        due_at=now if is_house else due_at(now, calendar=sheet.calendar),
    )
    _save(call, "Equity fell below what the positions require", now)
    _tell(account, call, "margin.called", now)
    return call


def _raise(account: LockedAccount, call: MarginCall, found: Standing, now: datetime) -> None:
    """A call grows with what is missing, and is due at once when hardly anything is left."""
    is_growing = found.deficit > call.amount_max
    call.amount_max = max(call.amount_max, found.deficit)
    if call.kind == MarginCall.Kind.HOUSE or not margin.is_below_floor(found):
        if is_growing:  # not a step of its own: a crash would make one each second
            call.save_without_historical_record()  # type: ignore[attr-defined]
        return
    call.kind, call.due_at = MarginCall.Kind.HOUSE, min(call.due_at, now)
    _save(call, "Equity fell below the floor of the house", now)
    _tell(account, call, "margin.call_due_at_once", now)


def _meet(account: LockedAccount, sheet: Sheet, call: MarginCall, now: datetime) -> None:
    call.status, call.met_at = MarginCall.Status.MET, now
    call.met_by = _met_by(account, sheet, call)
    _save(call, f"Met by {call.met_by}", now)
    _tell(account, call, "margin.call_met", now)


def _met_by(account: LockedAccount, sheet: Sheet, call: MarginCall) -> MarginCall.MetBy:
    """Return what has met the call: our waves, money paid in, positions given up, or the market."""
    now_held = {each.code: abs(each.quantity) for each in sheet.positions}
    was_reduced = any(
        now_held.get(code, Decimal(0)) < abs(Decimal(quantity))
        for code, quantity in call.positions.items()
    )
    if call.wave and was_reduced:
        return MarginCall.MetBy.LIQUIDATION
    if _paid_in(account.pk, call.made_at):
        return MarginCall.MetBy.DEPOSIT
    return MarginCall.MetBy.SALE if was_reduced else MarginCall.MetBy.PRICE


def _paid_in(account_id: UUID, since: datetime) -> bool:
    rows = bulk.execute(
        """SELECT 1 FROM portfolio_transfer t JOIN portfolio_ledgeraccount l ON l.id = t.credit_id
            WHERE l.owner_id = %s AND t.kind = 'deposit' AND t.at >= %s LIMIT 1""",
        [account_id, since],
    )
    return bool(rows)


def liquidate(call: MarginCall, *, now: datetime) -> MarginCall | None:
    """Note, in the caller's transaction and under the account's lock, that its next wave begins.

    Returns the call as it is then, None when it was met meanwhile.
    """
    account = locks.lock(call.account_id)
    fresh = unmet().filter(pk=call.pk).first()
    if fresh is None:
        return None
    is_first = fresh.status != MarginCall.Status.LIQUIDATING
    fresh.status, fresh.wave = MarginCall.Status.LIQUIDATING, fresh.wave + 1
    fresh.liquidated_from = fresh.liquidated_from or now
    _save(fresh, f"Wave {fresh.wave} of its liquidation", now)
    if is_first:
        _tell(account, fresh, "margin.liquidating", now)
    return fresh


def add_note(call_id: int, *, text: str, by: User, now: datetime) -> MarginCallNote:
    """Keep what somebody has to say of a call. Raises ValueError when it is nothing."""
    if not text.strip():
        raise ValueError("Say something.")
    return MarginCallNote.objects.create(call_id=call_id, at=now, by=by, text=text.strip()[:500])


def is_news(call: MarginCall | None, found: Standing) -> bool:
    """Tell whether this standing makes, raises or ends a call: then it is to be reviewed."""
    if call is None:
        return bool(found.deficit)
    is_falling = call.kind != MarginCall.Kind.HOUSE and margin.is_below_floor(found)
    return not found.deficit or found.deficit > call.amount_max or is_falling


def is_overdue(call: MarginCall, *, now: datetime) -> bool:
    return call.status != MarginCall.Status.MET and call.due_at <= now


def last_sessions(calendar: str, today: date, count: int) -> list[date]:
    """Return the last `count` business days, today's included if it is one, oldest first."""
    if calendar != calendars.ALWAYS:
        known = calendars.sessions(
            calendar, first=today - timedelta(days=count * 3 + 10), last=today
        )
        return [each.date for each in known[-count:]]
    days = [today - timedelta(days=number) for number in range(count * 2 + 3)]
    return sorted([day for day in days if day.weekday() < _WEEKEND][:count])


def _save(call: MarginCall, reason: str, now: datetime) -> None:
    call._change_reason = reason  # type: ignore[attr-defined]  # as simple_history reads it
    call._history_date = now  # type: ignore[attr-defined]
    call.save()


def _tell(account: LockedAccount, call: MarginCall, kind: str, now: datetime) -> None:
    payload = {
        "call_id": str(call.pk),
        "kind": str(call.kind),
        "amount": decimals.text(call.amount_max),
        "due_at": call.due_at.isoformat(),
        "met_by": str(call.met_by) or None,
    }
    activity.record([(account, Event(kind=kind, at=now, actor=RULE, payload=payload))])
    log.warning(kind.replace(".", "_"), account_id=str(account.pk), **payload)
    if kind == "margin.call_met":
        return
    evidence: dict[str, Any] = {"call": call.pk, "amount": call.amount_max, "what": kind}
    alerts.raise_alert(
        kind=Kind.MARGIN_CALL,
        severity=Severity.SEVERE if call.kind == MarginCall.Kind.HOUSE else Severity.WARNING,
        account_id=account.pk,
        evidence=evidence,
        now=now,
        summary=f"{call}: {kind.removeprefix('margin.').replace('_', ' ')}",
        key=f"{call.pk}:{kind}",
    )
