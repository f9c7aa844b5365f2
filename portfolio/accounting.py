"""The arithmetic of owning: what a fill costs, what an order must hold.

Pure. Cash is kept in cents. Rounding is done on an order's running total, never fill by fill:
a thousand small fills then cost what one large fill costs. What stays held for a purchase is the
most that it may come to cost in all, less what it has cost:

    spent(value)      = round(value)                             half to even
    most(value, left) = ceiling(value + held price x left)       never more than before
    held(value, left) = most(value, left) - spent(value)

A fill at the held price or below does not raise the most, so that it frees what it takes, to the
cent: whatever else became of the balance since the last one, each is covered by its own order.
Fees go the same way (`portfolio.fees.rules`), and are held for with the order.
"""

from __future__ import annotations

from decimal import Decimal

from foundation import decimals
from foundation.values import value
from portfolio.fees.rules import NO_FEES, FeeTerms, fee_of


def cash_of_fill(*, value_before: Decimal, value: Decimal) -> Decimal:
    """Return the cash that a fill of `value` (price x quantity) moves.

    `value_before` is the exact value of the order's earlier fills.
    """
    return _cents(value_before + value) - _cents(value_before)


@value
class HoldTerms:
    """What an order is held for: `per_unit` of `asset`, and `fees` of the value at `price`.

    `price` is the worst that may be paid: that is `per_unit`, and so if not given, but in a margin
    account, which sets aside only a part of it. Of an order by value both are zero.
    """

    asset: str
    per_unit: Decimal
    price: Decimal | None = None
    fees: FeeTerms = NO_FEES

    @property
    def is_paid_in_full(self) -> bool:
        """Tell whether the whole price is held, in cash: not a part of it, and not securities."""
        return self.asset == decimals.CASH and self.price in (None, self.per_unit)

    def of(self, quantity: Decimal) -> Decimal:
        """Return what covers so much of the order, and the fees: each rounded up to its quantum.

        Where securities are set aside, as for what buys back a short, fees are paid of the cash
        there is.
        """
        amount = decimals.quantize(self.per_unit * quantity, asset=self.asset, rounding=decimals.UP)
        if self.fees is NO_FEES or self.asset != decimals.CASH:
            return amount
        worth = (self.per_unit if self.price is None else self.price) * quantity
        return amount + fee_of(self.fees, quantity=quantity, value=worth)

    def used(self, *, filled: Decimal, value: Decimal) -> Decimal:
        """Return how much of the hold the fills have used up: `filled`, worth `value` (exact).

        A purchase that is held for in full, or by its value, uses up what it has cost; securities,
        and the part of a price that a margin account sets aside, are used up by the unit.
        """
        if self.is_paid_in_full:
            return _cents(value) + fee_of(self.fees, quantity=filled, value=value)
        return self.of(filled)

    def left(self, *, amount: Decimal, filled: Decimal, leaves: Decimal, value: Decimal) -> Decimal:
        """Return what is left of a hold of `amount` with `leaves` of its order to be executed.

        It is negative when fills above the held price have cost more than was held.
        """
        most = amount
        if self.per_unit and self.is_paid_in_full:
            worst = value + self.per_unit * leaves
            cost = decimals.quantize(worst, asset=self.asset, rounding=decimals.UP)
            most = min(cost + fee_of(self.fees, quantity=filled + leaves, value=worst), amount)
        return most - self.used(filled=filled, value=value)


def replaced_hold(
    *,
    asset: str,
    needed: Decimal,
    needed_beyond: Decimal,
    held: Decimal,
    due: Decimal = Decimal(0),
    available: Decimal,
    roundings: int = 2,
) -> Decimal:
    """Return what to set aside beyond a replaced order's hold while the venue decides.

    The new order needs `needed` now, and `needed_beyond` once all that is left of the old one has
    executed, at least the fee that its own first fill takes; the old one has `held`, of which
    `due` is a fee that its first fill takes at once. What executes meanwhile shrinks both needs,
    at prices that differ. The difference is linear in it, so that it is covered throughout if it
    is at both ends. Each hold and each fee is rounded up by itself: of cash, a cent for each of
    the `roundings` between covers what they may differ by, where it is `available`.
    """
    extra = max(needed - held + due, needed_beyond, Decimal(0))
    if asset != decimals.CASH:
        return extra
    return min(extra + roundings * decimals.CASH_QUANTUM, max(extra, available))


def _cents(value: Decimal) -> Decimal:
    return decimals.quantize(value, asset=decimals.CASH, rounding=decimals.NEAREST)
