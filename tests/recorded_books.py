"""Recorded order messages, read into one vocabulary: what an exchange was told and did, in order.

Two formats are known: LOBSTER's messages of NASDAQ, with or without the book after each row, and
Databento's market-by-order rows of CME. Prices and quantities are the recording's own integers.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from venues.exchange.book import BUY, SELL

UNLISTED = 9_999_999_999  # LOBSTER's price of a level that nobody is at

Levels = Sequence[tuple[int, int]]
"""(price, quantity) of one side, best first."""


@dataclass(frozen=True, slots=True)
class Entered:
    """An order that came to rest."""

    number: int
    sign: int
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Reduced:
    """A resting order that lost `quantity` and kept its place."""

    number: int
    sign: int
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A resting order that left, with the `quantity` that it still had."""

    number: int
    sign: int
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Executed:
    """Resting orders that one aggressive order met: (number, price, quantity), in their order."""

    sign: int
    fills: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class ExecutedUnseen:
    """An execution against an order that the recording never shows."""


Deed = Entered | Reduced | Withdrawn | Executed | ExecutedUnseen


@dataclass(frozen=True, slots=True)
class Step:
    """What happened up to one row of the file (the header is row 1), and the book after it.

    `bids` and `asks` are None where the recording does not say.
    """

    row: int
    deeds: tuple[Deed, ...]
    bids: Levels | None = None
    asks: Levels | None = None


def lobster(path: Path) -> Iterator[Step]:
    """Read LOBSTER's messages; rows of one time and direction that execute are one aggressor.

    Where a book is recorded, an aggressor ends with the price: what lies behind comes into view
    with that row. The book is the one after the aggressor's last row.
    """
    with gzip.open(path, "rt", newline="") as file:
        rows = csv.reader(file)
        has_book = len(next(rows)) > 6
        numbered = ((number, [int(cell) for cell in row]) for number, row in enumerate(rows, 2))
        for _, alike in groupby(numbered, key=lambda item: _aggressor(item[0], item[1], has_book)):
            group = list(alike)
            last, cells = group[-1]
            bids, asks = _book(cells) if has_book else (None, None)
            yield Step(last, (_lobster_deed([row for _, row in group]),), bids, asks)


def _aggressor(number: int, row: list[int], has_book: bool) -> tuple[int, ...]:
    """Return what the rows of one aggressive order share; any other row stands for itself."""
    time, event, _, _, price, direction, *_ = row
    if event != 4:
        return (number,)
    return (time, direction, price) if has_book else (time, direction)


def _lobster_deed(rows: list[list[int]]) -> Deed:
    _, event, number, size, price, direction, *_ = rows[0]
    match event:
        case 1:
            return Entered(number, direction, price, size)
        case 2:
            return Reduced(number, direction, price, size)
        case 3:
            return Withdrawn(number, direction, price, size)
        case 4:
            return Executed(-direction, tuple((row[2], row[4], row[3]) for row in rows))
        case 5:
            return ExecutedUnseen()
    raise ValueError(f"no book is known to follow from LOBSTER's event {event}")


def _book(cells: list[int]) -> tuple[Levels, Levels]:
    asks = list(zip(cells[6::4], cells[7::4], strict=True))
    bids = list(zip(cells[8::4], cells[9::4], strict=True))
    return _listed(bids), _listed(asks)


def _listed(levels: Levels) -> Levels:
    return [level for level in levels if abs(level[0]) != UNLISTED]


def with_the_unannounced(steps: Sequence[Step]) -> Iterator[Step]:
    """Enter the orders that a recording mentions without having announced them.

    They were entered before it began, or out of its view. What the recording says of them later
    adds up to their quantity, and their numbers, which rise with time, tell their place: each is
    entered before the first announced order with a greater number.
    """
    waiting = sorted(_unannounced(steps), key=lambda order: order.number, reverse=True)
    announced = (deed for step in steps for deed in step.deeds if isinstance(deed, Entered))
    youngest = next(announced).number
    for step in steps:
        youngest = max([youngest, *(d.number for d in step.deeds if isinstance(d, Entered))])
        while waiting and waiting[-1].number < youngest:
            yield Step(step.row, (waiting.pop(),))
        yield step
    if waiting:
        raise ValueError(f"{len(waiting)} orders are younger than any that was announced")


def _unannounced(steps: Iterable[Step]) -> list[Entered]:
    announced: set[int] = set()
    terms: dict[int, tuple[int, int]] = {}
    quantities: Counter[int] = Counter()
    for deed in (deed for step in steps for deed in step.deeds):
        match deed:
            case Entered(number):
                announced.add(number)
            case Reduced(number, sign, price, quantity) | Withdrawn(number, sign, price, quantity):
                terms[number] = sign, price
                quantities[number] += quantity
            case Executed(sign, fills):
                for number, price, quantity in fills:
                    terms[number] = -sign, price
                    quantities[number] += quantity
    return [
        Entered(number, *terms[number], quantity)
        for number, quantity in quantities.items()
        if number not in announced
    ]


def passed_over(steps: Iterable[Step]) -> set[int]:
    """Return the rows in which the recording itself executes an order ahead of an older one.

    It knows no book: an order with a smaller number at the same price, in the book already and
    mentioned again later, was resting there, whatever its quantity, and was passed over.
    """
    announced: dict[int, int] = {}
    mentioned: dict[int, tuple[int, int]] = {}
    at_price: dict[tuple[int, int], set[int]] = {}
    fills: list[tuple[tuple[int, int], tuple[int, int], int]] = []
    for step in steps:
        for deed in step.deeds:
            match deed:
                case Executed(sign, executed):
                    for place, (number, price, _) in enumerate(executed):
                        mentioned[number] = step.row, place
                        at_price.setdefault((-sign, price), set()).add(number)
                        fills.append(((step.row, place), (-sign, price), number))
                case (
                    Entered(number, sign, price)
                    | Reduced(number, sign, price)
                    | Withdrawn(number, sign, price)
                ):
                    mentioned[number] = step.row, 0
                    at_price.setdefault((sign, price), set()).add(number)
                    if isinstance(deed, Entered):
                        announced[number] = step.row
    return {
        when[0]
        for when, where, number in fills
        for other in at_price[where]
        if other < number and mentioned[other] > when and announced.get(other, 0) < when[0]
    }


SIGNS = {"B": BUY, "A": SELL}
LAST_OF_EVENT = 128
SNAPSHOT = 32


class MarketByOrder:
    """Databento's rows as steps, and the book that follows from them by their own definition.

    That book is kept from the rows that add, modify, cancel and clear alone, as the format says;
    trades and fills do not touch it. They are what an aggressive order is made of, and the rows
    by which an event books its own fills are told from those that change an order otherwise.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_opening = True
        self.orders: dict[int, Entered] = {}
        self.levels: dict[tuple[int, int], dict[int, int]] = {}

    def steps(self) -> Iterator[Step]:
        """Yield the opening snapshot order by order, then one step for each event."""
        event: list[dict[str, str]] = []
        with gzip.open(self.path, "rt", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                event.append(row)
                if int(row["flags"]) & (LAST_OF_EVENT | SNAPSHOT):
                    self.is_opening = bool(int(row["flags"]) & SNAPSHOT)
                    yield Step(number, tuple(self._deeds(event)))
                    event = []
        if event:
            raise ValueError("the recording ends within an event")

    def queue(self, sign: int) -> list[tuple[int, int, int]]:
        """Return one side as (number, price, quantity): best price first, then the oldest."""
        prices = sorted((price for side, price in self.levels if side == sign), reverse=sign > 0)
        return [
            (number, price, quantity)
            for price in prices
            for number, quantity in self.levels[sign, price].items()
        ]

    def _deeds(self, event: list[dict[str, str]]) -> Iterator[Deed]:
        """Yield what left first: an order that left in an execution's own event was not there."""
        filled: Counter[int] = Counter()
        executions: list[Executed] = []
        changes: list[Deed] = []
        for row in event:
            number, size = int(row["order_id"]), int(row["size"])
            match row["action"]:
                case "T":
                    executions.append(Executed(SIGNS[row["side"]], ()))
                case "F":
                    taken = executions.pop()
                    fill = number, int(row["price_e9"]), size
                    executions.append(Executed(taken.sign, (*taken.fills, fill)))
                    filled[number] += size
                case "A":
                    order = Entered(number, SIGNS[row["side"]], int(row["price_e9"]), size)
                    changes.append(self._enter(order))
                case "M":
                    changes += self._modify(number, int(row["price_e9"]), size, filled)
                case "C":
                    changes += self._cancel(number, size, filled)
                case "R":
                    self.orders.clear()
                    self.levels.clear()
        yield from (change for change in changes if not isinstance(change, Entered))
        yield from executions
        yield from (change for change in changes if isinstance(change, Entered))

    def _enter(self, order: Entered) -> Entered:
        self.orders[order.number] = order
        self.levels.setdefault((order.sign, order.price), {})[order.number] = order.quantity
        return order

    def _leave(self, number: int) -> Entered:
        order = self.orders.pop(number)
        level = self.levels[order.sign, order.price]
        del level[number]
        if not level:
            del self.levels[order.sign, order.price]
        return order

    def _lower(self, number: int, quantity: int) -> None:
        order = self.orders[number]
        self.orders[number] = Entered(number, order.sign, order.price, quantity)
        self.levels[order.sign, order.price][number] = quantity

    def _modify(
        self, number: int, price: int, quantity: int, filled: Counter[int]
    ) -> Iterator[Deed]:
        """An order that moves or grows goes to the back; one that shrinks keeps its place."""
        was = self.orders[number]
        by_fills = min(filled[number], was.quantity)
        filled[number] -= by_fills
        if price == was.price and quantity <= was.quantity:
            self._lower(number, quantity)
            if less := was.quantity - by_fills - quantity:
                yield Reduced(number, was.sign, price, less)
        else:
            self._leave(number)
            yield Withdrawn(number, was.sign, was.price, was.quantity - by_fills)
            yield self._enter(Entered(number, was.sign, price, quantity))

    def _cancel(self, number: int, quantity: int, filled: Counter[int]) -> Iterator[Deed]:
        was = self.orders[number]
        by_fills = min(filled[number], quantity)
        filled[number] -= by_fills
        if quantity < was.quantity:
            self._lower(number, was.quantity - quantity)
            if less := quantity - by_fills:
                yield Reduced(number, was.sign, was.price, less)
        else:
            self._leave(number)
            if less := quantity - by_fills:
                yield Withdrawn(number, was.sign, was.price, less)
