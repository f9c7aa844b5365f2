"""An auction: one price at which the most can be executed. Pure, on ticks and lots.

The price is the one at which

1. the most lots are executed;
2. then the fewest are left over at that price or better (the imbalance);
3. then, when buyers are left over at every such price, the highest, and when sellers are, the
   lowest: the side that is under pressure gives way;
4. then the nearest to the reference price, the last one traded; the lower of two as near, and
   the lowest when nothing was traded before.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from marketdata.price_steps import PriceSteps
from venues.exchange.book import Order


@dataclass(slots=True)
class Interest:
    """An order in an auction: at most `lots` at its price or better, for at most `cash`.

    Cash is counted in ticks times lots; None for an order that has no such bound.
    """

    order: Order
    lots: int
    cash: int | None = None

    def lots_at(self, price: int) -> int:
        """Return how much of it may be executed at `price`, which its own price allows."""
        return self.lots if self.cash is None else min(self.lots, self.cash // price)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two orders that an auction brings together."""

    buying: Order
    selling: Order
    lots: int


@dataclass(frozen=True, slots=True)
class _Side:
    """One side's interest, to be asked how much of it there is at a price."""

    sign: int
    prices: list[int] = field(default_factory=list)
    """Signed and ascending, so that the most eager come last on either side."""
    lots_from: list[int] = field(default_factory=list)
    """How many lots lie at each of the prices and the more eager ones."""
    bounded: tuple[Interest, ...] = ()

    def lots_at(self, price: int) -> int:
        signed = self.sign * price
        place = bisect_left(self.prices, signed)
        plain = self.lots_from[place] if place < len(self.prices) else 0
        bounded = (each for each in self.bounded if self.sign * each.order.price >= signed)
        return plain + sum(each.lots_at(price) for each in bounded)


def clearing_price(
    buying: Sequence[Interest],
    selling: Sequence[Interest],
    *,
    reference: int | None,
    steps: PriceSteps[int],
) -> int | None:
    """Return the price at which the auction uncrosses; None when nobody meets anybody.

    It is one of those that `steps` leave.
    """
    if not buying or not selling:
        return None
    highest = max(each.order.price for each in buying)
    lowest = min(each.order.price for each in selling)
    if highest < lowest:
        return None
    bids, asks = _side(1, buying), _side(-1, selling)
    found: list[tuple[int, int, int]] = []
    for price in _candidates(buying, selling, lowest, highest, reference, steps):
        demand, supply = bids.lots_at(price), asks.lots_at(price)
        if demand and supply:
            found.append((-min(demand, supply), abs(demand - supply), price))
    if not found:
        return None
    best = min(found)[:2]
    prices = [price for *rank, price in found if tuple(rank) == best]
    return _fairest(prices, bids, asks, reference)


def pairs(buying: Sequence[Interest], selling: Sequence[Interest], *, price: int) -> Iterator[Pair]:
    """Yield who trades with whom at `price`; both sides come in priority, best first."""
    bids, asks = (
        [
            (each.order, lots)
            for each in side
            if each.order.sign * (each.order.price - price) >= 0 and (lots := each.lots_at(price))
        ]
        for side in (buying, selling)
    )
    bid = ask = 0
    bid_done = ask_done = 0
    while bid < len(bids) and ask < len(asks):
        (buyer, wanted), (seller, offered) = bids[bid], asks[ask]
        lots = min(wanted - bid_done, offered - ask_done)
        yield Pair(buyer, seller, lots)
        bid_done += lots
        ask_done += lots
        if bid_done == wanted:
            bid, bid_done = bid + 1, 0
        if ask_done == offered:
            ask, ask_done = ask + 1, 0


def _side(sign: int, interest: Sequence[Interest]) -> _Side:
    totals: dict[int, int] = {}
    for each in interest:
        if each.cash is None:
            signed = sign * each.order.price
            totals[signed] = totals.get(signed, 0) + each.lots
    prices = sorted(totals)
    from_here = list(accumulate(totals[signed] for signed in reversed(prices)))[::-1]
    bounded = tuple(each for each in interest if each.cash is not None)
    return _Side(sign, prices, from_here, bounded)


def _candidates(
    buying: Sequence[Interest],
    selling: Sequence[Interest],
    lowest: int,
    highest: int,
    reference: int | None,
    steps: PriceSteps[int],
) -> list[int]:
    """Return the prices that can be best: between two limits, what happens does not change."""
    limits = {each.order.price for side in (buying, selling) for each in side}
    near = {
        each for price in limits for each in (steps.down(price - 1), price, steps.up(price + 1))
    }
    near |= {steps.down(reference), steps.up(reference)} if reference is not None else set()
    ordered = sorted(near)
    return ordered[bisect_left(ordered, lowest) : bisect_right(ordered, highest)]


def _fairest(prices: list[int], bids: _Side, asks: _Side, reference: int | None) -> int:
    """Return which of the prices that execute as much with as little left over is taken."""
    pressures = {_sign(bids.lots_at(price) - asks.lots_at(price)) for price in prices}
    if pressures == {1}:
        return prices[-1]
    if pressures == {-1} or reference is None:
        return prices[0]
    return min(prices, key=lambda price: (abs(price - reference), price))


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
