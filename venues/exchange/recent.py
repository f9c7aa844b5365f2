"""Which requests of members were taken lately, in bounded memory."""

from __future__ import annotations

from typing import Any, Final

GENERATION: Final = 20_000


class RecentIds:
    """Remember at least the last `generation` ids and at most twice as many.

    Two generations: when the young one is full it becomes the old one, and the old one is
    forgotten. Until that has happened once, `is_complete` says that nothing was forgotten.
    """

    def __init__(self, generation: int = GENERATION) -> None:
        self.is_complete = True
        self._generation = generation
        self._young: dict[tuple[str, str], None] = {}
        self._old: dict[tuple[str, str], None] = {}

    def add(self, member: str, request_id: str) -> bool:
        """Remember the id; return whether it was new."""
        key = (member, request_id)
        if key in self._young or key in self._old:
            return False
        if len(self._young) >= self._generation:
            self.is_complete = self.is_complete and not self._old
            self._old, self._young = self._young, {}
        self._young[key] = None
        return True

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._young or key in self._old

    def state(self) -> dict[str, Any]:
        """Return all of it in plain values, in the order in which it came."""
        return {
            "generation": self._generation,
            "is_complete": self.is_complete,
            "old": list(self._old),
            "young": list(self._young),
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> RecentIds:
        ids = cls(state["generation"])
        ids.is_complete = state["is_complete"]
        ids._old = dict.fromkeys((member, request) for member, request in state["old"])
        ids._young = dict.fromkeys((member, request) for member, request in state["young"])
        return ids
