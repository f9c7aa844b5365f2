"""The statements of an account, as its customer and staff look for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import ExtractYear

from marketdata import calendars
from reconciliation.statements import periods
from reconciliation.statements.models import Statement
from reconciliation.statements.periods import Kind

SHOWN_MAX: Final = 400
"""Of one year and kind: a day has two at most, a year 366 days."""


@dataclass(frozen=True, slots=True)
class Coming:
    """When the next statements come: the month's on the day after it ends, the year's for tax."""

    month: date
    month_on: date
    tax_year: int
    tax_on: date


def of(
    account_id: UUID, *, year: int | None = None, kind: Kind | None = None
) -> QuerySet[Statement]:
    """Return the statements of an account, the newest first."""
    found = Statement.objects.filter(account=account_id)
    if year is not None:
        found = found.filter(last__gte=date(year, 1, 1), last__lte=date(year, 12, 31))
    if kind is not None:
        found = found.filter(kind=kind)
    return found.order_by("-last", "-made_at", "number")


def one(account_id: UUID, statement_id: UUID) -> Statement | None:
    """Return a statement of this account; another's is not there."""
    return Statement.objects.filter(account=account_id, pk=statement_id).first()


def years(account_id: UUID) -> list[int]:
    """Return the years that have statements, the latest first."""
    found = Statement.objects.filter(account=account_id).annotate(year=ExtractYear("last"))
    return list(found.order_by("-year").values_list("year", flat=True).distinct())


def coming(now: datetime) -> Coming:
    """Return when the next statements come."""
    today = calendars.date_of(now)
    month = periods.next_month_end(today)
    due = date(today.year, *periods.TAX_DUE)
    year = today.year if today > due else today.year - 1
    return Coming(
        month=month,
        month_on=month + timedelta(days=1),
        tax_year=year,
        tax_on=date(year + 1, *periods.TAX_DUE) + timedelta(days=1),
    )
