"""Trades that are taken back: an operator asks, the exchange does it and says so.

The request is a row; only the exchange's own thread answers it. That a bust has been done is read
from the executions, so that a crash between doing and noting it does nothing twice.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import IntegrityError, transaction

from venues.exchange import standing
from venues.exchange.commands import Bust, BustedFill
from venues.exchange.models import BustRequest, Execution
from venues.messages import Side

_AT_ONCE_MAX: Final = 100

State = BustRequest.State


class AlreadyBusted(ValueError):
    """The trade has been taken back, or somebody has asked for it."""


def ask(*, trade_number: int, reason: str, requested_by: str, now: datetime) -> BustRequest:
    """Ask the exchange to take a trade back. Raises AlreadyBusted."""
    try:
        with transaction.atomic():
            return BustRequest.objects.create(
                trade_number=trade_number,
                reason=reason,
                requested_by=requested_by,
                requested_at=now,
            )
    except IntegrityError as error:
        raise AlreadyBusted(f"trade {trade_number} has been busted, or is about to be") from error


def due(now: datetime) -> list[Bust]:
    """Return the busts that are asked for and not done; note those that are, or cannot be.

    They are to be carried out in this order, before anything else happens.
    """
    busts: list[Bust] = []
    executed = _Executed()
    requests = BustRequest.objects.filter(state=State.REQUESTED).order_by("id")[:_AT_ONCE_MAX]
    for request in requests:
        number = request.trade_number
        fills = Execution.objects.filter(execution_id__in=[f"T{number}B", f"T{number}S"])
        if Execution.objects.filter(execution_id__in=[f"X{number}B", f"X{number}S"]).exists():
            _note(request, State.BUSTED, now)
        elif not fills:
            _note(request, State.REFUSED, now, detail="No member has a side of such a trade.")
        else:
            of_trade = sorted(fills, key=lambda fill: fill.execution_id)
            busts.append(_bust(number, of_trade, executed))
    return busts


class _Executed:
    """What orders have executed, less what the busts so far take back."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, str], Decimal] = {}

    def before_bust_of(self, fill: Execution) -> Decimal:
        """Return what the order of `fill` had executed, and take that off for the next bust."""
        order = fill.member, fill.client_order_id
        before = self._left[order] if order in self._left else standing.executed(*order)
        self._left[order] = before - fill.quantity
        return before


def _bust(number: int, fills: list[Execution], executed: _Executed) -> Bust:
    one = fills[0]
    sides = tuple(
        BustedFill(
            member=fill.member,
            client_order_id=fill.client_order_id,
            venue_order_id=fill.venue_order_id,
            execution_id=fill.execution_id,
            side=Side(fill.side),
            cumulative_quantity=executed.before_bust_of(fill),
        )
        for fill in fills
    )
    return Bust(number, one.symbol, one.quantity, one.price, sides)


def _note(request: BustRequest, state: State, now: datetime, *, detail: str = "") -> None:
    BustRequest.objects.filter(pk=request.pk).update(state=state, handled_at=now, detail=detail)
