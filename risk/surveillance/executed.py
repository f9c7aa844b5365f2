"""Executions as surveillance looks at them, alone and by the order that they belong to. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

D = Decimal
T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill: `sign` is 1 for what was bought, -1 for what was sold; `owner` is the person."""

    trade_id: UUID
    order_id: UUID
    account_id: UUID
    owner: UUID
    instrument_id: UUID
    symbol: str
    sign: int
    quantity: Decimal
    price: Decimal
    at: datetime

    @property
    def value(self) -> Decimal:
        return self.quantity * self.price


@dataclass(frozen=True, slots=True)
class Executed:
    """The executions of one order together, at their average price: one decision."""

    order_id: UUID
    account_id: UUID
    owner: UUID
    instrument_id: UUID
    symbol: str
    sign: int
    quantity: Decimal
    value: Decimal
    first_at: datetime
    last_at: datetime

    @property
    def price(self) -> Decimal:
        return self.value / self.quantity


def by_order(executions: Iterable[Execution]) -> list[Executed]:
    """Return the orders behind these executions, in the order of their first ones."""
    orders = []
    for fills in grouped(executions, lambda each: each.order_id).values():
        one = fills[0]
        orders.append(
            Executed(
                order_id=one.order_id,
                account_id=one.account_id,
                owner=one.owner,
                instrument_id=one.instrument_id,
                symbol=one.symbol,
                sign=one.sign,
                quantity=sum((each.quantity for each in fills), D(0)),
                value=sum((each.value for each in fills), D(0)),
                first_at=min(each.at for each in fills),
                last_at=max(each.at for each in fills),
            )
        )
    return orders


def grouped(rows: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """Return the rows by their key, in the order in which they came."""
    groups: defaultdict[K, list[T]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups
