"""Orders: place, list, look up, cancel."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Final, Literal, cast

from rest_framework.request import Request
from rest_framework.response import Response

from orders import selectors
from orders.models import Order
from orders.submission import Answer
from orders.tickets import CancelTicket
from trading.api import errors, order_entry, queries, wire
from trading.api.views.base import Call
from venues.messages import Side

LISTED: Final = 50


class Orders(Call):
    def get(self, request: Request) -> Response:
        query = request.query_params
        status = queries.choice(query, "status", ("open", "closed", "all"), default="open")
        direction = queries.choice(query, "direction", ("asc", "desc"), default="desc")
        side = queries.choice(query, "side", ("buy", "sell", "any"), default="any")
        listed = selectors.listing(
            self.origin.account_id,
            status=cast("Literal['open', 'closed', 'all']", status),
            limit=queries.whole(query, "limit", default=LISTED, most=selectors.LISTING_MAX),
            after=queries.moment(query, "after"),
            until=queries.moment(query, "until"),
            is_ascending=direction == "asc",
            symbols=queries.symbols(query),
            side=None if side == "any" else Side(side),
        )
        return Response([wire.order(order) for order in listed])

    def post(self, request: Request) -> Response:
        ticket = order_entry.order_ticket(
            request.data, origin=self.origin, refuses_unknown=self.refuses_unknown
        )
        answer = order_entry.outcome(ticket, order_entry.enter(ticket))
        return Response(order_entry.placed(answer))

    def delete(self, request: Request) -> Response:
        """Ask for the cancel of every open order, up to the longest listing of them."""
        return Response(cancel_all(self), status=207)


class OrderOf(Call):
    """One order, by its id."""

    def get(self, request: Request, order_id: str) -> Response:
        return Response(wire.order(_order(self, order_id)))

    def patch(self, request: Request, order_id: str) -> Response:
        _order(self, order_id)
        raise errors.ApiError(
            422,
            "Replacing an order is not supported: cancel it and send a new one.",
            reason="replace_unsupported",
            code=errors.UNPROCESSABLE,
        )

    def delete(self, request: Request, order_id: str) -> Response:
        found = queries.as_uuid(order_id)
        if found is None:
            raise errors.not_found("The order")
        ticket = order_entry.cancel_ticket(found, origin=self.origin)
        order_entry.cancel_accepted(order_entry.outcome(ticket, order_entry.enter(ticket)))
        return Response(status=204)


class OrderByClientOrderId(Call):
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
        return Response(wire.order(found))


class OrderTimeline(Call):
    """Every state that an order was in: since when, by whom and why."""

    def get(self, request: Request, order_id: str) -> Response:
        steps = selectors.timeline(_order(self, order_id))
        return Response([wire.step(step) for step in steps])


def cancel_all(call: Call) -> list[wire.Json]:
    """Ask for the cancel of the account's open orders; return what became of each request."""
    entered: list[tuple[CancelTicket, Future[Answer]]] = []
    for order in selectors.listing(
        call.origin.account_id, status="open", limit=selectors.LISTING_MAX
    ):
        ticket = order_entry.cancel_ticket(order.pk, origin=call.origin)
        entered.append((ticket, order_entry.enter(ticket)))
    return [_cancelled(ticket, future) for ticket, future in entered]


def _cancelled(ticket: CancelTicket, entered: Future[Answer]) -> wire.Json:
    order_id = str(ticket.order_id)
    try:
        answer = order_entry.outcome(ticket, entered)
        order_entry.cancel_accepted(answer)
    except errors.ApiError as error:
        return {"id": order_id, "status": error.status, "body": error.body}
    return {"id": order_id, "status": 200, "body": wire.order(cast("Order", answer.order))}


def _order(call: Call, order_id: str) -> Order:
    found = queries.as_uuid(order_id)
    order = selectors.order(call.origin.account_id, found) if found else None
    if order is None:
        raise errors.not_found("The order")
    return order
