"""The shapes of the compatible API: what our words become on the wire.

Pure functions from domain values to JSON-ready dictionaries. Our names for states, sides and
venues are translated here and nowhere else. In trading, decimals are strings; in market data
they are numbers. Every field of the contract is always sent, null where there is nothing to
say: old strict clients crash when one is missing. Enums are closed, so what is our own goes
into extra fields, which clients ignore.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from foundation import decimals
from orders.lifecycle import Status

if TYPE_CHECKING:
    from marketdata.bars import Bar
    from marketdata.calendars import Session
    from marketdata.models import Instrument, Quote
    from orders.models import Order, Trade
    from orders.selectors import Step
    from portfolio.selectors import PositionView, Snapshot

Json = dict[str, Any]

_QUANTUM: Final = Decimal("0.000000001")
_NEW_YORK: Final = ZoneInfo("America/New_York")

_STATUSES: Final = {
    Status.PENDING: "pending_new",
    Status.SUBMITTED: "new",
    Status.PARTIALLY_FILLED: "partially_filled",
    Status.PENDING_CANCEL: "pending_cancel",
    Status.FILLED: "filled",
    Status.CANCELLED: "canceled",
    Status.REJECTED: "rejected",
    Status.EXPIRED: "expired",
}
_EXCHANGES: Final = frozenset(
    {"AMEX", "ARCA", "BATS", "NYSE", "NASDAQ", "NYSEARCA", "OTC", "CRYPTO"}
)
_TAPES: Final = {"NYSE": "A", "NASDAQ": "C"}
_ACCOUNT_STATUSES: Final = {
    "active": "ACTIVE",
    "restricted": "ACTIVE",  # which `trading_blocked` says; their enum has no word for it
    "closed": "ACCOUNT_CLOSED",
}


# --- Values ------------------------------------------------------------------------------------


def timestamp(at: datetime | None) -> str | None:
    """Return `at` as RFC 3339 in UTC with microseconds: 2026-01-05T14:30:00.000000Z."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def decimal(value: Decimal | None) -> str | None:
    """Return `value` as a plain decimal string, to 9 places at most."""
    if value is None:
        return None
    if value.as_tuple().exponent < -9:  # type: ignore[operator]  # never NaN: see decimals.parse
        value = value.quantize(_QUANTUM, rounding=ROUND_HALF_EVEN)
    return decimals.text(value)


def number(value: Decimal | None) -> int | float:
    """Return `value` as a JSON number; market data says 0 where there is none."""
    if value is None:
        return 0
    return int(value) if value == value.to_integral_value() else float(value)


def _ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    if part is None or not whole:
        return None
    return part / abs(whole)


def status(ours: Status) -> str:
    """Return their name of a state of an order."""
    return _STATUSES[ours]


def statuses_named(theirs: str) -> frozenset[Status]:
    """Return our states that are shown as `theirs`; empty for a name that we never show."""
    return frozenset(ours for ours, name in _STATUSES.items() if name == theirs)


# --- Trading -----------------------------------------------------------------------------------


def order(order: Order) -> Json:
    """Return an order. Ours: `reason` and `status_reason`, code and sentence of a denial."""
    ours = Status(order.status)
    is_unacknowledged = ours is Status.SUBMITTED and not order.venue_order_id
    return {
        "id": str(order.id),
        "client_order_id": order.client_order_id,
        "created_at": timestamp(order.created_at),
        "updated_at": timestamp(order.updated_at),
        # Clients demand a time here; an order that was denied has none of its own.
        "submitted_at": timestamp(order.submitted_at or order.created_at),
        "filled_at": timestamp(order.filled_at),
        "expired_at": timestamp(order.expired_at),
        "expires_at": None,
        "canceled_at": timestamp(order.cancelled_at),
        "failed_at": timestamp(order.rejected_at),
        "replaced_at": None,
        "replaced_by": None,
        "replaces": None,
        "asset_id": str(order.instrument_id),
        "symbol": order.instrument.symbol,
        "asset_class": order.instrument.asset_class,
        "notional": None,
        "qty": decimal(order.quantity),
        "filled_qty": decimal(order.filled_quantity),
        "filled_avg_price": decimal(order.average_price),
        "order_class": "simple",
        "order_type": order.type,
        "type": order.type,
        "side": order.side,
        "position_intent": None,
        "time_in_force": order.time_in_force,
        "limit_price": decimal(order.limit_price),
        "stop_price": None,
        "status": "accepted" if is_unacknowledged else status(ours),
        "extended_hours": order.extended_hours,
        "legs": None,
        "trail_percent": None,
        "trail_price": None,
        "hwm": None,
        "reason": order.denial_code or None,
        "status_reason": order.status_reason or None,
    }


def step(step: Step) -> Json:
    """Return one step of an order's life, as its timeline shows it."""
    return {
        "at": timestamp(step.at),
        "status": status(Status(step.status)),
        "actor": str(step.actor),
        "reason": step.reason,
        "filled_qty": decimal(step.filled_quantity),
        "source_address": step.source_address,
    }


def position(view: PositionView) -> Json:
    """Return a position; what depends on a price is null while there is none."""
    instrument = view.instrument
    worth_yesterday = None if view.previous_close is None else view.previous_close * view.quantity
    change = (
        None
        if view.price is None or view.previous_close is None
        else view.price - view.previous_close
    )
    return {
        "asset_id": str(instrument.id),
        "symbol": instrument.symbol,
        "exchange": _exchange(instrument),
        "asset_class": instrument.asset_class,
        "asset_marginable": False,
        "avg_entry_price": decimal(view.average_price),
        "qty": decimal(view.quantity),
        "qty_available": decimal(view.available),
        "side": "short" if view.quantity < 0 else "long",
        "market_value": decimal(view.market_value),
        "cost_basis": decimal(view.cost_basis),
        "unrealized_pl": decimal(view.unrealised),
        "unrealized_plpc": decimal(_ratio(view.unrealised, view.cost_basis)),
        "unrealized_intraday_pl": decimal(view.unrealised_day),
        "unrealized_intraday_plpc": decimal(_ratio(view.unrealised_day, worth_yesterday)),
        "current_price": decimal(view.price),
        "lastday_price": decimal(view.previous_close),
        "change_today": decimal(_ratio(change, view.previous_close)),
    }


def account(snapshot: Snapshot) -> Json:
    """Return the account. `held`, `available` and `day_pl` are ours."""
    owner = snapshot.account
    is_blocked = owner.status != "active"
    buying_power, equity = decimal(snapshot.buying_power), decimal(snapshot.equity)
    return {
        "id": str(owner.id),
        "account_number": owner.number,
        "status": _ACCOUNT_STATUSES[owner.status],
        "crypto_status": _ACCOUNT_STATUSES[owner.status],
        "currency": decimals.CASH,
        "cash": decimal(snapshot.cash),
        "equity": equity,
        # Clients take the difference to equity for the day's profit; on an account's first day
        # that begins with what was paid in.
        "last_equity": decimal(snapshot.last_equity or snapshot.paid_in_since),
        "portfolio_value": equity,
        "buying_power": buying_power,
        "regt_buying_power": buying_power,
        "daytrading_buying_power": buying_power,
        "non_marginable_buying_power": buying_power,
        "options_buying_power": "0",
        "multiplier": "1",  # buying power is cash, whatever kind of account it is
        "long_market_value": decimal(snapshot.long_market_value),
        "short_market_value": "0",
        "initial_margin": "0",
        "maintenance_margin": "0",
        "last_maintenance_margin": "0",
        "sma": "0",
        "accrued_fees": "0",
        "pending_transfer_in": "0",
        "pending_transfer_out": "0",
        "pattern_day_trader": False,
        "daytrade_count": 0,
        "trading_blocked": is_blocked,
        "transfers_blocked": is_blocked,
        "account_blocked": owner.status == "closed",
        "trade_suspended_by_user": False,
        "shorting_enabled": False,
        "options_approved_level": 0,
        "options_trading_level": 0,
        "balance_asof": None,
        "created_at": timestamp(owner.opened_at),
        "held": decimal(snapshot.held),
        "available": decimal(snapshot.available),
        "day_pl": decimal(snapshot.profit_day),
    }


def _exchange(instrument: Instrument) -> str:
    if instrument.asset_class == "crypto":
        return "CRYPTO"
    return instrument.exchange if instrument.exchange in _EXCHANGES else ""


def asset(instrument: Instrument) -> Json:
    """Return an instrument. `halted` is ours."""
    return {
        "id": str(instrument.id),
        "class": instrument.asset_class,
        "exchange": _exchange(instrument),
        "symbol": instrument.symbol,
        "name": instrument.name,
        "cusip": None,
        "status": "active" if instrument.tradable else "inactive",
        "tradable": instrument.tradable and not instrument.halted,
        "marginable": False,
        "shortable": False,
        "easy_to_borrow": False,
        "fractionable": instrument.fractionable,
        "maintenance_margin_requirement": 100,
        "margin_requirement_long": "100",
        "margin_requirement_short": "100",
        "min_order_size": decimal(instrument.quantity_min),
        "min_trade_increment": decimal(instrument.quantity_increment),
        "price_increment": decimal(instrument.price_increment),
        "attributes": [],
        "halted": instrument.halted,
    }


def clock(*, at: datetime, is_open: bool, next_open: datetime, next_close: datetime) -> Json:
    return {
        "timestamp": timestamp(at),
        "is_open": is_open,
        "next_open": timestamp(next_open),
        "next_close": timestamp(next_close),
    }


def calendar_day(session: Session) -> Json:
    """Return a session in New York's hours; one that ends at midnight ends at 23:59 here."""
    opens, closes = session.open.astimezone(_NEW_YORK), session.close.astimezone(_NEW_YORK)
    opening = opens.strftime("%H:%M")
    closing = "23:59" if closes.date() > session.date else closes.strftime("%H:%M")
    return {
        "date": session.date.isoformat(),
        "open": opening,
        "close": closing,
        "session_open": opening.replace(":", ""),
        "session_close": closing.replace(":", ""),
        "settlement_date": session.date.isoformat(),
    }


def fill(trade: Trade, *, cumulative: Decimal) -> Json:
    """Return a trade as an activity; `cumulative` is what of its order was filled with it."""
    leaves = trade.order.quantity - cumulative
    return {
        "id": activity_id(trade),
        "account_id": str(trade.account_id),
        "activity_type": "FILL",
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


def activity_id(trade: Trade) -> str:
    """Return an id that sorts by time: 20260105143000123456::UUID."""
    return f"{trade.executed_at.astimezone(UTC):%Y%m%d%H%M%S%f}::{trade.id}"


# --- Market data -------------------------------------------------------------------------------


def quote(quote: Quote, *, instrument: Instrument) -> Json:
    """Return the best bid and offer; a side without orders has price and size 0."""
    shown: Json = {
        "t": timestamp(quote.at),
        "bp": number(quote.bid),
        "bs": number(quote.bid_size),
        "ap": number(quote.ask),
        "as": number(quote.ask_size),
    }
    if instrument.asset_class != "crypto":
        shown |= {"bx": "", "ax": "", "c": ["R"], "z": _TAPES.get(instrument.exchange, "B")}
    return shown


def last_trade(quote: Quote, *, instrument: Instrument) -> Json | None:
    """Return the last trade, or None before the first.

    Its number `i` is the market's own where that is a number, else its time in microseconds.
    """
    if quote.last is None or quote.last_at is None:
        return None
    own = quote.last_trade_id
    is_number = own.isascii() and own.isdigit() and len(own) <= 18
    at_microsecond = int(quote.last_at.timestamp()) * 1_000_000 + quote.last_at.microsecond
    shown: Json = {
        "t": timestamp(quote.last_at),
        "p": number(quote.last),
        "s": number(quote.last_size),
        "i": int(own) if is_number else at_microsecond,
    }
    if instrument.asset_class == "crypto":
        return shown | {"tks": "-"}
    return shown | {"x": "", "c": ["@"], "z": _TAPES.get(instrument.exchange, "B")}


def bar(bar: Bar) -> Json:
    return {
        "t": bar.start.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "o": number(bar.open),
        "h": number(bar.high),
        "l": number(bar.low),
        "c": number(bar.close),
        "v": number(bar.volume),
        "n": bar.trades,
        "vw": round(number(bar.average), 6),
    }
