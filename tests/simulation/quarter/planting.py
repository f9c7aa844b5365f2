"""Breaks of every type, planted on known days, and the two people who resolve what is found."""

from __future__ import annotations

import itertools
import random
from collections import Counter, deque
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar

from django.db.models import Q

from accounts.approvals import UnableToApprove
from accounts.models import User
from marketdata import calendars
from portfolio.models import LedgerAccount, Transfer
from reconciliation.breaks import keeping, working
from reconciliation.breaks.models import Break
from reconciliation.records import BreakType
from reconciliation.venue_statements.models import StatementSource
from risk.findings import Severity
from risk.surveillance.models import AlertEvidence
from tests.simulation.quarter.outside import CENT, NOTHING, Bank, Custodian, Exchange, Fill, Line
from venues import outbox

EXCHANGE, CUSTODIAN, BANK = outbox.EMBEDDED, "street", "first-bank"
STEADY: Final = "IBM"
"""What is never split: nothing that a custodian has wrong of it grows."""
KINDS: Final = (
    *((EXCHANGE, kind) for kind in ("missing_here", "missing_there", "quantity", "price", "late")),
    *((CUSTODIAN, kind) for kind in ("missing_here", "missing_there", "quantity", "price", "fee")),
    *((CUSTODIAN, kind) for kind in ("duplicate", "late", "position", "cash", "statement")),
    *((BANK, kind) for kind in ("missing_here", "missing_there", "cash", "duplicate", "late")),
)
"""Who tells it wrongly, and what: a break of every type that others can cause."""
HERE: Final = LedgerAccount.Kind.BANK
T = TypeVar("T", Fill, Line)
State = Break.State


@dataclass(frozen=True)
class Planted:
    """A break that must be found: of whom, by which key, as which type in the end.

    One that `passes` goes by itself when the other side has said what it owes.
    """

    source: str
    key: str
    type: BreakType
    passes: bool


class Planting:
    """What is planted, in an order drawn by chance, every kind as often as any other."""

    def __init__(
        self, draw: random.Random, exchange: Exchange, custodian: Custodian, bank: Bank
    ) -> None:
        self.draw, self.exchange, self.custodian, self.bank = draw, exchange, custodian, bank
        self.planted: dict[tuple[str, str], list[Planted]] = {}
        self.count: Counter[str] = Counter()
        self._wanted: deque[tuple[str, str]] = deque()
        self._numbers = itertools.count(1)
        self._touched: set[tuple[str, str]] = set()

    def open_sources(self) -> None:
        """Let the custodian and the bank be expected from now on."""
        StatementSource.objects.create(
            name=CUSTODIAN, kind="custodian", venue=EXCHANGE, account=self.custodian.account
        )
        StatementSource.objects.create(name=BANK, kind="bank", account=self.bank.account)

    # --- Planting ------------------------------------------------------------------------------

    def plant(self, day: date, following: date, *, most: int) -> None:
        """Make up to `most` things of the day wrong; what is late comes on the day `following`."""
        if len(self._wanted) < most:
            self._wanted.extend(self.draw.sample(KINDS, len(KINDS)))
        passed = []
        while self._wanted and most:
            source, kind = self._wanted.popleft()
            found = self._plant(source, kind, day, following)
            if found is None:  # nothing has happened today that could be told so
                passed.append((source, kind))
                continue
            most -= 1
            self.planted.setdefault((found.source, found.key), []).append(found)
            self.count["breaks planted"] += 1
            self.count[f"planted {found.type}"] += 1
        self._wanted.extendleft(reversed(passed))

    def _plant(self, source: str, kind: str, day: date, following: date) -> Planted | None:
        if source == BANK:
            return self._of_line(kind, day, following)
        if kind in ("position", "cash", "statement"):
            return self._of_custody(kind, day)
        return self._of_fill(source, kind, day, following)

    def _of_fill(self, source: str, kind: str, day: date, following: date) -> Planted | None:
        told = self.exchange.told if source == EXCHANGE else self.custodian.told
        todays = [fill for fill in told if fill.day == day]
        if source == CUSTODIAN:
            todays = [fill for fill in todays if fill.symbol == STEADY]
        if kind == "missing_here":
            return self._stray(source, told, todays[:1])
        fill = self._untouched(source, todays)
        if fill is None:
            return None
        place = told.index(fill)
        told[place : place + 1] = _told_wrongly(fill, kind, following)
        key = f"fee:{fill.order}" if kind == "fee" else f"execution:{fill.id}"
        return Planted(source, key, BreakType(kind), passes=kind == "late")

    def _stray(self, source: str, told: list[Fill], like: list[Fill]) -> Planted | None:
        """Tell of a fill that never was."""
        for fill in like:
            number = next(self._numbers)
            stray = replace(
                fill, id=f"Z{number}", order=f"S{number}", quantity=Decimal(number),
                price=Decimal("20.02"), side="buy", fee=NOTHING,
            )  # fmt: skip
            told.append(stray)
            self._touched.add((source, stray.id))
            return Planted(source, f"execution:{stray.id}", BreakType.MISSING_HERE, passes=False)
        return None

    def _of_custody(self, kind: str, day: date) -> Planted | None:
        if kind == "statement":
            self.custodian.late.add(day)
            return Planted(CUSTODIAN, f"statement:{day}", BreakType.MISSING_THERE, passes=True)
        asset = STEADY if kind == "position" else "USD"
        key = f"{kind}:{asset}"
        resolved = Break.objects.filter(source=CUSTODIAN, key=key).exclude(resolved_at=None)
        if resolved.count() < len(self.planted.get((CUSTODIAN, key), [])):
            return None  # while it is wrong, more of it is no other break
        self.custodian.off.append((day, asset, Decimal(100 + next(self._numbers))))
        return Planted(CUSTODIAN, key, BreakType(kind), passes=False)

    def _of_line(self, kind: str, day: date, following: date) -> Planted | None:
        told = self.bank.told
        if kind == "missing_here":
            number = next(self._numbers)
            stray = self.bank.moves(day, Decimal(250 + number), f"who is it {number}")
            self._touched.add((BANK, stray.id))
            return Planted(BANK, f"line:{stray.id}", BreakType.MISSING_HERE, passes=False)
        # Of the openings all say the same: which of them is wrong could not be said.
        todays = [line for line in told if line.day == day and line.reference != "opening"]
        line = self._untouched(BANK, todays)
        if line is None:
            return None
        place = told.index(line)
        key = f"line:transfer:{_transfer(line.reference).pk}"
        match kind:
            case "missing_there":
                told.pop(place)
            case "cash":
                told[place] = replace(line, amount=line.amount + 1)
            case "late":
                told[place] = replace(line, day=following)
            case "duplicate":
                again = self.bank.moves(day, line.amount, line.reference)
                self._touched.add((BANK, again.id))
                key = f"line:{again.id}"
        return Planted(BANK, key, BreakType(kind), passes=kind == "late")

    def _untouched(self, source: str, told: list[T]) -> T | None:
        left = [each for each in told if (source, each.id) not in self._touched]
        if not left:
            return None
        found = self.draw.choice(left)
        self._touched.add((source, found.id))
        return found

    # --- Resolving -----------------------------------------------------------------------------

    def resolve(self, *, ann: User, bob: User, now: datetime) -> None:
        """Let two people resolve what is open, but for what the other side will still say.

        Raises AssertionError for what was not planted.
        """
        for row in Break.objects.filter(state__in=keeping.OPEN).order_by("pk"):
            planted = self.planted.get((row.source, row.key), [])
            assert planted, f"nobody planted {row} of {row.source}: {row.ours} {row.theirs}"
            if planted[-1].passes:
                continue
            assert row.day < calendars.date_of(now), "found before its evening"
            if row.source == BANK:
                self._correct(row, HERE, ann, bob, now)
            elif row.type == BreakType.CASH:
                self._correct(row, LedgerAccount.Kind.SETTLEMENT, ann, bob, now)
            else:
                self._explain(row, ann, bob, now)

    def _correct(self, row: Break, account: str, ann: User, bob: User, now: datetime) -> None:
        asked = working.ask_to_correct(
            row.pk, amount=row.difference, account=account, by=ann, reason="They are right", now=now
        )
        try:
            working.approve(asked.pk, by=ann, reason="Myself", now=now)
        except UnableToApprove:
            self.count["refused to one alone"] += 1
        working.approve(asked.pk, by=bob, reason="Seen", now=now)
        self.count["corrected by two"] += 1

    def _explain(self, row: Break, ann: User, bob: User, now: datetime) -> None:
        working.take(row.pk, by=ann, now=now)
        working.explain(row.pk, by=ann, reason="They keep it so", now=now)
        try:
            working.accept(row.pk, by=ann, reason="Myself", now=now)
        except working.UnableToResolve:
            self.count["refused to one alone"] += 1
        working.accept(row.pk, by=bob, reason="Seen", now=now)
        self.count["accepted by two"] += 1

    # --- What must have come of it -------------------------------------------------------------

    def check(self) -> None:
        """Hold what was found against what was planted: each once, no other, none left open."""
        rows = list(Break.objects.order_by("pk"))
        found: dict[tuple[str, str], list[Break]] = {}
        for row in rows:
            found.setdefault((row.source, row.key), []).append(row)
        false = [str(row) for key, of in found.items() if key not in self.planted for row in of]
        self.count["breaks false"] = len(false)
        assert not false, false
        for key, planted in self.planted.items():
            made = found.get(key, [])
            assert [row.type for row in made] == [each.type for each in planted], (key, made)
            for row, each in zip(made, planted, strict=True):
                self._check(row, each)
        self.count["breaks found"] = len(rows)

    def _check(self, row: Break, planted: Planted) -> None:
        rule = "accepted"
        if row.key.startswith("statement:"):
            rule = "gone"
        elif planted.passes:
            rule = "late_then_matched"
        elif row.source == BANK or row.type == BreakType.CASH:
            rule = "corrected"
        state = State.AUTO_RESOLVED if planted.passes else State.RESOLVED
        assert (row.state, row.rule) == (state, rule), f"{row}: {row.state} by {row.rule}"
        if not planted.passes:
            decided = {"explained", "accepted", "asked", "corrected"}
            by = {step.actor for step in row.steps.all() if step.kind in decided}
            assert len(by) == 2, f"{row} was resolved by {by}"
        self.count[f"resolved: {rule}"] += 1
        # What was harmless as soon as it was found needed nobody.
        if row.severity >= Severity.WARNING and row.resolved_at != row.found_at:
            key = f"break:{row.pk}:{row.severity}"
            alerts = AlertEvidence.objects.filter(kind=keeping.ALERT, key=key)
            assert alerts.count() == 1, f"nobody was told of {row}"
            self.count["breaks alerted"] += 1


def _told_wrongly(fill: Fill, kind: str, following: date) -> list[Fill]:
    """Return what is told instead of the fill."""
    match kind:
        case "missing_there":
            return []
        case "duplicate":
            return [fill, fill]
        case "quantity":
            return [replace(fill, quantity=fill.quantity + 7)]
        case "price":
            return [replace(fill, price=fill.price + 5 * CENT)]
        case "fee":
            return [replace(fill, fee=fill.fee + 3 * CENT)]
        case "late":
            return [replace(fill, day=following, at=fill.at + (following - fill.day))]
    raise ValueError(kind)


def _transfer(reference: str) -> Transfer:
    """Return our transfer of this reference that came to the bank or left it."""
    moved = Transfer.objects.filter(Q(debit__kind=HERE) | Q(credit__kind=HERE))
    return moved.get(reference__endswith=f":{reference}")
