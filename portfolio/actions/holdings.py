"""The lots of one instrument in an account, as a corporate action finds them and leaves them.

Cost and the day of acquisition go over from a lot to what it becomes. Fractions come out of the
oldest lots. The securities and the cash that move are for the caller to book, in the same books.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from accounts.locks import LockedAccount
from portfolio.actions.rules import Effect, Part
from portfolio.books import Books

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Held:
    """A holding: its parts in the order in which fractions are taken, and the lot of each."""

    instrument_id: UUID
    parts: tuple[Part, ...]
    lot_ids: tuple[UUID | None, ...]
    acquired_at: tuple[datetime, ...] = ()

    @property
    def quantity(self) -> Decimal:
        return sum((part.quantity for part in self.parts), ZERO)

    @property
    def cost(self) -> Decimal:
        return sum((part.cost for part in self.parts), ZERO)


def find(opened: Books, account: LockedAccount, instrument_id: UUID) -> Held:
    """Return what the account holds of the instrument, of nothing no parts."""
    lots = opened.lots.open_lots(account, instrument_id)
    return Held(
        instrument_id,
        tuple(Part(lot.quantity, lot.cost) for lot in lots),
        tuple(lot.id for lot in lots),
        tuple(lot.acquired_at for lot in lots),
    )


def leave(
    opened: Books,
    account: LockedAccount,
    held: Held,
    found: Effect,
    *,
    other_id: UUID | None,
    reference: str,
    now: datetime,
) -> None:
    """Let the lots become what the action made of them, and bring those of the other instrument."""
    for lot_id, before, after, realised in zip(
        held.lot_ids, held.parts, found.own, found.realised, strict=True
    ):
        if lot_id is not None and (before != after or realised):
            opened.lots.become(
                account,
                held.instrument_id,
                lot_id,
                quantity=after.quantity,
                cost=after.cost,
                realised=realised,
                reference=reference,
                at=now,
            )
    if other_id is None:
        return
    for part, acquired_at in zip(found.other, held.acquired_at, strict=True):
        if part.quantity:
            opened.lots.bring(
                account,
                other_id,
                quantity=part.quantity,
                cost=part.cost,
                acquired_at=acquired_at,
                at=now,
            )
