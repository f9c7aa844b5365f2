"""How members' orders stand: what the exchange answers a member who is unsure of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from venues.exchange.commands import OURSELVES
from venues.exchange.models import Execution, MemberReport
from venues.messages import ExecutionReport, ReportKind

_NOTHING: Final = Decimal(0)


def statuses(client_order_ids: Sequence[str], *, member: str = OURSELVES) -> list[ExecutionReport]:
    """Return one STATUS for each of these orders that the member was ever told anything of.

    Whatever was entered was reported on in the same cycle, so that an order without a report
    never came. A refused cancel says nothing of the order that it named. The STATUS has the
    sequence 0: it stands outside of the count. What is left of an order that has ended is nothing,
    and its reason is that of its end; the reports themselves tell the whole story.
    """
    told = MemberReport.objects.filter(member=member, client_order_id__in=client_order_ids)
    replaced = set(_replaced(member, client_order_ids).values_list("reference", flat=True))
    now = timezone.now()
    return [
        _status(last, now, is_replaced=last.client_order_id in replaced) for last in _latest(told)
    ]


def open_orders(*, member: str, at: datetime) -> list[MemberReport]:
    """Return the last report before `at` of each of the member's orders that was open then."""
    told = MemberReport.objects.filter(member=member, at__lt=at)
    replaced = set(
        told.filter(kind=ReportKind.REPLACED).values_list("reference", flat=True).iterator()
    )
    return [
        last
        for last in _latest(told)
        if last.leaves_quantity and last.client_order_id not in replaced
    ]


def executed(member: str, client_order_id: str) -> Decimal:
    """Return what a member's order has executed, less what was taken back."""
    fills = Execution.objects.filter(member=member, client_order_id=client_order_id)
    last = fills.order_by("-sequence").first()
    return last.cumulative_quantity if last else _NOTHING


def last_sequence(member: str) -> int:
    """Return the number of the last report that the member was given, 0 before the first."""
    last = MemberReport.objects.filter(member=member).order_by("-sequence").first()
    return last.sequence if last else 0


def _latest(told: QuerySet[MemberReport]) -> QuerySet[MemberReport]:
    """Return the last of the reports on each order."""
    about_orders = told.exclude(kind=ReportKind.CANCEL_REJECTED)
    return about_orders.order_by("client_order_id", "-sequence").distinct("client_order_id")


def _replaced(member: str, client_order_ids: Sequence[str]) -> QuerySet[MemberReport]:
    """Return the reports of the orders that took the places of these."""
    return MemberReport.objects.filter(
        member=member, kind=ReportKind.REPLACED, reference__in=client_order_ids
    )


def _status(last: MemberReport, now: datetime, *, is_replaced: bool) -> ExecutionReport:
    # A report on a replacement counts what the replaced order had executed, not its own.
    is_about_another = last.kind in (ReportKind.REPLACED, ReportKind.REPLACE_REJECTED)
    return ExecutionReport(
        sequence=0,
        # To ask again is another question, also when nothing has happened since.
        execution_id=f"S{last.sequence}-{now.timestamp():.6f}",
        kind=ReportKind.STATUS,
        client_order_id=last.client_order_id,
        venue_order_id=last.venue_order_id,
        at=now,
        quantity=None,
        price=None,
        cumulative_quantity=_NOTHING if is_about_another else last.cumulative_quantity,
        leaves_quantity=_NOTHING if is_replaced else last.leaves_quantity,
        reason="" if last.leaves_quantity else last.reason,
    )
