"""The order book as its definition reads: a list of orders, sorted anew for every question."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class NaiveOrder:
    number: int
    sign: int
    price: int
    leaves: int
    arrival: int


class NaiveBook:
    def __init__(self) -> None:
        self.resting: list[NaiveOrder] = []
        self.arrivals = 0

    def queue(self, sign: int) -> list[NaiveOrder]:
        """Return one side in priority: best price first, at one price the oldest first."""
        side = [order for order in self.resting if order.sign == sign]
        return sorted(side, key=lambda order: (-sign * order.price, order.arrival))

    def add(
        self, number: int, sign: int, price: int, quantity: int, *, rests: bool
    ) -> list[tuple[int, int, int]]:
        """Return the fills as (resting order's number, its price, quantity)."""
        fills = []
        for other in self.queue(-sign):
            if not quantity or sign * other.price > sign * price:
                break
            filled = min(quantity, other.leaves)
            fills.append((other.number, other.price, filled))
            other.leaves -= filled
            quantity -= filled
        self.resting = [order for order in self.resting if order.leaves]
        if quantity and rests:
            self.arrivals += 1
            self.resting.append(NaiveOrder(number, sign, price, quantity, self.arrivals))
        return fills

    def cancel(self, number: int) -> int:
        (order,) = [order for order in self.resting if order.number == number]
        self.resting.remove(order)
        return order.leaves

    def reduce(self, number: int, leaves: int) -> None:
        (order,) = [order for order in self.resting if order.number == number]
        order.leaves = leaves

    def depth(self, sign: int) -> list[tuple[int, int]]:
        totals: dict[int, int] = {}
        for order in self.queue(sign):
            totals[order.price] = totals.get(order.price, 0) + order.leaves
        return list(totals.items())
