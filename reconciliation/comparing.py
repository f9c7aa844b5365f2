"""Holding our books against each source: when its day is over, and while it is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db import connection, transaction

from foundation.decimals import CASH, text
from marketdata import calendars
from portfolio.models import LedgerAccount
from reconciliation import matching, ours
from reconciliation.breaks import harmless, keeping
from reconciliation.breaks.models import Break, Comparison
from reconciliation.others import Statement
from reconciliation.records import (
    BankLine,
    BreakType,
    Execution,
    Facts,
    Holding,
    Matched,
    Matter,
    OpenOrder,
    Terms,
    Told,
)
from reconciliation.records import Break as Found
from reconciliation.venue_statements import services as statements
from reconciliation.venue_statements.models import StatementFile
from reconciliation.venue_statements.services import EXCHANGE, Source

Kinds = LedgerAccount.Kind
DAYS_BACK: Final = harmless.LATE_DAYS_MAX + 1
MARGIN: Final = timedelta(days=DAYS_BACK)
"""How much more is read around the days in question, so that what came late finds its other."""
KINDS: Final[Mapping[Matter, frozenset[str]]] = {
    Matter.EXECUTION: frozenset({"execution", "fee"}),
    **{each: frozenset({each.value}) for each in Matter if each is not Matter.EXECUTION},
}
"""Which breaks are looked for where a statement tells of a matter: by the kinds of their keys."""
BOOKED: Final = frozenset({Matter.EXECUTION, Matter.POSITION})
"""Of a venue of the house: what its trades of a day add up to is held against our ledger."""
SO_FAR_KINDS: Final = frozenset({"execution", "order", "position"})
EXCHANGE_CALENDAR: Final = "XNYS"


class NotComparable(LookupError):
    """There is no statement of this source and day."""


def compare(name: str, *, day: date, now: datetime) -> Comparison:
    """Hold our books against what `name` has said of `day` and the days before.

    Raises NotComparable without a statement; one that was to come is a break by then.
    """
    of = statements.source(name)
    days = frozenset(_days_back(day)) | keeping.open_days(name)
    files = statements.latest(name, frozenset(_around(days, day)))
    if day not in files:
        _keep_missing(of, day, now)
        raise NotComparable(f"{name} has sent no statement of {day}.")
    told = {each: statements.read(files[each]) for each in sorted(files)}
    looked_at = {each for each in days if each <= day}
    found = [_missing(of, each) for each in keeping.open_statements(name) if each not in told]
    with transaction.atomic():
        _settle_the_view()
        theirs = _theirs(of, told, days, day)
        mine = _ours(of, theirs, day)
        terms = Terms(firsts=_firsts(mine, theirs), carried=_carried(name, days))
        matched = matching.match(mine, theirs, terms)
        found += matched.breaks
        if of.kind == EXCHANGE:
            found += _booked_otherwise(mine, theirs, venue=of.venue)
    kinds = {"statement"}.union(*(KINDS[matter] for matter in matched.counts))
    if of.kind == EXCHANGE:
        kinds |= KINDS[Matter.POSITION]
    with transaction.atomic():
        kept = keeping.keep(source=name, found=found, on=day, days=looked_at, kinds=kinds, now=now)
        held = _held(mine, theirs) if of.is_bank else None
        return _written(of, day, files[day], matched, kept, now, is_final=True, held=held)


def compare_so_far(name: str, *, now: datetime) -> Comparison:
    """Hold what was executed today against what the venue of the house says of it up to now.

    What has no other side may have one in the file of the day before: it is read only then.
    """
    of, day = statements.source(name), calendars.date_of(now)
    told = statements.so_far(day=day)
    with transaction.atomic():
        _settle_the_view()
        theirs = Told(frozenset({day}), told.matters, told.executions, told.orders, until=now)
        mine, matched = _matched_so_far(of, theirs, day=day, now=now)
        if matched.breaks and (before := _told_of(name, day - timedelta(days=1))):
            theirs = replace(theirs, executions=(*before, *theirs.executions))
            mine, matched = _matched_so_far(of, theirs, day=day, now=now)
        found = [*matched.breaks, *_booked_otherwise(mine, theirs, venue=of.venue)]
    with transaction.atomic():
        kept = keeping.keep(
            source=name, found=found, on=day, days={day}, kinds=SO_FAR_KINDS, now=now
        )
        return _written(of, day, None, matched, kept, now, is_final=False)


def _matched_so_far(of: Source, theirs: Told, *, day: date, now: datetime) -> tuple[Told, Matched]:
    mine = Told(
        days=theirs.days,
        matters=theirs.matters,
        executions=_own_executions(of, theirs.days, theirs),
        orders=tuple(ours.open_orders(venue=of.venue, day=day, until=now)),
        until=now,
    )
    return mine, matching.match(mine, theirs, Terms(firsts=_firsts(mine, theirs)))


def _told_of(name: str, day: date) -> tuple[Execution, ...]:
    """Return what the file of a day tells of executions, nothing where there is none yet."""
    files = statements.latest(name, frozenset({day}))
    return statements.read(files[day]).executions if day in files else ()


def came_late(name: str, *, before: date) -> list[date]:
    """Return the days before this one that were told of too late for their own comparison."""
    compared = Comparison.objects.filter(source=name, is_final=True)
    told = StatementFile.objects.filter(source=name, day__lt=before)
    left = told.exclude(day__in=compared.values("day"))
    return list(left.order_by("day").values_list("day", flat=True).distinct())


def is_expected(of: Source, day: date) -> bool:
    """Tell whether a statement of `day` has to come: one of the house always, others when the
    market opens."""
    if of.kind == EXCHANGE:
        return True
    return of.is_expected and bool(calendars.sessions(EXCHANGE_CALENDAR, first=day, last=day))


# --- Theirs ------------------------------------------------------------------------------------


def _theirs(of: Source, told: Mapping[date, Statement], days: frozenset[date], day: date) -> Told:
    """Return what they say: all of the days that they tell of, holdings of the last alone."""
    last = told[day]
    stated = frozenset(told)
    if of.is_bank:
        # Between two statements of a bank nothing happens that the later one does not have.
        stated = frozenset(_range(min(told), day))
    return Told(
        days=stated & days,
        matters=last.matters,
        executions=tuple(each for one in told.values() for each in one.executions),
        orders=last.orders,
        holdings=last.holdings,
        lines=tuple(each for one in told.values() for each in one.bank_lines),
    )


def _booked_otherwise(mine: Told, theirs: Told, *, venue: str) -> Iterator[Found]:
    """Yield of which symbols our ledger moved more or less on a day than they have executed.

    Each day by itself and under a key of its own: what was booked wrongly on one day is not made
    good, nor hidden, by what is booked on the next.
    """
    for day in sorted(theirs.days):
        sides = [
            replace(
                told, days=frozenset({day}), matters=BOOKED, holdings=tuple(holdings), orders=(),
                executions=tuple(each for each in told.executions if each.day == day),
            )
            for told, holdings in (
                (mine, ours.booked(venue=venue, day=day)), (theirs, _net(theirs.executions, day))
            )
        ]  # fmt: skip
        for found in matching.match(sides[0], sides[1]).breaks:
            if found.type is BreakType.POSITION:
                yield replace(found, key=f"{found.key}:{day}")


def _net(executions: Iterable[Execution], day: date) -> Iterator[Holding]:
    """Yield what they have executed for us on a day, by symbol."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for each in executions:
        if each.day == day:
            sums[each.symbol] += each.signed
    for symbol, amount in sorted(sums.items()):
        yield Holding(symbol, day, amount)


# --- Ours --------------------------------------------------------------------------------------


def _ours(of: Source, theirs: Told, day: date) -> Told:
    """Return what our books say of all that they tell of."""
    matters = theirs.matters
    executions: tuple[Execution, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    holdings: tuple[Holding, ...] = ()
    lines: tuple[BankLine, ...] = ()
    if Matter.EXECUTION in matters:
        executions = _own_executions(of, theirs.days, theirs)
    if Matter.ORDER in matters:
        orders = tuple(ours.open_orders(venue=of.venue, day=day))
    if Matter.POSITION in matters:
        holdings += tuple(ours.positions(day=day))
    if Matter.CASH in matters:
        kinds = (Kinds.BANK,) if of.is_bank else (Kinds.SETTLEMENT, Kinds.REGULATORY)
        holdings += tuple(ours.cash(kinds=kinds, day=day))
    if Matter.LINE in matters:
        first = min(theirs.days) - MARGIN
        lines = tuple(ours.bank_lines(source=of.name, first=first, last=day))
    return Told(
        days=theirs.days, matters=matters, executions=executions, orders=orders,
        holdings=holdings, lines=lines,
    )  # fmt: skip


def _own_executions(of: Source, days: frozenset[date], theirs: Told) -> tuple[Execution, ...]:
    named = [each.id for each in theirs.executions]
    first = min(days) - MARGIN
    return tuple(ours.executions(venue=of.venue, first=first, last=max(days), named=named))


def _firsts(mine: Told, theirs: Told) -> dict[str, str]:
    names = {
        *(each.order for told in (mine, theirs) for each in told.executions),
        *(each.id for told in (mine, theirs) for each in told.orders),
    }
    return ours.firsts(names)


def _carried(name: str, days: frozenset[date]) -> dict[str, Decimal]:
    """Return by how much we and they differ for good, because of what was accepted as it is."""
    stays = Break.objects.filter(source=name, rule__in=harmless.STAYS)
    carried: dict[str, Decimal] = defaultdict(Decimal)
    for row in stays.only("key", "day", "asset", "difference", "cash"):
        if row.day not in days or row.key.startswith(("position:", "cash:")):
            carried[row.asset] += row.difference
            carried[CASH] += row.cash
    return carried


def _settle_the_view() -> None:
    """Let one transaction see one moment, also beside a working server."""
    if connection.in_atomic_block and not connection.savepoint_ids:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


# --- Keeping -----------------------------------------------------------------------------------


def _keep_missing(of: Source, day: date, now: datetime) -> None:
    if not is_expected(of, day):
        return
    keeping.keep(
        source=of.name, found=[_missing(of, day)], on=day, days={day}, kinds={"statement"}, now=now
    )


def _missing(of: Source, day: date) -> Found:
    facts: Facts = {"statement": of.name, "day": day.isoformat()}
    return Found(BreakType.MISSING_THERE, f"statement:{day}", day, facts, {}, "", Decimal(0))


def _written(
    of: Source,
    day: date,
    statement: StatementFile | None,
    matched: Matched,
    kept: keeping.Kept,
    now: datetime,
    *,
    is_final: bool,
    held: tuple[Decimal, Decimal] | None = None,
) -> Comparison:
    counts: dict[str, object] = {
        matter.value: asdict(count) for matter, count in matched.counts.items()
    }
    if held is not None:
        counts["held"] = {"ours": text(held[0]), "theirs": text(held[1])}
    row: Comparison = Comparison.objects.update_or_create(
        source=of.name,
        day=day,
        defaults={
            "statement": statement, "is_final": is_final, "at": now, "counts": counts,
            "new": kept.new, "resolved": kept.resolved,
        },
    )[0]  # fmt: skip
    return row


def _held(mine: Told, theirs: Told) -> tuple[Decimal, Decimal]:
    """Return what we and the bank say lies there at the end of the day, in USD."""
    [stated] = theirs.holdings
    [booked] = [each for each in mine.holdings if (each.asset, each.on) == (CASH, stated.on)]
    return booked.amount, stated.amount


def _days_back(day: date) -> list[date]:
    return _range(day - timedelta(days=DAYS_BACK), day)


def _range(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _around(days: frozenset[date], day: date) -> set[date]:
    """Return these days up to `day`, and those before the first that late news may lie on."""
    known = {each for each in days if each <= day}
    return known | set(_range(min(known) - MARGIN, min(known)))
