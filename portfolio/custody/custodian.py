"""What a custodian of coins does for us: sends a payment once, and says how it stands.

A custodian is a class of these two methods, made without arguments; `COIN_CUSTODIAN` names it.
Its calls go over a network, so that none is made within a transaction, and each may be made again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Payment:
    """So much of a coin to an address, beside the fee that its network may take.

    `id` is ours and names it for ever: told again, it is the same payment. The beneficiary and who
    keeps the wallet are what the Travel Rule has custodians tell each other.
    """

    id: UUID
    coin: str
    network: str
    address: str
    memo: str
    amount: Decimal
    fee: Decimal
    beneficiary: str
    provider: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How many blocks lie on a payment; or, with the reason, that it does not arrive."""

    confirmations: int = 0
    returned: str = ""


class Refused(RuntimeError):
    """The custodian will not make the payment, now or later; the message says why."""


class OutOfReach(OSError):
    """Nobody knows whether it was told: tell it again."""


class Custodian(Protocol):
    def send(self, payment: Payment) -> str:
        """Make a payment, once for its id, and return what its network calls it.

        Raises Refused, OutOfReach.
        """

    def standing(self, payment: Payment, transaction: str, *, now: datetime) -> Standing:
        """Return how a payment stands. Raises OutOfReach."""
