"""Ids of rows that come one after the other: UUIDs that rise with the time (RFC 9562, version 7).

An index takes what rises at its end. With ids by chance every insert is on another page, which is
read, changed and written to the log whole.

    48 bits  milliseconds since 1970
     4       the version, 7
    12       how much of the millisecond had gone
     2       the variant
    62       chance
"""

from __future__ import annotations

import os
import struct
import time
from collections import deque
from typing import Final
from uuid import UUID

_MILLISECOND: Final = 1_000_000  # in nanoseconds
_VERSION: Final = 7 << 76
_VARIANT: Final = 2 << 62
_CHANCE: Final = (1 << 62) - 1

# To ask the system for chance is a call at which Python's lock can go to another thread.
_MANY: Final = struct.Struct("512Q")
_chances: Final[deque[int]] = deque()
os.register_at_fork(after_in_child=_chances.clear)  # a child would make its parent's ids


def new() -> UUID:
    """Return an id that nobody else makes; it comes after those of before, by this clock."""
    return made(time.time_ns(), _chance())


def made(nanoseconds: int, chance: int) -> UUID:
    """Return the id of this time since 1970 with these 62 bits of chance; more are left out."""
    milliseconds, rest = divmod(nanoseconds, _MILLISECOND)
    gone = (rest << 12) // _MILLISECOND
    return UUID(int=milliseconds << 80 | _VERSION | gone << 64 | _VARIANT | chance & _CHANCE)


def _chance() -> int:
    try:
        return _chances.pop()
    except IndexError:
        first, *others = _MANY.unpack(os.urandom(_MANY.size))
        _chances.extend(others)
        return int(first)
