"""The holding of one instrument in an account, as a corporate action finds it and leaves it.

It is read and written under the account's lock. The ledger's side of it, the securities and the
cash that move, is for the caller to book.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from accounts.locks import LockedAccount
from portfolio.actions import Effect, Part
from portfolio.models import Position

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Held:
    """A holding: its parts in the order in which a sale takes them, and the lot that each is."""

    instrument_id: UUID
    parts: tuple[Part, ...]
    lot_ids: tuple[UUID | None, ...]

    @property
    def quantity(self) -> Decimal:
        return sum((part.quantity for part in self.parts), ZERO)

    @property
    def cost(self) -> Decimal:
        return sum((part.cost for part in self.parts), ZERO)


def find(account: LockedAccount, instrument_id: UUID) -> Held:
    """Return what the account holds of the instrument, of nothing no parts."""
    position = Position.objects.filter(account=account, instrument_id=instrument_id).first()
    if position is None or not position.quantity:
        return Held(instrument_id, (), ())
    return Held(instrument_id, (Part(position.quantity, position.cost_basis),), (None,))


def leave(
    account: LockedAccount, held: Held, found: Effect, *, other_id: UUID | None, now: datetime
) -> None:
    """Write down what became of a holding, and of the other instrument that it brought."""
    _carry(account, held.instrument_id, _change(held.parts, found.own), sum(found.realised), now)
    if other_id is not None and found.other:
        _carry(account, other_id, _change((), found.other), ZERO, now)


def _change(before: Sequence[Part], after: Sequence[Part]) -> Part:
    return Part(
        sum((p.quantity for p in after), ZERO) - sum((p.quantity for p in before), ZERO),
        sum((p.cost for p in after), ZERO) - sum((p.cost for p in before), ZERO),
    )


def _carry(
    account: LockedAccount,
    instrument_id: UUID,
    change: Part,
    realised: Decimal | int,
    now: datetime,
) -> None:
    position, _ = Position.objects.get_or_create(
        account=account, instrument_id=instrument_id, defaults={"opened_at": now}
    )
    if not position.quantity:
        position.opened_at = now
    position.quantity += change.quantity
    position.cost_basis += change.cost
    position.realised += realised
    position.save(update_fields=["quantity", "cost_basis", "realised", "opened_at"])
