"""The comparison with recorded books, on flows of our own making in the same formats."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

from tests.golden.against_the_truth import Comparison
from tests.recorded_books import MarketByOrder, lobster, passed_over, with_the_unannounced
from venues.exchange.book import BUY, SELL

NOBODY_ASKS, NOBODY_BIDS = (9_999_999_999, 0), (-9_999_999_999, 0)

# Time, event, order, size, price, direction; then two levels of asks and bids after it.
TWO_LEVELS = [
    ((1, 1, 11, 100, 101, -1), (101, 100), (99, 50), (103, 30), (98, 40)),
    ((2, 1, 12, 20, 101, -1), (101, 120), (99, 50), (103, 30), (98, 40)),
    ((3, 4, 11, 60, 101, -1), (101, 60), (99, 50), (103, 30), (98, 40)),
    ((4, 2, 11, 10, 101, -1), (101, 50), (99, 50), (103, 30), (98, 40)),
    ((5, 4, 11, 30, 101, -1), (101, 20), (99, 50), (103, 30), (98, 40)),  # one aggressor
    ((5, 4, 12, 5, 101, -1), (101, 15), (99, 50), (103, 30), (98, 40)),
    ((6, 5, 0, 500, 100, 1), (101, 15), (99, 50), (103, 30), (98, 40)),
    ((7, 1, 13, 7, 100, 1), (101, 15), (100, 7), (103, 30), (99, 50)),  # 98 is out of view
    ((8, 4, 13, 7, 100, 1), (101, 15), (99, 50), (103, 30), (98, 45)),  # and came back grown
    ((9, 4, 5, 20, 99, 1), (101, 15), (99, 30), (103, 30), (98, 45)),  # from before the opening
    ((10, 3, 6, 30, 99, 1), (101, 15), (98, 45), (103, 30), NOBODY_BIDS),
    ((11, 3, 12, 15, 101, -1), (103, 30), (98, 45), NOBODY_ASKS, NOBODY_BIDS),
]


def _write_lobster(path: Path, rows: Sequence[tuple[tuple[int, ...], ...]]) -> Path:
    header = "time_ns,event,order_id,size,price_e4,direction"
    levels = (len(rows[0]) - 1) // 2
    for level in range(1, levels + 1):
        header += f",ask_e4_{level},ask_size_{level},bid_e4_{level},bid_size_{level}"
    lines = [",".join(str(cell) for part in row for cell in part) for row in rows]
    with gzip.open(path, "wt", encoding="ascii") as file:
        file.write("\n".join([header, *lines]) + "\n")
    return path


def test_a_book_of_two_levels_is_followed_through_what_comes_into_view(tmp_path: Path) -> None:
    steps = list(lobster(_write_lobster(tmp_path / "made_up.csv.gz", TWO_LEVELS)))
    figures = Comparison(depth=2).run(steps)

    assert figures.mismatches == []
    assert (figures.entered, figures.left, figures.left_unannounced) == (3, 3, 1)
    assert (figures.fills, figures.fills_of_unannounced, figures.aggressors) == (5, 1, 4)
    assert (figures.books, figures.unseen) == (11, 1)
    # 103, 99 and 98 at the first row; 98 again when it came back.
    assert figures.levels_come_into_view == 4


def test_a_wrong_size_in_the_recording_is_found_with_its_row(tmp_path: Path) -> None:
    rows = list(TWO_LEVELS)
    rows[3] = (rows[3][0], (101, 51), *rows[3][2:])
    figures = Comparison(depth=2).run(lobster(_write_lobster(tmp_path / "wrong.csv.gz", rows)))

    assert [str(found) for found in figures.mismatches] == [
        "row 5: asks: ours [(101, 50), (103, 30)], recorded [(101, 51), (103, 30)]"
    ]


MESSAGES = [
    ((1, 1, 21, 100, 101, -1),),
    ((2, 1, 22, 40, 102, -1),),
    ((3, 1, 23, 60, 102, -1),),
    ((4, 3, 15, 5, 99, 1),),  # entered before the recording, and never announced
    ((5, 4, 21, 100, 101, -1),),  # one aggressor through two prices
    ((5, 4, 18, 10, 102, -1),),  # older than all that was announced at its price
    ((5, 4, 22, 25, 102, -1),),
    ((6, 1, 19, 80, 102, -1),),  # announced late: its number is older than 22's
    ((7, 4, 19, 80, 102, -1),),
    ((7, 4, 22, 15, 102, -1),),
    ((8, 3, 23, 60, 102, -1),),
]


def test_messages_alone_tell_which_orders_an_aggressor_must_meet(tmp_path: Path) -> None:
    steps = list(lobster(_write_lobster(tmp_path / "messages.csv.gz", MESSAGES)))
    comparison = Comparison(place_by_number=True)
    figures = comparison.run(with_the_unannounced(steps))

    assert figures.mismatches == []
    assert passed_over(steps) == set()
    assert (figures.entered, figures.entered_ahead, figures.left) == (6, 1, 2)
    assert (figures.fills, figures.aggressors) == (5, 2)
    assert comparison.book.orders == {}


def test_an_execution_ahead_of_an_older_order_is_found_once_with_its_row(tmp_path: Path) -> None:
    rows = list(MESSAGES)
    rows[8:] = [((7, 4, 22, 15, 102, -1),), ((8, 4, 19, 80, 102, -1),), ((9, 3, 23, 60, 102, -1),)]
    steps = list(lobster(_write_lobster(tmp_path / "ahead.csv.gz", rows)))
    figures = Comparison(place_by_number=True).run(with_the_unannounced(steps))

    assert [str(found) for found in figures.mismatches] == [
        "row 10: fills: ours [(19, 102, 15)], recorded [(22, 102, 15)]"
    ]
    assert passed_over(steps) == {10}


# Action, side, price, size, order, flags: 32 is of the snapshot, 128 the last of its event.
BY_ORDER = [
    ("R", "N", "", 0, 0, 40),
    ("A", "B", 99, 5, 1, 40),
    ("A", "A", 101, 3, 2, 40),
    ("A", "A", 101, 4, 3, 40),
    ("A", "A", 102, 9, 4, 40),
    ("A", "A", 101, 2, 5, 130),
    ("M", "A", 101, 2, 2, 130),  # shrinks, keeps its place
    ("M", "A", 101, 6, 3, 130),  # grows, goes to the back
    ("C", "B", 99, 1, 1, 130),
    ("T", "B", 102, 11, 90, 0),  # 5 is cancelled in the event of the trade: it was not there
    ("F", "A", 101, 2, 2, 0),
    ("F", "A", 101, 6, 3, 0),
    ("F", "A", 102, 3, 4, 0),
    ("C", "A", 101, 2, 5, 0),
    ("C", "A", 101, 2, 2, 0),
    ("C", "A", 101, 6, 3, 0),
    ("M", "A", 102, 6, 4, 130),
    ("M", "A", 103, 6, 4, 130),
]


def _write_by_order(path: Path, rows: Sequence[tuple[object, ...]]) -> Path:
    header = "ts_recv_ns,ts_event_ns,action,side,price_e9,size,order_id,flags,sequence"
    lines = [f"0,0,{','.join(map(str, row))},{number}" for number, row in enumerate(rows)]
    with gzip.open(path, "wt", encoding="ascii") as file:
        file.write("\n".join([header, *lines]) + "\n")
    return path


def test_a_whole_book_is_the_same_after_every_event(tmp_path: Path) -> None:
    recording = MarketByOrder(_write_by_order(tmp_path / "mbo.csv.gz", BY_ORDER))
    comparison = Comparison()
    for step in recording.steps():
        comparison.follow(step)
        comparison.expect_queues(recording.queue(BUY), recording.queue(SELL))

    assert comparison.figures.mismatches == []
    assert (comparison.figures.fills, comparison.figures.aggressors) == (3, 1)
    assert recording.queue(SELL) == [(4, 103, 6)]
    assert recording.queue(BUY) == [(1, 99, 4)]


def test_a_fill_out_of_priority_is_found_in_a_whole_book(tmp_path: Path) -> None:
    rows = [*BY_ORDER[:9], ("T", "B", 101, 2, 90, 0), ("F", "A", 101, 2, 5, 0)]
    rows.append(("C", "A", 101, 2, 5, 130))
    recording = MarketByOrder(_write_by_order(tmp_path / "mbo.csv.gz", rows))
    figures = Comparison().run(recording.steps())

    assert [str(found) for found in figures.mismatches] == [
        "row 13: fills: ours [(2, 101, 2)], recorded [(5, 101, 2)]"
    ]
