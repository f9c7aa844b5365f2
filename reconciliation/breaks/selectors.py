"""Reading what was compared and found: a day by source, and all that a break has gone through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from django.db.models import Count, Q, QuerySet

from reconciliation.breaks.keeping import OPEN
from reconciliation.breaks.models import BOOKS, Break, Comparison
from reconciliation.records import Matter
from reconciliation.venue_statements import services as statements

DAYS_SHOWN: Final = 14
BREAKS_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Counted:
    """How many of one matter there were on a day, and what came of them."""

    matter: str
    ours: int
    theirs: int
    agreed: int
    explained: int
    broken: int


@dataclass(frozen=True, slots=True)
class SourceDay:
    """One source on one day: its comparison, if it was made, and the breaks that it has open."""

    name: str
    kind: str
    comparison: Comparison | None
    counted: tuple[Counted, ...]
    open_breaks: int


def of_day(day: date) -> list[SourceDay]:
    """Return what was compared of `day`, by source; our own books with themselves at the end."""
    made = {
        each.source: each
        for each in Comparison.objects.filter(day=day).select_related("statement").defer(
            "statement__content"
        )
    }  # fmt: skip
    open_ = dict(
        Break.objects.filter(state__in=OPEN).values_list("source").annotate(count=Count("pk"))
    )
    known = [(each.name, each.kind) for each in statements.sources()]
    gone = sorted(made.keys() - {name for name, _ in known})
    return [
        SourceDay(name, kind, made.get(name), _counted(made.get(name)), open_.get(name, 0))
        for name, kind in (*known, *((name, "") for name in gone), (BOOKS, "ourselves"))
    ]


def _counted(comparison: Comparison | None) -> tuple[Counted, ...]:
    if comparison is None:
        return ()
    counts = comparison.counts
    return tuple(Counted(m.value, **counts[m.value]) for m in Matter if m.value in counts)


def days() -> list[date]:
    """Return the latest days of which anything was compared, the newest first."""
    found = Comparison.objects.values_list("day", flat=True).distinct().order_by("-day")
    return list(found[:DAYS_SHOWN])


def breaks_of(day: date) -> QuerySet[Break]:
    """Return the breaks that concern `day`: of that day, or open or found on it."""
    concerned = Q(day=day) | Q(found_on=day) | Q(day__lte=day, state__in=OPEN)
    found = Break.objects.filter(concerned)
    return found.select_related("account", "instrument", "assigned_to").order_by(
        "-severity", "day", "pk"
    )


def count_open() -> tuple[int, int]:
    """Return how many breaks are open, and how many of them are severe."""
    found = Break.objects.filter(state__in=OPEN).aggregate(
        all=Count("pk"), severe=Count("pk", filter=Q(severity=3))
    )
    return found["all"], found["severe"]


def sides(row: Break) -> Iterator[tuple[str, str, str, bool]]:
    """Yield what a break is about, fact by fact: its name, ours, theirs, whether they differ.

    What differs comes first.
    """
    names = dict.fromkeys((*row.ours, *row.theirs))
    told = [
        (name, _said(row.ours.get(name, "")), _said(row.theirs.get(name, ""))) for name in names
    ]
    for name, here, there in sorted(told, key=lambda each: each[1] == each[2]):
        yield name.replace("_", " "), here, there, here != there


def _said(fact: object) -> str:
    """Return a fact as it reads; a time in UTC."""
    said = str(fact)
    if "T" not in said or not said[:1].isdigit():
        return said
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return said
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC"
