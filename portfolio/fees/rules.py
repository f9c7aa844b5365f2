"""What an order's fills are charged: by order, by unit, by value, from a dated schedule.

Pure. Every fee is counted on an order's running total and rounded up to the cent there, so that a
thousand small fills are charged what one large fill is (ADR 5):

    charged(fill) = fee(quantity, value so far) - fee(quantity, value before)

A buy is charged by the terms that were in force when it was accepted, which are kept and held for
with the order; a sale by those of the day on which it is executed. No sale is charged more than
it has brought. A sale and all that have replaced it are one: their total runs on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from foundation import decimals

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """A fee: USD with the first fill, USD for each unit, a share of the value (0.0025 is 25 bp).

    `most` is what an order is charged at most.
    """

    per_order: Decimal = ZERO
    per_unit: Decimal = ZERO
    rate: Decimal = ZERO
    most: Decimal | None = None


NO_FEES: Final = FeeTerms()


@dataclass(frozen=True, slots=True)
class FeeRule:
    """One dated line of the schedule; what is None there is for every class, side or tier.

    The line that began last is in force among those of one name that a trade meets, and a line
    for the account's own tier comes before one for every tier. Of two such lines the later one in
    the schedule counts.
    """

    name: str
    beneficiary: str
    valid_from: date
    terms: FeeTerms
    asset_class: str | None = None
    is_buy: bool | None = None
    tier: str | None = None

    def meets(self, *, asset_class: str, is_buy: bool, tier: str, day: date) -> bool:
        return (
            self.valid_from <= day
            and self.asset_class in (None, asset_class)
            and self.is_buy in (None, is_buy)
            and self.tier in (None, tier)
        )


@dataclass(frozen=True, slots=True)
class Traded:
    """What was executed, and its value: price x quantity, exact."""

    quantity: Decimal = ZERO
    value: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Charge:
    """What goes to one beneficiary: a kind of the house's ledger accounts."""

    beneficiary: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that is charged, by date."""

    rules: tuple[FeeRule, ...] = ()

    def in_force(
        self, *, asset_class: str, is_buy: bool, tier: str, day: date
    ) -> tuple[FeeRule, ...]:
        """Return the lines that a trade of that day meets, one for each name."""
        chosen: dict[str, FeeRule] = {}
        for rule in self.rules:
            if not rule.meets(asset_class=asset_class, is_buy=is_buy, tier=tier, day=day):
                continue
            before = chosen.get(rule.name)
            if before is None or _rank(rule) >= _rank(before):
                chosen[rule.name] = rule
        return tuple(chosen[name] for name in sorted(chosen))

    def terms_of_buy(self, *, asset_class: str, tier: str, day: date) -> FeeTerms:
        """Return what a buy that is accepted on `day` will be charged: all goes to the firm."""
        lines = self.in_force(asset_class=asset_class, is_buy=True, tier=tier, day=day)
        terms = FeeTerms(
            per_order=sum((line.terms.per_order for line in lines), ZERO),
            per_unit=sum((line.terms.per_unit for line in lines), ZERO),
            rate=sum((line.terms.rate for line in lines), ZERO),
        )
        return NO_FEES if terms == NO_FEES else terms


def _rank(rule: FeeRule) -> tuple[bool, date]:
    return rule.tier is not None, rule.valid_from


def fee_of(terms: FeeTerms, *, quantity: Decimal, value: Decimal) -> Decimal:
    """Return what an order that has traded `quantity`, worth `value`, is charged in all."""
    if not quantity:
        return ZERO
    exact = terms.per_order + terms.per_unit * quantity + terms.rate * value
    fee = decimals.quantize(exact, asset=decimals.CASH, rounding=decimals.UP)
    return fee if terms.most is None else min(fee, terms.most)


def fees_of_sale(
    rules: Iterable[FeeRule],
    *,
    quantity_before: Decimal,
    value_before: Decimal,
    quantity: Decimal,
    value: Decimal,
) -> tuple[Charge, ...]:
    """Return what a fill of a sale is charged, by beneficiary.

    `quantity` and `value` are the fill's, the others those of what came before it: of the order,
    and of those that it has replaced or that have replaced it.
    """
    lines = tuple(rules)
    before = _totals_of_sale(lines, quantity_before, value_before)
    after = _totals_of_sale(lines, quantity_before + quantity, value_before + value)
    return tuple(
        Charge(beneficiary, amount - before[beneficiary])
        for beneficiary, amount in after.items()
        if amount != before[beneficiary]
    )


def _totals_of_sale(
    rules: tuple[FeeRule, ...], quantity: Decimal, value: Decimal
) -> dict[str, Decimal]:
    """Return what the sale is charged in all; together no more than its proceeds."""
    left = decimals.quantize(value, asset=decimals.CASH, rounding=decimals.NEAREST)
    totals = dict.fromkeys((rule.beneficiary for rule in rules), ZERO)
    for rule in rules:
        fee = min(fee_of(rule.terms, quantity=quantity, value=value), left)
        totals[rule.beneficiary] += fee
        left -= fee
    return totals


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an order would be charged if all of it were executed at one price, line by line."""

    lines: tuple[tuple[str, Decimal], ...]

    @property
    def total(self) -> Decimal:
        return sum((amount for _, amount in self.lines), ZERO)


def estimate(
    schedule: Schedule,
    *,
    asset_class: str,
    is_buy: bool,
    tier: str,
    day: date,
    quantity: Decimal,
    price: Decimal,
) -> Estimate:
    """Return what to tell somebody who is about to place this order."""
    value = quantity * price
    lines = schedule.in_force(asset_class=asset_class, is_buy=is_buy, tier=tier, day=day)
    fees = ((line.name, fee_of(line.terms, quantity=quantity, value=value)) for line in lines)
    return Estimate(tuple((name, fee) for name, fee in fees if fee))
