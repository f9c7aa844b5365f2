"""A custodian that only says what one would: of the demo shape, and of tests.

It keeps nothing. What a payment is called follows from its id, and how many blocks lie on it from
the time that has gone. What is sent to an address that nobody can have the key of comes back.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from portfolio.custody.custodian import Payment, Standing

BLOCK_TIME: Final = timedelta(seconds=10)
NOBODYS: Final = frozenset(
    {
        "1111111111111111111114oLvT2",
        "0x000000000000000000000000000000000000dEaD",
        "rrrrrrrrrrrrrrrrrrrrrhoLvTp",
    }
)
"""Addresses of which everybody knows that they lead nowhere: one of each network."""


class SimulatedCustodian:
    def send(self, payment: Payment) -> str:
        name = hashlib.sha256(f"{payment.network}:{payment.id}".encode()).hexdigest()
        return f"0x{name}" if payment.network == "ethereum" else name

    def standing(self, payment: Payment, transaction: str, *, now: datetime) -> Standing:
        blocks = max((now - payment.sent_at) // BLOCK_TIME, 0)
        if payment.address in NOBODYS and blocks:
            return Standing(returned="the address leads nowhere")
        return Standing(confirmations=blocks)
