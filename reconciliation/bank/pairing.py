"""Which line of a bank's statement is which money that we have booked. Pure.

A line is known by our reference in what the bank says of it, as a word of its own; one without any
reference by its amount. A correcting entry of ours counts with the line that it corrects.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from foundation.decimals import CASH, text
from reconciliation.records import ZERO, Apart, BankLine, Break, BreakType, Count, Facts, Told

DAYS_APART_MAX: Final = 5
"""How far apart two lines may be that have nothing in common but their amount."""

_WORDS: Final = re.compile(r"[A-Z0-9]+(?:[-_.][A-Z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Booked:
    """A line of ours with the entries that correct it, or what we have booked for one of theirs."""

    line: BankLine
    parts: tuple[BankLine, ...]

    @property
    def amount(self) -> Decimal:
        return sum((part.amount for part in self.parts), ZERO)


class Lines:
    """What came of it: the breaks, and what is apart for them."""

    def __init__(self, days: Collection[date], count: Count) -> None:
        self.days, self.count = days, count
        self.breaks: list[Break] = []
        self.apart: list[Apart] = []

    def pair(self, ours: Booked, theirs: BankLine) -> None:
        late = abs((theirs.day - ours.line.day).days)
        difference = theirs.amount - ours.amount
        is_for_theirs = ours.line.corrects == theirs.id
        if difference or (late and not is_for_theirs):
            kind = BreakType.CASH if difference else BreakType.LATE
            day = min(ours.line.day, theirs.day)
            self.breaks.append(
                Break(
                    kind, f"line:{ours.line.id}", day, _facts(ours.line, ours.amount),
                    _facts(theirs), CASH, difference, abs(difference), days_late=late,
                )
            )  # fmt: skip
        else:
            self.count.agreed += 1
        if not difference or min(ours.line.day, theirs.day) in self.days:
            self.part(theirs, 1)
            for part in ours.parts:
                self.part(part, -1)

    def twice(self, line: BankLine) -> None:
        if line.day not in self.days:
            return
        facts = _facts(line)
        self.breaks.append(
            Break(
                BreakType.DUPLICATE, f"line:{line.id}", line.day, facts,
                facts | {"told": "twice"}, CASH, line.amount, abs(line.amount),
            )
        )  # fmt: skip
        self.part(line, 1)

    def alone(self, line: BankLine, sign: int, amount: Decimal, parts: Iterable[BankLine]) -> None:
        if line.day not in self.days:
            return
        facts: Facts = _facts(line, amount)
        ours, theirs = ({}, facts) if sign > 0 else (facts, {})
        kind = BreakType.MISSING_HERE if sign > 0 else BreakType.MISSING_THERE
        self.breaks.append(
            Break(kind, f"line:{line.id}", line.day, ours, theirs, CASH, sign * amount, abs(amount))
        )
        for part in parts:
            self.part(part, sign)

    def taken_back(self, booked: Booked) -> None:
        """Take note of what never came: our own entries undo it."""
        self.count.explained += 1
        for part in booked.parts:
            self.part(part, -1)

    def part(self, line: BankLine, sign: int) -> None:
        self.apart.append(Apart(line.day, CASH, sign * line.amount))


def match(ours: Told, theirs: Told, count: Count) -> Lines:
    """Return the lines that only one side has, has twice, with another amount, or late."""
    lines = Lines(theirs.days, count)
    # Of two that say the same the earlier is the first, of one day that which the file has first.
    mine, told = _by_day(ours.lines), _by_day(theirs.lines)
    here, fixed = _corrected(mine, {line.id for line in told})
    count.ours, count.theirs = len(here) + len(fixed), len(told)
    open_ = _Open(booked for booked in here if booked.amount)
    left = _unknown(told, fixed, lines)
    known: set[tuple[str, Decimal]] = set()
    # In this order, so that a line which agrees in all is never given to one that does not.
    for is_same_amount in (True, False):
        left = _pair_named(left, open_, lines, known, is_same_amount=is_same_amount)
    for line in left:
        if any((word, line.amount) in known for word in words(line.reference)):
            lines.twice(line)
        elif booked := open_.unnamed(line):
            lines.pair(booked, line)
        else:
            lines.alone(line, 1, line.amount, [line])
    for booked in open_:
        lines.alone(booked.line, -1, booked.amount, booked.parts)
    for booked in here:
        if not booked.amount:
            lines.taken_back(booked)
    return lines


def _by_day(lines: Iterable[BankLine]) -> list[BankLine]:
    return sorted(lines, key=lambda each: each.day)


def _pair_named(
    left: Iterable[BankLine],
    open_: _Open,
    lines: Lines,
    known: set[tuple[str, Decimal]],
    *,
    is_same_amount: bool,
) -> list[BankLine]:
    unpaired = []
    for line in left:
        booked = open_.named(line, is_same_amount=is_same_amount)
        if booked is None:
            unpaired.append(line)
        else:
            known.add((booked.line.reference.upper(), line.amount))
            lines.pair(booked, line)
    return unpaired


class _Open:
    """Our lines that are not paired yet, found by reference or by amount."""

    def __init__(self, booked: Iterable[Booked]) -> None:
        self._all = {each.line.id: each for each in booked}
        self._by_reference: dict[str, list[Booked]] = defaultdict(list)
        self._by_amount: dict[Decimal, list[Booked]] = defaultdict(list)
        for each in self._all.values():
            if each.line.reference:
                self._by_reference[each.line.reference.upper()].append(each)
            self._by_amount[each.amount].append(each)

    def __iter__(self) -> Iterator[Booked]:
        return iter(self._all.values())

    def named(self, line: BankLine, *, is_same_amount: bool) -> Booked | None:
        """Take the one whose reference the bank says, of the same direction."""
        return self._take(
            line,
            [
                each
                for word in sorted(words(line.reference))
                for each in self._by_reference.get(word, ())
                if (each.amount == line.amount) == is_same_amount
                and (each.amount > 0) == (line.amount > 0)
            ],
        )

    def unnamed(self, line: BankLine) -> Booked | None:
        """Take what the line may be, if the bank says nothing of it but the amount."""
        if line.reference:
            return None
        near = timedelta(days=DAYS_APART_MAX)
        return self._take(
            line,
            [
                each
                for each in self._by_amount.get(line.amount, ())
                if abs(each.line.day - line.day) <= near
            ],
        )

    def _take(self, line: BankLine, candidates: Iterable[Booked]) -> Booked | None:
        open_ = [each for each in candidates if each.line.id in self._all]
        if not open_:
            return None
        nearest = min(open_, key=lambda each: (abs(each.line.day - line.day), each.line.id))
        return self._all.pop(nearest.line.id)


def _unknown(told: Iterable[BankLine], fixed: dict[str, Booked], lines: Lines) -> list[BankLine]:
    """Return their lines but those that are told twice, or that we have booked as a correction."""
    left, names = [], set()
    for line in told:
        if line.id in names:
            lines.twice(line)
        elif line.id in fixed:
            lines.pair(fixed[line.id], line)
        else:
            left.append(line)
        names.add(line.id)
    return left


def _corrected(
    lines: Iterable[BankLine], theirs: set[str]
) -> tuple[list[Booked], dict[str, Booked]]:
    """Return our lines with what corrects them, and what we have booked for lines of theirs that
    we had not known, by their id."""
    entries: dict[str, list[BankLine]] = defaultdict(list)
    own = []
    for line in lines:
        if line.corrects:
            entries[line.corrects].append(line)
        else:
            own.append(line)
    here = [Booked(line, (line, *entries.pop(line.id, ()))) for line in own]
    return here, {
        name: Booked(parts[0], tuple(parts)) for name, parts in entries.items() if name in theirs
    }


def words(reference: str) -> set[str]:
    """Return the words of what a bank says: our reference is one of them, or all of it."""
    whole = reference.strip().upper()
    return {*_WORDS.findall(whole), whole} - {""}


def _facts(line: BankLine, amount: Decimal | None = None) -> Facts:
    return {
        "line": line.id,
        "day": line.day.isoformat(),
        "amount": text(line.amount if amount is None else amount),
        "reference": line.reference,
    }
