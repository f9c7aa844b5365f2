"""What some locked accounts give and get: transfers between them and the house, not yet written.

A transfer changes a customer's balance in memory at once, and its row is written with all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from accounts.locks import LockedAccount
from foundation import bulk, decimals
from portfolio import ledger
from portfolio.holds import Holds, Uncovered
from portfolio.ledger import LedgerKey
from portfolio.models import FLOW_KINDS, OUTSIDE, Balance, Hold, LedgerAccount, Transfer

ZERO: Final = Decimal(0)
BALANCE_CHANGING: Final = (
    "amount",
    "held",
    "paid_in",
    "may_be_negative",
    "unsettled",
    "settled_only_until",
)


@dataclass(frozen=True, slots=True)
class Move:
    """A transfer between a customer and a house account: credited if positive, else debited.

    It is final on `settles_on`, or at once. One that takes another back (`reverses`), or that a
    short is charged, may have to be booked even if the money is not there: it `may_overdraw` a
    cash account.
    """

    asset: str
    amount: Decimal
    kind: Transfer.Kind
    house: LedgerAccount.Kind
    reference: str
    at: datetime
    reason: str = ""
    settles_on: date | None = None
    reverses: int | None = None
    may_overdraw: bool = False


class Transfers(Holds):
    """Balances and holds of locked accounts, and what moves between them and the house."""

    def __init__(
        self,
        *,
        balances: Iterable[Balance],
        holds: Iterable[Hold] = (),
        house: Mapping[LedgerKey, int] = MappingProxyType({}),
    ) -> None:
        super().__init__(balances=balances, holds=holds)
        self._stored = set(self._balances)
        self._house = house
        self._moves: list[tuple[Transfer, LedgerKey, LedgerKey]] = []

    def move(self, account: LockedAccount, move: Move) -> None:
        """Credit or debit the account.

        Raises Uncovered when a cash account does not have what is debited, unless the move
        `may_overdraw` it.
        """
        available = self.available(account, move.asset)
        if move.may_overdraw:
            self._balance(account, move.asset).may_be_negative = True
        elif move.amount + available < 0 and not account.margin:
            raise Uncovered(f"{available} {move.asset} is available", needed=-move.amount)
        self._move(account, move)

    def _move(self, account: LockedAccount, move: Move) -> None:
        if not move.amount:
            return  # a fill of dust moves less than half a cent
        customer: LedgerKey = (account.id, LedgerAccount.Kind.CUSTOMER.value, move.asset)
        house: LedgerKey = (None, move.house.value, move.asset)
        debit, credit = (house, customer) if move.amount > 0 else (customer, house)
        transfer = bulk.new(
            Transfer,
            at=move.at,
            kind=move.kind,
            reference=move.reference,
            asset=move.asset,
            amount=abs(move.amount),
            settles_on=move.settles_on,
            reverses_id=move.reverses,
            reason=move.reason,
        )
        self._moves.append((transfer, debit, credit))
        balance = self._balance(account, move.asset)
        if move.kind in FLOW_KINDS and move.house in OUTSIDE:
            balance.paid_in += move.amount
        self._change(balance, amount=move.amount)

    def _make_sure(
        self,
        account: LockedAccount,
        asset: str,
        taken: Decimal,
        freed: Decimal = ZERO,
        *,
        spare: Decimal = ZERO,
    ) -> None:
        """Raise Uncovered unless a cash account has what is taken, with what its hold frees.

        What was held for an order is there for its fills, whatever the account has come to owe
        since. It may owe a `spare`: what was executed is not refused for cents.
        """
        usable = max(self.available(account, asset), ZERO) + freed
        if account.margin or taken <= usable:
            return
        if taken <= usable + spare:
            self._balance(account, asset).may_be_negative = True
        else:
            takes, there = decimals.text(taken), decimals.text(usable)
            raise Uncovered(f"it takes {takes} {asset}, {there} is available", needed=taken)

    def _close_transfers(self) -> None:
        """Write the balances that changed, and what has moved."""
        ids = self._ledger_ids()
        for key in self._changed_balances - self._stored:
            self._balances[key].ledger_account_id = ids[(key[0], "customer", key[1])]
        bulk.insert([self._balances[k] for k in sorted(self._changed_balances - self._stored)])
        bulk.update(
            [self._balances[k] for k in self._changed_balances & self._stored],
            fields=BALANCE_CHANGING,
        )
        for transfer, debit, credit in self._moves:
            transfer.debit_id, transfer.credit_id = ids[debit], ids[credit]
        bulk.insert([transfer for transfer, _, _ in self._moves])

    def _ledger_ids(self) -> dict[LedgerKey, int]:
        """Return the ids of the ledger accounts concerned, opening those that are new."""
        customer = LedgerAccount.Kind.CUSTOMER.value
        known: dict[LedgerKey, int] = {
            **self._house,
            **{
                (owner, customer, asset): self._balances[owner, asset].ledger_account_id
                for owner, asset in self._stored
            },
        }
        needed: set[LedgerKey] = {
            (owner, customer, asset) for owner, asset in self._changed_balances - self._stored
        }
        for _, debit, credit in self._moves:
            needed |= {debit, credit}
        missing = needed - known.keys()
        return known | ledger.opened(missing) if missing else known
