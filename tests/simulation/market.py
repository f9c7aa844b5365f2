"""The venue of a simulation: the real exchange engine, a crowd around it, and its bad days."""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.simulation import wire
from tests.simulation.wire import Misbehaviour
from venues.exchange.commands import (
    OURSELVES,
    Admit,
    Bust,
    BustedFill,
    CloseSession,
    CoarseSteps,
    Command,
    Enter,
    Halt,
    MassQuote,
    OpenSession,
    Report,
    Take,
    Trade,
)
from venues.exchange.engine import Engine
from venues.exchange.state import ticket_of
from venues.messages import ExecutionReport, ReportKind, Request

BEGINNING = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
SYMBOLS = ("AAPL", "IBM", "MSFT")
TICKS = {"AAPL": Decimal("0.01"), "IBM": Decimal("0.0001"), "MSFT": Decimal("0.01")}
"""One of them walks about a dollar, below which its prices go in finer steps."""
CENTS = CoarseSteps(Decimal("0.01"), Decimal(1))
PARTS = {"AAPL": 1, "IBM": 1, "MSFT": 10**9}
"""How many lots a unit is: one of them is traded in billionths."""
MIDDLE = 10_000
CALENDAR = "always"
ZERO = Decimal(0)


def lot_of(symbol: str) -> Decimal:
    """Return the least quantity of a symbol, and the step of all."""
    return Decimal(1) / PARTS[symbol]


def terms_of(symbol: str) -> Admit:
    """Return the terms on which a symbol is listed."""
    coarse = CENTS if TICKS[symbol] < CENTS.step else None
    lot = lot_of(symbol)
    return Admit(symbol, TICKS[symbol], lot, lot, CALENDAR, coarse=coarse)


STEPS = {symbol: terms_of(symbol).steps for symbol in SYMBOLS}


def price_of(symbol: str, ticks: int) -> Decimal:
    """Return the price at so many ticks, or the next one below that there is."""
    return STEPS[symbol].down(max(ticks, 1)) * TICKS[symbol]


class Market:
    """The exchange and everybody on it but us. What it says goes to `say`, in its order.

    `executed` is what it really executed of each order; `is_robust` tells whose orders it may lie
    about, and take fills of back, unless it `busts_all`.
    """

    def __init__(
        self,
        draw: random.Random,
        misbehaviour: Misbehaviour,
        say: Callable[[ExecutionReport], None],
        is_robust: Callable[[str], bool],
        *,
        busts_all: bool = False,
    ) -> None:
        self.engine = Engine()
        self.step = 0
        self.executed: dict[str, Decimal] = {}
        self.count: Counter[str] = Counter()
        self.middle = dict.fromkeys(SYMBOLS, MIDDLE)
        self._draw = draw
        self._is = misbehaviour
        self._say = say
        self._is_robust = is_robust
        self.busts_all = busts_all
        self._day = BEGINNING.date()
        self._fills: deque[tuple[int, Trade, Report]] = deque(maxlen=500)
        self._busted: set[str] = set()
        for symbol in SYMBOLS:
            self._do(terms_of(symbol))
        self._do(OpenSession(CALENDAR, self._day))
        for symbol in SYMBOLS:
            self._quote(symbol)

    @property
    def now(self) -> datetime:
        return BEGINNING + timedelta(milliseconds=10 * self.step)

    def enter(self, request: Request) -> None:
        self._do(Enter(OURSELVES, request))

    def is_resting(self, name: str) -> bool:
        return (OURSELVES, name) in self.engine.open_orders

    # --- What others do --------------------------------------------------------------------

    def move(self, symbol: str) -> None:
        """Let the price walk, drawn back to where it began."""
        jump = self._draw.choice((1, 1, 2, 5, 20, 100))
        back = (MIDDLE - self.middle[symbol]) // 200
        self.middle[symbol] += self._draw.randrange(-jump, jump + 1) + back
        self._quote(symbol)

    def trade(self, symbol: str) -> None:
        """Let somebody take what there is."""
        sign = self._draw.choice((1, -1))
        price = self.middle[symbol] + sign * self._draw.randrange(0, 30)
        self._do(Take("crowd", symbol, sign, price, self._lots(symbol, 300)))

    def halt(self, symbol: str) -> None:
        """Halt the instrument; one that is halted goes on, mostly."""
        is_halted = self.engine.listings[symbol].is_halted
        if not is_halted and self._draw.random() < 0.95:
            return
        self.count["halts"] += not is_halted
        self._do(Halt(symbol, not is_halted))
        if is_halted:
            self._quote(symbol)

    def turn_the_day(self) -> None:
        """Close and open again, with or without auctions, as another engine of the same state."""
        snapshot = self.engine.snapshot()
        self.engine = Engine.restore(snapshot)
        assert self.engine.snapshot() == snapshot
        self.count["days"] += 1
        self._day = date.fromordinal(self._day.toordinal() + 1)
        self._do(CloseSession(CALENDAR, has_auction=self._draw.random() < 0.5))
        self._do(OpenSession(CALENDAR, self._day, has_auction=self._draw.random() < 0.5))
        for symbol in SYMBOLS:
            self._quote(symbol)

    def bust(self) -> None:
        """Take back an execution of some time ago."""
        if not self._fills:
            return
        made, trade, report = self._draw.choice(self._fills)
        said = report.report
        is_news = self.step - made < 3 * self._is.silence
        if is_news or said.execution_id in self._busted or report.execution is None:
            return
        self._busted.add(said.execution_id)
        self.count["busts"] += 1
        side = BustedFill(
            member=OURSELVES,
            client_order_id=said.client_order_id,
            venue_order_id=said.venue_order_id,
            execution_id=said.execution_id,
            side=report.execution.side,
            cumulative_quantity=self.executed[said.client_order_id],
        )
        self._do(Bust(trade.number, trade.symbol, trade.quantity, trade.price, [side]))

    def say_status(self, name: str) -> None:
        """Answer the question how far an order is, if it is here."""
        if not self.is_resting(name):
            return
        order = self.engine.open_orders[OURSELVES, name]
        self._say(
            ExecutionReport(
                sequence=0,
                execution_id=f"S{self.step}",
                kind=ReportKind.STATUS,
                client_order_id=name,
                venue_order_id=str(order.number),
                at=self.now,
                quantity=None,
                price=None,
                cumulative_quantity=self.executed.get(name, ZERO),
                leaves_quantity=ticket_of(order).leaves * lot_of(ticket_of(order).symbol),
            )
        )

    def check(self) -> None:
        """No book is crossed while it is matched, and all lies at prices that there are."""
        for symbol, listing in self.engine.listings.items():
            for order in listing.orders():
                assert listing.steps.fits(order.price), f"{symbol} has no such price: {order}"
            best = self.engine.best(symbol)
            if listing.is_matching and best.bid is not None and best.ask is not None:
                assert best.bid < best.ask, f"{symbol} is crossed: {best}"

    # --- What becomes of it ----------------------------------------------------------------

    def _quote(self, symbol: str) -> None:
        middle, steps = self.middle[symbol], STEPS[symbol]
        bids, asks = (
            {onto(middle + sign * (1 + 2 * i)): self._lots(symbol, 400) for i in range(5)}
            for sign, onto in ((-1, steps.down), (1, steps.up))
        )
        self._do(MassQuote("maker", symbol, tuple(bids.items()), tuple(asks.items())))

    def _lots(self, symbol: str, units_max: int) -> int:
        """Draw how many lots somebody has or wants, now and then in parts of a unit."""
        lots = self._draw.randrange(1, units_max) * PARTS[symbol]
        is_odd = PARTS[symbol] > 1 and self._draw.random() < 0.3
        return lots - self._draw.randrange(PARTS[symbol]) if is_odd else lots

    def _do(self, command: Command) -> None:
        said: list[ExecutionReport] = []
        trade: Trade | None = None
        for event in self.engine.apply(command, self.now):
            if isinstance(event, Trade):
                trade = event
            else:
                self._note(event, trade)
                said.append(event.report)
        for report in self._on_a_bad_day(said):
            self._say(report)

    def _note(self, event: Report, trade: Trade | None) -> None:
        """Keep what was really executed, or taken back."""
        report = event.report
        if report.quantity is None:
            return
        is_fill = report.kind is ReportKind.FILL
        name, change = report.client_order_id, report.quantity if is_fill else -report.quantity
        self.executed[name] = self.executed.get(name, ZERO) + change
        if is_fill and trade is not None:
            self.count["executions"] += 1
            if self.busts_all or self._is_robust(name):
                self._fills.append((self.step, trade, event))

    def _on_a_bad_day(self, said: list[ExecutionReport]) -> list[ExecutionReport]:
        """Let an end overtake the fill before it, and invent fills."""
        if not all(self._is_robust(report.client_order_id) for report in said):
            return said
        hasty = wire.ended_before_its_last_fill(said, self._draw, self._is.ended_early)
        self.count["ends before the last fill"] += hasty is not said
        invented = [
            wire.overfill(report, self._draw)
            for report in said
            if report.kind is ReportKind.FILL and self._draw.random() < self._is.overfilled
        ]
        self.count["overfills"] += len(invented)
        return [*hasty, *invented]
