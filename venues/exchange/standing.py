"""How members' orders stand: what the exchange answers a member who is unsure of its own."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from venues.exchange.commands import OURSELVES
from venues.exchange.models import MemberReport
from venues.messages import ExecutionReport, ReportKind


def statuses(client_order_ids: Sequence[str], *, member: str = OURSELVES) -> list[ExecutionReport]:
    """Return one STATUS for each of these orders that the member was ever told anything of.

    Whatever was entered was reported on in the same cycle, so that an order without a report
    never came. A refused cancel says nothing of the order that it named. The STATUS has the
    sequence 0: it stands outside of the count.
    """
    told = MemberReport.objects.filter(member=member, client_order_id__in=client_order_ids)
    about_orders = told.exclude(kind=ReportKind.CANCEL_REJECTED)
    now = timezone.now()
    return [
        ExecutionReport(
            sequence=0,
            execution_id=f"status-{last.client_order_id}-{last.sequence}"[:64],
            kind=ReportKind.STATUS,
            client_order_id=last.client_order_id,
            venue_order_id=last.venue_order_id,
            at=now,
            quantity=None,
            price=None,
            cumulative_quantity=last.cumulative_quantity,
            leaves_quantity=last.leaves_quantity,
        )
        for last in about_orders.order_by("client_order_id", "-sequence").distinct(
            "client_order_id"
        )
    ]


def last_sequence(member: str) -> int:
    """Return the number of the last report that the member was given, 0 before the first."""
    last = MemberReport.objects.filter(member=member).order_by("-sequence").first()
    return last.sequence if last else 0
