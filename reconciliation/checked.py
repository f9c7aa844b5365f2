"""What the last check of the invariants came to: one row, written over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciliation.invariants import Finding
from reconciliation.models import InvariantCheck


@dataclass(frozen=True, slots=True)
class Checked:
    """When the invariants were last checked, how many, and the numbers of those that broke."""

    at: datetime
    count: int
    broken: tuple[int, ...]


def keep(findings: Sequence[Finding], *, now: datetime) -> None:
    """Keep what a check has found, in place of the one before."""
    broken = sorted(finding.number for finding in findings if not finding.holds)
    InvariantCheck.objects.update_or_create(
        pk=1, defaults={"at": now, "count": len(findings), "broken": broken}
    )


def last() -> Checked | None:
    """Return what the last check came to, None before the first."""
    row = InvariantCheck.objects.filter(pk=1).first()
    return None if row is None else Checked(row.at, row.count, tuple(row.broken))
