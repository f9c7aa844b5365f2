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
import secrets
import sys
import time
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
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
    Terms,
    Told,
)
from tests.simulation.planted import Planting
from tests.simulation.told_twice import Heard, Source

RESOLVED_AFTER_DAYS = 4


class Quarter(Planting):
    """One run: `run` raises AssertionError as soon as something is found that was not planted."""

    def __init__(self, *, seed: int, plant: float = 0.9, orders_a_day: int = 24) -> None:
        super().__init__(seed=seed, plant=plant, orders_a_day=orders_a_day)

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
    parser.add_argument("--plant", type=float, default=0.9, help="how densely breaks are planted")
    parser.add_argument("--orders", type=int, default=24, help="new ones a day")
    wanted = parser.parse_args()
    sys.stdout.write(f"seed {wanted.seed}\n")
    sys.stdout.flush()
    begun = time.monotonic()
    quarter = Quarter(seed=wanted.seed, plant=wanted.plant, orders_a_day=wanted.orders)
    count = quarter.run(wanted.days)
    for name, figure in sorted(count.items()):
        sys.stdout.write(f"{figure:>8,}  {name.replace('_', ' ')}\n")
    sys.stdout.write(f"{time.monotonic() - begun:8.1f}  seconds\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
