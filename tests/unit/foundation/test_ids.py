"""Ids that rise with the time."""

from __future__ import annotations

import os
import threading
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from foundation import ids

# Of the years 1970 to 2262, in nanoseconds.
TIMES = st.integers(min_value=0, max_value=2**63 - 1)
CHANCES = st.integers(min_value=0, max_value=2**64 - 1)
STEP_NANOSECONDS = 245  # a 4096th of a millisecond, rounded up


def test_an_id_is_laid_out_as_the_standard_has_it() -> None:
    # RFC 9562, A.6: the time is 22 February 2022, 19:22:22 UTC.
    milliseconds, gone = 0x017F22E279B0, 0xCC3
    nanoseconds = milliseconds * 1_000_000 + -(-gone * 1_000_000 // 4096)
    assert ids.made(nanoseconds, 0x18C4DC0C0C07398F) == UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")


@given(TIMES, CHANCES)
def test_every_id_is_of_version_seven(nanoseconds: int, chance: int) -> None:
    made = ids.made(nanoseconds, chance)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == nanoseconds // 1_000_000


@given(TIMES, CHANCES, CHANCES)
def test_what_comes_later_sorts_later(nanoseconds: int, chance: int, another: int) -> None:
    assert ids.made(nanoseconds, chance) < ids.made(nanoseconds + STEP_NANOSECONDS, another)


def test_no_two_are_alike_whoever_makes_them() -> None:
    made: list[UUID] = []

    def make() -> None:
        made.extend([ids.new() for _ in range(2_000)])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == len(made) == 16_000


def test_a_child_process_takes_chances_of_its_own() -> None:
    mask = 2**62 - 1
    ids.new()  # so that there are chances left which a child could inherit
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, ids.new().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    told = UUID(bytes=os.read(reader, 16)).int & mask
    os.close(reader)
    os.close(writer)
    assert told not in {ids.new().int & mask for _ in range(600)}
