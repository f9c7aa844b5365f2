"""What an order would cost and change, before it is placed."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from orders.entry import estimating
from orders.tickets import Refusal
from trading.api import errors, order_entry, wire_estimate
from trading.api.views.base import Call


class OrderEstimate(Call):
    """The order of the body as it would be decided on now. Nothing is placed or kept."""

    def post(self, request: Request) -> Response:
        ticket = order_entry.order_ticket(
            request.data, origin=self.origin, refuses_unknown=self.refuses_unknown
        )
        found = estimating.estimate(ticket)
        if isinstance(found, Refusal):
            raise errors.refused(found)
        return Response(wire_estimate.estimate(found))
