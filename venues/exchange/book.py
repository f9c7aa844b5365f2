"""One instrument's limit order book in price-time priority.

Pure Python on integers: prices in ticks, quantities in lots. The book knows orders, not
members: whose an order is, and what must be said about it, is its `owner`'s affair.

Both sides share one code path by *signed* prices: a bid at 100 lies at 100, an ask at 101 at
-101. On either side the best price is then the greatest, and the last of a sorted list. A
level is a linked queue, so that an order leaves it from anywhere in constant time; the costs of
adding, matching and cancelling do not grow with the number of orders in the book.

What is not shown lies apart: a hidden order on a hidden side of its own, the reserve of an
iceberg in `reserves`, so that a book without either is matched as if there were no such thing.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import Final

BUY: Final = 1
SELL: Final = -1


class Order:
    """An order on its way into a book or resting in one.

    `sign` is BUY or SELL, `price` the worst price that it accepts, `leaves` what is not yet
    executed. The book alone writes the other three.
    """

    __slots__ = ("leaves", "level", "next", "number", "owner", "previous", "price", "sign")

    level: Level
    previous: Order | None
    next: Order | None

    def __init__(
        self, number: int, sign: int, price: int, leaves: int, owner: object = None
    ) -> None:
        self.number = number
        self.sign = sign
        self.price = price
        self.leaves = leaves
        self.owner = owner

    def __repr__(self) -> str:
        return f"Order({self.number}, {self.sign:+d}, {self.price}, {self.leaves})"


Fill = tuple[Order, int]
"""A resting order and how much of it was executed, at its own price."""

NO_FILLS: Final[Sequence[Fill]] = ()


class Reserve:
    """What a resting order does not show: `hidden`, from which at most `display` comes forward
    when the last slice is gone. An order with a display of zero is never shown; all of it is in
    the order's own leaves."""

    __slots__ = ("display", "hidden")

    def __init__(self, display: int, hidden: int) -> None:
        self.display = display
        self.hidden = hidden


class Level:
    """The queue of orders at one price, oldest first, and their total."""

    __slots__ = ("head", "quantity", "tail")

    def __init__(self, order: Order) -> None:
        self.head: Order = order
        self.tail: Order = order
        self.quantity = order.leaves

    def __iter__(self) -> Iterator[Order]:
        order: Order | None = self.head
        while order is not None:
            yield order
            order = order.next


class BookSide:
    """The levels of one side by signed price, and the signed prices in ascending order."""

    __slots__ = ("levels", "prices")

    def __init__(self) -> None:
        self.levels: dict[int, Level] = {}
        self.prices: list[int] = []

    def best(self) -> tuple[int, int] | None:
        """Return the best price and the quantity there; None when the side is empty."""
        if not self.prices:
            return None
        signed = self.prices[-1]
        return abs(signed), self.levels[signed].quantity

    def depth(self, levels_max: int) -> list[tuple[int, int]]:
        """Return (price, quantity) of the best `levels_max` levels, best first."""
        return [
            (abs(signed), self.levels[signed].quantity)
            for signed in self.prices[: -levels_max - 1 : -1]
        ]

    def best_levels(self, levels_max: int) -> list[Level]:
        """Return the best `levels_max` levels with their queues, best first."""
        return [self.levels[signed] for signed in self.prices[: -levels_max - 1 : -1]]

    def orders(self) -> Iterator[Order]:
        """Yield every order in priority: the order in which they would be executed."""
        for signed in reversed(self.prices):
            yield from self.levels[signed]


class OrderBook:
    """The two sides as shown, the same two hidden, and every resting order by its number."""

    __slots__ = ("asks", "bids", "hidden_asks", "hidden_bids", "orders", "reserves")

    def __init__(self) -> None:
        self.bids = BookSide()
        self.asks = BookSide()
        self.hidden_bids = BookSide()
        self.hidden_asks = BookSide()
        self.orders: dict[int, Order] = {}
        self.reserves: dict[int, Reserve] = {}

    def add(self, order: Order) -> Sequence[Fill]:
        """Execute `order` as far as its price allows and let what is left of it rest.

        Return the fills in the order in which they happened. The order's number must be new here.
        """
        signed = order.sign * order.price
        if order.sign > 0:
            own, other = self.bids, self.asks
        else:
            own, other = self.asks, self.bids
        fills = NO_FILLS
        opposite = other.prices
        if self.reserves:
            fills = self._match_all(order, -signed)
            if not order.leaves:
                return fills
        elif opposite and opposite[-1] >= -signed:
            fills = self._match(order, other, -signed)
            if not order.leaves:
                return fills
        # What `_append` does, without its call: this is the way of almost every order.
        order.next = None
        level = own.levels.get(signed)
        if level is None:
            order.previous = None
            own.levels[signed] = order.level = Level(order)
            insort(own.prices, signed)
        else:
            order.level = level
            order.previous = tail = level.tail
            tail.next = level.tail = order
            level.quantity += order.leaves
        self.orders[order.number] = order
        return fills

    def rest(self, order: Order, display: int | None = None) -> None:
        """Let `order` rest without executing it, so that a book before an auction may cross.

        At most `display` of it is shown at a time, zero hides it, None shows all. The order's
        leaves become what is shown; `leaves_of` returns the whole.
        """
        if display == 0:
            self.reserves[order.number] = Reserve(0, 0)
        elif display is not None and display < order.leaves:
            self.reserves[order.number] = Reserve(display, order.leaves - display)
            order.leaves = display
        self._append(order)

    def take(self, order: Order) -> Sequence[Fill]:
        """Execute `order` as far as its price allows; what is left of it never rests."""
        limit = -order.sign * order.price
        if self.reserves:
            return self._match_all(order, limit)
        other = self.asks if order.sign > 0 else self.bids
        if other.prices and other.prices[-1] >= limit:
            return self._match(order, other, limit)
        return NO_FILLS

    def available(self, sign: int, price: int, wanted: int) -> int:
        """Return how much an order with this sign and price would get, counted up to `wanted`."""
        other = self.asks if sign > 0 else self.bids
        limit = -sign * price
        total = 0
        for signed in reversed(other.prices):
            if signed < limit or total >= wanted:
                break
            total += other.levels[signed].quantity
        for number, reserve in self.reserves.items():
            order = self.orders[number]
            if order.sign != sign and order.sign * order.price >= limit:
                total += reserve.hidden if reserve.display else order.leaves
        return min(total, wanted)

    def front(self, sign: int, price: int) -> Order | None:
        """Return the resting order that one with this sign and price would meet first, if any."""
        return next(self.facing(sign, price), None)

    def facing(self, sign: int, price: int) -> Iterator[Order]:
        """Yield the resting orders that one with this sign and price may meet, in priority."""
        shown, hidden = self._opposite(sign)
        prices = shown.prices
        if hidden.prices:
            prices = sorted({*shown.prices, *hidden.prices})
        for signed in reversed(prices):
            if signed < -sign * price:
                return
            for side in (shown, hidden):
                if signed in side.levels:
                    yield from side.levels[signed]

    def leaves_of(self, order: Order) -> int:
        """Return all that is left of a resting order, shown or not."""
        reserve = self.reserves.get(order.number)
        return order.leaves + reserve.hidden if reserve else order.leaves

    def is_hidden(self, order: Order) -> bool:
        """Tell whether nothing of a resting order is ever shown."""
        reserve = self.reserves.get(order.number)
        return reserve is not None and not reserve.display

    def cancel(self, number: int) -> Order:
        """Take the resting order `number` out of the book and return it; `leaves` stays as it was.

        A reserve is gone with it. Raises KeyError when no such order rests here.
        """
        order = self.orders.pop(number)
        level, before, after = order.level, order.previous, order.next
        level.quantity -= order.leaves
        if before is not None:
            before.next = after
        elif after is not None:
            level.head = after
        else:
            self._remove_level(order)
        if after is not None:
            after.previous = before
        elif before is not None:
            level.tail = before
        if self.reserves:
            self.reserves.pop(number, None)
        return order

    def reduce(self, number: int, leaves: int) -> None:
        """Lower what is left of the resting order `number` to `leaves`; it keeps its place.

        What is not shown goes first.
        """
        order = self.orders[number]
        whole = self.leaves_of(order)
        if not 0 < leaves <= whole:
            raise ValueError(f"order {number} leaves {whole} and cannot be reduced to {leaves}")
        shown = min(order.leaves, leaves)
        reserve = self.reserves.get(number)
        if reserve is not None and reserve.display:
            reserve.hidden = leaves - shown
            if not reserve.hidden:
                del self.reserves[number]
        order.level.quantity -= order.leaves - shown
        order.leaves = shown

    def _own(self, order: Order) -> BookSide:
        """Return the side on which `order` rests."""
        if self.is_hidden(order):
            return self.hidden_bids if order.sign > 0 else self.hidden_asks
        return self.bids if order.sign > 0 else self.asks

    def _opposite(self, sign: int) -> tuple[BookSide, BookSide]:
        """Return what an order with this sign meets: what is shown, and what is hidden."""
        return (self.asks, self.hidden_asks) if sign > 0 else (self.bids, self.hidden_bids)

    def _append(self, order: Order) -> None:
        """Put `order` at the back of its level."""
        side, signed = self._own(order), order.sign * order.price
        order.next = None
        level = side.levels.get(signed)
        if level is None:
            order.previous = None
            side.levels[signed] = order.level = Level(order)
            insort(side.prices, signed)
        else:
            order.level = level
            order.previous = tail = level.tail
            tail.next = level.tail = order
            level.quantity += order.leaves
        self.orders[order.number] = order

    def _remove_level(self, order: Order) -> None:
        side, signed = self._own(order), order.sign * order.price
        del side.levels[signed]
        del side.prices[bisect_left(side.prices, signed)]

    def _match_all(self, order: Order, limit: int) -> list[Fill]:
        """Execute `order` against shown and hidden orders, price by price.

        At one price what is shown comes first, with every slice that comes forward, then what is
        hidden.
        """
        shown, hidden = self._opposite(order.sign)
        fills: list[Fill] = []
        while order.leaves:
            best = max((side.prices[-1] for side in (shown, hidden) if side.prices), default=None)
            if best is None or best < limit:
                break
            met = self._match(order, shown if best in shown.levels else hidden, best)
            self._bring_forward(met)
            fills += met
        return fills

    def _bring_forward(self, met: Sequence[Fill]) -> None:
        """Show the next slice of each order whose last one was executed, at the back."""
        for resting, _ in met:
            reserve = None if resting.leaves else self.reserves.get(resting.number)
            if reserve is None:
                continue
            resting.leaves = min(reserve.display, reserve.hidden)
            reserve.hidden -= resting.leaves
            if not reserve.hidden:
                del self.reserves[resting.number]
            if resting.leaves:
                self._append(resting)

    def _match(self, order: Order, side: BookSide, limit: int) -> list[Fill]:
        """Execute `order` down to the signed price `limit`, which `side` reaches at its best."""
        leaves = order.leaves
        levels, prices, resting_orders = side.levels, side.prices, self.orders
        fills: list[Fill] = []
        while True:
            signed = prices[-1]
            level = levels[signed]
            resting = level.head
            if level.quantity > leaves:
                break
            # The whole level goes: nothing needs to be unlinked, it is dropped with its orders.
            leaves -= level.quantity
            del levels[prices.pop()]
            following: Order | None = resting
            while following is not None:
                fills.append((following, following.leaves))
                following.leaves = 0
                del resting_orders[following.number]
                following = following.next
            if not leaves or not prices or prices[-1] < limit:
                order.leaves = leaves
                return fills
        # The last level outlives the order.
        level.quantity -= leaves
        order.leaves = 0
        while resting.leaves <= leaves:
            available = resting.leaves
            fills.append((resting, available))
            resting.leaves = 0
            del resting_orders[resting.number]
            resting = resting.next  # type: ignore[assignment]  # the level holds more than is left to take
            leaves -= available
        if leaves:
            resting.leaves -= leaves
            fills.append((resting, leaves))
        level.head = resting
        resting.previous = None
        return fills
