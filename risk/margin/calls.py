"""Margin calls: made when equity does not bear what is kept, met or due, and what follows.

A call is made and carried on under its account's lock, and everybody concerned is told of each
step: the customer by an activity, operations by an alert.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from foundation import bulk, decimals, history
from marketdata import calendars
from risk.findings import Kind, Severity
from risk.margin import book as margin_book
from risk.margin import requirements as margin
from risk.margin.book import Sheet
from risk.margin.models import MarginCall
from risk.margin.requirements import Standing
from risk.surveillance import alerts

log = structlog.get_logger(__name__)

DAYS: Final = 2
"""A maintenance call is due at the close of the second business day after it (our rule)."""
EQUITY: Final = (MarginCall.Kind.MAINTENANCE, MarginCall.Kind.HOUSE)
"""What equity below maintenance makes, by the price of the moment; others are made by trades."""
RULE: Final = "rule:margin"
_CLOSE: Final = time(16)
_WEEKEND: Final = 5


def unmet() -> QuerySet[MarginCall]:
    """Return the calls that are not met, the one that is due first in front."""
    return MarginCall.objects.exclude(status=MarginCall.Status.MET).order_by("due_at", "pk")


def of_equity() -> QuerySet[MarginCall]:
    """Return the calls that are not met and that equity below maintenance has made."""
    return unmet().filter(kind__in=EQUITY)


def due_at(now: datetime, *, calendar: str) -> datetime:
    """Return when a maintenance call that is made now is due."""
    return due_after(calendars.date_of(now), days=DAYS, calendar=calendar)


def due_after(today: date, *, days: int, calendar: str) -> datetime:
    """Return when what is due so many business days after `today` is due.

    At the close of that session; where the market never closes, at 16:00 in New York of that
    weekday.
    """
    if calendar != calendars.ALWAYS:
        coming = calendars.sessions(
            calendar, first=today + timedelta(days=1), last=today + timedelta(days=15)
        )
        return coming[days - 1].close
    day, left = today, days
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
        call = of_equity().filter(account_id=account_id).first()
        if sheet is None or not sheet.is_live:
            return call
        found = sheet.standing()
        if call is None:
            return _make(account, sheet, found, now) if found.deficit else None
        if not found.deficit:
            end(account, call, met_by(account, sheet, call), now)
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
    keep(call, "Equity fell below what the positions require", now)
    tell(account, call, "margin.called", now)
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
    keep(call, "Equity fell below the floor of the house", now)
    tell(account, call, "margin.call_due_at_once", now)


def end(account: LockedAccount, call: MarginCall, by: MarginCall.MetBy, now: datetime) -> None:
    """Note that the call is met, and tell so."""
    call.status, call.met_at, call.met_by = MarginCall.Status.MET, now, by
    keep(call, f"Met by {call.met_by}", now)
    tell(account, call, "margin.call_met", now)


def met_by(account: LockedAccount, sheet: Sheet, call: MarginCall) -> MarginCall.MetBy:
    """Return what has met the call: our waves, money paid in, positions given up, or the market."""
    now_held = {each.code: abs(each.quantity) for each in sheet.positions}
    was_reduced = any(
        now_held.get(code, Decimal(0)) < abs(Decimal(quantity))
        for code, quantity in call.positions.items()
    )
    if call.wave and was_reduced:
        return MarginCall.MetBy.LIQUIDATION
    if paid_in(account.pk, call.made_at) > 0:
        return MarginCall.MetBy.DEPOSIT
    return MarginCall.MetBy.SALE if was_reduced else MarginCall.MetBy.PRICE


def paid_in(account_id: UUID, since: datetime) -> Decimal:
    """Return how much was deposited since then and not taken out again, in USD or coins."""
    [[amount]] = bulk.execute(_PAID_IN, [since, account_id, since, account_id, account_id, since])
    return Decimal(amount)


# A deposit that the bank takes back is reversed.
_PAID_IN: Final = """
    SELECT coalesce((SELECT sum(amount) FROM portfolio_transfer
                      WHERE kind = 'deposit' AND at >= %s AND credit_id IN (
                            SELECT id FROM portfolio_ledgeraccount WHERE owner_id = %s)), 0)
         - coalesce((SELECT sum(amount) FROM portfolio_transfer
                      WHERE kind IN ('withdrawal', 'reversal') AND asset = 'USD' AND at >= %s
                        AND debit_id IN (
                            SELECT id FROM portfolio_ledgeraccount WHERE owner_id = %s)), 0)
         - coalesce((SELECT sum(value) FROM portfolio_funding
                      WHERE account_id = %s AND asset <> 'USD' AND asked_at >= %s
                        AND state NOT IN ('cancelled', 'returned')), 0)
"""


def liquidate(
    call: MarginCall, *, now: datetime, spared: Decimal = Decimal(0)
) -> MarginCall | None:
    """Note, in the caller's transaction and under the account's lock, that its next wave begins.

    `spared` is what of its deficiency no wave is to cure, as of the first. Returns the call as it
    is then, None when it was met meanwhile.
    """
    account = locks.lock(call.account_id)
    fresh = unmet().filter(pk=call.pk).first()
    if fresh is None:
        return None
    is_first = fresh.status != MarginCall.Status.LIQUIDATING
    fresh.status, fresh.wave = MarginCall.Status.LIQUIDATING, fresh.wave + 1
    fresh.liquidated_from = fresh.liquidated_from or now
    fresh.spared = spared if is_first else fresh.spared
    keep(fresh, f"Wave {fresh.wave} of its liquidation", now)
    if is_first:
        tell(account, fresh, "margin.liquidating", now)
    return fresh


def is_news(call: MarginCall | None, found: Standing) -> bool:
    """Tell whether this standing makes, raises or ends a call: then it is to be reviewed."""
    if call is None:
        return bool(found.deficit)
    is_falling = call.kind != MarginCall.Kind.HOUSE and margin.is_below_floor(found)
    return not found.deficit or found.deficit > call.amount_max or is_falling


def to_liquidate(known: Iterable[MarginCall], *, now: datetime) -> list[MarginCall]:
    """Return the overdue calls for which positions are closed, one of each account.

    One that its equity has made goes before one that its trades have made: less cures it.
    """
    found: dict[UUID, MarginCall] = {}
    for call in sorted(known, key=lambda each: each.kind not in EQUITY):
        if call.closes_positions and call.due_at <= now:
            found.setdefault(call.account_id, call)
    return list(found.values())


def last_sessions(calendar: str, today: date, count: int) -> list[date]:
    """Return the last `count` business days, today's included if it is one, oldest first."""
    if calendar != calendars.ALWAYS:
        known = calendars.sessions(
            calendar, first=today - timedelta(days=count * 3 + 10), last=today
        )
        return [each.date for each in known[-count:]]
    days = [today - timedelta(days=number) for number in range(count * 2 + 3)]
    return sorted([day for day in days if day.weekday() < _WEEKEND][:count])


def keep(call: MarginCall, reason: str, now: datetime) -> None:
    """Write the call, and in its history why."""
    history.because(call, reason, at=now)
    call.save()


def tell(account: LockedAccount, call: MarginCall, kind: str, now: datetime) -> None:
    """Tell everybody concerned of a step of the call, in the transaction that takes it."""
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
