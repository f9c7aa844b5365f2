"""Writing down what comparisons find: a row for each break for as long as it lasts, and alerts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Max

from marketdata.models import Instrument
from orders.models import Order
from portfolio.models import Transfer
from reconciliation.breaks import ageing, asked, harmless
from reconciliation.breaks.ageing import Change, Standing
from reconciliation.breaks.models import BOOKS, Break, BreakStep
from reconciliation.invariants import Finding
from reconciliation.records import Break as Found
from reconciliation.records import BreakType
from risk import findings
from risk.findings import Severity
from risk.surveillance import alerts

log = structlog.get_logger(__name__)

ALERT: Final = "break_found"
RULE: Final = "rule:reconciliation"
OPEN: Final = [
    Break.State.OPEN.value, Break.State.ASSIGNED.value, Break.State.EXPLAINED.value,
    Break.State.RESOLVING.value,
]  # fmt: skip
KEY_MAX: Final = 160
GONE: Final = "It is not found any more."
State = Break.State
Kind = BreakStep.Kind


@dataclass(frozen=True, slots=True)
class Kept:
    """How many breaks a comparison has made, and how many it has resolved."""

    new: int
    resolved: int


def open_days(source: str) -> set[date]:
    """Return the days of the breaks with this source that are open."""
    return set(Break.objects.filter(source=source, state__in=OPEN).values_list("day", flat=True))


def open_statements(source: str) -> list[date]:
    """Return the days of which this source's statement is missing still, by the breaks."""
    missing = Break.objects.filter(source=source, key__startswith="statement:", state__in=OPEN)
    return sorted(missing.values_list("day", flat=True))


def keep(
    *,
    source: str,
    found: Iterable[Found],
    on: date,
    days: Collection[date],
    kinds: Collection[str],
    now: datetime,
    accounts: Mapping[str, UUID] | None = None,
) -> Kept:
    """Write down what a comparison for the day `on` has found, and what it finds no more.

    It has looked at `days` for the `kinds` of keys. `accounts` are those of breaks by key, where
    no order says whose they are. The same again changes nothing but the day on which it was found.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # One comparison of a source at a time: two would both make a break of the same thing.
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"breaks:{source}"]
            )
        found = list(found)
        keys = [each.key[:KEY_MAX] for each in found]
        standing = _standing(source, keys)
        changes = ageing.changes(found, standing, on=on, days=days, kinds=kinds)
        made = [_make(source, change, on, now, accounts or {}) for change in changes.new]
        for change in changes.other:
            _change(change, on, now)
        again = [change.known.id for change in changes.again if change.known is not None]
        Break.objects.filter(pk__in=again, found_on__lt=on).update(found_on=on)
        for change in changes.gone:
            _let_go(change, now)
        ruled = [change for change in (*changes.new, *changes.other) if change.rule]
        age(source=source, on=on, now=now)
    return Kept(new=len(made), resolved=len(changes.gone) + len(ruled))


def keep_findings(checked: Iterable[Finding], *, on: date, now: datetime) -> Kept:
    """Write down where our own books do not agree with themselves."""
    found, accounts = [], {}
    for finding in checked:
        for breach in finding.breaches:
            key = f"invariant:{finding.number}:{breach.account_id or '-'}:{breach.what}"[:KEY_MAX]
            facts = {"invariant": f"{finding.number}: {finding.name}", "what": breach.what}
            found.append(Found(BreakType.BOOKS, key, on, facts, {}, "", harmless.NOTHING))
            if breach.account_id is not None:
                accounts[key] = breach.account_id
    days = open_days(BOOKS) | {on}
    return keep(
        source=BOOKS, found=found, on=on, days=days, kinds={"invariant"}, now=now,
        accounts=accounts,
    )  # fmt: skip


def age(*, source: str, on: date, now: datetime) -> None:
    """Make breaks more urgent with their age, and tell people of those that are."""
    told = []
    for row in Break.objects.filter(source=source, state__in=OPEN).order_by("pk"):
        days = max((on - row.day).days, 0)
        kind = BreakType(row.type)
        severity = harmless.severity(kind=kind, key=row.key, value=row.value, age_days=days)
        if severity > row.severity:
            row.severity = severity
            row.save(update_fields=["severity"])
        if row.severity >= Severity.WARNING:
            told.append(_finding(row, days, now))
    alerts.raise_alerts(told, now=now)


def step(
    row: Break,
    kind: BreakStep.Kind,
    *,
    actor: str,
    now: datetime,
    note: str = "",
    facts: Mapping[str, Any] | None = None,
) -> BreakStep:
    """Write down what happened to a break; its row must be locked, or new."""
    last = row.steps.aggregate(last=Max("number"))["last"] or 0
    made: BreakStep = BreakStep.objects.create(
        found=row, number=last + 1, kind=kind, at=now, actor=actor, note=note,
        facts=dict(facts or {}),
    )  # fmt: skip
    return made


def _standing(source: str, keys: Collection[str]) -> dict[str, Standing]:
    """Return the latest row of each of these keys, and of all that are open."""
    rows = Break.objects.filter(source=source)
    latest = [
        *rows.filter(key__in=keys).order_by("key", "-pk").distinct("key"),
        *rows.filter(state__in=OPEN),
    ]
    return {
        row.key: Standing(
            row.pk, row.key, BreakType(row.type), row.day, row.difference, row.cash, row.is_open,
            row.found_on, row.rule,
        )
        for row in latest
    }  # fmt: skip


def _make(
    source: str, change: Change, on: date, now: datetime, accounts: Mapping[str, UUID]
) -> Break:
    found = _told(change)
    order = _order(found.order)
    days = max((on - found.day).days, 0)
    row = Break(
        source=source,
        key=found.key[:KEY_MAX],
        day=found.day,
        found_on=on,
        found_at=now,
        account_id=order.account_id if order else accounts.get(found.key) or _owner(found.key),
        instrument=order.instrument if order else _instrument(found),
        order_id=order.pk if order else None,
        severity=harmless.severity(
            kind=found.type, key=found.key, value=found.value, age_days=days
        ),
    )
    _write(row, found)
    row.save()
    step(row, Kind.FOUND, actor=RULE, now=now, facts=_facts(found))
    if change.rule is not None:
        _by_rule(row, change.rule, now)
    log.info("break_found", source=source, key=row.key, type=row.type)
    return row


def _change(change: Change, on: date, now: datetime) -> None:
    """Carry on a break of which something else is found than before."""
    found, row = _told(change), _locked(change)
    if not row.is_open:
        return  # the next comparison says what becomes of it
    _write(row, found)
    row.found_on = max(row.found_on, on)
    row.save()
    step(row, Kind.CHANGED, actor=RULE, now=now, facts=_facts(found))
    if change.rule is not None:
        _by_rule(row, change.rule, now)


def _let_go(change: Change, now: datetime) -> None:
    """Resolve what is not found any more, unless people have done so meanwhile."""
    row = _locked(change)
    if not row.is_open:
        return
    row.state, row.rule, row.resolved_at = State.AUTO_RESOLVED, harmless.GONE, now
    row.save(update_fields=["state", "rule", "resolved_at"])
    step(row, Kind.RESOLVED, actor=RULE, now=now, note=GONE)
    asked.let_go(row, why=GONE, now=now)


def _locked(change: Change) -> Break:
    """Return the row of a known break as it is by now: people work on it all the time."""
    if change.known is None:
        raise ValueError("a break that is known has a row")
    row: Break = Break.objects.select_for_update(no_key=True).get(pk=change.known.id)
    return row


def _by_rule(row: Break, rule: harmless.Rule, now: datetime) -> None:
    row.state, row.rule, row.resolved_at = State.AUTO_RESOLVED, rule.code, now
    row.save(update_fields=["state", "rule", "resolved_at"])
    step(row, Kind.RESOLVED, actor=f"rule:{rule.code}", now=now, note=rule.says)
    asked.let_go(row, why=rule.says, now=now)


def _told(change: Change) -> Found:
    if change.found is None:
        raise ValueError("a break that is found says what was found")
    return change.found


def _write(row: Break, found: Found) -> None:
    row.type = found.type
    row.ours, row.theirs = found.ours, found.theirs
    row.asset, row.difference = found.asset, found.difference
    row.cash, row.value = found.cash, found.value


def _facts(found: Found) -> dict[str, Any]:
    return {"type": found.type.value, "ours": found.ours, "theirs": found.theirs}


def _order(name: str) -> Order | None:
    try:
        return Order.objects.select_related("instrument").filter(pk=UUID(name)).first()
    except ValueError:
        return None


def _instrument(found: Found) -> Instrument | None:
    return Instrument.objects.filter(symbol=found.asset).order_by("pk").first()


def _owner(key: str) -> UUID | None:
    """Return whose money a bank line of ours moved, if it was one customer's."""
    kind, _, name = key.partition(":transfer:")
    if kind != "line" or not name.isdigit():
        return None
    moved = Transfer.objects.select_related("debit", "credit").filter(pk=int(name)).first()
    return (moved.debit.owner_id or moved.credit.owner_id) if moved is not None else None


def _finding(row: Break, days: int, now: datetime) -> findings.Finding:
    aged = f", for {days} days" if days else ""
    return findings.Finding(
        kind=ALERT,
        severity=Severity(row.severity),
        account_id=row.account_id,
        instrument_id=row.instrument_id,
        summary=f"{row} with {row.source}, {row.day:%Y-%m-%d}{aged}",
        key=f"break:{row.pk}:{row.severity}",
        happened_at=now,
        evidence={"break": row.pk, "source": row.source, "value": row.value},
    )
