"""A quarter of trading, told twice: by us and by those who hold it against us. Pure.

    python -m tests.simulation.reconciling --days 63 --seed 7

One truth, two tellings. Both are right in ways of their own: fills in parts or together, chains of
replacements under their last name or their first, busts that are told or left out, reports and
bank lines that come days later, positions by trade or by settlement. Breaks of every type are
planted in that; every evening both are compared as the program does it, and people correct or
accept what was found a few days before. What is found has to be what was planted, each once.
"""

from __future__ import annotations

import argparse
import itertools
import random
import secrets
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from reconciliation import matching
from reconciliation.breaks import ageing, harmless
from reconciliation.breaks.ageing import Standing
from reconciliation.records import (
    ZERO,
    BankLine,
    Basis,
    Break,
    BreakType,
    Execution,
    Holding,
    Matter,
    OpenOrder,
    Terms,
    Told,
)

SYMBOLS = ("AAPL", "AMD", "BTCUSD", "F", "KO", "MSFT", "SPY", "TSLA")
CENT = Decimal("0.01")
RESOLVED_AFTER_DAYS = 4
TRADES = frozenset({Matter.EXECUTION, Matter.ORDER})
CUSTODY = frozenset({Matter.EXECUTION, Matter.POSITION, Matter.CASH})
BANK = frozenset({Matter.LINE, Matter.CASH})
SETTLED_LATE = ("KO", "SPY")
"""Of these their positions are sometimes a day behind, and nothing is planted."""
KINDS = (
    *("missing_here", "missing_there", "quantity", "price", "fee", "duplicate", "late"),
    *("fee_cent", "settlement"),
    *("order_here", "order_there", "order_quantity", "position", "cash"),
    *("line_here", "line_there", "line_amount", "line_duplicate"),
)
"""What is planted: a break of every type, and what is harmless."""


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
        self.found: dict[str, list[Break]] = defaultdict(list)
        self.by_rule: Counter[str] = Counter()


class Quarter:
    """One run: `run` raises AssertionError as soon as something is found that was not planted."""

    def __init__(self, *, seed: int, plant: float = 0.9, orders_a_day: int = 24) -> None:
        self.draw = random.Random(seed)
        self.plant, self.orders_a_day = plant, orders_a_day
        self.numbers = itertools.count(1)
        self.exchange, self.custodian = Source("exchange", TRADES), Source("custodian", CUSTODY)
        self.bank = Source("bank", BANK)
        self.sources = (self.exchange, self.custodian, self.bank)
        self.resting: list[Order] = []
        self.firsts: dict[str, str] = {}
        self.to_bust: list[tuple[date, Execution]] = []
        self.days: list[date] = []
        self.count: Counter[str] = Counter()

    def run(self, days: int) -> Counter[str]:
        day = date(2026, 1, 5)
        while len(self.days) < days:
            if day.weekday() < 5:
                self.days.append(day)
                self._trade(day)
                self._bank(day)
                if len(self.days) <= days - harmless.LATE_DAYS_MAX - 3:
                    self._plant(day)
                for source in self.sources:
                    self._resolve(source, day)
                    self._compare(source, day)
                    source.unsettled = set()
            day += timedelta(days=1)
        for source in self.sources:
            self._check(source)
        self.count["days"] = days
        return self.count

    # --- What happens ----------------------------------------------------------------------------

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
            if chance < 0.015 and source is self.exchange and not fill.busts:
                here = self._later(day)
                source.passing.add(f"execution:{fill.id}")
                self.count["late_here"] += 1
            elif chance < 0.03 and source is self.exchange and not fill.busts:
                told = replace(fill, day=self._later(day))
                there = told.day
                source.harmless.add(f"execution:{fill.id}")
                self.count["late_there"] += 1
            source.ours.append(Heard(fill, here))
            if not is_left_out:
                source.theirs.append(Heard(told, there))

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

    # --- What is planted -------------------------------------------------------------------------

    def _plant(self, day: date) -> None:
        for kind in KINDS:
            if self.draw.random() < self.plant / 6:
                getattr(self, f"_plant_{kind.partition('_')[0]}")(kind, day)

    def _untouched(self, source: Source, day: date) -> int | None:
        """Return which of what they tell on the day is told by both, the same, and unplanted."""
        ours = {
            heard.what.id: heard.what
            for heard in source.ours
            if heard.known_on == day and heard.what.day == day
        }
        busted = {fill.id for _, fill in self.to_bust}
        twice = Counter(heard.what.id for heard in source.theirs)
        # An order with one fill, so that its fees are seen whatever is done to others.
        found = [
            place
            for place, heard in enumerate(source.theirs)
            if heard.known_on == day
            and (
                heard.what == ours.get(heard.what.id)
                if isinstance(heard.what, Execution)
                else heard.what.day == day and heard.what.id.startswith("BD")
            )
            and not getattr(heard.what, "busts", "")
            and heard.what.id not in busted
            and twice[heard.what.id] == 1
            and self._key_of(source, heard.what) not in source.touched | source.harmless
        ]
        return self.draw.choice(found) if found else None

    def _key_of(self, source: Source, what: Execution | BankLine) -> str:
        if isinstance(what, BankLine):
            return f"line:deposit:{what.id[1:]}"
        return f"execution:{what.id}"

    def _planted(self, source: Source, key: str, kind: BreakType) -> None:
        source.planted[key] = kind
        source.touched.add(key)
        self.count[f"planted {kind}"] += 1
        self.count["planted"] += 1

    def _plant_missing(self, kind: str, day: date) -> None:
        source = self.draw.choice((self.exchange, self.custodian))
        if kind == "missing_here":
            name = f"Z{next(self.numbers)}"
            stray = Execution(
                name, day, f"S{name}", self.draw.choice(SYMBOLS), "buy",
                Decimal(self.draw.randint(1, 90)), Decimal("20.02"), self._at(day), "", ZERO,
            )  # fmt: skip
            source.theirs.append(Heard(stray, day))
            self._planted(source, f"execution:{name}", BreakType.MISSING_HERE)
        elif (place := self._untouched(source, day)) is not None:
            gone = source.theirs.pop(place)
            self._planted(source, f"execution:{gone.what.id}", BreakType.MISSING_THERE)

    def _plant_quantity(self, kind: str, day: date) -> None:
        self._change(BreakType.QUANTITY, day, quantity=Decimal(7))

    def _plant_price(self, kind: str, day: date) -> None:
        self._change(BreakType.PRICE, day, price=CENT)

    def _change(self, kind: BreakType, day: date, **by: Decimal) -> None:
        source = self.draw.choice((self.exchange, self.custodian))
        place = self._untouched(source, day)
        if place is None:
            return
        heard = source.theirs[place]
        [(name, more)] = by.items()
        changed = replace(heard.what, **{name: getattr(heard.what, name) + more})
        source.theirs[place] = Heard(changed, heard.known_on)
        self._planted(source, f"execution:{heard.what.id}", kind)

    def _plant_fee(self, kind: str, day: date) -> None:
        """Charge more for a fill, the only one of its order: three cents, or a harmless one."""
        source = self.draw.choice((self.exchange, self.custodian))
        orders = Counter(
            self._first_of(heard.what.order)
            for heard in (*source.ours, *source.theirs)
            if isinstance(heard.what, Execution)
        )
        for _ in range(30):
            place = self._untouched(source, day)
            if place is None:
                return
            fill = source.theirs[place].what
            assert isinstance(fill, Execution)
            first = self._first_of(fill.order)
            if orders[first] == 2 and not self._is_resting(first):
                break
        else:
            return
        more = 1 if kind == "fee_cent" else 3
        source.theirs[place] = Heard(replace(fill, fee=(fill.fee or ZERO) + more * CENT), day)
        source.touched.add(f"execution:{fill.id}")
        if kind == "fee_cent":
            source.harmless.add(f"fee:{first}")
        else:
            self._planted(source, f"fee:{first}", BreakType.FEE)

    def _is_resting(self, first: str) -> bool:
        return any(order.first == first for order in self.resting)

    def _plant_duplicate(self, kind: str, day: date) -> None:
        source = self.draw.choice((self.exchange, self.custodian))
        if (place := self._untouched(source, day)) is not None:
            source.theirs.append(source.theirs[place])
            key = f"execution:{source.theirs[place].what.id}"
            self._planted(source, key, BreakType.DUPLICATE)

    def _plant_late(self, kind: str, day: date) -> None:
        place = self._untouched(self.exchange, day)
        if place is None:
            return
        fill = self.exchange.theirs.pop(place).what
        told = replace(fill, day=self._later(day + timedelta(days=harmless.LATE_DAYS_MAX)))
        self.exchange.theirs.append(Heard(told, told.day))
        self._planted(self.exchange, f"execution:{fill.id}", BreakType.LATE)

    def _plant_order(self, kind: str, day: date) -> None:
        orders = self.exchange.their_orders
        known = {key for key in self.exchange.planted if key.startswith("order:")}
        if kind == "order_here":
            name = f"Y{next(self.numbers)}"
            orders.append(OpenOrder(name, day, "KO", "buy", Decimal(5)))
            self._planted(self.exchange, f"order:{name}", BreakType.MISSING_HERE)
            return
        places = [
            place
            for place, each in enumerate(orders)
            if not known & {f"order:{o.id}" for o in self.resting if o.first == self._first(each)}
            and each.id not in {key.partition(":")[2] for key in known}
            and not any(
                isinstance(heard.what, Execution)
                and self._first_of(heard.what.order) == self._first(each)
                for heard in (*self.exchange.ours, *self.exchange.theirs)
            )
        ]
        if not places:
            return
        place = self.draw.choice(places)
        one = next(
            each
            for each in self.exchange.our_orders
            if self._first(each) == self._first(orders[place])
        )
        if kind == "order_there":
            orders.pop(place)
            self._planted(self.exchange, f"order:{one.id}", BreakType.MISSING_THERE)
        else:
            orders[place] = replace(orders[place], leaves=orders[place].leaves + 3)
            self._planted(self.exchange, f"order:{one.id}", BreakType.QUANTITY)

    def _first(self, order: OpenOrder) -> str:
        return self._first_of(order.id)

    def _first_of(self, order: str) -> str:
        return self.firsts.get(order, order)

    def _plant_position(self, kind: str, day: date) -> None:
        symbol = self.draw.choice([each for each in SYMBOLS if each not in SETTLED_LATE])
        if f"position:{symbol}" not in self.custodian.planted:
            self.custodian.offsets[symbol] += self.draw.choice((-4, 11))
            self._planted(self.custodian, f"position:{symbol}", BreakType.POSITION)

    def _plant_settlement(self, kind: str, day: date) -> None:
        self.custodian.unsettled = {self.draw.choice(SETTLED_LATE)}

    def _plant_cash(self, kind: str, day: date) -> None:
        source = self.draw.choice((self.custodian, self.bank))
        if "cash:USD" not in source.planted:
            source.offsets["USD"] += Decimal("12.34")
            self._planted(source, "cash:USD", BreakType.CASH)

    def _plant_line(self, kind: str, day: date) -> None:
        bank = self.bank
        if kind == "line_here":
            name = f"L{next(self.numbers)}"
            bank.theirs.append(Heard(BankLine(name, day, Decimal("250.00"), "who is it"), day))
            self._planted(bank, f"line:{name}", BreakType.MISSING_HERE)
            return
        place = self._untouched(bank, day)
        if place is None:
            return
        line = bank.theirs[place].what
        assert isinstance(line, BankLine)
        key = f"line:deposit:{line.id[1:]}"
        if kind == "line_there":
            bank.theirs.pop(place)
            self._planted(bank, key, BreakType.MISSING_THERE)
        elif kind == "line_amount":
            more = CENT if line.amount > 0 else -CENT
            bank.theirs[place] = Heard(replace(line, amount=line.amount + more), day)
            self._planted(bank, key, BreakType.CASH)
        else:
            again = replace(line, id=f"A{line.id}")
            bank.theirs.append(Heard(again, day))
            self._planted(bank, f"line:{again.id}", BreakType.DUPLICATE)
            bank.touched.add(key)

    # --- What is compared, and what people do about it -------------------------------------------

    def _window(self, source: Source, day: date) -> frozenset[date]:
        lately = {each for each in self.days if (day - each).days <= harmless.LATE_DAYS_MAX + 1}
        return frozenset(lately | {each.day for each in source.standing.values() if each.is_open})

    def _compare(self, source: Source, day: date) -> None:
        days = self._window(source, day)
        carried: dict[str, Decimal] = defaultdict(Decimal)
        for found in self._for_good(source, days):
            carried[found.asset] += found.difference
            carried["USD"] += found.cash
        ours, theirs = (self._told(source, day, days, is_ours=side) for side in (True, False))
        terms = Terms(firsts=self.firsts, carried=carried)
        matched = matching.match(ours, theirs, terms)
        self.count["compared"] += sum(each.ours for each in matched.counts.values())
        self.count["explained"] += sum(each.explained for each in matched.counts.values())
        kinds = {"execution", "fee", "order", "position", "cash", "line"}
        changes = ageing.changes(matched.breaks, source.standing, on=day, days=days, kinds=kinds)
        for change in (*changes.new, *changes.other, *changes.again):
            self._keep(source, change, day)
        for change in changes.gone:
            assert change.known is not None
            source.standing[change.known.key] = replace(
                change.known, is_open=False, rule=harmless.GONE
            )

    def _for_good(self, source: Source, days: frozenset[date]) -> list[Break]:
        """Return what was accepted as it is, and is not looked at any more."""
        return [
            each
            for each in source.accepted.values()
            if each.day not in days or each.key.startswith(("position", "cash"))
        ]

    def _keep(self, source: Source, change: ageing.Change, day: date) -> None:
        found, known = change.found, change.known
        assert found is not None
        row = known.id if known else next(self.numbers)
        rule = change.rule.code if change.rule else known.rule if known else ""
        is_open = not change.rule and (known is None or known.is_open)
        if known is None:
            source.found[found.key].append(found)
            self.count["rows"] += 1
        if change.rule:
            source.by_rule[change.rule.code] += 1
            self.count[f"resolved by {change.rule.code}"] += 1
            if change.rule.stays:
                source.accepted[row] = found
        source.rows[row] = found
        source.standing[found.key] = Standing(
            row, found.key, found.type, known.day if known else found.day, found.difference,
            found.cash, is_open, day, rule,
        )  # fmt: skip

    def _resolve(self, source: Source, day: date) -> None:
        """Let people correct or accept what they have had for some days."""
        for key, known in list(source.standing.items()):
            if not known.is_open or (day - known.day).days < RESOLVED_AFTER_DAYS:
                continue
            if source.planted.get(key) is BreakType.LATE:
                continue  # it comes by itself, and has to be waited for
            if key.startswith("order:"):
                continue  # it is gone when the order has ended
            found = source.rows[known.id]
            kind = key.partition(":")[0]
            if key in source.harmless | source.passing:
                continue
            assert key in source.planted, f"{source.name} {found}"
            if kind == "line" and self.draw.random() < 0.7:
                self._correct(source, known, found, day)
            else:
                source.accepted[known.id] = found
                rule = harmless.ACCEPTED
                source.standing[key] = replace(known, is_open=False, rule=rule)
                self.count["accepted"] += 1

    def _correct(self, source: Source, known: Standing, found: Break, day: date) -> None:
        amount = found.difference
        line = found.key.partition(":")[2]
        entry = BankLine(f"break:{known.id}", day, amount, corrects=line)
        source.ours.append(Heard(entry, day))
        source.standing[found.key] = replace(known, is_open=False, rule="corrected")
        self.count["corrected"] += 1

    def _told(self, source: Source, day: date, days: frozenset[date], *, is_ours: bool) -> Told:
        first = min(days) - timedelta(days=10)
        known = [h.what for h in (source.ours if is_ours else source.theirs) if h.known_on <= day]
        told = [each for each in known if each.day >= first]
        orders = source.our_orders if is_ours else source.their_orders
        return Told(
            days=days,
            matters=source.matters,
            executions=tuple(each for each in told if isinstance(each, Execution)),
            lines=tuple(each for each in told if isinstance(each, BankLine)),
            orders=tuple(orders),
            holdings=tuple(self._holdings(source, known, day, is_ours=is_ours)),
        )

    def _holdings(
        self, source: Source, known: list[Execution | BankLine], day: date, *, is_ours: bool
    ) -> list[Holding]:
        """Return what there is at the end of the day: in custody, what has settled by then."""
        on = Basis.TRADED if source is self.bank else Basis.SETTLED
        totals: dict[str, Decimal] = defaultdict(Decimal)
        today: dict[str, Decimal] = defaultdict(Decimal)
        if not is_ours:
            totals |= source.offsets
        for each in known:
            if isinstance(each, BankLine):
                totals["USD"] += each.amount
            elif each.day < day:
                totals["USD"] += each.cash
                totals[each.symbol] += each.signed
                if self._later(each.day) == day:
                    today[each.symbol] += each.signed
        for symbol in () if is_ours else sorted(source.unsettled):
            if today[symbol]:
                totals[symbol] -= today[symbol]
                source.harmless.add(f"position:{symbol}")
        return [
            Holding(asset, day, amount, on, frozenset({-today[asset]} - {ZERO}))
            for asset, amount in totals.items()
        ]

    def _check(self, source: Source) -> None:
        """Hold what was found against what was planted: each once, and nothing else."""
        for key, kind in source.planted.items():
            assert len(source.found[key]) == 1, f"{source.name}: {key} {kind} {source.found[key]}"
            last = source.rows[source.standing[key].id]
            assert last.type is kind, f"{source.name}: planted {kind}, found {last}"
        known = source.planted.keys() | source.harmless | source.passing
        false = [found for key, found in source.found.items() if key not in known and found]
        assert not false, f"{source.name}: {false}"
        for key in (source.harmless | source.passing) - source.planted.keys():
            standing = source.standing.get(key)
            if standing is None:  # what is late to settle may be what is apart for something else
                assert key.startswith("position:"), f"{source.name}: {key} was never found"
                continue
            is_recent = (self.days[-1] - standing.found_on).days <= 1
            assert not standing.is_open or is_recent, f"{source.name}: still open {standing}"
        self.count["found"] += len(source.planted)
        self.count["false"] += len(false)


def main() -> int:
    """Run one quarter and print its figures; its seed first, should it fail."""
    parser = argparse.ArgumentParser(description="A quarter of trading, reconciled day by day.")
    parser.add_argument("--days", type=int, default=63)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    wanted = parser.parse_args()
    sys.stdout.write(f"seed {wanted.seed}\n")
    sys.stdout.flush()
    begun = time.monotonic()
    count = Quarter(seed=wanted.seed).run(wanted.days)
    for name, figure in sorted(count.items()):
        sys.stdout.write(f"{figure:>8,}  {name.replace('_', ' ')}\n")
    sys.stdout.write(f"{time.monotonic() - begun:8.1f}  seconds\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
