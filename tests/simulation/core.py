"""The pure core under a random load: customers, the exchange, and a wire that misbehaves.

Every step is one event: somebody wants something, the market moves, or a message arrives. All
draws come from one seed, so that a failure is played again by its number.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from decimal import Decimal

from orders.lifecycle import Status
from orders.tickets import Role
from tests.simulation.books import CASH, ZERO
from tests.simulation.firm import Firm
from tests.simulation.market import SYMBOLS, TICKS, Market, price_of
from tests.simulation.order import Order, by_replacing
from tests.simulation.wire import INVENTED, Line, Misbehaviour
from venues.messages import ExecutionReport, OrderType, Request, Side, TimeInForce

CUSTOMERS = 50
OPEN_MAX = 400
DAY = 20_000
CHECKED_EVERY = 2_000
REMEMBERED = 30_000
UNANSWERED = frozenset(
    {Status.PENDING, Status.PENDING_CANCEL, Status.PENDING_REPLACE, Status.UNKNOWN}
)


class Simulation:
    """One run. `run` raises AssertionError as soon as something is not as it must be."""

    def __init__(
        self, *, seed: int, misbehaviour: Misbehaviour | None = None, firm: Firm | None = None
    ) -> None:
        self.draw = random.Random(seed)
        self.step = 0
        self.count: Counter[str] = Counter()
        self.firm = firm or Firm()
        wrong = misbehaviour or Misbehaviour()
        self.requests: Line[Request] = Line(self.draw, wrong)
        self.reports: Line[ExecutionReport] = Line(self.draw, wrong)
        self.market = Market(self.draw, wrong, self._say, self._is_robust)
        self._made: deque[tuple[int, str]] = deque()
        self._names = 0
        self._open_accounts()
        self._acts = {
            self._place: 34,
            self._place_bracket: 3,
            self._cancel: 8,
            self._replace: 10,
            self._lose_the_link: 1,
            self._move_market: 14,
            lambda: self.market.trade(self.draw.choice(SYMBOLS)): 10,
            lambda: self.market.halt(self.draw.choice(SYMBOLS)): 1,
            self.market.bust: 1,
        }

    def run(self, events: int) -> None:
        """Do this many events, bring everything to rest, and compare all there is."""
        while self.step < events:
            self.next()
        self.come_to_rest()

    def next(self) -> None:
        """Do the next event: what has arrived comes first."""
        self._tick()
        if not self._receive():
            (act,) = self.draw.choices(list(self._acts), list(self._acts.values()))
            act()
        self._send()
        if self.step % DAY == 0:
            self.market.turn_the_day()
        if self.step % CHECKED_EVERY == 0:
            self.firm.books.check_everything(self.firm.open)
            self.market.check()
            self._forget()

    def come_to_rest(self) -> None:
        """Deliver all that is under way, then compare the firm with the venue, order by order."""
        while len(self.requests) or len(self.reports):
            self._tick()
            self._receive()
            self._send()
        self.firm.books.check_everything(self.firm.open)
        for order in self.firm.orders.values():
            self._compare(order)
            is_resting = self.market.is_resting(order.id)
            assert order.status.is_at_venue == is_resting, f"at the venue: {is_resting}: {order}"
            assert order.status not in UNANSWERED, f"nobody answers {order}"
        self._compare_what_was_not_applied()

    def figures(self) -> dict[str, int]:
        """Return how often what happened."""
        lines = {f"requests {what}": n for what, n in self.requests.count.items()}
        lines |= {f"reports {what}": n for what, n in self.reports.count.items()}
        transitions = sum(n for what, n in self.firm.count.items() if " > " in what)
        told = {what: n for what, n in self.firm.count.items() if " > " not in what}
        return {
            "events": self.step,
            **self.count,
            **self.market.count,
            **lines,
            **told,
            "changes of state": transitions,
            "reports parked": len(self.firm.parked),
        }

    # --- The wire --------------------------------------------------------------------------

    def _tick(self) -> None:
        self.step += 1
        self.market.step = self.step

    def _say(self, report: ExecutionReport) -> None:
        self.reports.send(report, step=self.step)

    def _send(self) -> None:
        for request in self.firm.outbox:
            self.requests.send(request, step=self.step)
        self.firm.outbox.clear()

    def _receive(self) -> bool:
        """Let one message arrive, if there is one."""
        if (request := self.requests.arrived(step=self.step)) is not None:
            self.count["requests arrived"] += 1
            self.market.enter(request)
        elif (report := self.reports.arrived(step=self.step)) is not None:
            self.count["reports arrived"] += 1
            self.firm.hear(report)
        else:
            return False
        return True

    def _is_robust(self, name: str) -> bool:
        """Whether a lie about the order heals: legs may have sold what a late fill would need."""
        return not self.firm.orders[name].group

    # --- What customers want ---------------------------------------------------------------

    def _open_accounts(self) -> None:
        for _ in range(CUSTOMERS):
            owned = {CASH: Decimal(self.draw.randrange(1_000, 200_000))}
            owned |= {symbol: Decimal(self.draw.randrange(0, 500)) for symbol in SYMBOLS}
            self.firm.books.open_account(owned)

    def _place(self) -> None:
        if len(self.firm.open) >= OPEN_MAX:
            self._cancel()
            return
        draw, symbol = self.draw, self.draw.choice(SYMBOLS)
        side = draw.choice((Side.BUY, Side.SELL))
        kind = draw.choice((OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.STOP))
        order = self._new(symbol, side, draw.randrange(1, 250), kind)
        worst = self._price(symbol, side.sign * 200)
        if kind is OrderType.LIMIT:
            worst = order.limit_price = self._price(symbol, side.sign * draw.randrange(-40, 20))
            order.time_in_force = draw.choice(list(TimeInForce))
            if order.time_in_force in (TimeInForce.DAY, TimeInForce.GTC):
                order.is_post_only = draw.random() < 0.1
                if draw.random() < 0.3:
                    order.display_quantity = Decimal(draw.randrange(int(order.quantity) + 1))
        elif kind is OrderType.STOP:
            order.stop_price = self._price(symbol, side.sign * draw.randrange(5, 60))
            worst = price_of(symbol, int(order.stop_price * Decimal("1.05") / TICKS[symbol]))
        is_placed = self.firm.place(order, worst)
        self.count["orders placed" if is_placed else "orders denied"] += 1

    def _place_bracket(self) -> None:
        if len(self.firm.open) >= OPEN_MAX:
            return
        draw, symbol = self.draw, self.draw.choice(SYMBOLS)
        entry = self._new(symbol, Side.BUY, draw.randrange(1, 250), OrderType.LIMIT)
        away = draw.randrange(-10, 10)
        entry.limit_price = price = self._price(symbol, away)
        entry.role, entry.group = Role.ENTRY, f"G{entry.id}"
        entry.time_in_force = draw.choice((TimeInForce.DAY, TimeInForce.GTC))
        profit = self._new(symbol, Side.SELL, int(entry.quantity), OrderType.LIMIT)
        profit.limit_price = self._price(symbol, away + draw.randrange(2, 40))
        profit.role = Role.TAKE_PROFIT
        loss = self._new(symbol, Side.SELL, int(entry.quantity), OrderType.STOP)
        loss.stop_price = self._price(symbol, away - draw.randrange(2, 40))
        loss.role = Role.STOP_LOSS
        for leg in (profit, loss):
            leg.customer, leg.group, leg.time_in_force = (
                entry.customer,
                entry.group,
                TimeInForce.GTC,
            )
        if not self.firm.place(entry, price):
            self.count["brackets denied"] += 1
            return
        self.count["brackets placed"] += 1
        for leg in (profit, loss):
            self.firm.place(leg, ZERO)

    def _new(self, symbol: str, side: Side, quantity: int, kind: OrderType) -> Order:
        return Order(
            id=self._next_name(),
            customer=self.draw.randrange(CUSTOMERS),
            symbol=symbol,
            side=side,
            quantity=Decimal(quantity),
            type=kind,
            time_in_force=TimeInForce.DAY,
            limit_price=None,
        )

    def _next_name(self) -> str:
        self._names += 1
        name = f"O{self._names}"
        self._made.append((self.step, name))
        return name

    def _price(self, symbol: str, ticks_away: int) -> Decimal:
        return price_of(symbol, self.market.middle[symbol] + ticks_away)

    def _any_open(self) -> Order | None:
        if not self.firm.open:
            return None
        return self.firm.open[self.draw.choice(list(self.firm.open))]

    def _cancel(self) -> None:
        order = self._any_open()
        if order is not None:
            self.count["cancels"] += 1
            self.firm.cancel(order)

    def _replace(self) -> None:
        order = self._any_open()
        if order is None or order.limit_price is None or order.group or not order.took_over:
            return
        price = self._price(order.symbol, order.side.sign * self.draw.randrange(-40, 20))
        price = self.draw.choice((order.limit_price, price))
        quantity = Decimal(self.draw.randrange(1, 300))
        by = by_replacing(order, self._next_name(), quantity=quantity, price=price)
        self.count["replaces"] += 1
        self.firm.replace(order, by, price)

    def _lose_the_link(self) -> None:
        """An order is in doubt, and its venue is asked once it is there again."""
        order = self._any_open()
        if order is None or not order.took_over or not order.status.is_at_venue:
            return
        self.count["doubts"] += 1
        self.firm.doubt(order)
        self.market.say_status(order.id)

    def _move_market(self) -> None:
        symbol = self.draw.choice(SYMBOLS)
        self.market.move(symbol)
        price = self.market.middle[symbol] * TICKS[symbol]
        reached = [
            order
            for order in self.firm.open.values()
            if order.status is Status.HELD
            and order.symbol == symbol
            and order.stop_price is not None
            and (price - order.stop_price) * order.side.sign >= 0
        ]
        for order in reached:
            self.count["stops triggered"] += 1
            self.firm.trigger(order, self._price(symbol, order.side.sign * 200))

    # --- What must be true -----------------------------------------------------------------

    def _compare(self, order: Order) -> None:
        executed = self.market.executed.get(order.id, ZERO)
        if order.id not in self.firm.disputed:
            assert order.filled == executed, f"the venue executed {executed} of {order}"

    def _compare_what_was_not_applied(self) -> None:
        """What is parked was invented or could not be paid; what waits does so because of that."""
        for report, reason in self.firm.parked:
            is_invented = report.execution_id.startswith(INVENTED)
            assert is_invented or "uncovered" in reason, f"parked: {reason}: {report}"
        for name, reports in self.firm.waiting.items():
            genuine = [r for r in reports if not r.execution_id.startswith(INVENTED)]
            assert not genuine or name in self.firm.disputed, f"for ever waiting: {genuine}"
        booked = [t for t in self.firm.trades if t.startswith(INVENTED)]
        assert not booked, f"booked what never was: {booked}"

    def _forget(self) -> None:
        """Forget what ended long ago, so that a long run needs no more memory than a short one."""
        while self._made and self._made[0][0] + REMEMBERED < self.step:
            order = self.firm.orders.get(self._made.popleft()[1])
            if order is None:
                continue
            kin = self.firm.groups.get(order.group, [order])
            if all(each.status.is_final for each in kin):
                self._compare(order)
                self.firm.forget(order)
                self.market.executed.pop(order.id, None)
            else:
                self._made.append((self.step, order.id))
