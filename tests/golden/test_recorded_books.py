"""Our order book against recorded ones; docs/exchange.md says what the recordings determine.

Mismatches are asserted by their rows. NASDAQ's recordings contain executions that pass over an
older order of the same price, which `passed_over` proves from the rows alone. There a book in
price-time priority must differ: those rows are counted as mismatches, and any other fails.
"""

from __future__ import annotations

from collections.abc import Collection

from tests import recorded
from tests.golden.against_the_truth import Comparison, Figures
from tests.recorded_books import MarketByOrder, lobster, passed_over, with_the_unannounced
from venues.exchange.book import BUY, SELL

AMZN = "book/AMZN_2012-06-21_lobster_L1.csv.gz"
AAPL = "book/AAPL_2012-06-21_0930_lobster_L10.csv.gz"
MSFT = "book/MSFT_2012-06-21_0930-1000_lobster_messages.csv.gz"
ESM4 = "book/ESM4_2024-05-08_mbo_2s.csv.gz"


def assert_mismatches(figures: Figures, *, at: Collection[int]) -> None:
    """Every mismatch is one of fills, in one of these rows, and each of these rows has one."""
    unexpected = [str(found) for found in figures.mismatches if found.row not in at]
    assert unexpected == []
    assert [found.what for found in figures.mismatches] == ["fills"] * len(at)


@recorded.needs(AMZN)
def test_a_day_of_amzn_at_the_best_prices() -> None:
    steps = list(lobster(recorded.FOLDER / AMZN))
    figures = Comparison(depth=1).run(steps)

    rows = {1949, 3175, 25613, 38828, 56085, 56086, 56087, 56088}
    assert_mismatches(figures, at=rows)
    assert passed_over(steps) == rows | {56556}  # there, both orders came into view with a level
    assert (figures.entered, figures.left, figures.left_unannounced) == (27_845, 18_251, 5_950)
    assert (figures.fills, figures.fills_of_unannounced) == (8_974, 4_492)
    assert (figures.aggressors, figures.unseen) == (6_986, 2_445)
    assert (figures.books, figures.levels) == (55_527, 97_099)
    assert figures.levels_come_into_view == 13_955


@recorded.needs(AAPL)
def test_the_first_seconds_of_aapl_at_ten_levels() -> None:
    steps = list(lobster(recorded.FOLDER / AAPL))
    figures = Comparison(depth=10).run(steps)

    assert_mismatches(figures, at=())
    assert passed_over(steps) == set()
    assert (figures.entered, figures.left, figures.left_unannounced) == (471, 369, 8)
    assert (figures.fills, figures.fills_of_unannounced) == (98, 8)
    assert (figures.aggressors, figures.unseen) == (85, 61)
    assert (figures.books, figures.levels, figures.levels_come_into_view) == (986, 19_383, 337)


@recorded.needs(MSFT)
def test_half_an_hour_of_msft_order_by_order() -> None:
    steps = list(lobster(recorded.FOLDER / MSFT))
    figures = Comparison(place_by_number=True).run(with_the_unannounced(steps))

    assert_mismatches(figures, at=passed_over(steps))
    assert len(figures.mismatches) == 77
    assert _prices_and_quantities_agree(figures)
    assert (figures.entered, figures.entered_ahead) == (33_159, 391)
    assert (figures.left, figures.left_unannounced) == (30_086, 0)
    assert (figures.fills, figures.fills_of_unannounced) == (3_391, 0)
    assert (figures.aggressors, figures.unseen) == (1_288, 327)


def _prices_and_quantities_agree(figures: Figures) -> bool:
    """Whether even the mismatching fills are of the recorded quantity at each price."""
    return all(_by_price(found.ours) == _by_price(found.recorded) for found in figures.mismatches)


def _by_price(fills: object) -> dict[int, int]:
    assert isinstance(fills, list)
    totals: dict[int, int] = {}
    for _, price, quantity in fills:
        totals[price] = totals.get(price, 0) + quantity
    return totals


@recorded.needs(ESM4)
def test_two_seconds_of_a_whole_futures_book() -> None:
    recording = MarketByOrder(recorded.FOLDER / ESM4)
    comparison = Comparison()
    whole_books = 0
    for step in recording.steps():
        comparison.follow(step)
        if not recording.is_opening:
            comparison.expect_queues(recording.queue(BUY), recording.queue(SELL))
            whole_books += 1

    figures = comparison.figures
    assert_mismatches(figures, at=())
    assert whole_books == 184  # rows that are the last of their event
    assert (figures.entered, figures.left) == (13_701, 102)
    assert (figures.fills, figures.aggressors) == (5, 5)
    assert len(comparison.book.orders) > 13_000
