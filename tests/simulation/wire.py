"""The wire between the firm and a venue, on which nothing is certain but that it goes on.

What is lost comes again later, because the firm sends until it is answered and asks for reports
that are missing from the venue's count. Until then messages come late, twice, and in any order.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Generic, TypeVar

from venues.messages import ExecutionReport, ReportKind

INVENTED = "INVENTED"
"""How the ids of executions begin that never were."""

Message = TypeVar("Message")


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """How often, of one message, what goes wrong goes wrong; delays in steps of the simulation."""

    late: float = 0.05
    doubled: float = 0.03
    lost: float = 0.02
    overfilled: float = 0.002
    ended_early: float = 0.2
    delay_max: int = 40
    silence: int = 400


class Line(Generic[Message]):
    """One direction of the wire."""

    def __init__(self, draw: random.Random, misbehaviour: Misbehaviour) -> None:
        self._draw = draw
        self._is = misbehaviour
        self._under_way: list[tuple[int, int, Message]] = []
        self._number = 0
        self.count: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._under_way)

    def send(self, message: Message, *, step: int) -> None:
        """Put a message on the wire: it arrives once or more, in a while."""
        due = step
        if self._happens("lost", self._is.lost):
            due += self._is.silence
        elif self._happens("late", self._is.late):
            due += self._draw.randrange(1, self._is.delay_max)
        self._put(message, due)
        if self._happens("doubled", self._is.doubled):
            self._put(message, due + self._draw.randrange(self._is.silence))

    def arrived(self, *, step: int) -> Message | None:
        """Return the next message that has arrived by now."""
        if self._under_way and self._under_way[0][0] <= step:
            return heapq.heappop(self._under_way)[2]
        return None

    def _put(self, message: Message, due: int) -> None:
        self._number += 1
        heapq.heappush(self._under_way, (due, self._number, message))

    def _happens(self, what: str, probability: float) -> bool:
        happens = self._draw.random() < probability
        self.count[what] += happens
        return happens


def overfill(fill: ExecutionReport, draw: random.Random) -> ExecutionReport:
    """Return a fill that never was: more than the order has left."""
    assert fill.quantity is not None
    more = fill.leaves_quantity + draw.randrange(1, 1000)
    return replace(
        fill,
        execution_id=f"{INVENTED}-{fill.execution_id}",
        quantity=more,
        cumulative_quantity=fill.cumulative_quantity + more,
        leaves_quantity=Decimal(0),
    )


def ended_before_its_last_fill(
    reports: list[ExecutionReport], draw: random.Random, probability: float
) -> list[ExecutionReport]:
    """Let the end of an order overtake the fill before it, and not count that fill."""
    for at, (fill, end) in enumerate(pairwise(reports)):
        is_end = end.kind in (ReportKind.CANCELLED, ReportKind.EXPIRED)
        if (
            is_end
            and fill.kind is ReportKind.FILL
            and fill.client_order_id == end.client_order_id
            and draw.random() < probability
        ):
            assert fill.quantity is not None
            hasty = replace(end, cumulative_quantity=end.cumulative_quantity - fill.quantity)
            return [*reports[:at], hasty, fill, *reports[at + 2 :]]
    return reports
