"""What a corporate action makes of a holding: its lots, its cash, its fractions. Pure.

Short positions are holdings of negative quantity and negative cost: whoever borrowed the shares
owes what their owner would have got. Nothing is made from nothing: what a split does not divide
evenly is paid in cash, a merger's price is what the lots are closed for, and cost that an action
does not realise goes on with its lot, which keeps the day on which it was acquired.

Sources: IRC 305 and 307 (splits and spin-offs spread the cost), 356 (cash beside stock realises a
gain up to the cash, and no loss), 1001 (cash in lieu is a sale of the fraction).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Final

from foundation import decimals

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """A lot, or all of a position: what it has and what that cost, both negative of a short."""

    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class CashDividend:
    """So much cash for each share, in USD."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class Split:
    """`new` shares in the place of `old` ones; a fraction is paid at `price` of a new share."""

    new: int
    old: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Merger:
    """Each share becomes `cash` and `new` for `old` shares of another instrument, or either."""

    cash: Decimal
    new: int = 0
    old: int = 1
    price: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class SpinOff:
    """`new` shares of another instrument beside `old` ones, which take `cost_share` of the cost."""

    new: int
    old: int
    cost_share: Decimal
    price: Decimal


Terms = CashDividend | Split | Merger | SpinOff


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of a holding. Its lots are in the order in which they came.

    `own` are the lots of the instrument itself afterwards and `other` those of the other one;
    `realised` is the profit or loss of each. `cash` is for the shares, `in_lieu` for the
    `fraction` of one (of the other instrument where there is one): negative where it is owed.
    """

    own: tuple[Part, ...]
    other: tuple[Part, ...]
    realised: tuple[Decimal, ...]
    cash: Decimal = ZERO
    in_lieu: Decimal = ZERO
    fraction: Decimal = ZERO


def effect(parts: Sequence[Part], terms: Terms, *, increment: Decimal) -> Effect:
    """Return what `terms` make of `parts`, which are given in the order in which a sale takes them.

    `increment` is the smallest quantity of what fractions are fractions of.
    """
    if isinstance(terms, CashDividend):
        cash = _cents(terms.amount * _sum(parts))
        return Effect(tuple(parts), (), (ZERO,) * len(parts), cash=cash)
    if isinstance(terms, Split):
        moved = [replace(p, quantity=q) for p, q in zip(parts, _scaled(parts, terms), strict=True)]
        kept, realised, in_lieu, fraction = _in_whole(moved, terms.price, increment)
        return Effect(kept, (), realised, in_lieu=in_lieu, fraction=fraction)
    if isinstance(terms, SpinOff):
        return _spun_off(parts, terms, increment)
    return _merged(parts, terms, increment)


def _merged(parts: Sequence[Part], terms: Merger, increment: Decimal) -> Effect:
    cash = _shares_of_cash(parts, terms.cash)
    gone = tuple(Part(ZERO, ZERO) for _ in parts)
    if not terms.new:
        realised = tuple(got - p.cost for got, p in zip(cash, parts, strict=True))
        return Effect(gone, (), realised, cash=sum(cash, ZERO))
    scaled = _scaled(parts, terms)
    gains = [
        _gain(part, got, quantity * terms.price)
        for part, got, quantity in zip(parts, cash, scaled, strict=True)
    ]
    moved = [
        Part(quantity, part.cost - got + gain)
        for part, got, quantity, gain in zip(parts, cash, scaled, gains, strict=True)
    ]
    kept, of_fraction, in_lieu, fraction = _in_whole(moved, terms.price, increment)
    realised = tuple(a + b for a, b in zip(gains, of_fraction, strict=True))
    return Effect(gone, kept, realised, sum(cash, ZERO), in_lieu, fraction)


def _gain(part: Part, cash: Decimal, worth: Decimal) -> Decimal:
    """Return what cash beside stock realises: the gain, at most the cash, and never a loss.

    Of a short position, whose cash is negative, it is the other way round.
    """
    gain = _cents(cash + worth - part.cost)
    if part.quantity > 0:
        return max(min(gain, cash), ZERO)
    return min(max(gain, cash), ZERO)


def _spun_off(parts: Sequence[Part], terms: SpinOff, increment: Decimal) -> Effect:
    costs = [_cents(part.cost * terms.cost_share) for part in parts]
    own = tuple(replace(p, cost=p.cost - cost) for p, cost in zip(parts, costs, strict=True))
    spun = [Part(q, cost) for q, cost in zip(_scaled(parts, terms), costs, strict=True)]
    kept, realised, in_lieu, fraction = _in_whole(spun, terms.price, increment)
    return Effect(own, kept, realised, in_lieu=in_lieu, fraction=fraction)


def _scaled(parts: Sequence[Part], terms: Split | Merger | SpinOff) -> list[Decimal]:
    """Return each part's quantity after the ratio, so that their sum is that of the sum."""
    ratio = Fraction(terms.new, terms.old)
    found, before, so_far = [], ZERO, ZERO
    for part in parts:
        before += part.quantity
        upto = _units(Fraction(before) * ratio)
        found.append(upto - so_far)
        so_far = upto
    return found


def _shares_of_cash(parts: Sequence[Part], amount: Decimal) -> list[Decimal]:
    """Return what each part is paid at `amount` a share, so that their sum is that of the sum."""
    found, before, so_far = [], ZERO, ZERO
    for part in parts:
        before += part.quantity
        upto = _cents(before * amount)
        found.append(upto - so_far)
        so_far = upto
    return found


def _in_whole(
    parts: Sequence[Part], price: Decimal, increment: Decimal
) -> tuple[tuple[Part, ...], tuple[Decimal, ...], Decimal, Decimal]:
    """Take the fraction out of the parts, the first ones first, and pay it.

    Returns the parts, what each has realised, the cash and the fraction.
    """
    total = _sum(parts)
    whole = (total / increment).quantize(Decimal(1), rounding=ROUND_DOWN) * increment
    fraction = total - whole
    in_lieu = _cents(fraction * price)
    kept, realised, left, paid = [], [], fraction, ZERO
    for part in parts:
        out = part.quantity if abs(part.quantity) <= abs(left) else left
        left -= out
        cost = part.cost if out == part.quantity else _cents(part.cost * out / part.quantity)
        upto = in_lieu if not left else _cents((fraction - left) * price)
        kept.append(Part(part.quantity - out, part.cost - cost))
        realised.append(upto - paid - cost)
        paid = upto
    return tuple(kept), tuple(realised), in_lieu, fraction


def _sum(parts: Sequence[Part]) -> Decimal:
    return sum((part.quantity for part in parts), ZERO)


def _units(exact: Fraction) -> Decimal:
    """Return a quantity to nine decimals, rounded towards zero."""
    scale = 10**9
    scaled = abs(exact) * scale
    whole = Decimal(scaled.numerator // scaled.denominator) / scale
    return -whole if exact < 0 else whole


def _cents(value: Decimal) -> Decimal:
    return value.quantize(decimals.CASH_QUANTUM, rounding=ROUND_HALF_EVEN)
