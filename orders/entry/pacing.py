"""When the same order may be asked about again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True)
class _Pause:
    length: timedelta
    until: datetime


class Pacing:
    """Pauses between what is asked about one order: each twice as long as the one before.

    An order that nobody wanted to ask about for the longest pause after its own begins anew.
    """

    def __init__(self, *, shortest: timedelta, longest: timedelta) -> None:
        self._shortest = shortest
        self._longest = longest
        self._pauses: dict[UUID, _Pause] = {}
        self._cleared_at: datetime | None = None

    def __len__(self) -> int:
        """Return how many orders are remembered."""
        return len(self._pauses)

    def admit(self, order_id: UUID, *, now: datetime) -> bool:
        """Tell whether the order may be asked about at `now`; if so, its next pause begins."""
        self._forget_old(now)
        before = self._pauses.get(order_id)
        if before is not None and now < before.until:
            return False
        length = self._shortest if before is None else min(2 * before.length, self._longest)
        self._pauses[order_id] = _Pause(length, now + length)
        return True

    def _forget_old(self, now: datetime) -> None:
        if self._cleared_at is not None and now - self._cleared_at < self._longest:
            return
        self._cleared_at = now
        oldest = now - self._longest
        self._pauses = {key: each for key, each in self._pauses.items() if each.until > oldest}
