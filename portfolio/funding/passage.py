"""The way of money in and out: which steps a deposit and a withdrawal may take. Pure.

One table says all of it, of cash and of coins. What is withdrawn leaves the customer when it is
asked for, so that it cannot be spent meanwhile; a deposit arrives when it settles. What is
cancelled or returned is undone, transfer by transfer, also long after it has settled: banks take
deposits back for weeks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

TWO_PEOPLE_ABOVE: Final = Decimal(10_000)
"""A withdrawal of more than this, in USD or worth it, is approved by two people."""


class Direction(StrEnum):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"


class State(StrEnum):
    PENDING = "pending"
    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    SETTLED = "settled"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class Step(StrEnum):
    APPROVE = "approve"
    SEND = "send"
    SETTLE = "settle"
    RETURN = "return"
    CANCEL = "cancel"


class Movement(StrEnum):
    """What a step moves in the ledger."""

    NOTHING = "nothing"
    CREDIT = "credit"  # bank to customer
    SEND = "send"  # clearing to bank, or out on the network
    UNDO = "undo"  # everything that was moved, the last first


@dataclass(frozen=True, slots=True)
class Next:
    """Where a step leads and what it moves."""

    state: State
    movement: Movement = Movement.NOTHING


class NoSuchStep(ValueError):
    """Money in this state cannot take this step."""


FIRST: Final = MappingProxyType(
    {Direction.DEPOSIT: State.PENDING, Direction.WITHDRAWAL: State.REQUESTED}
)

_IN, _OUT = Direction.DEPOSIT, Direction.WITHDRAWAL
_UNDONE: Final = Next(State.RETURNED, Movement.UNDO)

TABLE: Final = MappingProxyType(
    {
        (_IN, State.PENDING, Step.SETTLE): Next(State.SETTLED, Movement.CREDIT),
        (_IN, State.PENDING, Step.RETURN): _UNDONE,
        (_IN, State.SETTLED, Step.RETURN): _UNDONE,
        (_OUT, State.REQUESTED, Step.APPROVE): Next(State.APPROVED),
        (_OUT, State.REQUESTED, Step.CANCEL): Next(State.CANCELLED, Movement.UNDO),
        (_OUT, State.APPROVED, Step.CANCEL): Next(State.CANCELLED, Movement.UNDO),
        (_OUT, State.APPROVED, Step.SEND): Next(State.SENT, Movement.SEND),
        (_OUT, State.SENT, Step.SETTLE): Next(State.SETTLED),
        (_OUT, State.SENT, Step.RETURN): _UNDONE,
        (_OUT, State.SETTLED, Step.RETURN): _UNDONE,
    }
)

UNDER_WAY: Final = MappingProxyType(
    {
        Direction.DEPOSIT: frozenset({State.PENDING}),
        Direction.WITHDRAWAL: frozenset({State.REQUESTED, State.APPROVED, State.SENT}),
    }
)
"""In which states money has left its one side and not arrived at the other."""

PATIENCE: Final = MappingProxyType(
    {
        State.REQUESTED: timedelta(days=1),
        State.APPROVED: timedelta(days=1),
        State.SENT: timedelta(days=5),
    }
)
"""How long a withdrawal may stand so before somebody asks why: people have a day, banks five."""


def after(direction: Direction, state: State, step: Step) -> Next:
    """Return where `step` leads. Raises NoSuchStep."""
    try:
        return TABLE[direction, state, step]
    except KeyError:
        raise NoSuchStep(f"A {direction} that is {state} cannot be asked to {step}.") from None


def steps_from(direction: Direction, state: State) -> tuple[Step, ...]:
    """Return the steps that are open."""
    return tuple(step for of, at, step in TABLE if (of, at) == (direction, state))


def is_credit(direction: Direction, step: Step) -> bool:
    """Tell whether the step gives a customer money: two people have to have a hand in it."""
    return direction is Direction.DEPOSIT and step is Step.SETTLE


def needs_two_people(direction: Direction, value: Decimal) -> bool:
    """Tell whether two approve it; `value` is in USD."""
    return direction is Direction.WITHDRAWAL and value > TWO_PEOPLE_ABOVE


def withdrawable(*, available: Decimal, unsettled: Decimal, lendable: Decimal | None) -> Decimal:
    """Return what may leave: available and settled, of a margin account at most `lendable`.

    `unsettled` are proceeds of sales that have not settled, or coins that were bought with such;
    `lendable` is what a margin account may part with and still have what it must, None of a cash
    account.
    """
    most = available - max(unsettled, Decimal(0))
    if lendable is not None:
        most = min(most, lendable)
    return max(most, Decimal(0))
