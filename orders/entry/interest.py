"""What an account's orders amount to before the next one: open ones, and those of late.

Read once for a batch, and kept up by it, so that each ticket sees what the ones before it left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from foundation import trips
from foundation.trips import Answer
from orders.models import Order
from venues.messages import Side, TimeInForce

ZERO: Final = Decimal(0)
_OPENS: Final = frozenset({"buy_to_open", "sell_to_open"})
_RESTS: Final = frozenset({TimeInForce.DAY.value, TimeInForce.GTC.value})


@dataclass(slots=True)
class Interest:
    """Of the open orders of one account in one instrument, legs aside.

    How much they may still buy and sell, and the best limit on each side of those that rest at a
    venue.
    """

    buys: Decimal = ZERO
    sells: Decimal = ZERO
    bid: Decimal | None = None
    ask: Decimal | None = None


@dataclass(slots=True)
class Pace:
    """How many orders and replacements an account has sent in a second and a minute of the clock:
    those in which the latest one came, at `at`."""

    at: datetime
    in_second: int
    in_minute: int


@dataclass(slots=True)
class OpenOrders:
    """How many open orders one account has, and what those are worth that open positions.

    Worth is in USD at the worst price, or at the stop; what a trailing stop will cost nobody
    knows, so the cash that is held stands for it.
    """

    count: int = 0
    cost: Decimal = ZERO
    _interest: dict[UUID, Interest] = field(default_factory=dict)

    def of(self, instrument_id: UUID) -> Interest:
        found = self._interest.get(instrument_id)
        if found is None:
            found = self._interest[instrument_id] = Interest()
        return found


class OpenInterest:
    """The open orders of these `accounts`, added up."""

    def __init__(self, accounts: Iterable[UUID] = (), rows: Iterable[tuple[Any, ...]] = ()) -> None:
        self.accounts: Final = tuple(accounts)
        self._accounts: dict[UUID, OpenOrders] = {}
        for owner, instrument, count, buys, sells, bid, ask, cost in rows:
            account = self.of(owner)
            account.count += count
            account.cost += cost or ZERO
            interest = account.of(instrument)
            interest.buys, interest.sells = buys or ZERO, sells or ZERO
            interest.bid, interest.ask = bid, ask

    def of(self, account_id: UUID) -> OpenOrders:
        found = self._accounts.get(account_id)
        if found is None:
            found = self._accounts[account_id] = OpenOrders()
        return found

    def add(self, order: Order, *, worst: Decimal, orders: int) -> None:
        """Count an order that was just accepted, the first of a group of so many."""
        account = self.of(order.account_id)
        account.count += orders
        if order.position_intent in _OPENS:
            account.cost += worst * order.quantity
        interest = account.of(order.instrument_id)
        is_buy = order.side == Side.BUY
        if is_buy:
            interest.buys += order.quantity
        else:
            interest.sells += order.quantity
        _rest(order, interest, is_buy=is_buy)

    def grow(self, order: Order, quantity: Decimal, *, cost: Decimal) -> None:
        """Count what a replacement may trade and cost more than the order that it replaces."""
        account = self.of(order.account_id)
        if order.position_intent in _OPENS:
            account.cost += cost
        interest = account.of(order.instrument_id)
        is_buy = order.side == Side.BUY
        if is_buy:
            interest.buys += quantity
        else:
            interest.sells += quantity
        _rest(order, interest, is_buy=is_buy)


def _rest(order: Order, interest: Interest, *, is_buy: bool) -> None:
    """Note the limit of an order that will rest at a venue."""
    limit = order.limit_price
    if limit is None or order.status == "held" or order.time_in_force not in _RESTS:
        return
    if is_buy:
        interest.bid = limit if interest.bid is None else max(interest.bid, limit)
    else:
        interest.ask = limit if interest.ask is None else min(interest.ask, limit)


def ask_open(owners: Iterable[UUID]) -> Answer[OpenInterest]:
    """Ask for all open orders of these accounts, added up."""
    accounts = list(owners)
    rows = trips.send(_OPEN, [accounts])
    return Answer(lambda: OpenInterest(accounts, rows.get()))


# Of an OCO the one that is at the venue counts, which both never are.
_OPEN: Final = """
    SELECT account_id, instrument_id, count(*),
           sum(leaves) FILTER (WHERE side = 'buy' AND counts),
           sum(leaves) FILTER (WHERE side = 'sell' AND counts),
           max(limit_price) FILTER (WHERE side = 'buy' AND counts AND rests),
           min(limit_price) FILTER (WHERE side = 'sell' AND counts AND rests),
           sum(leaves * coalesce(limit_price, protection_price, stop_price, 0))
               FILTER (WHERE opens AND counts)
      FROM (SELECT account_id, instrument_id, side, limit_price, protection_price, stop_price,
                   quantity - filled_quantity AS leaves,
                   position_intent IN ('buy_to_open', 'sell_to_open') AS opens,
                   status <> 'held' AND time_in_force IN ('day', 'gtc') AS rests,
                   role NOT IN ('take_profit', 'stop_loss')
                   OR order_class = 'oco' AND (role = 'take_profit' OR status <> 'held') AS counts
              FROM orders_order
             WHERE account_id = ANY(%s)
               AND status IN ('pending', 'held', 'submitted', 'partially_filled',
                              'pending_cancel', 'pending_replace', 'unknown')) open
     GROUP BY 1, 2
"""


class Paces:
    """How fast some accounts send orders."""

    def __init__(self, rows: Iterable[tuple[Any, ...]] = ()) -> None:
        self._paces = {owner: Pace(*pace) for owner, *pace in rows}

    def count(self, order: Order, *, now: datetime) -> None:
        """Give the order its numbers in this second and this minute of the clock."""
        pace = self._paces.get(order.account_id)
        if pace is None:
            pace = self._paces[order.account_id] = Pace(now, 0, 0)
        before, second = int(pace.at.timestamp()), int(now.timestamp())
        is_same_second, is_same_minute = before == second, before // 60 == second // 60
        pace.in_second = pace.in_second + 1 if is_same_second else 1
        pace.in_minute = pace.in_minute + 1 if is_same_minute else 1
        pace.at = now
        order.number_in_second, order.number_in_minute = pace.in_second, pace.in_minute


def ask_paces(owners: Iterable[UUID]) -> Answer[Paces]:
    """Ask how fast these accounts send orders: the latest order of each knows.

    Orders of one batch are of one time, so among those the highest number is the latest.
    """
    rows = trips.send(
        """SELECT wanted.id, latest.*
             FROM unnest(%s::uuid[]) AS wanted(id),
                  LATERAL (SELECT created_at, number_in_second, number_in_minute
                             FROM orders_order WHERE account_id = wanted.id
                            ORDER BY created_at DESC, number_in_minute DESC LIMIT 1) latest""",
        [list(owners)],
    )
    return Answer(lambda: Paces(rows.get()))
