"""What money lent costs: interest on margin debits, accrued by day and posted by month.

The arithmetic and the calendar of it are in `portfolio.lending`. Days are New York's. What an
account owed at the end of a day is read from the ledger, which never changes: a day that was
missed is made up for exactly, however late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, LiteralString
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Sum

from accounts import activity, locks
from accounts.chain import Event
from foundation import bulk, decimals
from foundation.decimals import CASH
from marketdata import calendars
from portfolio import books, lending
from portfolio.books import Move
from portfolio.funding.models import InterestAccrual, InterestDay, InterestRate
from portfolio.models import LedgerAccount, Transfer

log = structlog.get_logger(__name__)

DAYS_AT_ONCE_MAX: Final = 400
MONTHS_AT_ONCE_MAX: Final = 15
"""So many as those days may lie in, and one more."""

# The balance of now, less what was moved since and what had not settled then.
_DEBITS: Final[LiteralString] = """
SELECT b.account_id, -(b.amount - coalesce(later.amount, 0)) AS debit
  FROM portfolio_balance b
  JOIN accounts_account a ON a.id = b.account_id AND a.margin
  LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN t.credit_id = b.ledger_account_id THEN t.amount ELSE -t.amount END)
           AS amount
      FROM portfolio_transfer t
     WHERE b.ledger_account_id IN (t.debit_id, t.credit_id)
       AND (t.at >= %s OR t.settles_on > %s)) later ON true
 WHERE b.asset = 'USD' AND b.amount - coalesce(later.amount, 0) < 0"""


_FIRST_OF_DAY: Final[LiteralString] = """
INSERT INTO portfolio_interestday (day, rate, accounts, at) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING day"""


_ACCRUED: Final[LiteralString] = """
SELECT account_id, sum(amount),
       EXISTS (SELECT FROM portfolio_transfer t
                WHERE t.reference = 'interest:' || a.account_id || ':' || %s)
  FROM portfolio_interestaccrual a WHERE day >= %s AND day < %s
 GROUP BY account_id ORDER BY account_id"""


class NoInterestRate(LookupError):
    """No rate is known for the day: it cannot be accrued."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What an account is to pay for a month, in USD; `month` is its first day."""

    account_id: UUID
    month: date
    amount: Decimal


def accrue(*, now: datetime, through: date | None = None) -> int:
    """Accrue every day up to `through` that was not accrued; return how many days that were.

    That is yesterday if no day is named; the first day ever is that one alone. Raises
    NoInterestRate.
    """
    last = InterestDay.objects.order_by("-day").values_list("day", flat=True).first()
    today = calendars.date_of(now) if through is None else through + timedelta(days=1)
    days = lending.days_to_accrue(last, today=today)[:DAYS_AT_ONCE_MAX]
    return sum(_accrue(day, now) for day in days)


def due() -> list[Charge]:
    """Return what accounts are to be charged of months that are over, the oldest first.

    A month is over when all of its days are accrued. What was charged is not due any more.
    """
    last = InterestDay.objects.order_by("-day").values_list("day", flat=True).first()
    if last is None:
        return []
    month = lending.month_of(last + timedelta(days=1))
    found: list[Charge] = []
    for _ in range(MONTHS_AT_ONCE_MAX):
        month, following = lending.month_of(month - timedelta(days=1)), month
        rows = bulk.execute(_ACCRUED, [f"{month:%Y-%m}", month, following])
        charges = [
            Charge(account_id, month, amount)
            for account_id, total, is_charged in rows
            if not is_charged and (amount := lending.charge(total))
        ]
        found = charges + found
        if not charges and any(is_charged for *_, is_charged in rows):
            break  # The oldest are charged first: those before this one are charged as well.
    return found


def charge(due: Charge, *, now: datetime) -> bool:
    """Charge an account what is due, once; return whether it was not charged before."""
    reference = f"interest:{due.account_id}:{due.month:%Y-%m}"
    with transaction.atomic():
        account = locks.lock(due.account_id)
        if Transfer.objects.filter(reference=reference).exists():
            return False
        opened = books.ask_books(account_ids=[account.pk]).get()
        opened.move(
            account,
            Move(
                asset=CASH,
                amount=-due.amount,
                kind=Transfer.Kind.INTEREST,
                house=LedgerAccount.Kind.INTEREST,
                reference=reference,
                at=now,
            ),
        )
        opened.close()
        month = f"{due.month:%Y-%m}"
        payload = {"amount": decimals.text(due.amount), "asset": CASH, "month": month}
        activity.record([(account, Event("money.interest_charged", now, "rule:interest", payload))])
    return True


def rate_on(day: date) -> Decimal:
    """Return the rate a year that holds on `day`. Raises NoInterestRate."""
    found = InterestRate.objects.filter(starts_on__lte=day).first()
    if found is None:
        raise NoInterestRate(f"No interest rate is known for {day}.")
    rate: Decimal = found.rate
    return rate


def accrued(account_id: UUID, *, since: date) -> Decimal:
    """Return what has accrued from `since` on, in USD to nine decimals."""
    found = InterestAccrual.objects.filter(account_id=account_id, day__gte=since)
    total: Decimal = found.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    return total


def _accrue(day: date, now: datetime) -> bool:
    rate, end = rate_on(day), calendars.midnight(day + timedelta(days=1))
    with transaction.atomic():
        debits = bulk.execute(_DEBITS, [end, day])
        rows = [
            bulk.new(
                InterestAccrual,
                account_id=account_id,
                day=day,
                debit=debit,
                rate=rate,
                amount=lending.interest_of_day(debit=debit, rate=rate),
            )
            for account_id, debit in debits
        ]
        # Of two at once, one waits here for the other, and has nothing left to write.
        if not bulk.execute(_FIRST_OF_DAY, [day, rate, len(rows), now]):
            return False
        bulk.insert(rows)
    log.info("interest_accrued", day=str(day), accounts=len(rows))
    return True
