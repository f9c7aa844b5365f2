"""Everything that happened to one order, in the order of time, as operations reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from accounts.oversight import actors
from orders import history
from orders.models import Order, Trade
from risk.models import Decision
from venues.models import InboxReport, OutboxMessage

ENTRIES_MAX: Final = 500
_LEFT_OUT: Final = frozenset(
    {"updated_at", "content_digest", "filled_value", "number_in_second", "number_in_minute"}
    # When a step was taken stands beside it.
    | {f"{step}_at" for step in ("submitted", "filled", "cancelled", "expired", "rejected")}
    | {"replaced_at"}
)
_KNOWN: Final = frozenset({"kind", "client_order_id", "party"})
"""What of a message is said already: what it is, of which order and whose."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened: when, what, who did it and why; `facts` are names and values.

    Of a step `facts` are what it changed, as "before → after". `row` is the primary key of what it
    was read from, whose page has the rest.
    """

    at: datetime
    what: str
    by: str = ""
    why: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    model: str = ""
    row: str = ""


def entries(order: Order) -> list[Entry]:
    """Return what happened, the first in front: at most so many of each kind, by six queries."""
    found = [
        *_decisions(order),
        *_steps(order),
        *_requests(order),
        *_reports(order),
        *_trades(order),
    ]
    named = actors.named(entry.by for entry in found)
    told = [replace(entry, by=named[entry.by]) for entry in found]
    return sorted(told, key=lambda entry: entry.at)  # of one moment: as they stand above


def _steps(order: Order) -> Iterator[Entry]:
    before: dict[str, Any] = {}
    names = [f.attname for f in Order._meta.concrete_fields if f.attname not in _LEFT_OUT]
    for step in history.steps(order.pk).values()[:ENTRIES_MAX]:
        yield Entry(
            at=step["history_date"],
            what=step["status"].replace("_", " "),
            by=", from ".join(each for each in (step["actor"], step["source_address"]) if each),
            why=step["history_change_reason"] or "",
            facts=tuple(
                (name.replace("_", " "), f"{_said(before[name])} → {_said(step[name])}")
                for name in names
                if before and before[name] != step[name]
            ),
        )
        before = step


def _decisions(order: Order) -> Iterator[Entry]:
    for decision in Decision.objects.filter(order_id=order.pk).defer("inputs"):
        yield Entry(
            at=decision.at,
            what="allowed by risk" if decision.allowed else "denied by risk",
            why=" ".join(each for each in (decision.code, decision.message) if each),
            model="risk_decision",
            row=str(decision.pk),
        )


def _requests(order: Order) -> Iterator[Entry]:
    for message in OutboxMessage.objects.filter(order_id=order.pk).order_by("pk")[:ENTRIES_MAX]:
        sent = f"sent {message.sent_at:%H:%M:%S.%f}" if message.sent_at else "not sent yet"
        yield Entry(
            at=message.created_at,
            what=f"to {message.venue}: {message.kind}",
            why="in doubt" if message.doubted_at and not message.sent_at else sent,
            facts=_facts(message.message),
            model="venues_outboxmessage",
            row=str(message.pk),
        )


def _reports(order: Order) -> Iterator[Entry]:
    reports = InboxReport.objects.filter(client_order_id=str(order.pk)).order_by("pk")
    for report in reports[:ENTRIES_MAX]:
        yield Entry(
            at=report.received_at,
            what=f"from {report.venue}: {report.report.get('kind', '')}",
            why=" ".join(each for each in (report.state, report.reason) if each),
            facts=_facts(report.report),
            model="venues_inboxreport",
            row=str(report.pk),
        )


def _trades(order: Order) -> Iterator[Entry]:
    for trade in Trade.objects.filter(order=order).order_by("pk")[:ENTRIES_MAX]:
        yield Entry(
            at=trade.booked_at,
            what="bust booked" if trade.busts_id else "fill booked",
            facts=(
                ("quantity", _said(trade.quantity)),
                ("price", _said(trade.price)),
                ("executed at", _said(trade.executed_at)),
                ("execution", trade.execution_id),
            ),
            model="orders_trade",
            row=str(trade.pk),
        )


def _facts(told: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    said = (
        (name.replace("_", " "), _moment(value) if name == "at" else _said(value))
        for name, value in told.items()
        if name not in _KNOWN and value is not False
    )
    return tuple((name, value) for name, value in said if value != "nothing")


def _moment(told: object) -> str:
    """Return a time that a message tells, as the others beside it are written."""
    return f"{datetime.fromisoformat(str(told)).astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def _said(value: object) -> str:
    if value in (None, ""):
        return "nothing"
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"
    return str(value)
