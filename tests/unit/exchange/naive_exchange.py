"""One instrument of the exchange as its rules read: lists, searched anew for every question.

It knows members' orders of every kind, in continuous trading and in auctions, and nothing of
levels, signed prices, reserves or indexes. Prices and quantities are whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class NaiveOrder:
    name: str
    sign: int
    price: int
    leaves: int
    arrival: int = 0
    """Its place in the queue."""
    entry: int = 0
    """When it was entered; what counts in an auction."""
    display: int | None = None
    party: str = ""
    prevention: str = "cancel_newest"
    is_post_only: bool = False
    cash: int | None = None
    shown: int = 0
    executed: int = 0

    @property
    def is_hidden(self) -> bool:
        return self.display == 0

    def affordable(self, price: int) -> int:
        return self.leaves if self.cash is None else min(self.leaves, self.cash // price)


@dataclass
class NaiveExchange:
    is_collecting: bool = False
    resting: list[NaiveOrder] = field(default_factory=list)
    fills: list[tuple[str, str, int, int]] = field(default_factory=list)
    """(who came second or bought in an auction, the other, price, quantity)"""
    ended: list[tuple[str, str]] = field(default_factory=list)
    entries: int = 0
    arrivals: int = 0
    last_price: int | None = None

    def queue(self, sign: int) -> list[NaiveOrder]:
        """Return one side in priority: price, then shown before hidden, then arrival."""
        side = [order for order in self.resting if order.sign == sign]
        return sorted(side, key=lambda o: (-sign * o.price, o.is_hidden, o.arrival))

    def auction_queue(self, sign: int) -> list[NaiveOrder]:
        side = [order for order in self.resting if order.sign == sign]
        return sorted(side, key=lambda o: (-sign * o.price, o.is_hidden, o.entry))

    def volume(self, price: int) -> int:
        """Return how much an auction would execute at `price`."""
        sides = (
            sum(o.affordable(price) for o in self.resting
                if o.sign == sign and sign * (o.price - price) >= 0)
            for sign in (1, -1)
        )  # fmt: skip
        return min(sides)

    def facing(self, order: NaiveOrder) -> list[NaiveOrder]:
        return [o for o in self.queue(-order.sign) if order.sign * (order.price - o.price) >= 0]

    def find(self, name: str) -> NaiveOrder | None:
        return next((order for order in self.resting if order.name == name), None)

    def depth(self, sign: int) -> list[tuple[int, int]]:
        """Return what is shown: (price, quantity), best first."""
        totals: dict[int, int] = {}
        for order in self.queue(sign):
            if not order.is_hidden:
                totals[order.price] = totals.get(order.price, 0) + order.shown
        return list(totals.items())

    # --- What is asked ---------------------------------------------------------------------

    def enter(self, order: NaiveOrder, tif: str) -> None:
        self.entries += 1
        order.entry = self.entries
        if order.is_post_only and not self.is_collecting and self.facing(order):
            self.ended.append((order.name, "post_only_would_execute"))
            return
        if tif in ("ioc", "fok") and self.is_collecting:
            self.ended.append((order.name, "auction_collecting"))
            return
        if self.is_collecting:
            self._rest(order)
            return
        if tif == "fok" and not self._is_obtainable(order):
            self.ended.append((order.name, "not_filled_in_full"))
            return
        reason = self._take(order)
        if not order.leaves:
            return
        if reason or tif in ("ioc", "fok"):
            self.ended.append((order.name, reason or "nothing_left_at_price"))
            return
        self._rest(order)

    def cancel(self, name: str) -> None:
        order = self.find(name)
        if order is not None:
            self.resting.remove(order)
            self.ended.append((name, "requested"))

    def replace(self, name: str, new_name: str, total: int, price: int | None) -> None:
        order = self.find(name)
        if order is None or total <= order.executed:
            return
        price = order.price if price is None else price
        rest = total - order.executed
        keeps = price == order.price and rest <= order.leaves
        new = NaiveOrder(
            new_name, order.sign, price, rest, order.arrival, order.entry, order.display,
            order.party, order.prevention, order.is_post_only, order.cash, order.shown,
        )  # fmt: skip
        moves = price != order.price
        if moves and order.is_post_only and not self.is_collecting and self.facing(new):
            return
        place = self.resting.index(order)
        if keeps:
            new.shown = min(order.shown, new.affordable(price))
            self.resting[place] = new
            return
        self.resting.pop(place)
        new.shown, new.is_post_only = 0, False
        self.enter(new, "gtc")
        new.is_post_only = order.is_post_only

    def collect(self) -> None:
        self.is_collecting = True

    def uncross(self, price: int | None) -> None:
        """Execute the most that can be at `price`; then trade goes on with what is left."""
        self.is_collecting = False
        orders = sorted(self.resting, key=lambda order: order.entry)
        if price is not None:
            buying, selling = (
                [
                    [order, order.affordable(price)]
                    for order in self.auction_queue(sign)
                    if sign * (order.price - price) >= 0 and order.affordable(price)
                ]
                for sign in (1, -1)
            )
            while buying and selling:
                lots = min(buying[0][1], selling[0][1])
                self._execute(buying[0][0], selling[0][0], price, lots)
                for side in (buying, selling):
                    side[0][1] -= lots
                    if not side[0][1]:
                        side.pop(0)
        self.resting = []
        for order in orders:
            if order.leaves:
                self.enter_again(order)

    def enter_again(self, order: NaiveOrder) -> None:
        reason = self._take(order)
        if reason:
            self.ended.append((order.name, reason))
        elif order.leaves:
            self._rest(order)

    # --- How it is done --------------------------------------------------------------------

    def _take(self, order: NaiveOrder) -> str:
        """Execute what can be; return why the rest must not go on."""
        while order.leaves and (facing := self.facing(order)):
            other = facing[0]
            if order.party and order.party == other.party:
                if order.prevention != "cancel_newest":
                    self.resting.remove(other)
                    self.ended.append((other.name, "self_trade"))
                if order.prevention != "cancel_oldest":
                    return "self_trade"
                continue
            lots = min(order.affordable(other.price), other.shown)
            if not lots:
                return "cash_reached"
            self._execute(order, other, other.price, lots)
            other.shown -= lots
            if not other.shown:
                self._bring_forward(other)
        return ""

    def _execute(self, one: NaiveOrder, other: NaiveOrder, price: int, lots: int) -> None:
        self.fills.append((one.name, other.name, price, lots))
        self.last_price = price
        for order in (one, other):
            order.leaves -= lots
            order.executed += lots
            if order.cash is not None:
                order.cash -= price * lots

    def _bring_forward(self, order: NaiveOrder) -> None:
        """Show the next slice of an order at the back of its level, or let it go."""
        left = order.affordable(order.price)
        if left:
            order.shown = min(left, order.display or left)
            self.arrivals += 1
            order.arrival = self.arrivals
            return
        self.resting.remove(order)
        if order.leaves:
            self.ended.append((order.name, "cash_reached"))

    def _rest(self, order: NaiveOrder) -> None:
        left = order.affordable(order.price)
        if not left:
            self.ended.append((order.name, "cash_reached"))
            return
        self.arrivals += 1
        order.arrival = self.arrivals
        order.shown = left if not order.display else min(order.display, left)
        self.resting.append(order)

    def _is_obtainable(self, order: NaiveOrder) -> bool:
        """Try it on a copy: what would be left?"""
        copies = [NaiveOrder(**vars(each)) for each in self.resting]
        twin = NaiveExchange(resting=copies, arrivals=self.arrivals)
        trial = NaiveOrder(**vars(order))
        reason = twin._take(trial)
        return not trial.leaves or reason == "cash_reached"
