"""A quarter of trading, told by two sides, both rightly and in their own ways. Pure.

Fills in parts or together, chains of replacements under their last name or their first, busts that
are told or left out, reports and bank lines that come days later.

Of two fills of one order, as many at one price, we may tell the one and they the other: nobody can
say on that evening that these are not one fill under two names, and the matching takes them for
that. Such twins are not told apart; how often they would have been is counted.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from reconciliation.breaks.ageing import Standing
from reconciliation.records import (
    ZERO,
    BankLine,
    Break,
    BreakType,
    Execution,
    Matter,
    OpenOrder,
)

SYMBOLS = ("AAPL", "AMD", "BTCUSD", "F", "KO", "MSFT", "SPY", "TSLA")
CENT = Decimal("0.01")
TRADES = frozenset({Matter.EXECUTION, Matter.ORDER})
CUSTODY = frozenset({Matter.EXECUTION, Matter.POSITION, Matter.CASH})
BANK = frozenset({Matter.LINE, Matter.CASH})
SETTLED_LATE = ("KO", "SPY")
"""Of these their positions are sometimes a day behind, and nothing is planted."""


@dataclass
class Order:
    id: str
    symbol: str
    side: str
    quantity: Decimal
    first: str
    filled: Decimal = ZERO

    @property
    def leaves(self) -> Decimal:
        return self.quantity - self.filled


@dataclass(frozen=True)
class Heard:
    """What a side says, from which day on: it may come to know it late."""

    what: Execution | BankLine
    known_on: date


class Source:
    """One who tells us: what both sides have said so far, and the breaks that are known."""

    def __init__(self, name: str, matters: frozenset[Matter]) -> None:
        self.name, self.matters = name, matters
        self.ours: list[Heard] = []
        self.theirs: list[Heard] = []
        self.our_orders: list[OpenOrder] = []
        self.their_orders: list[OpenOrder] = []
        self.offsets: dict[str, Decimal] = defaultdict(Decimal)
        self.standing: dict[str, Standing] = {}
        self.rows: dict[int, Break] = {}
        self.accepted: dict[int, Break] = {}
        self.planted: dict[str, BreakType] = {}
        self.harmless: set[str] = set()
        self.passing: set[str] = set()
        self.touched: set[str] = set()
        self.unsettled: set[str] = set()
        self.alone: dict[tuple[str, Decimal, Decimal], bool] = {}
        """Which side alone tells of such a fill at first: whether it is we."""
        self.found: dict[str, list[Break]] = defaultdict(list)
        self.by_rule: Counter[str] = Counter()


class Trading:
    """Days of orders, fills, busts and payments, of which `sources` hear and we."""

    def __init__(self, *, seed: int, orders_a_day: int) -> None:
        self.draw = random.Random(seed)
        self.orders_a_day = orders_a_day
        self.numbers = itertools.count(1)
        self.exchange, self.custodian = Source("exchange", TRADES), Source("custodian", CUSTODY)
        self.bank = Source("bank", BANK)
        self.sources = (self.exchange, self.custodian, self.bank)
        self.resting: list[Order] = []
        self.firsts: dict[str, str] = {}
        self.to_bust: list[tuple[date, Execution]] = []
        self.days: list[date] = []
        self.count: Counter[str] = Counter()

    def _trade(self, day: date) -> None:
        for source in (self.exchange, self.custodian):
            source.our_orders, source.their_orders = [], []
        for _ in range(self.orders_a_day):
            name = f"O{next(self.numbers)}"
            self.resting.append(
                Order(
                    name, self.draw.choice(SYMBOLS), self.draw.choice(("buy", "sell")),
                    Decimal(self.draw.randint(2, 400)), name,
                )
            )  # fmt: skip
        for order in list(self.resting):
            self._work(order, day)
        for due, fill in list(self.to_bust):
            if due <= day:
                self.to_bust.remove((due, fill))
                bust = replace(
                    fill, id=f"X{fill.id}", day=day, busts=fill.id,
                    fee=None if fill.fee is None else -fill.fee,
                )  # fmt: skip
                self.count["busts"] += 1
                self._tell(bust, day, may_leave_out=due == fill.day)
        for order in self.resting:
            told = OpenOrder(order.id, day, order.symbol, order.side, order.leaves)
            self.exchange.our_orders.append(told)
            is_by_first = self.draw.random() < 0.3
            self.exchange.their_orders.append(
                replace(told, id=order.first) if is_by_first else told
            )

    def _work(self, order: Order, day: date) -> None:
        """Let an order be replaced, filled in parts, cancelled or left to rest."""
        chance = self.draw.random
        if chance() < 0.2:
            name = f"O{next(self.numbers)}"
            self.firsts[name] = order.first
            order.id = name
            order.quantity += Decimal(self.draw.randint(1, 50))
            self.count["replaced"] += 1
        parts = self.draw.choice((0, 1, 1, 2, 4))
        price = Decimal(self.draw.randint(1_00, 400_00)) / 100
        fills = []
        for part in range(parts):
            if order.leaves <= 0:
                break
            is_last = part == parts - 1 and chance() < 0.6
            taken = order.leaves if is_last else Decimal(self.draw.randint(1, int(order.leaves)))
            order.filled += taken
            fee = Decimal(self.draw.randint(1, 40)) / 100 if order.side == "sell" else ZERO
            fills.append(
                Execution(
                    f"T{next(self.numbers)}", day, order.id, order.symbol, order.side, taken,
                    price + (CENT * part if chance() < 0.3 else 0), self._at(day), "", fee,
                )
            )  # fmt: skip
        self._tell_fills(order, fills, day)
        if order.leaves <= 0 or chance() < 0.4:
            self.resting.remove(order)

    def _tell_fills(self, order: Order, fills: list[Execution], day: date) -> None:
        prices = {fill.price for fill in fills}
        if len(fills) > 1 and len(prices) == 1 and self.draw.random() < 0.4:
            self.count["told_together"] += 1
            whole = replace(
                fills[0], id=f"W{fills[0].id}", order=order.first,
                quantity=sum((each.quantity for each in fills), ZERO),
                fee=sum((each.fee or ZERO for each in fills), ZERO),
            )  # fmt: skip
            for source in (self.exchange, self.custodian):
                source.ours += [Heard(fill, day) for fill in fills]
                source.theirs.append(Heard(whole, day))
            return
        for fill in fills:
            bust_on = day + timedelta(days=self.draw.choice((0, 0, 1, 3)))
            is_busted = self.draw.random() < 0.04
            if is_busted:
                self.to_bust.append((bust_on, fill))
            is_left_out = is_busted and bust_on == day and self.draw.random() < 0.5
            if is_left_out:
                self.left_out = fill.id
                self.count["busts_left_out"] += 1
                for source in (self.exchange, self.custodian):
                    source.ours.append(Heard(fill, day))
                continue
            self._tell(fill, day)

    left_out = ""

    def _tell(self, fill: Execution, day: date, *, may_leave_out: bool = False) -> None:
        """Let both sides tell of it, either of them perhaps days later."""
        is_left_out = may_leave_out and not any(
            heard.what.id == fill.busts for heard in self.exchange.theirs[-400:]
        )
        for source in (self.exchange, self.custodian):
            here, there, told = day, day, fill
            chance = self.draw.random()
            is_late = chance < 0.03 and source is self.exchange and not fill.busts
            if not is_late or not self._may_tell_alone(source, fill, is_ours=chance >= 0.015):
                pass
            elif chance < 0.015:
                here = self._later(day)
                source.passing.add(f"execution:{fill.id}")
                self.count["late_here"] += 1
            else:
                told = replace(fill, day=self._later(day))
                there = told.day
                source.harmless.add(f"execution:{fill.id}")
                self.count["late_there"] += 1
            source.ours.append(Heard(fill, here))
            if not is_left_out:
                source.theirs.append(Heard(told, there))

    def _may_tell_alone(self, source: Source, fill: Execution, *, is_ours: bool) -> bool:
        """Tell whether one side may tell of it alone; not if the other does so of its twin."""
        like = self._first_of(fill.order), fill.quantity, fill.price
        if source.alone.setdefault(like, is_ours) is is_ours:
            return True
        self.count["twins_told_by_both"] += 1
        return False

    def _bank(self, day: date) -> None:
        for _ in range(self.draw.randint(4, 12)):
            name = f"D{next(self.numbers)}"
            cents = self.draw.randint(100, 5_000_00)
            amount = self.draw.choice((1, 1, -1)) * Decimal(cents) / 100
            ours = BankLine(f"deposit:{name}", day, amount, name)
            said = self.draw.choice((name, f"ACH CREDIT {name} OPENFLOOR", f"sepa/{name.lower()}"))
            theirs = BankLine(f"B{name}", day, amount, said)
            if self.draw.random() < 0.1:
                theirs = replace(theirs, day=self._later(day))
                self.bank.harmless.add(f"line:{ours.id}")
                self.count["bank_late"] += 1
            self.bank.ours.append(Heard(ours, day))
            self.bank.theirs.append(Heard(theirs, theirs.day))

    def _later(self, day: date) -> date:
        later = day + timedelta(days=1)
        while later.weekday() > 4:
            later += timedelta(days=1)
        return later

    def _at(self, day: date) -> datetime:
        seconds = self.draw.randrange(14 * 3600, 20 * 3600)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)

    def _first(self, order: OpenOrder) -> str:
        return self._first_of(order.id)

    def _first_of(self, order: str) -> str:
        return self.firsts.get(order, order)
