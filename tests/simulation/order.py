"""An order of the simulated firm, and its fills."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from orders.groups import Member
from orders.lifecycle import Status
from orders.tickets import Role
from tests.simulation.books import CASH, ZERO
from venues.messages import OrderType, Side, TimeInForce


@dataclass(slots=True)
class Trade:
    order: str
    quantity: Decimal
    price: Decimal
    is_busted: bool = False


@dataclass(slots=True)
class Order:
    """`busted` is what the venue took back and does not execute again."""

    id: str
    customer: int
    symbol: str
    side: Side
    quantity: Decimal
    type: OrderType
    time_in_force: TimeInForce
    limit_price: Decimal | None
    stop_price: Decimal | None = None
    is_post_only: bool = False
    display_quantity: Decimal | None = None
    role: Role = Role.NONE
    group: str = ""
    status: Status = Status.PENDING
    filled: Decimal = ZERO
    busted: Decimal = ZERO
    value: Decimal = ZERO
    is_triggered: bool = False
    replaces: str = ""
    replaced_by: str = ""
    took_over: bool = True

    @property
    def leaves(self) -> Decimal:
        return self.quantity - self.filled - self.busted

    @property
    def asset(self) -> str:
        return CASH if self.side is Side.BUY else self.symbol

    def member(self) -> Member:
        return Member(
            self.id,  # type: ignore[arg-type]  # any name will do
            self.role,
            self.status,
            self.quantity,
            self.filled,
            self.is_triggered,
        )


def by_replacing(order: Order, name: str, *, quantity: Decimal, price: Decimal) -> Order:
    """Return a replacement for the order: `quantity` in total, at another price."""
    return replace(
        order,
        id=name,
        quantity=quantity,
        limit_price=price,
        status=Status.PENDING,
        filled=ZERO,
        busted=ZERO,
        value=ZERO,
        replaced_by="",
    )
