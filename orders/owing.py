"""What the venue takes back of a cash account that no longer has it: the account owes it.

A bust is a fact, and is booked like one. When the proceeds of a sale are spent, or the shares of a
purchase sold or on sale, the account is restricted until a person has spoken to the customer, and
operations are told. A margin account borrows what it lacks, and is called for it if need be.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog

from accounts import services as accounts
from accounts.models import Account
from foundation import decimals
from foundation.decimals import CASH
from orders.batch import Batch
from orders.models import Trade
from risk.findings import Finding, Kind, Severity
from risk.surveillance import alerts
from venues.messages import Side

log = structlog.get_logger(__name__)

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Owed:
    """How much of an asset an account lacks after a bust: it is not there, or is set aside."""

    bust: Trade
    asset: str
    amount: Decimal

    @property
    def in_words(self) -> str:
        return f"{decimals.text(self.amount)} {self.asset}"


def restrict(batch: Batch) -> None:
    """Restrict the accounts that owe what was busted in this batch, and tell operations.

    To be called once the batch is written, in its transaction: rows of alerts are locked last.
    """
    found = [owed for trade in batch.trades if (owed := _owed(batch, trade))]
    restricted = set()
    for owed in found:
        account = batch.accounts[owed.bust.account_id]
        log.error("bust_unpaid", account=account.number, owed=owed.in_words)
        if account.status == Account.Status.ACTIVE and account.pk not in restricted:
            restricted.add(account.pk)
            accounts.change_status(
                account.pk,
                status=Account.Status.RESTRICTED,
                reason=f"{owed.bust.venue} took a trade back: {owed.in_words} are owed.",
                actor=f"venue:{owed.bust.venue}",
                now=owed.bust.booked_at,
            )
    alerts.raise_alerts([_finding(owed) for owed in found], now=batch.now)


def _owed(batch: Batch, trade: Trade) -> Owed | None:
    """Return what the account lacks of what a bust has taken, None when it lacks nothing."""
    account = batch.accounts[trade.account_id]
    if trade.busts_id is None or account.margin:
        return None
    instrument = batch.instruments[trade.instrument_id]
    asset = instrument.code if trade.side == Side.BUY else CASH
    lacking = -batch.books.available(account, asset)
    return Owed(trade, asset, lacking) if lacking > 0 else None


def _finding(owed: Owed) -> Finding:
    bust = owed.bust
    gone = "what it bought is" if bust.side == Side.BUY else "its proceeds are"
    return Finding(
        kind=Kind.BUST_OWED,
        severity=Severity.SEVERE,
        account_id=bust.account_id,
        instrument_id=bust.instrument_id,
        summary=f"The venue took a trade back, and {gone} gone: {owed.in_words} are owed",
        key=f"bust:{bust.pk}",
        happened_at=bust.booked_at,
        evidence={
            "trade_id": str(bust.busts_id),
            "order_id": str(bust.order_id),
            "asset": owed.asset,
            "owed": owed.amount,
        },
    )
