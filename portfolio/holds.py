"""What the orders of some locked accounts may still cost, set aside: balances and their holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from accounts.locks import LockedAccount
from foundation import bulk
from foundation.decimals import CASH
from portfolio import accounting, settlement
from portfolio.accounting import HoldTerms
from portfolio.fees import charging
from portfolio.fees.rules import NO_FEES, FeeTerms, fee_of
from portfolio.models import Balance, Hold

ZERO: Final = Decimal(0)
HOLD_CHANGING: Final = (
    "per_unit",
    "price",
    "fee_per_order",
    "fee_per_unit",
    "fee_rate",
    "amount",
    "remaining",
    "lots",
    "status",
)


class Uncovered(ValueError):
    """The account does not have what this needs, `needed` in all; nothing was changed."""

    def __init__(self, message: str, *, needed: Decimal = ZERO) -> None:
        super().__init__(message)
        self.needed = needed


class Stock(NamedTuple):
    """What an account has of one asset, and how much of that is not held."""

    amount: Decimal
    available: Decimal


NOTHING: Final = Stock(ZERO, ZERO)


class Holds:
    """Balances of locked accounts, and what of them is held for orders."""

    def __init__(self, *, balances: Iterable[Balance], holds: Iterable[Hold]) -> None:
        self._balances = {(b.account_id, b.asset): b for b in balances}
        self._holds = {h.order_id: h for h in holds}
        self._new_holds: list[Hold] = []
        self._changed_balances: set[tuple[UUID, str]] = set()
        self._changed_holds: set[UUID] = set()

    def balance(self, account: LockedAccount, asset: str) -> Decimal:
        amount: Decimal = self._balance(account, asset).amount
        return amount

    def available(self, account: LockedAccount, asset: str) -> Decimal:
        return self._balance(account, asset).available

    def stock(self, account: LockedAccount, asset: str) -> Stock:
        """Return what the account has of the asset, in one look."""
        balance = self._balances.get((account.id, asset))
        return NOTHING if balance is None else Stock(balance.amount, balance.available)

    def spendable(self, account: LockedAccount, day: date) -> Decimal:
        """Return the cash available for purchases: settled cash if the account may use no other."""
        balance = self._balance(account, CASH)
        available: Decimal = balance.available
        until: date | None = balance.settled_only_until
        if until is None or until < day:
            return available
        return available - sum(self.unsettled(account, day).values(), ZERO)

    def unsettled(self, account: LockedAccount, day: date) -> dict[date, Decimal]:
        """Return the proceeds in cash that are not final on `day` yet, by when they are."""
        return settlement.after(self._balance(account, CASH).unsettled, day)

    def settled_only_until(self, account: LockedAccount) -> date | None:
        """Return the last day on which the account may spend settled cash only, if there is one."""
        until: date | None = self._balance(account, CASH).settled_only_until
        return until

    def name_lots(self, order_id: UUID, lot_ids: Iterable[UUID]) -> None:
        """Let a sale close these lots first; what it sells is held already."""
        hold = self._holds[order_id]
        hold.lots = [str(lot_id) for lot_id in lot_ids]
        self._changed_holds.add(order_id)

    def pass_lots_on(self, *, old_id: UUID, new_id: UUID) -> None:
        """Let an order close those lots first that the one was to close which it replaces."""
        old = self._holds.get(old_id)
        self._holds[new_id].lots = old.lots if old else []
        self._changed_holds.add(new_id)

    def hold(
        self,
        account: LockedAccount,
        *,
        order_id: UUID,
        terms: HoldTerms,
        quantity: Decimal,
    ) -> Decimal:
        """Set aside what so much of an order may need, in place of what was; return how much.

        Raises Uncovered.
        """
        amount = terms.of(quantity)
        charging.agree(self._set_aside(account, order_id, terms.asset, amount), terms)
        return amount

    def hold_amount(
        self,
        account: LockedAccount,
        *,
        order_id: UUID,
        amount: Decimal,
        quantity: Decimal = ZERO,
        fees: FeeTerms = NO_FEES,
    ) -> Decimal:
        """Set aside this cash for an order by value, which uses up what it spends, and its fees.

        `quantity` is the most that it may buy. Returns how much is set aside. Raises Uncovered.
        """
        whole = amount + fee_of(fees, quantity=quantity, value=amount)
        terms = HoldTerms(CASH, ZERO, ZERO, fees)
        charging.agree(self._set_aside(account, order_id, CASH, whole), terms)
        return whole

    def hold_beyond(
        self,
        account: LockedAccount,
        *,
        old_id: UUID,
        leaves: Decimal,
        order_id: UUID,
        terms: HoldTerms,
        quantity: Decimal,
    ) -> Decimal:
        """Set aside what an order needs beyond the hold of the one that it is to replace.

        `leaves` is what that one has left. Both may execute until the venue has decided; then
        `take_over`, or a release, is to follow. Returns how much is set aside. Raises Uncovered.
        """
        old = self._pending_hold(old_id)
        per_order = terms.fees.per_order if terms.asset == CASH else ZERO
        extra = accounting.replaced_hold(
            asset=terms.asset,
            needed=terms.of(quantity),
            needed_beyond=max(terms.of(max(quantity - leaves, ZERO)), per_order),
            held=old.remaining if old else ZERO,
            due=_fee_at_first(old) if old and not _has_filled(old) else ZERO,
            available=self._free(account, terms.asset),
            roundings=2 if terms.fees is NO_FEES else 4,
        )
        charging.agree(self._set_aside(account, order_id, terms.asset, extra), terms)
        return extra

    def take_over(
        self, account: LockedAccount, *, old_id: UUID, new_id: UUID, quantity: Decimal
    ) -> None:
        """Let an order have what the one that it replaces was held for.

        `hold_beyond` has seen to it that this covers what it needs, but for cents of rounding
        where the account has no more. A fee that is charged with the first fill of the one is not
        charged again with that of the other.
        """
        old, new = self._pending_hold(old_id), self._pending_hold(new_id)
        if old is not None and new is not None:
            due = ZERO if _has_filled(old) else old.fee_per_order
            new.fee_per_order = min(new.fee_per_order, due)
        self.release(account, order_id=old_id)
        if new is None:
            return
        self.pass_lots_on(old_id=old_id, new_id=new_id)
        needed = charging.agreed(new).of(quantity)
        if not _may_owe(account, new.asset):
            needed = min(needed, self._free(account, new.asset) + new.remaining)
        self._set_aside(account, new_id, new.asset, needed)

    def held(self, order_id: UUID) -> Decimal:
        """Return what is still set aside for the order."""
        hold = self._pending_hold(order_id)
        return hold.remaining if hold else ZERO

    def held_price(self, order_id: UUID) -> Decimal | None:
        """Return the worst price that the order is held for, None when it is held for none."""
        hold = self._pending_hold(order_id)
        return hold.price if hold and hold.price else None

    def release(self, account: LockedAccount, *, order_id: UUID) -> Decimal:
        """Give back what is still held for an order that has ended; return how much."""
        hold = self._pending_hold(order_id)
        if hold is None:
            return ZERO
        released: Decimal = hold.remaining
        self._keep(account, hold, ZERO, Hold.Status.RELEASED)
        return released

    def _balance(self, account: LockedAccount, asset: str) -> Balance:
        key = (account.id, asset)
        balance = self._balances.get(key)
        if balance is None:
            balance = self._balances[key] = bulk.new(Balance, account_id=account.id, asset=asset)
        if account.margin:
            balance.may_be_negative = True
        return balance

    def _pending_hold(self, order_id: UUID) -> Hold | None:
        hold = self._holds.get(order_id)
        return hold if hold is not None and hold.status == Hold.Status.PENDING else None

    def _set_aside(
        self, account: LockedAccount, order_id: UUID, asset: str, amount: Decimal
    ) -> Hold:
        """Hold `amount` for the order in place of what was; return the hold. Raises Uncovered."""
        hold = self._holds.get(order_id)
        held = ZERO if hold is None else self.held(order_id)
        there = self._free(account, asset) + held
        if amount > there and not _may_owe(account, asset):
            raise Uncovered(f"needs {amount} {asset}, {there} is available", needed=amount)
        if hold is None:
            hold = self._holds[order_id] = bulk.new(
                Hold, order_id=order_id, account_id=account.id, asset=asset, remaining=ZERO
            )
            self._new_holds.append(hold)
        hold.amount = amount
        self._keep(account, hold, amount, Hold.Status.PENDING)
        return hold

    def _free(self, account: LockedAccount, asset: str) -> Decimal:
        """Return what may still be held of the asset; of a short position, to buy it back."""
        balance = self._balance(account, asset)
        there = abs(balance.amount) if account.margin else balance.amount
        free: Decimal = there - balance.held
        return free

    def _change(self, balance: Balance, *, amount: Decimal = ZERO, held: Decimal = ZERO) -> None:
        balance.amount += amount
        balance.held += held
        self._changed_balances.add((balance.account_id, balance.asset))

    def _give_back(
        self,
        account: LockedAccount,
        hold: Hold,
        *,
        filled: Decimal,
        value: Decimal,
        leaves: Decimal,
        paid_back: Decimal,
    ) -> None:
        """Carry a hold on when a fill is gone: the order has `filled`, worth `value`, without it.

        What is held for its `leaves` stays, but for what rounds otherwise now and the fee of the
        order, which falls due again with its next first fill: both come out of `paid_back`.
        """
        used_up, due = used(hold, filled, value), ZERO if filled else _fee_at_first(hold)
        if hold.per_unit and charging.agreed(hold).is_paid_in_full:
            due = paid_back
        hold.amount = hold.remaining + due + used_up
        remaining = still_held(hold, filled=filled, value=value, leaves=leaves)
        hold.amount = remaining + used_up
        self._keep(account, hold, remaining, Hold.Status.PENDING)

    def _keep(
        self,
        account: LockedAccount,
        hold: Hold,
        remaining: Decimal,
        status: Hold.Status,
    ) -> None:
        self._change(self._balance(account, hold.asset), held=remaining - hold.remaining)
        hold.remaining, hold.status = remaining, status
        self._changed_holds.add(hold.order_id)

    def _close_holds(self) -> None:
        """Write the holds that changed."""
        bulk.insert(self._new_holds)
        new = {hold.order_id for hold in self._new_holds}
        bulk.update([self._holds[k] for k in self._changed_holds - new], fields=HOLD_CHANGING)


def still_held(hold: Hold, *, filled: Decimal, value: Decimal, leaves: Decimal) -> Decimal:
    """Return what is left of the hold once `filled` is filled, worth `value`, and `leaves` not."""
    if not leaves:
        return ZERO
    left = charging.agreed(hold).left(amount=hold.amount, filled=filled, leaves=leaves, value=value)
    return max(left, ZERO)


def used(hold: Hold, filled: Decimal, value: Decimal) -> Decimal:
    """Return how much of the hold that has used up."""
    return charging.agreed(hold).used(filled=filled, value=value)


def lots_named(hold: Hold | None) -> list[UUID]:
    """Return the lots that the customer wants to be closed first."""
    return [UUID(name) for name in hold.lots] if hold else []


def _has_filled(hold: Hold) -> bool:
    """Tell whether a fill has used up something of a pending hold, a fee by order first of all."""
    has_filled: bool = hold.remaining != hold.amount
    return has_filled


def _fee_at_first(hold: Hold) -> Decimal:
    """Return what the first fill takes of the hold whatever its size."""
    fee: Decimal = hold.fee_per_order if hold.asset == CASH else ZERO
    return fee


def _may_owe(account: LockedAccount, asset: str) -> bool:
    """Tell whether risk alone decides what the account may spend: we then lend what is missing."""
    return bool(account.margin) and asset == CASH
