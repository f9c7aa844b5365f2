"""The shapes of the compatible API: what our words become on the wire.

Pure functions from domain values to JSON-ready dictionaries. Our names for states, sides and
venues are translated here and nowhere else. In trading, decimals are strings; in market data
they are numbers. Every field of the contract is always sent, null where there is nothing to
say: old strict clients crash when one is missing. Enums are closed, so what is our own goes
into extra fields, which clients ignore.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from foundation import decimals
from orders.lifecycle import Status
from orders.tickets import Role
from risk.checks import cautioning
from risk.margin.requirements import IN_FULL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from accounts.models import Watchlist
    from marketdata.calendars import Session
    from marketdata.models import Instrument
    from orders.models import Order
    from orders.selectors import Step
    from portfolio.selectors import PositionView, Snapshot
    from risk.margin.requirements import Rates

Json = dict[str, Any]

_PLACES_MAX: Final = 9
_QUANTUM: Final = Decimal(10) ** -_PLACES_MAX
_NEW_YORK: Final = ZoneInfo("America/New_York")

_STATUSES: Final = {
    Status.PENDING: "pending_new",
    Status.HELD: "held",
    Status.SUBMITTED: "new",
    Status.PARTIALLY_FILLED: "partially_filled",
    Status.PENDING_CANCEL: "pending_cancel",
    Status.PENDING_REPLACE: "pending_replace",
    Status.UNKNOWN: "pending_new",  # their enum is closed: `state` says that nobody knows
    Status.FILLED: "filled",
    Status.CANCELLED: "canceled",
    Status.REJECTED: "rejected",
    Status.EXPIRED: "expired",
    Status.REPLACED: "replaced",
}
_INTENTS: Final = {"buy": "buy_to_open", "sell": "sell_to_close"}  # of orders that say nothing
_EXCHANGES: Final = frozenset(
    {"AMEX", "ARCA", "BATS", "NYSE", "NASDAQ", "NYSEARCA", "OTC", "CRYPTO"}
)
_ACCOUNT_STATUSES: Final = {
    "pending": "ONBOARDING",
    "active": "ACTIVE",
    "restricted": "ACTIVE",  # which `trading_blocked` says; their enum has no word for it
    "closed": "ACCOUNT_CLOSED",
}


# --- Values ------------------------------------------------------------------------------------


@lru_cache(maxsize=64)  # the orders of a batch have their times in common
def timestamp(at: datetime | None) -> str | None:
    """Return `at` as RFC 3339 in UTC with microseconds: 2026-01-05T14:30:00.000000Z."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def decimal(value: Decimal | None) -> str | None:
    """Return `value` as a plain decimal string, to 9 places at most."""
    if value is None:
        return None
    text = decimals.text(value)
    if len(text.partition(".")[2]) > _PLACES_MAX:
        text = decimals.text(value.quantize(_QUANTUM, rounding=ROUND_HALF_EVEN))
    return text


def number(value: Decimal | None) -> int | float:
    """Return `value` as a JSON number; market data says 0 where there is none."""
    if value is None:
        return 0
    return int(value) if value == value.to_integral_value() else float(value)


def _ratio(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    if part is None or not whole:
        return None
    return part / abs(whole)


# --- Trading -----------------------------------------------------------------------------------


def status(ours: Status, *, role: str = "", is_acknowledged: bool = True) -> str:
    """Return their name of the state of an order that is `role` in its group.

    What we hold until its price is reached is `new` to clients, as the order works; what waits
    for another order of its group is `held`.
    """
    if ours is Status.HELD and role in ("", Role.ENTRY):
        return "new"
    if ours is Status.SUBMITTED and not is_acknowledged:
        return "accepted"
    return _STATUSES[ours]


def order(
    order: Order,
    *,
    legs: Sequence[Order] | None = None,
    marks: Mapping[UUID, Decimal] = MappingProxyType({}),
) -> Json:
    """Return an order, with its legs where they are asked for.

    `marks` has the high-water marks of trailing stops that are still watched. Ours are `state` (our
    own name of where the order is), `reason` and `status_reason` (code and sentence of a denial or
    of how it ended), `rejected_by` (whose code it is, of a rejected order), `group`, `role`,
    `warnings`, `triggered_at`, `post_only` and `display_qty`.
    """
    instrument = order.instrument
    is_by_value = order.notional is not None
    return {
        "id": str(order.id),
        "client_order_id": order.client_order_id,
        "created_at": timestamp(order.created_at),
        "updated_at": timestamp(order.updated_at),
        # Clients demand a time here; an order that we hold or have denied has none of its own.
        "submitted_at": timestamp(order.submitted_at or order.created_at),
        "filled_at": timestamp(order.filled_at),
        "expired_at": timestamp(order.expired_at),
        "expires_at": timestamp(order.expires_at),
        "canceled_at": timestamp(order.cancelled_at),
        "failed_at": timestamp(order.rejected_at),
        "replaced_at": timestamp(order.replaced_at),
        "replaced_by": _id(order.replaced_by),
        "replaces": _id(order.replaces),
        "asset_id": str(order.instrument_id),
        "symbol": instrument.symbol,
        "asset_class": instrument.asset_class,
        "notional": decimal(order.notional),
        # The quantity of an order by value is only our bound of it.
        "qty": None if is_by_value else decimal(order.quantity),
        "filled_qty": decimal(order.filled_quantity),
        "filled_avg_price": decimal(order.average_price),
        "order_class": order.order_class,
        "order_type": order.type,
        "type": order.type,
        "side": order.side,
        "position_intent": order.position_intent or _INTENTS[order.side],
        "time_in_force": order.time_in_force,
        "limit_price": decimal(order.limit_price),
        "stop_price": decimal(order.stop_price),
        "status": status(
            Status(order.status), role=order.role, is_acknowledged=bool(order.venue_order_id)
        ),
        "extended_hours": order.extended_hours,
        "legs": None if legs is None else [_leg(leg, marks) for leg in legs],
        "trail_percent": decimal(order.trail_percent),
        "trail_price": decimal(order.trail_amount),
        "hwm": decimal(marks.get(order.id, order.high_water_mark)),
        "state": order.status,
        "group": _id(order.group),
        "role": order.role or None,
        "reason": order.denial_code or order.venue_code or None,
        "status_reason": order.status_reason or None,
        "rejected_by": _rejected_by(order),
        "warnings": warnings(order.warnings) if order.warnings else [],
        "triggered_at": timestamp(order.triggered_at),
        "post_only": order.is_post_only,
        "display_qty": decimal(order.display_quantity),
    }


def _rejected_by(order: Order) -> str | None:
    """Return who refused the order: some of our codes are also codes of venues."""
    if order.status != Status.REJECTED:
        return None
    return "openfloor" if order.denial_code else "venue"


def warnings(codes: str) -> list[Json]:
    """Return the warnings of an order, with the sentence of each."""
    return [
        {"code": code, "message": cautioning.SENTENCES.get(code, code)}
        for code in filter(None, codes.split(","))
    ]


def _leg(leg: Order, marks: Mapping[UUID, Decimal]) -> Json:
    return order(leg, marks=marks)


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def step(step: Step, *, role: str = "") -> Json:
    """Return one step of the life of an order that is `role` in its group, for its timeline."""
    ours = Status(step.status)
    return {
        "at": timestamp(step.at),
        "status": status(ours, role=role),
        "state": ours.value,
        "actor": str(step.actor),
        "reason": step.reason,
        "filled_qty": decimal(step.filled_quantity),
        "source_address": step.source_address,
    }


def position(view: PositionView) -> Json:
    """Return a position; what depends on a price is null while there is none."""
    instrument = view.instrument
    return {
        "asset_id": str(instrument.id),
        "symbol": instrument.symbol,
        "exchange": _exchange(instrument),
        "asset_class": instrument.asset_class,
        "asset_marginable": instrument.marginable,
        "avg_entry_price": decimal(view.average_price),
        "qty": decimal(view.quantity),
        "qty_available": decimal(view.available),
        "side": "short" if view.quantity < 0 else "long",
        "cost_basis": decimal(view.cost_basis),
        **position_prices(view),
    }


def position_prices(view: PositionView) -> Json:
    """Return what a new price can change of a position."""
    worth_yesterday = None if view.previous_close is None else view.previous_close * view.quantity
    change = (
        None
        if view.price is None or view.previous_close is None
        else view.price - view.previous_close
    )
    return {
        "market_value": decimal(view.market_value),
        "unrealized_pl": decimal(view.unrealised),
        "unrealized_plpc": decimal(_ratio(view.unrealised, view.cost_basis)),
        "unrealized_intraday_pl": decimal(view.unrealised_day),
        "unrealized_intraday_plpc": decimal(_ratio(view.unrealised_day, worth_yesterday)),
        "current_price": decimal(view.price),
        "lastday_price": decimal(view.previous_close),
        "change_today": decimal(_ratio(change, view.previous_close)),
    }


def account(snapshot: Snapshot) -> Json:
    """Return the account. `held`, `available` and all that ends in `_pl` are ours."""
    owner = snapshot.account
    is_blocked = owner.status != "active"
    buying_power = decimal(snapshot.buying_power)
    return {
        "id": str(owner.id),
        "account_number": owner.number,
        "status": _ACCOUNT_STATUSES[owner.status],
        "crypto_status": _ACCOUNT_STATUSES[owner.status],
        "currency": decimals.CASH,
        "cash": decimal(snapshot.cash),
        # Clients take the difference to equity for the day's profit; on an account's first day
        # that begins with what was paid in.
        "last_equity": decimal(snapshot.last_equity or snapshot.paid_in_since),
        "buying_power": buying_power,
        "regt_buying_power": buying_power,
        "daytrading_buying_power": buying_power,
        "non_marginable_buying_power": buying_power,
        "options_buying_power": "0",
        "multiplier": "1",  # buying power is cash, whatever kind of account it is
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
        "trade_suspended_by_user": owner.is_suspended,
        "shorting_enabled": False,
        "options_approved_level": 0,
        "options_trading_level": 0,
        "balance_asof": None,
        "created_at": timestamp(owner.opened_at),
        "held": decimal(snapshot.held),
        "available": decimal(snapshot.available),
        "realized_intraday_pl": decimal(snapshot.realised_day),
        "realized_pl": decimal(snapshot.realised),
        **account_prices(snapshot),
    }


def account_prices(snapshot: Snapshot) -> Json:
    """Return what new prices can change of an account without margin."""
    equity = decimal(snapshot.equity)
    return {
        "equity": equity,
        "portfolio_value": equity,
        "long_market_value": decimal(snapshot.long_market_value),
        "short_market_value": decimal(snapshot.short_market_value),
        "day_pl": decimal(snapshot.profit_day),
        "unrealized_intraday_pl": decimal(snapshot.unrealised_day),
        "total_pl": decimal(snapshot.profit),
        "unrealized_pl": decimal(snapshot.unrealised),
    }


def _exchange(instrument: Instrument) -> str:
    if instrument.asset_class == "crypto":
        return "CRYPTO"
    return instrument.exchange if instrument.exchange in _EXCHANGES else ""


def price_steps(instrument: Instrument) -> Json:
    """Return in what steps its prices go; below `fine_below`, if it has one, in the finer one."""
    return {
        "price_increment": decimal(instrument.price_increment),
        "fine_increment": decimal(instrument.fine_increment),
        "fine_below": decimal(instrument.fine_below),
    }


def asset(instrument: Instrument, rates: Rates = IN_FULL) -> Json:
    """Return an instrument, with what it requires in a margin account. `halted` is ours."""
    return {
        "id": str(instrument.id),
        "class": instrument.asset_class,
        "exchange": _exchange(instrument),
        "symbol": instrument.symbol,
        "name": instrument.name,
        "cusip": None,
        "status": "active" if instrument.tradable else "inactive",
        "tradable": instrument.tradable and not instrument.halted,
        "marginable": instrument.marginable,
        "shortable": instrument.shortable,
        "easy_to_borrow": instrument.easy_to_borrow,
        "fractionable": instrument.fractionable,
        "maintenance_margin_requirement": number(rates.long * 100),
        "margin_requirement_long": decimal(rates.long * 100),
        "margin_requirement_short": decimal(rates.short * 100),
        "min_order_size": decimal(instrument.quantity_min),
        "min_trade_increment": decimal(instrument.quantity_increment),
        **price_steps(instrument),
        "attributes": [],
        "halted": instrument.halted,
    }


def watchlist(watchlist: Watchlist, *, assets: Sequence[Json] | None = None) -> Json:
    """Return a watchlist, with its assets where they are asked for. `symbols` is ours."""
    return {
        "id": str(watchlist.id),
        "account_id": str(watchlist.account_id),
        "name": watchlist.name,
        "created_at": timestamp(watchlist.created_at),
        "updated_at": timestamp(watchlist.updated_at),
        "symbols": watchlist.symbols,
        **({} if assets is None else {"assets": assets}),
    }


def clock(*, at: datetime, is_open: bool, next_open: datetime, next_close: datetime) -> Json:
    return {
        "timestamp": timestamp(at),
        "is_open": is_open,
        "next_open": timestamp(next_open),
        "next_close": timestamp(next_close),
    }


def calendar_day(session: Session, *, settles: date) -> Json:
    """Return a session in New York's hours; one that ends at midnight ends at 23:59 here.

    What is traded in it is final on `settles`.
    """
    opens, closes = session.open.astimezone(_NEW_YORK), session.close.astimezone(_NEW_YORK)
    opening = opens.strftime("%H:%M")
    closing = "23:59" if closes.date() > session.date else closes.strftime("%H:%M")
    return {
        "date": session.date.isoformat(),
        "open": opening,
        "close": closing,
        "session_open": opening.replace(":", ""),
        "session_close": closing.replace(":", ""),
        "settlement_date": settles.isoformat(),
    }
