"""What must be true of the books when the quarter is over: proved, and equal to what was said."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone

from accounts.models import Account
from foundation.decimals import CASH
from marketdata import calendars
from portfolio.models import Transfer
from reconciliation.day.models import JobStep
from reconciliation.proof import proving
from reconciliation.proof.models import Seal
from reconciliation.statements import composing
from reconciliation.statements.models import Statement
from reconciliation.statements.periods import Kind
from reconciliation.venue_statements.models import StatementFile

Sums = dict[str, Decimal]


class Ending:
    """Compares everything that was sealed, said and booked; counts it."""

    def __init__(self, count: Counter[str]) -> None:
        self.count = count

    def check(self, accounts: Iterable[Account]) -> None:
        """Raise AssertionError for whatever is not as it must be."""
        self._prove()
        self._make_statements_again()
        for account in accounts:
            self._add_up(account)
        resumed = JobStep.objects.filter(kind=JobStep.Kind.RESUMED).count()
        assert resumed == self.count["closes cut short"] == 1, resumed
        self.count["files of others taken in"] = StatementFile.objects.count()

    def _prove(self) -> None:
        proof = proving.prove(now=timezone.now(), progress=lambda done, total: None)
        assert proof.holds, [str(each) for each in proof.findings]
        assert proof.seals == Seal.objects.count()
        self.count["seals proved"] = proof.seals
        self.count["rows read by the proof"] = proof.rows

    def _make_statements_again(self) -> None:
        """Make every statement anew, and compare each with what it was, to the byte."""
        for statement in Statement.objects.order_by("number"):
            assert composing.is_as_it_was(statement), f"{statement} is another now"
            self.count[f"statements made again: {statement.kind}"] += 1

    def _add_up(self, account: Account) -> None:
        """Compare the sums of an account's monthly statements with its ledger at their end."""
        said: Sums = defaultdict(Decimal)
        for last in Statement.objects.filter(account=account, kind=Kind.MONTHLY).order_by("last"):
            moved, closing = _read(last)
            for asset, amount in moved.items():
                said[asset] += amount
            assert closing == {asset: amount for asset, amount in said.items() if amount}, last
            assert closing == _booked(account, last), last
            self.count["months equal to the ledger"] += 1


def _read(statement: Statement) -> tuple[Sums, Sums]:
    """Return what the CSV of a statement says has moved, and what there was in the end."""
    moved: Sums = defaultdict(Decimal)
    closing: Sums = {}
    content = b"".join(composing.csv(statement)).decode()
    for row in csv.DictReader(io.StringIO(content, newline="")):
        figure = row["amount"] if row["symbol"] == CASH else row["quantity"]
        if row["section"] in ("movement", "adjustment"):
            moved[row["symbol"]] += Decimal(figure)
        elif row["section"] == "closing" and Decimal(figure):
            closing[row["symbol"]] = Decimal(figure)
    return moved, closing


def _booked(account: Account, statement: Statement) -> Sums:
    """Return what the ledger says that the account had when the days of the statement ended."""
    end = calendars.midnight(statement.last + timedelta(days=1))
    known = Transfer.objects.filter(at__lt=end, pk__lte=statement.through)
    sums: Sums = defaultdict(Decimal)
    for side, sign in (("credit", 1), ("debit", -1)):
        own = known.filter(**{f"{side}__owner": account}).order_by()
        for asset, amount in own.values_list("asset").annotate(sum=Sum("amount")):
            sums[asset] += sign * amount
    return {asset: amount for asset, amount in sums.items() if amount}
