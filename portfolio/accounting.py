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


def still_held(*, asset: str, amount: Decimal, per_unit: Decimal, filled: Decimal) -> Decimal:
    """Return what is left of a hold of `amount` once `filled` of its order is filled."""
    return amount - hold_of(asset=asset, per_unit=per_unit, quantity=filled)


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
