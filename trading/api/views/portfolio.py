"""What the account owns: its money, its positions, its fills."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from foundation import decimals
from marketdata.models import Instrument
from orders import selectors as orders
from orders.models import Trade
from orders.tickets import OrderTicket
from portfolio import selectors
from portfolio.selectors import PositionView
from trading.api import errors, order_entry, queries, wire
from trading.api.views.base import Call, instrument_named
from trading.api.views.orders import cancel_all
from venues.messages import Side

ACTIVITIES_MAX: Final = 100


class Account(Call):
    def get(self, request: Request) -> Response:
        return Response(wire.account(selectors.snapshot(self.origin.account_id)))


class Positions(Call):
    def get(self, request: Request) -> Response:
        snapshot = selectors.snapshot(self.origin.account_id)
        return Response([wire.position(view) for view in snapshot.positions])

    def delete(self, request: Request) -> Response:
        """Sell every position at the market. With cancel_orders, open orders are cancelled first.

        What an order that is still being cancelled holds cannot be sold yet: that position's
        answer says so, and the call can be repeated.
        """
        if queries.flag(request.query_params, "cancel_orders"):
            cancel_all(self)
        views = selectors.snapshot(self.origin.account_id).positions
        return Response([self._closed(view) for view in views], status=207)

    def _closed(self, view: PositionView) -> wire.Json:
        try:
            body, status = close(self, view, quantity=view.quantity), 200
        except errors.ApiError as error:
            body, status = error.body, error.status
        return {"symbol": view.instrument.symbol, "status": status, "body": body}


class PositionOf(Call):
    """The position in one instrument, by symbol or id."""

    def get(self, request: Request, name: str) -> Response:
        return Response(wire.position(self._position(name)))

    def delete(self, request: Request, name: str) -> Response:
        """Sell the position at the market, or a part of it: qty, or percentage."""
        view = self._position(name)
        query = request.query_params
        quantity, percentage = _number(query, "qty"), _number(query, "percentage")
        if quantity is not None and percentage is not None:
            raise errors.invalid("Give qty or percentage, not both.")
        if percentage is not None:
            if not 0 < percentage <= 100:
                raise errors.invalid("percentage must be more than 0 and at most 100.")
            quantity = _whole_increments(view.quantity * percentage / 100, view.instrument)
        wanted = view.quantity if quantity is None else quantity
        return Response(close(self, view, quantity=wanted))

    def _position(self, name: str) -> PositionView:
        instrument = instrument_named(name)
        for view in selectors.snapshot(self.origin.account_id).positions:
            if instrument is not None and view.instrument.pk == instrument.pk:
                return view
        raise errors.ApiError(404, "There is no such position.", reason="not_found")


class Activities(Call):
    """The account's fills, newest first; of other types there are none yet."""

    def get(self, request: Request, activity_type: str | None = None) -> Response:
        query = request.query_params
        types = (
            [activity_type.upper()] if activity_type else queries.symbols(query, "activity_types")
        )
        if types and "FILL" not in types:
            return Response([])
        direction = queries.choice(query, "direction", ("asc", "desc"), default="desc")
        size = queries.whole(query, "page_size", default=ACTIVITIES_MAX, most=ACTIVITIES_MAX)
        after, until = queries.moment(query, "after"), queries.moment(query, "until")
        day = queries.day(query, "date")
        last_seen = queries.text(query, "page_token")
        fills = [
            wire.fill(trade, cumulative=cumulative)
            for trade, cumulative in _with_cumulative(self.origin.account_id)
            if (after is None or trade.executed_at > after)
            and (until is None or trade.executed_at < until)
            and (day is None or trade.executed_at.date() == day)
        ]
        if direction == "asc":
            fills.reverse()
        ids = [fill["id"] for fill in fills]
        start = ids.index(last_seen) + 1 if last_seen in ids else 0
        return Response(fills[start : start + size])


def close(call: Call, view: PositionView, *, quantity: Decimal) -> wire.Json:
    """Send the market order that closes `quantity` of a position. Raises ApiError."""
    is_crypto = view.instrument.asset_class == Instrument.AssetClass.CRYPTO
    payload = {
        "symbol": view.instrument.symbol,
        "qty": decimals.text(abs(quantity)),
        "side": Side.SELL.value if view.quantity > 0 else Side.BUY.value,
        "type": "market",
        "time_in_force": "gtc" if is_crypto else "day",
    }
    ticket: OrderTicket = order_entry.order_ticket(
        payload, origin=call.origin, refuses_unknown=True
    )
    return order_entry.placed(order_entry.outcome(ticket, order_entry.enter(ticket)))


def _number(query: queries.Query, name: str) -> Decimal | None:
    value = queries.text(query, name)
    if value is None:
        return None
    try:
        return decimals.parse(value)
    except decimals.InvalidDecimal:
        raise errors.invalid(f"{name} must be a plain decimal number.") from None


def _whole_increments(quantity: Decimal, instrument: Instrument) -> Decimal:
    increment: Decimal = instrument.quantity_increment
    return (quantity / increment).to_integral_value(rounding=ROUND_DOWN) * increment


def _with_cumulative(account_id: UUID) -> list[tuple[Trade, Decimal]]:
    """Return the fills, newest first, each with what of its order was filled with it.

    The newest fill of an order filled all that is filled of it; going back, each one before
    had filled less.
    """
    filled: dict[UUID, Decimal] = {}
    found: list[tuple[Trade, Decimal]] = []
    for trade in orders.trades(account_id, limit=orders.LISTING_MAX):
        cumulative = filled.get(trade.order_id, trade.order.filled_quantity)
        filled[trade.order_id] = cumulative - trade.quantity
        found.append((trade, cumulative))
    return found
