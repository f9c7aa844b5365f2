"""What the orders of one group do next: brackets, OCO and OTO. Pure.

An entry opens a position; its legs, a take-profit and a stop-loss, close it again. The rule that
keeps both legs from ever closing more than was opened: *what is left of a group is at the venue in
one order at a time*. A leg whose price is reached therefore waits until its siblings and its entry
have ended at the venue, and goes for exactly what they have left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypedDict
from uuid import UUID

from orders.lifecycle import Status
from orders.tickets import Role

ZERO: Final = Decimal(0)
LEGS: Final = frozenset({Role.TAKE_PROFIT, Role.STOP_LOSS})


@dataclass(frozen=True, slots=True)
class Member:
    """One order of a group. `is_triggered` says that the price of this held order was reached.

    A replacement that the venue has not accepted is no member yet, and one that it rejected never
    was.
    """

    id: UUID
    role: Role
    status: Status
    quantity: Decimal
    filled: Decimal
    is_triggered: bool = False

    @property
    def leaves(self) -> Decimal:
        return self.quantity - self.filled


class _Holding(TypedDict):
    holder: UUID | None
    held: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done now: nothing, if all of it is empty.

    `sizes` are the quantities that held legs should have; `holder` is the held leg that sets aside
    `held`, what no leg at the venue has set aside; the prices of `watched` are to be watched;
    `sent` goes to the venue; of `cancelled` the venue is asked for a cancel; `dropped` end now.
    """

    sizes: dict[UUID, Decimal] = field(default_factory=dict)
    holder: UUID | None = None
    held: Decimal = ZERO
    watched: tuple[UUID, ...] = ()
    sent: UUID | None = None
    cancelled: tuple[UUID, ...] = ()
    dropped: tuple[UUID, ...] = ()


def plan(members: Sequence[Member]) -> Plan:
    """Return what the group does next."""
    entries = [m for m in members if m.role is Role.ENTRY]
    held = [m for m in members if m.role in LEGS and m.status is Status.HELD]
    at_venue = [m for m in members if m.role in LEGS and m.status.is_at_venue]
    is_entering = any(not entry.status.is_final for entry in entries)
    left = left_to_close(members)
    if left <= 0:
        if is_entering:
            return Plan()  # nothing was opened yet that a leg could close
        return Plan(cancelled=_cancellable(at_venue), dropped=_ids(held))
    sizes = {leg.id: left for leg in held if leg.quantity != left}
    triggered = next((leg for leg in held if leg.is_triggered), None)
    if triggered is not None:
        return _make_way(triggered, left, sizes, at_venue, entries)
    stops = [leg for leg in held if leg.role is Role.STOP_LOSS]
    if at_venue:
        too_large = [leg for leg in at_venue if leg.leaves > left]
        # A late fill of the entry is more than the leg at the venue was sent for.
        bare = left - sum((leg.leaves for leg in at_venue), ZERO)
        return Plan(
            sizes=sizes,
            watched=_ids(stops),
            cancelled=_cancellable(too_large),
            **_holding(stops[0] if stops else None, bare),
        )
    profit = next((leg for leg in held if leg.role is Role.TAKE_PROFIT), None)
    if profit is not None and not is_entering:
        return Plan(sizes=sizes, watched=_ids(stops), sent=profit.id)
    holder = next(iter([*stops, *held]), None)
    return Plan(sizes=sizes, watched=_ids(stops), **_holding(holder, left))


def left_to_close(members: Sequence[Member]) -> Decimal:
    """Return what was opened and is not closed yet; of an OCO, what is not yet executed."""
    legs = [m for m in members if m.role in LEGS]
    closed = sum((leg.filled for leg in legs), ZERO)
    entries = [m for m in members if m.role is Role.ENTRY]
    if entries:
        return sum((entry.filled for entry in entries), ZERO) - closed
    # Of an OCO the take-profit says how much; what it was replaced by says it anew.
    profits = [leg for leg in legs if leg.role is Role.TAKE_PROFIT]
    total = sum((leg.filled for leg in profits if leg.status is Status.REPLACED), ZERO)
    total += sum((leg.quantity for leg in profits if leg.status is not Status.REPLACED), ZERO)
    return total - closed


def _make_way(
    triggered: Member,
    left: Decimal,
    sizes: dict[UUID, Decimal],
    at_venue: Sequence[Member],
    entries: Sequence[Member],
) -> Plan:
    """Let the triggered leg go, once nothing of its group is at the venue any more."""
    if not at_venue and all(entry.status.is_final for entry in entries):
        return Plan(sizes=sizes, sent=triggered.id)
    in_the_way = [*at_venue, *(e for e in entries if e.status.is_at_venue)]
    return Plan(
        sizes=sizes,
        cancelled=_cancellable(in_the_way),
        dropped=_ids(e for e in entries if e.status is Status.HELD),
        **_holding(triggered, left - sum((leg.leaves for leg in at_venue), ZERO)),
    )


def _holding(holder: Member | None, quantity: Decimal) -> _Holding:
    if holder is None or quantity <= 0:
        return {"holder": None, "held": ZERO}
    return {"holder": holder.id, "held": quantity}


def _cancellable(members: Iterable[Member]) -> tuple[UUID, ...]:
    return _ids(m for m in members if m.status is not Status.PENDING_CANCEL)


def _ids(members: Iterable[Member]) -> tuple[UUID, ...]:
    return tuple(member.id for member in members)
