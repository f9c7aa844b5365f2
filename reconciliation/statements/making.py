"""Making the statements of an account for a day that has ended.

First, under the account's lock, it is settled how far the ledger had been booked; then statements
are composed without a lock, as what was booked up to there never changes. The first statement that
ends on a day says how far for all others that end on it; a tax report alone looks at all that is
known when it is made. Made twice, they are made once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, LiteralString
from uuid import UUID

from django.db import transaction
from django.db.models import Max, Q, Sum

from accounts import locks
from accounts.letters import writing
from accounts.models import Account
from foundation import bulk
from marketdata import calendars
from portfolio.models import InterestAccrual
from reconciliation.statements import composing, ledger, marks, periods, rules
from reconciliation.statements.ledger import Cut
from reconciliation.statements.models import Statement
from reconciliation.statements.periods import DAY, Kind, Period
from reconciliation.statements.rules import Said

LETTER: Final = "statement_ready"
_BOOKED: Final[LiteralString] = """
SELECT COALESCE((SELECT max(id) FROM portfolio_transfer), 0),
       COALESCE(pg_sequence_last_value(
                  pg_get_serial_sequence('portfolio_lotclosing', 'booked')::regclass), 0),
       COALESCE((SELECT max(id) FROM portfolio_washsale), 0)"""


class NotOver(ValueError):
    """The day has not ended yet."""


@dataclass(frozen=True, slots=True)
class Through:
    """How far the books had been written."""

    transfers: int
    closings: int
    washes: int


def make(account_ids: Sequence[UUID], wanted: Iterable[Period], *, day: date, now: datetime) -> int:
    """Make what is missing of these statements, all of which fall due with `day`; return how many.

    A statement that would say nothing is not made. Raises NotOver.
    """
    if now < calendars.midnight(day + DAY):
        raise NotOver(f"{day} has not ended.")
    with transaction.atomic():
        found = locks.lock_all(account_ids)
        through = Through(*bulk.execute(_BOOKED)[0])
        stated = _stated(list(found), day)
    asked = list(wanted)
    return sum(
        _make_of(account, asked, through, stated.get(account.pk, ()), now)
        for account in (found[key] for key in sorted(found))
    )


def correct(account: Account, year: int, *, now: datetime) -> bool:
    """Make a corrected tax report if the last one of the year is not what is known now."""
    period = periods.tax_year(year)
    with transaction.atomic():
        locks.lock(account.pk)
        through = Through(*bulk.execute(_BOOKED)[0])
        latest = Statement.objects.filter(account=account, kind=Kind.TAX, last=period.last)
        known = latest.order_by("-revision").first()
    if known is None:
        return False
    cut = Cut(account.pk, period, 0, through.transfers, through.closings, through.washes)
    # With the words of the last one: what differs is what has happened.
    same = _row(account, cut, composing.said_from(known.said), known.revision, now)
    marks.write(period.last, ledger.codes_sold(cut))
    if composing.made(same).digest == known.digest:
        return False
    return _keep([_row(account, cut, _said(account, cut), known.revision + 1, now)], now) == 1


def _make_of(
    account: Account,
    wanted: list[Period],
    through: Through,
    stated: Sequence[Statement],
    now: datetime,
) -> int:
    rows = []
    known = {(each.kind, each.last) for each in stated}
    for period in wanted:
        if (period.kind, period.last) in known:
            continue
        cut = _cut(account.pk, period, through, stated)
        if not ledger.has_anything(cut):
            continue
        rows.append(_row(account, cut, _said(account, cut), 1, now))
    return _keep(rows, now)


def _stated(account_ids: list[UUID], day: date) -> dict[UUID, list[Statement]]:
    """Return the statements of these accounts that were made already, in the order of their ends.

    Of those that ended before, one is enough: the last.
    """
    found: dict[UUID, list[Statement]] = {}
    rows = Statement.objects.filter(account__in=account_ids)
    last = rows.exclude(kind=Kind.TAX).filter(last__lt=day).order_by("account", "-last", "number")
    around = rows.filter(Q(last__gte=day) | Q(kind=Kind.TAX)).order_by("last", "number")
    for statement in [*last.distinct("account"), *around]:
        found.setdefault(statement.account_id, []).append(statement)
    return found


def _cut(account_id: UUID, period: Period, through: Through, stated: Sequence[Statement]) -> Cut:
    if period.kind is Kind.TAX:
        return Cut(account_id, period, 0, through.transfers, through.closings, through.washes)
    books = [each for each in stated if each.kind != Kind.TAX]
    later = [each for each in books if each.last >= period.last]
    end = min(later, key=lambda each: each.last).through if later else through.transfers
    before = _before(account_id, period.first)
    return Cut(account_id, period, end if before is None else before, end)


def _before(account_id: UUID, first: date) -> int | None:
    """Return how far the books were written for what ended before; None: nothing was stated."""
    found = Statement.objects.filter(account=account_id, last__lt=first).exclude(kind=Kind.TAX)
    latest: int | None = found.aggregate(latest=Max("through"))["latest"]
    return latest


def _said(account: Account, cut: Cut) -> Said:
    accrued = None
    if account.margin and cut.period.kind is not Kind.TAX:
        month = cut.period.last.replace(day=1)
        days = InterestAccrual.objects.filter(
            account=account, day__gte=month, day__lte=cut.period.last
        )
        accrued = days.aggregate(sum=Sum("amount"))["sum"]
    return Said(
        account=account.number,
        holder=account.user.get_full_name(),
        is_margin=account.margin,
        accrued=accrued or rules.ZERO,
    )


def _row(account: Account, cut: Cut, said: Said, revision: int, now: datetime) -> Statement:
    return Statement(
        account=account,
        kind=cut.period.kind,
        first=cut.period.first,
        last=cut.period.last,
        revision=revision,
        layout=rules.LAYOUT,
        number=periods.number(account.number, cut.period, revision=revision),
        before=cut.before,
        through=cut.through,
        closings=cut.closings,
        washes=cut.washes,
        said=composing.said_of(said),
        made_at=now,
    )


def _keep(rows: list[Statement], now: datetime) -> int:
    """Compose the statements and write them down, all of an account's together or none."""
    for row in rows:
        cut = composing.cut_of(row)
        if cut.period.kind is Kind.TAX:
            marks.write(row.last, ledger.codes_sold(cut))
        else:
            named, before = ledger.codes(cut)
            marks.write(row.last, named)
            marks.write(row.first - DAY, before)
        made = composing.made(row)
        row.digest, row.size = made.digest, made.size
    if not rows:
        return 0
    with transaction.atomic():
        account = locks.lock(rows[0].account_id)
        # Somebody else may have stated the same day meanwhile, of other books: theirs stands.
        if Statement.objects.filter(
            account=account, last__in=[row.last for row in rows], kind__in=[r.kind for r in rows],
            revision__in=[row.revision for row in rows],
        ).exists():  # fmt: skip
            return 0
        Statement.objects.bulk_create(rows)
        for row in rows:
            if row.kind in (Kind.MONTHLY, Kind.TAX):
                _write_letter(row, account.user, now)
    return len(rows)


def _write_letter(row: Statement, user: object, now: datetime) -> None:
    what = f"{row.last:%B %Y}" if row.kind == Kind.MONTHLY else f"tax year {row.last.year}"
    writing.write(user, LETTER, now=now, what=what, number=row.number)  # type: ignore[arg-type]
