"""What a comparison makes of the breaks that are known: new, the same again, another, or gone.

Pure. A break keeps its row for as long as it is found, however often; when it is not found any
more where it was looked for, it is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from reconciliation.breaks import harmless
from reconciliation.records import Break, BreakType

FORGOTTEN_AFTER = timedelta(days=14)
"""What was resolved and is found again after that long is another break."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A break that is known: the latest of its key. `rule` is what resolved it, if one has."""

    id: int
    key: str
    type: BreakType
    day: date
    difference: Decimal
    cash: Decimal
    is_open: bool
    found_on: date
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written of a break: `known` is the row that it has, if it has one."""

    found: Break | None
    known: Standing | None
    rule: harmless.Rule | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """Breaks that are `new`, found `again` as they were, `other` than before, and `gone`."""

    new: tuple[Change, ...]
    again: tuple[Change, ...]
    other: tuple[Change, ...]
    gone: tuple[Change, ...]


def changes(
    found: Iterable[Break],
    standing: Mapping[str, Standing],
    *,
    on: date,
    days: Collection[date],
    kinds: Collection[str],
) -> Changes:
    """Return what a comparison changes that was made for the day `on`.

    It has looked at `days`, for the `kinds` of keys such as "execution". One break of a key counts.
    """
    new, again, other, gone = [], [], [], []
    by_key = {each.key: each for each in reversed(list(found))}
    for key, each in sorted(by_key.items()):
        known, rule = standing.get(key), harmless.rule_of(each)
        is_same = known is not None and _is_same(known, each)
        if known is None or not (known.is_open or _is_settled(known, each, on)):
            new.append(Change(each, None, rule))
        elif is_same and not (known.is_open and rule):
            again.append(Change(each, known))
        elif known.is_open:
            other.append(Change(each, known, rule))
    for key, known in sorted(standing.items()):
        is_looked_for = known.day in days and key.partition(":")[0] in kinds
        is_looked_for = is_looked_for and known.found_on <= on  # not by an earlier day done again
        if known.is_open and key not in by_key and is_looked_for:
            gone.append(Change(None, known))
    return Changes(tuple(new), tuple(again), tuple(other), tuple(gone))


def _is_same(known: Standing, found: Break) -> bool:
    told = (known.type, known.difference, known.cash)
    return told == (found.type, found.difference, found.cash)


def _is_settled(known: Standing, found: Break, on: date) -> bool:
    """Tell whether what is found was resolved already, for good, and not merely gone."""
    is_lately = on - known.found_on <= FORGOTTEN_AFTER
    return is_lately and known.rule != harmless.GONE and _is_same(known, found)
