"""Orders: place, list, look up, replace, cancel."""

from __future__ import annotations

import dataclasses
import time
from typing import Final, Literal, cast
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from orders import selectors
from orders.lifecycle import Status
from orders.models import Order
from trading.api import errors, order_entry, order_lists, queries, wire
from trading.api.order_lists import Wanted
from trading.api.scopes import reads, trades
from trading.api.views.base import Call
from venues.messages import Side

LISTED: Final = 50
CANCELLED_AT_ONCE: Final = 500
CANCELLED_MAX: Final = 10_000
SETTLING_SECONDS_MAX: Final = 2.0
LOOK_SECONDS: Final = 0.025


class Orders(Call):
    """The account's orders, the newest first."""

    @reads
    def get(self, request: Request) -> Response:
        query = request.query_params
        status = queries.choice(query, "status", ("open", "closed", "all"), default="open")
        direction = queries.choice(query, "direction", ("asc", "desc"), default="desc")
        side = queries.choice(query, "side", ("buy", "sell", "any"), default="any")
        wanted = Wanted(
            status=cast("Literal['open', 'closed', 'all']", status),
            after=queries.moment(query, "after"),
            until=queries.moment(query, "until"),
            symbols=queries.symbols(query),
            asset_classes=_asset_classes(query),
            side=None if side == "any" else Side(side),
            after_order=_named(query, "after_order_id"),
            before_order=_named(query, "before_order_id"),
            is_ascending=direction == "asc",
            is_nested=queries.flag(query, "nested"),
        )
        size = queries.whole(query, "limit", default=LISTED, most=order_lists.PAGE_MAX)
        last_seen = _named(query, "page_token")
        try:
            listed = order_lists.page(
                self.origin.account_id, wanted, size=size, last_seen=last_seen
            )
        except order_lists.UnknownPage:
            raise errors.unknown_page() from None
        return Response(order_lists.shown(listed, is_nested=wanted.is_nested))

    @trades
    def post(self, request: Request) -> Response:
        """Place an order; one that risk denies is kept all the same."""
        ticket = order_entry.order_ticket(
            request.data, origin=self.origin, refuses_unknown=self.refuses_unknown
        )
        answer = order_entry.outcome(ticket, order_entry.enter(ticket))
        return Response(order_entry.placed(answer))

    @trades
    def delete(self, request: Request) -> Response:
        """Ask for the cancel of every open order."""
        self.take_only(request)
        return Response(cancel_all(self, deadline=order_entry.new_deadline()), status=207)


class OrderOf(Call):
    """One order, by its id; with `as_of`, as it stood at that time."""

    @reads
    def get(self, request: Request, order_id: str) -> Response:
        order = _order(self, order_id)
        at = queries.moment(request.query_params, "as_of")
        if at is None:
            return Response(_shown(order, request))
        then = selectors.as_of(order.pk, at)
        if then is None:
            raise errors.ApiError(404, "The order was placed later.", reason="not_yet")
        return Response(wire.order(then))

    @trades
    def patch(self, request: Request, order_id: str) -> Response:
        """Put another order in its place: the answer is the new one."""
        ticket = order_entry.replace_ticket(
            request.data, _uuid(order_id), origin=self.origin, refuses_unknown=self.refuses_unknown
        )
        answer = order_entry.outcome(ticket, order_entry.enter(ticket))
        return Response(order_entry.placed(answer))

    @trades
    def delete(self, request: Request, order_id: str) -> Response:
        ticket = order_entry.cancel_ticket(_uuid(order_id), origin=self.origin)
        order_entry.cancel_accepted(order_entry.outcome(ticket, order_entry.enter(ticket)))
        return Response(status=204)


class OrderByClientOrderId(Call):
    """One order, by the name that its client gave it."""

    @reads
    def get(self, request: Request) -> Response:
        # Taken as it is: what was accepted as an id can also be asked for.
        client_order_id = request.query_params.get("client_order_id", "")
        if not client_order_id:
            raise errors.invalid("client_order_id is needed.")
        found = (
            selectors.by_client_order_id(self.origin.account_id, client_order_id)
            if client_order_id.isprintable()
            else None
        )
        if found is None:
            raise errors.not_found("The order")
        return Response(_shown(found, request))


class CancelableOrders(Call):
    """What `DELETE orders` would cancel now, in numbers."""

    @reads
    def get(self, request: Request) -> Response:
        found = order_lists.cancelable(self.origin.account_id, limit=CANCELLED_MAX)
        return Response(dataclasses.asdict(found))


class OrderTimeline(Call):
    """Every state that an order was in, and every request about it: when, by whom and why."""

    @reads
    def get(self, request: Request, order_id: str) -> Response:
        order = _order(self, order_id)
        return Response([wire.step(step, role=order.role) for step in selectors.timeline(order)])


def cancel_all(call: Call, *, deadline: float) -> list[wire.Json]:
    """Ask for the cancel of the account's open orders; return what became of each request.

    All of them share the one deadline, on the monotonic clock. What was not asked for by then is
    not asked for at all, and said to have had no effect.
    """
    ids = order_lists.cancelable_ids(call.origin.account_id, limit=CANCELLED_MAX)
    told: list[wire.Json] = []
    for first in range(0, len(ids), CANCELLED_AT_ONCE):
        some = ids[first : first + CANCELLED_AT_ONCE]
        entered = [(order_id, _ask(call, order_id, deadline=deadline)) for order_id in some]
        told += [_cancelled(call, *each, deadline=deadline) for each in entered]
    return told


def wait_for_cancels(call: Call, *, deadline: float) -> None:
    """Wait within a bound until nothing is being cancelled: what it holds is free again then."""
    until = min(deadline, time.monotonic() + SETTLING_SECONDS_MAX)
    waiting = Order.objects.filter(account_id=call.origin.account_id, status=Status.PENDING_CANCEL)
    while waiting.exists() and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)


def _ask(call: Call, order_id: UUID, *, deadline: float) -> order_entry.Entered | errors.ApiError:
    """Ask for a cancel; one that is not taken is no reason not to ask for the others."""
    ticket = order_entry.cancel_ticket(order_id, origin=call.origin)
    if time.monotonic() >= deadline:
        return order_entry.not_taken(ticket)
    try:
        return order_entry.entered(ticket)
    except errors.ApiError as error:
        return error


def _cancelled(
    call: Call,
    order_id: UUID,
    entered: order_entry.Entered | errors.ApiError,
    *,
    deadline: float,
) -> wire.Json:
    try:
        if isinstance(entered, errors.ApiError):
            raise entered
        order = order_entry.order_of(entered.outcome(deadline=deadline))
    except errors.ApiError as error:
        if error.status >= 500:
            return {"id": str(order_id), "status": error.status, "body": error.body}
        # The cancel of one order of a group ends the others with it: that is no failure.
        found = selectors.order(call.origin.account_id, order_id)
        if found is None or found.status not in (Status.CANCELLED, Status.PENDING_CANCEL):
            return {"id": str(order_id), "status": error.status, "body": error.body}
        order = found
    return {"id": str(order_id), "status": 200, "body": wire.order(order)}


_EVERY_CLASS: Final = "all"


def _asset_classes(query: queries.Query) -> list[str]:
    """Return the classes whose orders are wanted, none for all; there may be none of some."""
    named = [name.lower() for name in queries.symbols(query, "asset_class")]
    return [] if _EVERY_CLASS in named else named


def _named(query: queries.Query, parameter: str) -> UUID | None:
    """Return the order that a parameter names. Raises ApiError."""
    said = queries.text(query, parameter)
    found = None if said is None else queries.as_uuid(said)
    if said is not None and found is None:
        raise errors.unknown_page()
    return found


def _shown(order: Order, request: Request) -> wire.Json:
    is_nested = queries.flag(request.query_params, "nested")
    (shown,) = order_lists.shown([order], is_nested=is_nested)
    return shown


def _order(call: Call, order_id: str) -> Order:
    order = selectors.order(call.origin.account_id, _uuid(order_id))
    if order is None:
        raise errors.not_found("The order")
    return order


def _uuid(order_id: str) -> UUID:
    found = queries.as_uuid(order_id)
    if found is None:
        raise errors.not_found("The order")
    return found
