"""The shapes of the activities of an account in the compatible API: fills, busts, cash."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation import decimals
from trading.api.wire import Json, decimal, timestamp

if TYPE_CHECKING:
    from decimal import Decimal

    from accounts.models import Activity
    from orders.models import Trade
    from portfolio.cash_flows import Fee

DAYS_END_IN: Final = ZoneInfo("America/New_York")
_TIME: Final = "%Y%m%d%H%M%S%f"

TYPES: Final = frozenset(
    {
        "ACATC", "ACATS", "CFEE", "CGD", "CIL", "CSD", "CSW", "DIV", "DIVCGL", "DIVCGS", "DIVFEE",
        "DIVFT", "DIVNRA", "DIVROC", "DIVTW", "DIVTXEX", "DIVWH", "EXTRD", "FEE", "FILL", "FOPT",
        "FXTRD", "INT", "INTNRA", "INTPNL", "INTTW", "JNL", "JNLC", "JNLS", "MA", "MEM", "MISC",
        "NC", "OCT", "OPASN", "OPCA", "OPCSH", "OPEXC", "OPEXP", "OPTRD", "PTC", "PTR", "REO",
        "REORG", "SPIN", "SPLIT", "SWP", "VOF", "WH",
    }
)  # fmt: skip
"""What clients may ask for, whether or not it happens here."""
_TOGETHER: Final = {"TRANS": frozenset({"CSD", "CSW"})}


class UnknownType(ValueError):
    """No activity is called that."""


def types_of(names: Iterable[str]) -> frozenset[str]:
    """Return the types that are asked for, TRANS being deposits and withdrawals.

    Raises UnknownType.
    """
    found: frozenset[str] = frozenset()
    for name in names:
        if name not in TYPES and name not in _TOGETHER:
            raise UnknownType(name)
        found |= _TOGETHER.get(name, {name})
    return found


def activity_id(at: datetime, id_: UUID) -> str:
    """Return an id that sorts by time: 20260105143000123456::UUID."""
    return f"{at.astimezone(UTC):{_TIME}}::{id_}"


def parsed_id(text: str) -> tuple[datetime, UUID] | None:
    """Return the time and id in an activity's id, None when it is none."""
    at, _, id_ = text.partition("::")
    try:
        return datetime.strptime(at, _TIME).replace(tzinfo=UTC), UUID(id_)
    except ValueError:
        return None


def fill(trade: Trade, *, cumulative: Decimal, leaves: Decimal) -> Json:
    """Return a fill; `cumulative` of its order was filled with it, `leaves` was left to fill.

    It happened at its `transaction_time`; it was created when we booked it.
    """
    return {
        **_heading(trade.account_id, "FILL", trade.booked_at, trade.id),
        "transaction_time": timestamp(trade.executed_at),
        "type": "partial_fill" if leaves else "fill",
        "price": decimal(trade.price),
        "qty": decimal(trade.quantity),
        "side": trade.side,
        "symbol": trade.instrument.symbol,
        "leaves_qty": decimal(leaves),
        "order_id": str(trade.order_id),
        "cum_qty": decimal(cumulative),
        "order_status": "partially_filled" if leaves else "filled",
    }


def bust(trade: Trade, *, cumulative: Decimal) -> Json:
    """Return what took a fill back: no trade to their clients, so of type MISC.

    `busts` is the activity of the fill, `qty` its quantity, signed as the position changes.
    """
    undone = -1 if trade.side == "buy" else 1
    fill = trade.busts
    return {
        **_heading(trade.account_id, "MISC", trade.booked_at, trade.id),
        "date": _date(trade.booked_at),
        "net_amount": decimal(-undone * trade.price * trade.quantity),
        "description": f"The venue took back a fill of {decimal(trade.quantity)} "
        f"{trade.instrument.symbol} at {decimal(trade.price)}.",
        "status": "executed",
        "symbol": trade.instrument.symbol,
        "qty": decimal(undone * trade.quantity),
        "price": decimal(trade.price),
        "busts": None if fill is None else activity_id(fill.booked_at, fill.id),
        "order_id": str(trade.order_id),
        "cum_qty": decimal(cumulative),
    }


@dataclass(frozen=True, slots=True)
class _Booked:
    """How an entry of the activity log is shown: its type, how its amount counts, in words."""

    type: str
    sign: int
    description: str


_IN, _OUT, _AS_IT_IS = 1, -1, 1
_BOOKED: Final = {
    "money.deposited": _Booked("CSD", _IN, "Deposit"),
    "money.deposit_returned": _Booked("CSD", _OUT, "A deposit was returned"),
    "money.withdrawal_requested": _Booked("CSW", _OUT, "Withdrawal"),
    "money.withdrawal_cancelled": _Booked("CSW", _IN, "A withdrawal was cancelled"),
    "money.withdrawal_returned": _Booked("CSW", _IN, "A withdrawal was returned"),
    "money.interest_charged": _Booked("INT", _OUT, "Interest on what was lent"),
    "money.dividend": _Booked("DIV", _AS_IT_IS, "Cash dividend"),
    "money.cash_in_lieu": _Booked("CIL", _AS_IT_IS, "Cash in lieu of a fraction"),
    "money.corrected": _Booked("JNLC", _AS_IT_IS, "Correction of our books"),
    # Securities that are transferred out or in; no cash moves.
    "holding.withdrawal_requested": _Booked("ACATS", _AS_IT_IS, "Withdrawal of coins"),
    "holding.withdrawal_cancelled": _Booked("ACATS", _AS_IT_IS, "A withdrawal was cancelled"),
    "holding.withdrawal_returned": _Booked("ACATS", _AS_IT_IS, "A withdrawal was returned"),
    "holding.split": _Booked("SPLIT", _AS_IT_IS, "Split"),
    "holding.merger": _Booked("MA", _AS_IT_IS, "Merger"),
    "holding.spin_off": _Booked("SPIN", _AS_IT_IS, "Spin-off"),
}


def kinds_of(types: Collection[str]) -> list[str]:
    """Return the kinds of entries that are shown as one of `types`, all if none is named."""
    return [kind for kind, shown in _BOOKED.items() if not types or shown.type in types]


def booked(entry: Activity, *, id_: UUID) -> Json:
    """Return an entry of the activity log that moved cash or securities.

    `into_symbol` and `into_qty`, of mergers and spin-offs, are ours.
    """
    shown, told = _BOOKED[entry.kind], entry.payload
    amount = shown.sign * decimals.parse(told.get("amount", "0"))
    return {
        **_heading(entry.account_id, shown.type, entry.at, id_),
        "date": _date(entry.at),
        "net_amount": decimal(amount),
        "description": told.get("action") or shown.description,
        "status": "executed",
        **{wire: told[ours] for ours, wire in _SHOWN_IF_TOLD.items() if told.get(ours)},
    }


_SHOWN_IF_TOLD: Final = {
    "symbol": "symbol",
    "quantity": "qty",
    "per_share": "per_share_amount",
    "into": "into_symbol",
    "into_quantity": "into_qty",
}


def fee(charged: Fee, *, account_id: UUID, id_: UUID) -> Json:
    return {
        **_heading(account_id, "FEE", charged.at, id_),
        "date": _date(charged.at),
        "net_amount": decimal(charged.amount),
        "description": charged.what,
        "status": "executed",
    }


def _heading(account_id: UUID, type_: str, at: datetime, id_: UUID) -> Json:
    return {
        "id": activity_id(at, id_),
        "account_id": str(account_id),
        "activity_type": type_,
        "created_at": timestamp(at),
    }


def _date(at: datetime) -> str:
    return at.astimezone(DAYS_END_IN).date().isoformat()
