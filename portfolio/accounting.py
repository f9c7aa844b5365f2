"""The arithmetic of owning: what a fill costs, what an order must hold, what a position becomes.

Pure. Cash is kept in cents. Rounding is done on an order's running total, never fill by fill:
a thousand small fills then cost what one large fill costs, and what is held for an order always
covers what it has spent:

    spent(filled)  = round(sum of price x quantity)        half to even
    freed(filled)  = ceiling(held price x filled) >= spent(filled)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from foundation import decimals


def cash_of_fill(*, value_before: Decimal, value: Decimal) -> Decimal:
    """Return the cash that a fill of `value` (price x quantity) moves.

    `value_before` is the exact value of the order's earlier fills.
    """
    return _cents(value_before + value) - _cents(value_before)


def hold_of(*, asset: str, per_unit: Decimal, quantity: Decimal) -> Decimal:
    """Return what covers `quantity` at `per_unit` of `asset`, rounded up to its quantum."""
    return decimals.quantize(per_unit * quantity, asset=asset, rounding=decimals.UP)


def used_of(*, asset: str, per_unit: Decimal, filled: Decimal, spent: Decimal) -> Decimal:
    """Return how much of an order's hold its fills have used up: `filled`, worth `spent`.

    An order by value, which is held for no price (`per_unit` zero), uses up what it spends.
    """
    if not per_unit:
        return _cents(spent)
    return hold_of(asset=asset, per_unit=per_unit, quantity=filled)


def still_held(
    *, asset: str, amount: Decimal, per_unit: Decimal, filled: Decimal, spent: Decimal
) -> Decimal:
    """Return what is left of a hold of `amount` once `filled` of its order is filled."""
    return amount - used_of(asset=asset, per_unit=per_unit, filled=filled, spent=spent)


def replaced_hold(
    *,
    asset: str,
    price: Decimal,
    quantity: Decimal,
    held: Decimal,
    leaves: Decimal,
    available: Decimal,
) -> Decimal:
    """Return what to set aside beyond a replaced order's hold while the venue decides.

    The new order needs `price` for each of `quantity`; the old one has `leaves` and `held`. What
    executes meanwhile shrinks both needs, at prices that differ. The difference is linear in it,
    so that it is covered throughout if it is at both ends: with nothing more executed, and with
    all of the old order. Each hold is rounded up by itself: of cash, two cents more cover what the
    roundings between may differ by, where they are `available`.
    """
    at_first = hold_of(asset=asset, per_unit=price, quantity=quantity) - held
    beyond = max(quantity - leaves, Decimal(0))
    at_last = hold_of(asset=asset, per_unit=price, quantity=beyond)
    extra = max(at_first, at_last, Decimal(0))
    if asset != decimals.CASH:
        return extra
    return min(extra + 2 * decimals.CASH_QUANTUM, max(extra, available))


@dataclass(frozen=True, slots=True)
class Holding:
    """A position by average cost: a short one has a negative quantity and a negative cost basis."""

    quantity: Decimal
    cost_basis: Decimal
    realised: Decimal


def after_fill(holding: Holding, *, signed_quantity: Decimal, cash: Decimal) -> Holding:
    """Return the position after buying (positive) or selling (negative) for `cash` in all.

    What reduces the position realises profit or loss against its average cost; what goes
    beyond zero opens the opposite position.
    """
    if holding.quantity * signed_quantity >= 0:
        return replace(
            holding,
            quantity=holding.quantity + signed_quantity,
            cost_basis=holding.cost_basis + cash.copy_sign(signed_quantity),
        )
    closing = min(abs(signed_quantity), abs(holding.quantity)).copy_sign(signed_quantity)
    cash_closing = _cents(cash * closing / signed_quantity)
    cost_closed = (
        holding.cost_basis
        if closing == -holding.quantity
        else _cents(holding.cost_basis * -closing / holding.quantity)
    )
    proceeds = cash_closing.copy_sign(-signed_quantity)
    reduced = Holding(
        quantity=holding.quantity + closing,
        cost_basis=holding.cost_basis - cost_closed,
        realised=holding.realised + proceeds - cost_closed,
    )
    beyond = signed_quantity - closing
    if not beyond:
        return reduced
    return after_fill(reduced, signed_quantity=beyond, cash=cash - cash_closing)


def _cents(value: Decimal) -> Decimal:
    return decimals.quantize(value, asset=decimals.CASH, rounding=decimals.NEAREST)
