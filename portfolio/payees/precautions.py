"""When money may leave, and for where: waiting times and limits. Pure.

Whoever has got into an account tries to send its money to a bank account of their own, at once
and all of it. So a new payee waits before it can be used, the first of an account longest; a
change of how somebody signs in makes withdrawals wait; a day has a limit, and a higher limit
waits as a payee does. What makes it safer holds at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

COOLING_OFF: Final = timedelta(hours=24)
COOLING_OFF_FIRST: Final = timedelta(hours=48)
DAILY_LIMIT: Final = Decimal(25_000)
"""USD that may leave an account on a day in New York, unless its customer has chosen otherwise."""
DAILY_LIMIT_MAX: Final = Decimal(100_000)
"""The most that a customer can choose."""


class Code(StrEnum):
    """Why a withdrawal is refused: stable words for clients."""

    UNKNOWN_PAYEE = "unknown_payee"
    COOLING_OFF = "payee_cooling_off"
    SECURITY_HOLD = "security_hold"
    DAILY_LIMIT = "daily_limit"
    OTHER_ASSET = "other_asset"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why money does not leave now; `until` is when to ask again, if waiting helps."""

    code: Code
    message: str
    until: datetime | None = None


def usable_at(added_at: datetime, *, is_first: bool) -> datetime:
    """Return from when on a payee may be paid."""
    return added_at + (COOLING_OFF_FIRST if is_first else COOLING_OFF)


def limit_holds_from(wanted: Decimal, *, now_held: Decimal, set_at: datetime) -> datetime:
    """Return from when on a limit that was chosen holds: a lower one at once."""
    return set_at if wanted <= now_held else set_at + COOLING_OFF


def objection(
    *,
    amount: Decimal,
    usable_at: datetime,
    held_until: datetime | None,
    left_today: Decimal,
    limit: Decimal,
    now: datetime,
) -> Objection | None:
    """Return why `amount` of USD, or coins worth that, cannot leave now; or None.

    `held_until` is until when a change of how the customer signs in holds withdrawals back;
    `left_today` is what of the day's `limit` has not been asked for yet.
    """
    if held_until is not None and now < held_until:
        return Objection(
            Code.SECURITY_HOLD,
            "How you sign in was changed a short while ago: withdrawals wait for three days.",
            held_until,
        )
    if now < usable_at:
        return Objection(
            Code.COOLING_OFF, "This payee is new: it can be paid when its waiting time is over.",
            usable_at,
        )  # fmt: skip
    if amount > left_today:
        return Objection(
            Code.DAILY_LIMIT,
            f"{max(left_today, Decimal(0)):,.2f} USD are left of today's limit of {limit:,.2f}.",
        )
    return None
