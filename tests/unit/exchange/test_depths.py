"""What the exchange tells of its books' depth."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from marketdata.current.depth import Book, Level, Resting, as_stored, from_stored
from tests.unit.exchange.floor_words import NOON, an_engine, order
from venues.exchange import depths
from venues.exchange.commands import Halt
from venues.exchange.depths import Depths
from venues.exchange.engine import Engine

D = Decimal


def an_engine_with(*orders: Any) -> Engine:
    engine = an_engine()
    for command in orders:
        engine.apply(command, NOON)
    return engine


def told(engine: Engine) -> Book:
    return depths.book(engine.listings["AAPL"], now=NOON)


def level(price: str, *orders: tuple[int, str]) -> Level:
    resting = tuple(Resting(number, D(size)) for number, size in orders)
    return Level(D(price), sum((each.size for each in resting), D(0)), resting)


def test_a_book_is_told_by_price_and_by_order_the_best_first() -> None:
    engine = an_engine_with(
        order("a", price="99.98", quantity="10"),
        order("b", price="99.99", quantity="20"),
        order("c", price="99.99", quantity="5"),
        order("d", side="sell", price="100.01", quantity="7"),
    )
    book = told(engine)
    first = book.bids[0].orders[0].number
    assert (book.symbol, book.at) == ("AAPL", NOON)
    assert book.bids == (
        level("99.99", (first, "20"), (first + 1, "5")),
        level("99.98", (first - 1, "10")),
    )
    assert book.asks == (level("100.01", (first + 2, "7")),)
    assert from_stored(as_stored(book.bids)) == book.bids
    assert as_stored(book.asks) == [["100.01", "7", [[first + 2, "7"]]]]


def test_what_is_hidden_or_in_reserve_is_not_told() -> None:
    engine = an_engine_with(
        order("a", price="99.98", quantity="50", display="10"),
        order("b", price="99.99", quantity="20", display="0"),
    )
    [shown] = told(engine).bids
    assert (shown.price, shown.size) == (D("99.98"), D(10))


def test_ten_levels_are_told_and_of_each_the_first_orders() -> None:
    prices = [f"{90 + number}" for number in range(12)]
    engine = an_engine_with(*(order(f"p{each}", price=each, quantity="1") for each in prices))
    for number in range(60):
        engine.apply(order(f"q{number}", price="101", quantity="1"), NOON)
    bids = told(engine).bids
    assert [each.price for each in bids] == [D(each) for each in prices[:1:-1]]
    assert (bids[0].size, len(bids[0].orders)) == (D(61), 50)


def test_nothing_is_told_while_nothing_is_matched() -> None:
    engine = an_engine_with(order("a", price="99.98", quantity="10"), Halt("AAPL", True, 0))
    assert (told(engine).bids, told(engine).asks) == ((), ())


def test_books_that_changed_are_told_by_the_interval_and_all_of_them_now_and_then() -> None:
    engine, due = an_engine(), Depths()

    def symbols(after: float) -> list[str]:
        return [each.symbol for each in due.due(engine, now=NOON + timedelta(seconds=after))]

    everything = sorted(engine.listings)
    assert symbols(0) == everything
    due.note({"AAPL", "UNLISTED"})
    assert symbols(0.2) == []
    assert symbols(0.25) == ["AAPL"]
    assert symbols(0.5) == []
    due.note({"AAPL"})
    assert symbols(4.75) == ["AAPL"]
    assert symbols(5) == everything
