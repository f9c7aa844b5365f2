"""What of the log a restore reads, on which timeline, and where the log has a hole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.recovery import wal
from trading.recovery.wal import SEGMENT_BYTES, Segment, Stretch, WalMissing

# The second timeline forked in segment 5, the third in segment 8.
PATH = (Stretch(1, 5 * SEGMENT_BYTES + 100), Stretch(2, 8 * SEGMENT_BYTES + 7), Stretch(3))


def segments(*of: tuple[int, int, int]) -> set[Segment]:
    """Return the segments `first` to `last` of each (timeline, first, last)."""
    return {Segment(t, n) for t, first, last in of for n in range(first, last + 1)}


@given(st.integers(1, 0xFFFF_FFFF), st.integers(0, 0xFF_FFFF_FFFF))
def test_a_segment_is_found_by_its_name_again(timeline, number):
    segment = Segment(timeline, number)
    assert Segment.named(segment.name) == segment


def test_a_segment_s_name_is_postgresql_s():
    assert Segment(1, wal.number_of(wal.position("1/FE000028"))).name == "0000000100000001000000FE"


@pytest.mark.parametrize(
    "name",
    [
        "0000000100000001000000FE.partial",
        "00000002.history",
        "receiver.log",
        "0000000100000001000000fe",
        "000000010000000100000100",
    ],
)
def test_other_files_are_no_segments(name):
    with pytest.raises(wal.UnreadablePosition):
        Segment.named(name)


@pytest.mark.parametrize("text", ["", "0", "0/", "x/1", "0/3G"])
def test_what_is_no_position_is_refused(text):
    with pytest.raises(wal.UnreadablePosition):
        wal.position(text)


def test_a_history_tells_where_a_timeline_comes_from():
    history = "1\t0/3000148\tno recovery target specified\n\n2\t0/5000000\tbefore 2026-11-21\n"
    assert wal.lineage(3, history) == (
        Stretch(1, wal.position("0/3000148")),
        Stretch(2, wal.position("0/5000000")),
        Stretch(3),
    )


@pytest.mark.parametrize(
    ("timeline", "lsn", "leads"),
    [
        (1, 5 * SEGMENT_BYTES + 100, True),
        (1, 5 * SEGMENT_BYTES + 101, False),  # of what was given up when it was restored
        (2, 8 * SEGMENT_BYTES + 7, True),
        (3, 900 * SEGMENT_BYTES, True),
        (4, 1, False),
    ],
)
def test_a_backup_counts_when_the_timeline_comes_from_it(timeline, lsn, leads):
    assert wal.leads_through(PATH, timeline=timeline, lsn=lsn) is leads


def test_each_segment_is_read_as_the_youngest_timeline_wrote_it():
    there = segments((1, 0, 9), (2, 5, 12), (3, 8, 10))

    found = wal.needed(PATH, begin=3 * SEGMENT_BYTES + 40, there=there)

    assert found == [
        *sorted(segments((1, 3, 4))),
        *sorted(segments((2, 5, 7))),
        *sorted(segments((3, 8, 10))),
    ]


def test_a_timeline_that_was_given_up_leads_to_its_own_end():
    there = segments((1, 0, 9), (2, 5, 12), (3, 8, 10))

    assert wal.needed(wal.lineage(1), begin=7 * SEGMENT_BYTES, there=there) == sorted(
        segments((1, 7, 9))
    )


@pytest.mark.parametrize(
    ("missing", "hole"),
    [
        (segments((3, 9, 9)), "segment 000000030000000000000009 of the log is missing"),
        (
            segments((2, 6, 7), (3, 8, 8)),
            "segments 000000020000000000000006 to 000000030000000000000008 of the log are missing",
        ),
        (segments((1, 3, 3)), "segment 000000010000000000000003 of the log is missing"),
    ],
)
def test_a_hole_is_named_and_what_leads_up_to_it_is_told(missing, hole):
    there = segments((1, 0, 9), (2, 5, 12), (3, 8, 10)) - missing

    with pytest.raises(WalMissing) as error:
        wal.needed(PATH, begin=3 * SEGMENT_BYTES, there=there)

    assert str(error.value) == hole
    first = min(segment.number for segment in missing)
    assert [segment.number for segment in error.value.before] == list(range(3, first))


def test_no_log_after_the_backup_is_no_hole():
    assert wal.needed(PATH, begin=20 * SEGMENT_BYTES, there=segments((3, 8, 10))) == []
