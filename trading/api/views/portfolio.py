"""What the account owns: its money, its positions, its fills."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Final
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from foundation import decimals
from marketdata.models import Instrument
from orders.tickets import OrderTicket
from portfolio import selectors
from portfolio.selectors import PositionView
from trading.api import (
    accounts_now,
    activities,
    errors,
    order_entry,
    queries,
    wire,
    wire_activities,
)
from trading.api.activities import Wanted
from trading.api.scopes import reads, trades
from trading.api.views.base import Call, instrument_named
from trading.api.views.orders import cancel_all, wait_for_cancels
from trading.api.wire_activities import DAYS_END_IN
from venues.messages import Side

_TYPES: Final = "activity_types"


class Account(Call):
    """The account's money, and what it may do."""

    @reads
    def get(self, request: Request) -> Response:
        snapshot = selectors.snapshot(self.origin.account_id)
        return Response(accounts_now.shown([snapshot], now=snapshot.at)[self.origin.account_id])


class Positions(Call):
    """What the account holds, at today's prices."""

    @reads
    def get(self, request: Request) -> Response:
        snapshot = selectors.snapshot(self.origin.account_id)
        return Response([wire.position(view) for view in snapshot.positions])

    @trades
    def delete(self, request: Request) -> Response:
        """Sell every position at the market. With cancel_orders, open orders are cancelled first.

        What an order holds whose cancel takes the venue longer than a moment cannot be sold yet:
        that position's answer says so, and the call can be repeated.
        """
        self.take_only(request, "cancel_orders")
        deadline = order_entry.new_deadline()
        if queries.flag(request.query_params, "cancel_orders"):
            cancel_all(self, deadline=deadline)
            wait_for_cancels(self, deadline=deadline)
        views = selectors.snapshot(self.origin.account_id).positions
        entered = [(view, self._ask(view)) for view in views]
        return Response([_closed(*each, deadline=deadline) for each in entered], status=207)

    def _ask(self, view: PositionView) -> order_entry.Entered | errors.ApiError:
        """Send a closing order; one that is not taken is no reason not to send the others."""
        try:
            return order_entry.entered(closing_ticket(self, view, quantity=view.quantity))
        except errors.ApiError as error:
            return error


class PositionOf(Call):
    """The position in one instrument, by symbol or id."""

    @reads
    def get(self, request: Request, name: str) -> Response:
        return Response(wire.position(self._position(name)))

    @trades
    def delete(self, request: Request, name: str) -> Response:
        """Sell the position at the market, or a part of it: qty, or percentage."""
        self.take_only(request, "qty", "percentage")
        view = self._position(name)
        query = request.query_params
        quantity, percentage = _part(query, "qty"), _part(query, "percentage")
        if quantity is not None and percentage is not None:
            raise errors.invalid("Give qty or percentage, not both.")
        if percentage is not None:
            if percentage > 100:
                raise errors.invalid("percentage must be more than 0 and at most 100.")
            quantity = _whole_increments(view.quantity * percentage / 100, view.instrument)
        wanted = view.quantity if quantity is None else quantity
        ticket = closing_ticket(self, view, quantity=wanted)
        return Response(order_entry.placed(order_entry.outcome(ticket, order_entry.enter(ticket))))

    def _position(self, name: str) -> PositionView:
        instrument = instrument_named(name)
        for view in selectors.snapshot(self.origin.account_id).positions:
            if instrument is not None and view.instrument.pk == instrument.pk:
                return view
        raise errors.ApiError(404, "There is no such position.", reason="not_found")


class Activities(Call):
    """The account's activities, newest first: fills, busts of fills (MISC), fees, cash, actions."""

    @reads
    def get(self, request: Request, activity_type: str | None = None) -> Response:
        query = request.query_params
        named = [activity_type.upper()] if activity_type else queries.symbols(query, _TYPES)
        day = queries.day(query, "date")
        start = datetime.combine(day, time.min, DAYS_END_IN) if day else None
        wanted = Wanted(
            types=_types(query, named),
            after=queries.moment(query, "after"),
            until=queries.moment(query, "until"),
            start=start,
            end=None if start is None else start + timedelta(days=1),
            is_ascending=queries.choice(query, "direction", ("asc", "desc"), default="desc")
            == "asc",
            order_id=_order_id(query),
        )
        size = queries.whole(
            query, "page_size", default=activities.PAGE_MAX, most=activities.PAGE_MAX
        )
        last_seen = queries.text(query, "page_token")
        try:
            return Response(
                activities.page(self.origin.account_id, wanted, size=size, last_seen=last_seen)
            )
        except activities.UnknownPage:
            raise errors.unknown_page() from None


def _types(query: queries.Query, named: list[str]) -> frozenset[str]:
    """Return the types of activities that are wanted, none for all. Raises ApiError."""
    every = ("trade_activity", "non_trade_activity", "")
    category = queries.choice(query, "category", every, default="")
    if category and named:
        raise errors.invalid("Give activity_types or category, not both.")
    if category:
        trades_alone = frozenset({"FILL"})
        is_trade = category == "trade_activity"
        return trades_alone if is_trade else wire_activities.TYPES - trades_alone
    try:
        return wire_activities.types_of(named)
    except wire_activities.UnknownType as error:
        raise errors.invalid(f"There is no type of activity {str(error)[:20]!r}.") from None


def _order_id(query: queries.Query) -> UUID | None:
    said = queries.text(query, "order_id")
    found = None if said is None else queries.as_uuid(said)
    if said is not None and found is None:
        raise errors.invalid("order_id is the id of an order.")
    return found


def closing_ticket(call: Call, view: PositionView, *, quantity: Decimal) -> OrderTicket:
    """Return the market order that closes `quantity` of a position. Raises ApiError."""
    is_crypto = view.instrument.asset_class == Instrument.AssetClass.CRYPTO
    payload = {
        "symbol": view.instrument.symbol,
        "qty": decimals.text(abs(quantity)),
        "side": Side.SELL.value if view.quantity > 0 else Side.BUY.value,
        "type": "market",
        "time_in_force": "gtc" if is_crypto else "day",
    }
    return order_entry.order_ticket(payload, origin=call.origin, refuses_unknown=True)


def _closed(
    view: PositionView, entered: order_entry.Entered | errors.ApiError, *, deadline: float
) -> wire.Json:
    try:
        if isinstance(entered, errors.ApiError):
            raise entered
        body, status = order_entry.placed(entered.outcome(deadline=deadline)), 200
    except errors.ApiError as error:
        body, status = error.body, error.status
    return {"symbol": view.instrument.symbol, "status": status, "body": body}


def _part(query: queries.Query, name: str) -> Decimal | None:
    """Return how much is to be sold, None when it is not said: an empty value does not mean all."""
    if name not in query:
        return None
    try:
        part = decimals.parse(queries.text(query, name) or "")
    except decimals.InvalidDecimal:
        raise errors.invalid(f"{name} must be a plain decimal number.") from None
    if part <= 0:
        raise errors.invalid(f"{name} must be more than 0.")
    return part


def _whole_increments(quantity: Decimal, instrument: Instrument) -> Decimal:
    increment: Decimal = instrument.quantity_increment
    return (quantity / increment).to_integral_value(rounding=ROUND_DOWN) * increment
