import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.exchange.naive_book import NaiveBook
from venues.exchange.book import BUY, SELL, Order, OrderBook

SIGNS = st.sampled_from([BUY, SELL])
PRICES = st.integers(95, 105)
QUANTITIES = st.integers(1, 30)


def numbers(fills):
    return [(order.number, order.price, quantity) for order, quantity in fills]


class AgainstTheNaiveBook(RuleBasedStateMachine):
    """Whatever is asked of both books, they answer alike and stand alike."""

    @initialize()
    def start(self):
        self.book, self.naive = OrderBook(), NaiveBook()
        self.number = 0
        self.entered = self.executed = self.withdrawn = 0

    def _next(self):
        self.number += 1
        return self.number

    @rule(sign=SIGNS, price=PRICES, quantity=QUANTITIES)
    def add(self, sign, price, quantity):
        number = self._next()
        order = Order(number, sign, price, quantity)
        fills = numbers(self.book.add(order))
        assert fills == self.naive.add(number, sign, price, quantity, rests=True)
        executed = sum(filled for _, _, filled in fills)
        assert order.leaves == quantity - executed
        self.entered += quantity
        self.executed += 2 * executed

    @rule(sign=SIGNS, price=PRICES, quantity=QUANTITIES)
    def take(self, sign, price, quantity):
        number = self._next()
        order = Order(number, sign, price, quantity)
        promised = self.book.available(sign, price, quantity)
        fills = numbers(self.book.take(order))
        assert fills == self.naive.add(number, sign, price, quantity, rests=False)
        executed = sum(filled for _, _, filled in fills)
        assert executed == promised == quantity - order.leaves
        self.entered += quantity
        self.executed += 2 * executed
        self.withdrawn += order.leaves

    @precondition(lambda self: self.naive.resting)
    @rule(data=st.data())
    def cancel(self, data):
        number = data.draw(st.sampled_from([order.number for order in self.naive.resting]))
        order = self.book.cancel(number)
        assert order.leaves == self.naive.cancel(number)
        self.withdrawn += order.leaves

    @precondition(lambda self: self.naive.resting)
    @rule(data=st.data())
    def reduce(self, data):
        resting = data.draw(st.sampled_from(self.naive.resting))
        leaves = data.draw(st.integers(1, resting.leaves))
        self.withdrawn += resting.leaves - leaves
        self.book.reduce(resting.number, leaves)
        self.naive.reduce(resting.number, leaves)

    @invariant()
    def stands_like_the_reference(self):
        for side, sign in ((self.book.bids, BUY), (self.book.asks, SELL)):
            assert [(o.number, o.price, o.leaves) for o in side.orders()] == [
                (o.number, o.price, o.leaves) for o in self.naive.queue(sign)
            ]
            assert side.depth(100) == self.naive.depth(sign)
            assert side.best() == (self.naive.depth(sign) or [None])[0]
        assert sorted(self.book.orders) == sorted(order.number for order in self.naive.resting)

    @invariant()
    def is_never_crossed_at_rest(self):
        bid, ask = self.book.bids.best(), self.book.asks.best()
        assert bid is None or ask is None or bid[0] < ask[0]

    @invariant()
    def conserves_quantity(self):
        resting = sum(order.leaves for order in self.book.orders.values())
        assert self.entered == self.executed + self.withdrawn + resting


AgainstTheNaiveBook.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None
)
TestAgainstTheNaiveBook = AgainstTheNaiveBook.TestCase


def book_with(*orders):
    book = OrderBook()
    for order in orders:
        book.add(Order(*order))
    return book


def test_fills_happen_at_the_resting_orders_price():
    book = book_with((1, SELL, 101, 5), (2, SELL, 102, 5))
    assert numbers(book.add(Order(3, BUY, 105, 7))) == [(1, 101, 5), (2, 102, 2)]
    assert book.asks.depth(10) == [(102, 3)]
    assert book.bids.depth(10) == []


def test_at_one_price_the_oldest_order_is_executed_first():
    book = book_with((1, SELL, 101, 5), (2, SELL, 101, 5), (3, SELL, 101, 5))
    assert numbers(book.take(Order(4, BUY, 101, 8))) == [(1, 101, 5), (2, 101, 3)]
    assert [order.number for order in book.asks.orders()] == [2, 3]


def test_a_partly_filled_order_keeps_its_place():
    book = book_with((1, BUY, 100, 5), (2, BUY, 100, 5))
    book.take(Order(3, SELL, 100, 2))
    assert numbers(book.take(Order(4, SELL, 100, 4))) == [(1, 100, 3), (2, 100, 1)]


def test_an_order_leaves_the_queue_from_the_front_the_middle_and_the_end():
    for gone in (1, 2, 3):
        book = book_with((1, BUY, 100, 5), (2, BUY, 100, 5), (3, BUY, 100, 5))
        book.cancel(gone)
        assert [order.number for order in book.bids.orders()] == [n for n in (1, 2, 3) if n != gone]
        book.add(Order(4, BUY, 100, 1))
        assert [order.number for order in book.bids.orders()][-1] == 4


def test_the_last_order_takes_its_level_with_it():
    book = book_with((1, BUY, 100, 5), (2, BUY, 99, 5))
    book.cancel(1)
    assert book.bids.depth(10) == [(99, 5)]


def test_what_is_not_there_cannot_be_cancelled():
    book = book_with((1, BUY, 100, 5))
    with pytest.raises(KeyError):
        book.cancel(2)
    assert book.bids.depth(10) == [(100, 5)]


def test_an_order_can_only_be_reduced():
    book = book_with((1, BUY, 100, 5))
    for leaves in (0, 6):
        with pytest.raises(ValueError, match="cannot be reduced"):
            book.reduce(1, leaves)
    assert book.bids.depth(10) == [(100, 5)]
