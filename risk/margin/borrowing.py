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

    `own` is what single accounts have a locate for, `shared` what all have together; of that so
    much is `taken` already. Each account uses its own first.
    """

    own: Mapping[UUID, Decimal]
    shared: Decimal
    taken: Decimal

    def to(self, account_id: UUID, *, sold: Mapping[UUID, Decimal]) -> Decimal:
        """Return how much the account may be short of in all.

        `sold` is what accounts have sold short that are not in `taken`; its own does not count.
        """
        others = (each for each in sold.items() if each[0] != account_id)
        taken = self.taken + sum((self._beyond_own(*each) for each in others), ZERO)
        return self.own.get(account_id, ZERO) + max(self.shared - taken, ZERO)

    def _beyond_own(self, account_id: UUID, sold: Decimal) -> Decimal:
        return max(sold - self.own.get(account_id, ZERO), ZERO)
