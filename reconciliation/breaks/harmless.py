"""Which breaks are known to be harmless, how urgent the others are, and what two must agree on.

Pure. The rules are data: each has a code name, which is kept with every break that it resolves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from foundation.decimals import CASH_QUANTUM
from reconciliation.records import Break, BreakType
from risk.findings import Severity

NOTHING: Final = Decimal(0)
LATE_DAYS_MAX: Final = 4
"""A long weekend: what has come after that is matched, but somebody has to ask why."""
LARGE: Final = Decimal(10_000)
"""From this value in USD on, somebody is told at once."""
WARNED_AFTER_DAYS: Final = 1
SEVERE_AFTER_DAYS: Final = 3
ACCEPTED: Final = "accepted"
"""The code of a break that people have explained, and left as it is."""
GONE: Final = "gone"
"""The code of a break that a later comparison did not find again."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason for which a break needs nobody: its code name, what it says, when it applies.

    What it `stays` for, both sides keep: it explains balances from then on.
    """

    code: str
    says: str
    applies: Callable[[Break], bool]
    stays: bool = False


RULES: Final = (
    Rule(
        "late_then_matched",
        f"It came within {LATE_DAYS_MAX} days of the other side, and agrees.",
        lambda found: found.type is BreakType.LATE and found.days_late <= LATE_DAYS_MAX,
    ),
    Rule(
        "below_a_cent",
        "It is worth less than a cent: somebody has rounded.",
        lambda found: (
            found.type in (BreakType.CASH, BreakType.PRICE) and 0 < found.value < CASH_QUANTUM
        ),
        stays=True,
    ),
    Rule(
        "fee_rounded",
        "The fees of an order differ by a cent: it is rounded once, by fill or by order.",
        lambda found: found.type is BreakType.FEE and found.value <= CASH_QUANTUM,
        stays=True,
    ),
    Rule(
        "settlement_timing",
        "It is exactly what settles on this day or the next: the sides count it a day apart.",
        lambda found: found.is_timing,
    ),
)


STAYS: Final = frozenset({ACCEPTED, *(rule.code for rule in RULES if rule.stays)})
"""What a break was resolved by whose difference stays in the books."""


def rule_of(found: Break) -> Rule | None:
    """Return the rule that says the break is harmless, if there is one."""
    return next((rule for rule in RULES if rule.applies(found)), None)


def severity(*, kind: BreakType, key: str, value: Decimal, age_days: int) -> Severity:
    """Return how urgent a break is that was found `age_days` ago.

    What a bank has not shown yet is usual for as long as a bank takes.
    """
    if kind is BreakType.MISSING_THERE and key.startswith("line:") and age_days <= LATE_DAYS_MAX:
        return Severity.NOTICE
    if kind is BreakType.BOOKS or value >= LARGE or age_days >= SEVERE_AFTER_DAYS:
        return Severity.SEVERE
    if kind in (BreakType.FEE, BreakType.LATE) and age_days < WARNED_AFTER_DAYS:
        return Severity.NOTICE
    return Severity.WARNING


def is_about_money(*, kind: BreakType, key: str) -> bool:
    """Tell whether two people must agree on what becomes of a break.

    An order that is open on one side only, and what came late and agrees, has moved nothing yet.
    """
    return kind is not BreakType.LATE and not key.startswith(("order:", "statement:"))
