"""What each check looks at, found by letting it look: nobody has to write it down a second time.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from risk import checks
from risk.checks import Bounds, Denial, Proposal, Situation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check says, and all that it has read to say so: of the order, of what the order
    met, and of the limits, by name."""

    check: str
    denial: Denial | None
    of_order: Mapping[str, Any]
    of_situation: Mapping[str, Any]
    of_limits: Mapping[str, Any]


def outcomes(proposal: Proposal, situation: Situation, bounds: Bounds) -> tuple[Outcome, ...]:
    """Return what every check of the order says, in turn; also those behind the first denial."""
    found = []
    for check in checks.checks_of(proposal):
        read: tuple[dict[str, Any], ...] = ({}, {}, {})
        traced: list[Any] = [
            _Traced(each, into)
            for each, into in zip((proposal, situation, bounds), read, strict=True)
        ]
        denial = check(traced[0], traced[1], traced[2])
        found.append(Outcome(check.__name__, denial, *read))
    return tuple(found)


class _Traced:
    """Stands for a dataclass and notes what is read of it."""

    __slots__ = ("_of", "_read")

    def __init__(self, of: object, read: dict[str, Any]) -> None:
        self._of, self._read = of, read

    def __getattr__(self, name: str) -> Any:
        value = self._read[name] = getattr(self._of, name)
        return value
