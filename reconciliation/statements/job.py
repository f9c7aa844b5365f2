"""The statements of a day, of every account: a job of the day.

Accounts are looked at in the order of their ids, some at a time; what was made already is made no
second time, so that a run that died goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Final, LiteralString
from uuid import UUID

import structlog

from accounts.models import Account
from foundation import bulk
from marketdata import calendars
from reconciliation.statements import making, periods
from reconciliation.statements.making import NotOver
from reconciliation.statements.models import Statement, StatementDay
from reconciliation.statements.periods import DAY, Kind, Period

log = structlog.get_logger(__name__)

AT_ONCE: Final = 100
"""So many accounts are locked together, for as long as it takes to ask how far the books are."""

# From the transfers of the day before the last: what was booked while that day's statements were
# made may have had a lower number than the last one that was seen. None is under way for a day.
_MOVED: Final[LiteralString] = """
SELECT DISTINCT own.owner_id
  FROM portfolio_transfer t
  JOIN portfolio_ledgeraccount own ON own.id IN (t.debit_id, t.credit_id)
 WHERE own.kind = 'customer' AND t.id > %s AND t.at < %s
 ORDER BY own.owner_id"""
_ALL: Final[LiteralString] = """
SELECT DISTINCT owner_id FROM portfolio_ledgeraccount
 WHERE kind = 'customer' ORDER BY owner_id"""
_SEEN: Final[LiteralString] = "SELECT COALESCE(max(id), 0) FROM portfolio_transfer"
# Sales of years that were reported, undone since a number: their reports may need correcting.
_UNDONE: Final[LiteralString] = """
SELECT DISTINCT s.account_id, EXTRACT(YEAR FROM s.last)::int
  FROM portfolio_transfer t
  JOIN portfolio_ledgeraccount own ON own.id IN (t.debit_id, t.credit_id) AND own.kind = 'customer'
  JOIN reconciliation_statement s ON s.account_id = own.owner_id AND s.kind = 'tax'
 WHERE t.id > %s AND t.kind = 'bust' AND s.last >= %s
 ORDER BY 1, 2"""
CORRECTED_FOR: Final = 3 * 366 * DAY
"""For so long a bust may have a tax report corrected (26 U.S.C. 6511: three years)."""


def run(*, day: date, now: datetime, progress: Callable[[int, int], None]) -> str:
    """Make the statements that fall due with `day`, which has ended. Raises NotOver."""
    if now < calendars.midnight(day + DAY):
        raise NotOver(f"{day} has not ended.")
    wanted = periods.due(day)
    ids, made = _accounts_of(wanted, day), 0
    seen: int = bulk.execute(_SEEN)[0][0]
    for start in range(0, len(ids), AT_ONCE):
        progress(start, len(ids))
        made += making.make(ids[start : start + AT_ONCE], wanted, day=day, now=now)
    corrected = _correct(day, now)
    progress(len(ids), len(ids))
    count = Statement.objects.filter(last=day).count()
    StatementDay.objects.bulk_create(
        [StatementDay(day=day, through=seen, statements=count, at=now)], ignore_conflicts=True
    )
    log.info("statements_made", day=str(day), made=made, corrected=corrected)
    more = f", {corrected} tax reports corrected" if corrected else ""
    return f"{made} statements of {len(ids)} accounts{more}"


def _accounts_of(wanted: tuple[Period, ...], day: date) -> list[UUID]:
    """Return whose statements may be due: of a month or year everybody's, else of whom moved."""
    if any(period.kind in (Kind.MONTHLY, Kind.TAX) for period in wanted):
        return [account_id for (account_id,) in bulk.execute(_ALL)]
    rows = bulk.execute(_MOVED, [_booked_before(day), calendars.midnight(day + DAY)])
    return [account_id for (account_id,) in rows]


def _booked_before(day: date) -> int:
    """Return a transfer that was booked before all that may be new to the statements of `day`."""
    done = StatementDay.objects.filter(day__lt=day).order_by("-day")
    numbers = list(done.values_list("through", flat=True)[:2])
    return numbers[-1] if len(numbers) == 2 else 0


def _correct(day: date, now: datetime) -> int:
    """Correct the tax reports whose sales were taken back since."""
    rows = bulk.execute(_UNDONE, [_booked_before(day), day - CORRECTED_FOR])
    accounts = Account.objects.select_related("user").in_bulk([key for key, _ in rows])
    return sum(making.correct(accounts[key], year, now=now) for key, year in rows)
