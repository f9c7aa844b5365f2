"""The correcting entry that somebody has asked for: the request that waits for another person."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from accounts import approvals
from accounts.letters import writing
from accounts.models import Approval
from reconciliation.breaks.models import Break

APPROVAL: Final = "reconciliation.correction"
"""The kind of an approval of a correcting entry; its subject is the number of the break."""


def waiting(row: Break, *, now: datetime) -> Approval | None:
    """Return the correction that waits for a second person, if there is one."""
    return approvals.waiting(now=now, kind=APPROVAL).filter(subject=str(row.pk)).first()


def let_go(row: Break, *, why: str, now: datetime) -> None:
    """Take the correction of a break that is resolved otherwise from what waits, and write to the
    one who has asked for it; the break must be locked."""
    found = waiting(row, now=now)
    if found is not None:
        approvals.let_go(found, reason=why, now=now)
        tell(found, row, "correction_not_needed", why, now)


def tell(asked: Approval, row: Break, letter: str, what: str, now: datetime) -> None:
    """Write to the one who has asked for a correction what became of it."""
    writing.write(
        asked.asked_by, letter, now=now, about=f"{row}, {row.source}",
        amount=asked.content["amount"], what=what, number=row.pk,
    )  # fmt: skip
