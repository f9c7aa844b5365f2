"""Which limit holds: of several rows, one value for each name. Pure.

A limit of the account goes before one of its tier, and that before the firm's. The same order
holds among the limits of the instrument; of the two that are found so, the tighter one counts.
Within one scope an override goes before what stands, and a later row before an earlier one; of
several overrides each in what it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Final

from risk.checks.facts import Bounds

AGES: Final = ("quote_age_max", "firm_age_max")
NAMES: Final = tuple(each.name for each in fields(Bounds) if each.name not in AGES)
"""Every limit. The lower is the tighter, of all of them."""

Value = Decimal | int
_OWNERS: Final = ("account", "tier", "firm")


@dataclass(frozen=True, slots=True)
class Row:
    """What one row of limits says: `owner` is "account", "tier" or "firm"."""

    id: int
    owner: str
    is_of_instrument: bool
    is_override: bool
    valid_from: datetime
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Term:
    """A row, and when it ends: None is never."""

    row: Row
    valid_until: datetime | None

    def is_in_force(self, at: datetime) -> bool:
        return self.row.valid_from <= at and (self.valid_until is None or at < self.valid_until)


@dataclass(frozen=True, slots=True)
class Found:
    """A limit that holds, and the row that it comes from."""

    value: Value
    row: int


def resolve(rows: Iterable[Row]) -> dict[str, Found]:
    """Return the limits that hold by name, of the rows that apply; those that nobody sets are not
    among them."""
    by_scope: dict[tuple[str, bool], list[Row]] = {}
    for row in sorted(rows, key=lambda r: (r.is_override, r.valid_from, r.id), reverse=True):
        by_scope.setdefault((row.owner, row.is_of_instrument), []).append(row)
    scopes = {scope: _of_scope(found) for scope, found in by_scope.items()}
    resolved = {}
    for name in NAMES:
        candidates = [
            found
            for is_of_instrument in (False, True)
            if (found := _most_specific(scopes, name, is_of_instrument=is_of_instrument))
        ]
        if candidates:
            resolved[name] = min(candidates, key=lambda found: found.value)
    return resolved


def _of_scope(rows: Sequence[Row]) -> dict[str, Found]:
    """Return what holds of one scope's rows, the first in force first.

    Of what stands that is the first row alone. Overrides name only what they override, so that of
    several each holds in what no later one names.
    """
    standing = [row for row in rows if not row.is_override][:1]
    overrides = [row for row in reversed(rows) if row.is_override]
    found: dict[str, Found] = {}
    for row in (*standing, *overrides):
        found |= {name: Found(value, row.id) for name, value in row.values.items()}
    return found


def _most_specific(
    scopes: Mapping[tuple[str, bool], Mapping[str, Found]], name: str, *, is_of_instrument: bool
) -> Found | None:
    for owner in _OWNERS:
        found = scopes.get((owner, is_of_instrument), {}).get(name)
        if found is not None:
            return found
    return None


def bounds_of(
    resolved: Mapping[str, Found], *, quote_age_max: float, firm_age_max: float
) -> Bounds | None:
    """Return the limits as checks take them, None when one of them is set by nobody."""
    if len(resolved) != len(NAMES):
        return None
    values = {name: found.value for name, found in resolved.items()}
    return Bounds(**values, quote_age_max=quote_age_max, firm_age_max=firm_age_max)  # type: ignore[arg-type]


def loosened(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[str]:
    """Return the names of the limits that are wider, or gone, after a change of one scope."""
    return [
        name for name, value in before.items() if after.get(name) is None or after[name] > value
    ]


def widened(terms: Iterable[Term], new: Term) -> list[str]:
    """Return the names of the limits that are wider, or gone, at any moment of the new row's time.

    `terms` are the rows of its scope and of those that it goes before, in the same instrument or
    in all: what it hides is compared as well as what it replaces, and what was to hold again when
    something ends as well as what holds now.
    """
    known = list(terms)
    changes = {each.row.valid_from for each in known}
    changes |= {each.valid_until for each in known if each.valid_until is not None}
    begins = new.row.valid_from
    names = set()
    for at in (begins, *(at for at in changes if at > begins and new.is_in_force(at))):
        before = [each.row for each in known if each.is_in_force(at)]
        names.update(loosened(_values(before), _values([*before, new.row])))
    return [name for name in NAMES if name in names]


def _values(rows: Iterable[Row]) -> dict[str, Value]:
    return {name: found.value for name, found in resolve(rows).items()}
