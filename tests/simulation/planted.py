"""What goes wrong in a quarter of trading, on purpose: breaks of every type, and harmless ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from reconciliation.breaks import harmless
from reconciliation.records import (
    ZERO,
    BankLine,
    BreakType,
    Execution,
    OpenOrder,
)
from tests.simulation.told_twice import CENT, SETTLED_LATE, SYMBOLS, Heard, Source, Trading

KINDS = (
    *("missing_here", "missing_there", "quantity", "price", "fee", "duplicate", "late"),
    *("fee_cent", "below_a_cent", "settlement"),
    *("order_here", "order_there", "order_quantity", "position", "cash"),
    *("line_here", "line_there", "line_amount", "line_duplicate"),
)
"""What is planted: a break of every type, and what is harmless."""


FRACTION = Decimal("0.000001")
"""By which a price is rounded: of all that one order buys, less than a cent."""


HALF_MORE = Decimal("3.5")
"""By which a position is off: in halves, as no fill is. A wrong fill of as many would hide it for
as long as both are there; nobody could say then that anything is wrong."""


class Planting(Trading):
    """Trading of which one side is made to tell otherwise, by chance `plant` for each kind."""

    def __init__(self, *, seed: int, plant: float, orders_a_day: int) -> None:
        super().__init__(seed=seed, orders_a_day=orders_a_day)
        self.plant = plant

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
        elif (place := self._left_out(source, day)) is not None:
            gone = source.theirs.pop(place)
            self._planted(source, f"execution:{gone.what.id}", BreakType.MISSING_THERE)

    def _left_out(self, source: Source, day: date) -> int | None:
        """Return which of their fills of the day may be left out, or told later than by us."""
        place = self._untouched(source, day)
        if place is None:
            return None
        fill = source.theirs[place].what
        assert isinstance(fill, Execution)
        return place if self._may_tell_alone(source, fill, is_ours=True) else None

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

    def _plant_below(self, kind: str, day: date) -> None:
        """Round a price otherwise, by less than a cent in all: harmless, and so for good."""
        source = self.draw.choice((self.exchange, self.custodian))
        place = self._untouched(source, day)
        if place is None:
            return
        fill = source.theirs[place].what
        assert isinstance(fill, Execution)
        source.theirs[place] = Heard(replace(fill, price=fill.price + FRACTION), day)
        source.touched.add(f"execution:{fill.id}")
        source.harmless.add(f"execution:{fill.id}")

    def _is_resting(self, first: str) -> bool:
        return any(order.first == first for order in self.resting)

    def _plant_duplicate(self, kind: str, day: date) -> None:
        source = self.draw.choice((self.exchange, self.custodian))
        if (place := self._untouched(source, day)) is not None:
            source.theirs.append(source.theirs[place])
            key = f"execution:{source.theirs[place].what.id}"
            self._planted(source, key, BreakType.DUPLICATE)

    def _plant_late(self, kind: str, day: date) -> None:
        place = self._left_out(self.exchange, day)
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

    def _plant_position(self, kind: str, day: date) -> None:
        symbol = self.draw.choice([each for each in SYMBOLS if each not in SETTLED_LATE])
        if f"position:{symbol}" not in self.custodian.planted:
            self.custodian.offsets[symbol] += self.draw.choice((-HALF_MORE, 3 * HALF_MORE))
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
