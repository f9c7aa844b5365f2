"""What is lent to be sold short, and who has taken how much of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Lent:
    """What is lent of one instrument today, in units: by locates.

    `own` is what single accounts have a locate for, `shared` what all have together. Each account
    uses its own first. Of those in `sold` it says how much they have sold short; all others have
    `taken` so much of what is shared.
    """

    own: Mapping[UUID, Decimal]
    shared: Decimal
    sold: Mapping[UUID, Decimal]
    taken: Decimal

    def to(self, account_id: UUID, *, more: Mapping[UUID, Decimal]) -> Decimal:
        """Return how much the account may be short of in all, once `more` was sold by accounts."""
        others = (self.sold.keys() | more.keys()) - {account_id}
        taken = self.taken + sum(
            (
                max(
                    self._of(self.sold, each) + self._of(more, each) - self._of(self.own, each),
                    ZERO,
                )
                for each in others
            ),
            ZERO,
        )
        return self._of(self.own, account_id) + max(self.shared - taken, ZERO)

    @staticmethod
    def _of(amounts: Mapping[UUID, Decimal], account_id: UUID) -> Decimal:
        return amounts.get(account_id, ZERO)
