"""What withdrawals wait for people, and which have waited too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from portfolio.funding import passage
from portfolio.funding.models import Funding
from portfolio.funding.passage import Direction, State


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """How many wait for a person to approve them, and how many are overdue, wherever they are.

    `oldest_at` is when the oldest of those that are overdue was asked for.
    """

    asked: int
    overdue: int
    oldest_at: datetime | None


def withdrawals(*, now: datetime) -> Withdrawals:
    """Return how many withdrawals wait: one look at those under way, by their index."""
    overdue = Q()
    for state, patience in passage.PATIENCE.items():
        overdue |= Q(state=state, changed_at__lt=now - patience)
    under_way = passage.UNDER_WAY[Direction.WITHDRAWAL]
    found = Funding.objects.filter(
        direction=Direction.WITHDRAWAL, state__in=sorted(under_way)
    ).aggregate(
        asked=Count("pk", filter=Q(state=State.REQUESTED)),
        overdue=Count("pk", filter=overdue),
        oldest_at=Min("asked_at", filter=overdue),
    )
    return Withdrawals(**found)
