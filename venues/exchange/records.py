"""What the exchange writes down and reads again: its journal, its snapshots, its members' papers.

Everything here runs on the exchange's own connection, in transactions of its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import Error, connection, transaction
from django.db.models import Model

from foundation import bulk, failpoints, wakeups
from venues import messages
from venues.exchange import journal as codec
from venues.exchange.commands import Command, Enter, Event, Report, request_id
from venues.exchange.engine import Engine
from venues.exchange.models import (
    Execution,
    JournalEntry,
    MemberCancel,
    MemberOrder,
    MemberReplace,
    MemberReport,
    Snapshot,
)

log = structlog.get_logger(__name__)

# Names this lock among the database's advisory locks; the number itself means nothing.
_OWNERSHIP: Final = 7_401_001
_ENTRIES_AT_ONCE: Final = 500


class JournalBroken(RuntimeError):
    """The journal has a gap: the exchange's state cannot be known, and nothing may trade on it."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """The engine as it was after the journal entry `sequence` (0: nothing was ever journaled)."""

    engine: Engine
    sequence: int
    at: datetime | None


@contextmanager
def ownership() -> Iterator[bool]:
    """Give whether we alone may run the exchange on this database now, and keep it so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_OWNERSHIP])
        is_ours = bool(cursor.fetchone()[0])
    if not is_ours:
        connection.close()
        yield False
        return
    try:
        yield True
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_OWNERSHIP])
        except Error:
            # The connection is lost, and the lock with it.
            log.warning("exchange_lost_its_connection")
        finally:
            connection.close()


def recover() -> Recovered:
    """Return the engine as the latest snapshot and the journal say. Raises JournalBroken."""
    snapshot = Snapshot.objects.order_by("-sequence").first()
    engine = Engine.restore(zlib.decompress(snapshot.state)) if snapshot else Engine()
    sequence = snapshot.sequence if snapshot else 0
    at = snapshot.at if snapshot else None
    journal = JournalEntry.objects.filter(sequence__gt=sequence).order_by("sequence")
    for entry in journal.iterator(chunk_size=_ENTRIES_AT_ONCE):
        if entry.sequence != sequence + 1:
            raise JournalBroken(f"journal entry {sequence + 1} is missing")
        for command in codec.decode(entry.commands):
            engine.apply(command, entry.at)
        sequence, at = entry.sequence, entry.at
    return Recovered(engine, sequence, at)


def commit(
    *, sequence: int, at: datetime, commands: Sequence[Command], events: Sequence[Event]
) -> None:
    """Make a cycle durable in one transaction: its commands, and what members are told of it."""
    entered = [command for command in commands if isinstance(command, Enter)]
    told = [event for event in events if isinstance(event, Report)]
    reports = [_report_row(event) for event in told]
    with transaction.atomic():
        entry = bulk.new(JournalEntry, sequence=sequence, at=at, commands=codec.encode(commands))
        bulk.insert([entry])
        bulk.insert(_order_rows(entered, at, sequence))
        bulk.insert(_cancel_rows(entered, at, sequence))
        bulk.insert(_replace_rows(entered, at, sequence))
        bulk.insert(reports)
        bulk.insert(_execution_rows(told))
        if reports:
            wakeups.send(wakeups.Channel.VENUE_REPORTS)
        failpoints.reach("exchange.written")


def entered_before(entered: Sequence[Enter]) -> set[tuple[str, str]]:
    """Return (member, request id) of those that members have entered before, at any time."""
    known: set[tuple[str, str]] = set()
    for member in {each.member for each in entered}:
        ids = [request_id(each.request) for each in entered if each.member == member]
        known |= {(member, each) for each in _known(member, ids)}
    return known


def _known(member: str, request_ids: Sequence[str]) -> set[str]:
    """Return which of its requests the member has entered before."""
    orders = [each.removeprefix("order:") for each in request_ids if each.startswith("order:")]
    cancels = [each.removeprefix("cancel:") for each in request_ids if each.startswith("cancel:")]
    asked: tuple[tuple[str, type[Model], str, list[str]], ...] = (
        ("order", MemberOrder, "client_order_id", orders),
        ("order", MemberReplace, "new_client_order_id", orders),
        ("cancel", MemberCancel, "request_id", cancels),
    )
    return {
        f"{kind}:{name}"
        for kind, papers, field, names in asked
        if names
        for name in papers._default_manager.filter(
            member=member, **{f"{field}__in": names}
        ).values_list(field, flat=True)
    }


def reports(*, member: str, after: int, limit: int) -> list[messages.ExecutionReport]:
    """Return the reports to `member` that follow the sequence `after`, at most `limit`."""
    rows = MemberReport.objects.filter(member=member, sequence__gt=after).order_by("sequence")[
        :limit
    ]
    return [
        messages.ExecutionReport(
            sequence=row.sequence,
            execution_id=row.execution_id,
            kind=messages.ReportKind(row.kind),
            client_order_id=row.client_order_id,
            venue_order_id=row.venue_order_id,
            at=row.at,
            quantity=row.quantity,
            price=row.price,
            cumulative_quantity=row.cumulative_quantity,
            leaves_quantity=row.leaves_quantity,
            reason=row.reason,
            reference=row.reference,
        )
        for row in rows
    ]


def executions(*, after: int, limit: int) -> list[Execution]:
    """Return the executions of all members that follow the number `after`, at most `limit`."""
    return list(Execution.objects.filter(sequence__gt=after).order_by("sequence")[:limit])


def save_snapshot(engine: Engine, *, sequence: int, at: datetime) -> None:
    """Keep the state after the entry `sequence`; drop what lies behind the second-last snapshot."""
    state = zlib.compress(engine.snapshot(), level=1)
    with transaction.atomic():
        Snapshot.objects.update_or_create(
            sequence=sequence,
            defaults={"at": at, "trade_number": engine.trade_number, "state": state},
        )
        failpoints.reach("exchange.snapshot_written")
        kept = Snapshot.objects.order_by("-sequence").values_list("sequence", flat=True)[:2]
        oldest = min(kept)
        Snapshot.objects.filter(sequence__lt=oldest).delete()
        if len(kept) > 1:
            JournalEntry.objects.filter(sequence__lte=oldest).delete()


def _order_rows(entered: Sequence[Enter], at: datetime, sequence: int) -> list[MemberOrder]:
    return [
        bulk.new(
            MemberOrder,
            member=each.member,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side.value,
            quantity=order.quantity,
            type=order.type.value,
            time_in_force=order.time_in_force.value,
            limit_price=order.limit_price,
            is_post_only=order.is_post_only,
            display_quantity=order.display_quantity,
            cash_max=order.cash_max,
            extended_hours=order.extended_hours,
            party=order.party,
            self_trade_prevention=order.self_trade_prevention.value,
            entered_at=at,
            journal_sequence=sequence,
        )
        for each in entered
        if isinstance(order := each.request, messages.NewOrder)
    ]


def _cancel_rows(entered: Sequence[Enter], at: datetime, sequence: int) -> list[MemberCancel]:
    return [
        bulk.new(
            MemberCancel,
            member=each.member,
            request_id=cancel.request_id,
            client_order_id=cancel.client_order_id,
            entered_at=at,
            journal_sequence=sequence,
        )
        for each in entered
        if isinstance(cancel := each.request, messages.CancelOrder)
    ]


def _replace_rows(entered: Sequence[Enter], at: datetime, sequence: int) -> list[MemberReplace]:
    return [
        bulk.new(
            MemberReplace,
            member=each.member,
            client_order_id=wanted.client_order_id,
            new_client_order_id=wanted.new_client_order_id,
            quantity=wanted.quantity,
            limit_price=wanted.limit_price,
            entered_at=at,
            journal_sequence=sequence,
        )
        for each in entered
        if isinstance(wanted := each.request, messages.ReplaceOrder)
    ]


def _execution_rows(told: Sequence[Report]) -> list[Execution]:
    return [
        bulk.new(
            Execution,
            sequence=event.execution.number,
            execution_id=report.execution_id,
            kind=report.kind.value,
            reference=report.reference,
            member=event.member,
            client_order_id=report.client_order_id,
            venue_order_id=report.venue_order_id,
            symbol=event.symbol,
            side=event.execution.side.value,
            quantity=event.execution.quantity,
            price=event.execution.price,
            cumulative_quantity=report.cumulative_quantity,
            leaves_quantity=report.leaves_quantity,
            at=report.at,
            date=event.execution.date,
        )
        for event in told
        if event.execution is not None
        for report in (event.report,)
    ]


def _report_row(event: Report) -> MemberReport:
    report = event.report
    return bulk.new(
        MemberReport,
        member=event.member,
        symbol=event.symbol,
        sequence=report.sequence,
        execution_id=report.execution_id,
        kind=report.kind.value,
        client_order_id=report.client_order_id,
        venue_order_id=report.venue_order_id,
        at=report.at,
        quantity=report.quantity,
        price=report.price,
        cumulative_quantity=report.cumulative_quantity,
        leaves_quantity=report.leaves_quantity,
        reason=str(report.reason),
        reference=report.reference,
    )
