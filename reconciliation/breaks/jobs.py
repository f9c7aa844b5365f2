"""What reconciliation does of every day: fetch, compare, the bank last. Each may be done again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from reconciliation import comparing
from reconciliation.breaks import keeping
from reconciliation.breaks.models import BOOKS, Break
from reconciliation.comparing import NotComparable
from reconciliation.venue_statements import services as statements
from reconciliation.venue_statements.services import Source
from venues import statements as venue_statements

Progress = Callable[[int, int], None]


def fetch_venue_files(*, day: date, now: datetime, progress: Progress) -> str:
    """Fetch the statements of the venues of the house and keep them."""
    names = venue_statements.fetchable()
    lines = 0
    for number, name in enumerate(names, start=1):
        lines += statements.fetch(name, day=day, now=now).lines
        progress(number, len(names))
    return f"{len(names)} fetched, {lines} lines"


def reconcile(*, day: date, now: datetime, progress: Progress) -> str:
    """Hold our books against every venue and custodian."""
    found = [each for each in statements.sources() if not each.is_bank]
    said = _compare(found, day, now, progress)
    keeping.age(source=BOOKS, on=day, now=now)
    return said


def reconcile_banks(*, day: date, now: datetime, progress: Progress) -> str:
    """Hold our books against every bank."""
    found = [each for each in statements.sources() if each.is_bank]
    return _compare(found, day, now, progress)


def _compare(sources: Iterable[Source], day: date, now: datetime, progress: Progress) -> str:
    every = list(sources)
    compared = missing = 0
    for number, each in enumerate(every, start=1):
        for late in comparing.came_late(each.name, before=day):
            comparing.compare(each.name, day=late, now=now)
            compared += 1
        try:
            comparing.compare(each.name, day=day, now=now)
            compared += 1
        except NotComparable:
            missing += comparing.is_expected(each, day)
        keeping.age(source=each.name, on=day, now=now)
        progress(number, len(every))
    names = [each.name for each in every]
    open_ = Break.objects.filter(source__in=names, state__in=keeping.OPEN).count()
    return f"{compared} compared, {missing} missing, {open_} breaks open"
