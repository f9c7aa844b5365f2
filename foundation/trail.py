"""The trail that an order leaves in the log: a line for each thing that happens to it, by its id.

Whoever looks for the id of an order finds its whole life: the call that asked for it (by the id of
its request), what was decided, what was sent to the venue and came back, and which fills the ledger
booked. A line costs some microseconds, and nothing at all while the trail is not kept. Pure Python:
how a line is written is the shell's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

LOGGER: Final = "trail"

_log: Final = logging.getLogger(LOGGER)


@dataclass(frozen=True, slots=True)
class Steps:
    """What is written down at once: an event, and a line for each order that it happened to."""

    event: str
    lines: tuple[Mapping[str, object], ...]


def is_kept() -> bool:
    """Tell whether anybody keeps the trail: what lines are made of may cost something."""
    return _log.isEnabledFor(logging.INFO)


def note(event: str, lines: Iterable[Mapping[str, object]]) -> None:
    """Write down what happened, once it is durable: a line each, with `order_id` among it."""
    if is_kept() and (kept := tuple(lines)):
        _log.info(Steps(event, kept))
