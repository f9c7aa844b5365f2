"""Our order book beside a recorded one: fed the same orders, it must do and show the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest

from tests.recorded_books import (
    Deed,
    Entered,
    Executed,
    ExecutedUnseen,
    Levels,
    Reduced,
    Step,
    Withdrawn,
)
from venues.exchange.book import BUY, SELL, BookSide, Order, OrderBook


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A row of the file (the header is row 1) after which our book is not the recorded one."""

    row: int
    what: str
    ours: object
    recorded: object

    def __str__(self) -> str:
        return f"row {self.row}: {self.what}: ours {self.ours}, recorded {self.recorded}"


@dataclass
class Figures:
    """How much of a recording was compared, and how much of it says nothing of a book."""

    entered: int = 0
    entered_ahead: int = 0
    left: int = 0
    left_unannounced: int = 0
    fills: int = 0
    fills_of_unannounced: int = 0
    aggressors: int = 0
    unseen: int = 0
    books: int = 0
    levels: int = 0
    levels_come_into_view: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)


class Comparison:
    """One recording on its way through `venues.exchange.book`.

    Executions are not copied: an aggressive order of their size and worst price is entered, and
    the orders that our book gives it must be the recorded ones, in the recorded order.

    With `place_by_number`, an order that is announced later than its number says stands in front
    of the younger ones: NASDAQ's orders for the opening join the book with the time they had.

    A recording that sees `depth` levels a side says nothing of what lies behind them. A level
    that comes into view stands in our book as one nameless order of the quantity shown, which is
    older than whatever is announced there from then on; a level that is pushed out of view leaves
    our book. Everything else in view is our book's own doing, and compared.
    """

    def __init__(self, *, depth: int | None = None, place_by_number: bool = False) -> None:
        self.book = OrderBook()
        self.depth = depth
        self.place_by_number = place_by_number
        self.figures = Figures()
        self._row = 0
        self._namelessness = 0
        self._nameless: dict[tuple[int, int], int] = {}

    def run(self, steps: Iterable[Step]) -> Figures:
        """Follow the recording to its end and return the figures."""
        for step in steps:
            self.follow(step)
        return self.figures

    def follow(self, step: Step) -> None:
        """Do what happened, then compare the books where the recording shows one."""
        self._row = step.row
        for deed in step.deeds:
            self._do(deed)
        if step.bids is not None and step.asks is not None:
            self._look_at(self.book.bids, BUY, step.bids)
            self._look_at(self.book.asks, SELL, step.asks)
            self.figures.books += 1

    def expect_queues(
        self, bids: list[tuple[int, int, int]], asks: list[tuple[int, int, int]]
    ) -> None:
        """Compare every order of both sides: (number, price, quantity) in priority."""
        for side, recorded in ((self.book.bids, bids), (self.book.asks, asks)):
            ours = [(order.number, order.price, order.leaves) for order in side.orders()]
            if ours != recorded:
                different = [pair for pair in zip_longest(ours, recorded) if pair[0] != pair[1]]
                self.expect("first different order", *different[0])

    def expect(self, what: str, ours: object, recorded: object) -> None:
        """Keep a mismatch, with its row, unless the two are the same."""
        if ours != recorded:
            self.figures.mismatches.append(Mismatch(self._row, what, ours, recorded))

    def _do(self, deed: Deed) -> None:
        match deed:
            case Entered(number, sign, price, quantity):
                self._enter(Order(number, sign, price, quantity))
            case Reduced(number, sign, price, quantity):
                number = self._known(number, sign, price)
                order = self.book.orders.get(number)
                self.expect(f"room to reduce {number}", order and order.leaves > quantity, True)
                if order and order.leaves > quantity:
                    self.book.reduce(number, order.leaves - quantity)
                self.figures.left += 1
            case Withdrawn(number, sign, price, quantity):
                self._withdraw(number, sign, price, quantity)
                self.figures.left += 1
            case Executed(sign, fills):
                self._execute(sign, fills)
            case ExecutedUnseen():
                self.figures.unseen += 1

    def _enter(self, order: Order) -> None:
        """Let an order rest behind the others, or where its number says that it belongs."""
        younger = self._younger(order) if self.place_by_number else []
        for other in younger:
            self.book.cancel(other.number)
        fills = [fill for entering in (order, *younger) for fill in self.book.add(entering)]
        self.expect(f"fills of entering {order.number}", fills, [])
        self.figures.entered += 1
        self.figures.entered_ahead += bool(younger)

    def _younger(self, order: Order) -> list[Order]:
        side = self.book.bids if order.sign > 0 else self.book.asks
        level = side.levels.get(order.sign * order.price, ())
        return [other for other in level if other.number > order.number]

    def _known(self, number: int, sign: int, price: int) -> int:
        """Return the order's number, or that of the nameless order at its price."""
        if number in self.book.orders:
            return number
        return self._nameless.get((sign, price), number)

    def _withdraw(self, number: int, sign: int, price: int, quantity: int) -> None:
        known = self._known(number, sign, price)
        order = self.book.orders.get(known)
        if order is None:
            self.expect(f"order {number} at {price}", None, "resting")
        elif known == number:
            self.expect(f"left of {number}", self.book.cancel(number).leaves, quantity)
        else:
            self.figures.left_unannounced += 1
            self._lessen_nameless(order, quantity)

    def _lessen_nameless(self, order: Order, quantity: int) -> None:
        self.expect("enough at a level come into view", order.leaves >= quantity, True)
        if order.leaves > quantity:
            self.book.reduce(order.number, order.leaves - quantity)
        else:
            self.book.cancel(order.number)

    def _execute(self, sign: int, recorded: tuple[tuple[int, int, int], ...]) -> None:
        total = sum(quantity for _, _, quantity in recorded)
        worst = max(sign * price for _, price, _ in recorded) * sign
        expected = [
            (self._known(number, -sign, price), price, quantity)
            for number, price, quantity in recorded
        ]
        queues = self._queues(-sign, {price for _, price, _ in recorded})
        aggressor = Order(0, sign, worst, total)
        ours = [(order.number, order.price, filled) for order, filled in self.book.take(aggressor)]
        if ours != (recorded_ones := _joined(expected)):
            self.expect("fills", ours, recorded_ones)
            self._fill_instead(queues, recorded_ones)
        self.figures.aggressors += 1
        self.figures.fills += len(recorded)
        self.figures.fills_of_unannounced += sum(number < 0 for number, _, _ in expected)

    def _queues(self, sign: int, prices: set[int]) -> list[Entered]:
        """Return the orders at these prices of one side, oldest first."""
        side = self.book.bids if sign > 0 else self.book.asks
        return [
            Entered(order.number, sign, order.price, order.leaves)
            for price in prices
            for order in side.levels.get(sign * price, ())
        ]

    def _fill_instead(self, queues: list[Entered], recorded: list[tuple[int, int, int]]) -> None:
        """Leave the levels as the recorded fills leave them, so that one mismatch is one."""
        filled = {number: quantity for number, _, quantity in recorded}
        for order in queues:
            if order.number in self.book.orders:
                self.book.cancel(order.number)
        for order in queues:
            if (leaves := order.quantity - filled.get(order.number, 0)) > 0:
                self.book.add(Order(order.number, order.sign, order.price, leaves))

    def _look_at(self, side: BookSide, sign: int, recorded: Levels) -> None:
        """Compare what is in view, after forgetting what is not; then take over what came in."""
        depth = self.depth or len(recorded)
        for signed in side.prices[:-depth]:
            for order in list(side.levels[signed]):
                self.book.cancel(order.number)
        ours = side.depth(depth)
        self.expect("bids" if sign > 0 else "asks", ours, list(recorded[: len(ours)]))
        self.figures.levels += len(ours)
        for price, quantity in recorded[len(ours) :]:
            self._namelessness -= 1
            self._nameless[sign, price] = self._namelessness
            self.book.add(Order(self._namelessness, sign, price, quantity))
            self.figures.levels_come_into_view += 1


def _joined(fills: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Put neighbouring fills of one nameless order together: our book fills it once."""
    joined: list[tuple[int, int, int]] = []
    for number, price, quantity in fills:
        if joined and joined[-1][:2] == (number, price):
            joined[-1] = number, price, joined[-1][2] + quantity
        else:
            joined.append((number, price, quantity))
    return joined
