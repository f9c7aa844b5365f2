"""Customers as they usually are, made up with a seed: what surveillance should leave alone."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from risk.surveillance.executed import Execution
from risk.surveillance.habits import Dealt, Earlier, Habit
from risk.surveillance.manipulation import Resting

OPENS = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)  # 09:30 in New York
SYMBOLS = {f"S{n:02}": uuid.UUID(int=1_000 + n) for n in range(25)}


@dataclass
class Customer:
    """One person with an account, a usual size and a usual number of orders a day."""

    chance: random.Random
    account_id: UUID
    owner: UUID
    size: float
    orders_a_day: int
    executions: list[Execution] = field(default_factory=list)
    orders: list[Resting] = field(default_factory=list)

    def trade(self, day: datetime) -> None:
        """Trade for a day: mostly market orders, some limits that rest and are cancelled."""
        for _ in range(self.chance.randint(0, 2 * self.orders_a_day)):
            symbol = self.chance.choice(list(SYMBOLS))
            at = day + timedelta(seconds=self.chance.uniform(0, 6.5 * 3600))
            sign = self.chance.choice((1, -1))
            price = Decimal(f"{100 * self.chance.lognormvariate(0, 0.01):.2f}")
            value = self.size * self.chance.lognormvariate(0, 0.8)
            quantity = Decimal(max(1, int(value / float(price))))
            if self.chance.random() < 0.4:
                self._rest(symbol, sign, quantity, price, at)
            else:
                self._execute(symbol, sign, quantity, price, at)

    def _execute(
        self, symbol: str, sign: int, quantity: Decimal, price: Decimal, at: datetime
    ) -> None:
        order_id, left = self._id(), quantity
        while left:
            part = min(left, Decimal(self.chance.randint(1, int(quantity))))
            left -= part
            at += timedelta(milliseconds=20)
            self.executions.append(
                Execution(
                    trade_id=self._id(),
                    order_id=order_id,
                    account_id=self.account_id,
                    owner=self.owner,
                    instrument_id=SYMBOLS[symbol],
                    symbol=symbol,
                    sign=sign,
                    quantity=part,
                    price=price,
                    at=at,
                )
            )

    def _rest(
        self, symbol: str, sign: int, quantity: Decimal, price: Decimal, at: datetime
    ) -> None:
        """Place one to four limits below or above the market, and think better of some."""
        for step in range(self.chance.randint(1, 4)):
            away = Decimal("0.002") * (step + 1)
            gone = at + timedelta(seconds=self.chance.expovariate(1 / 600))
            self.orders.append(
                Resting(
                    order_id=self._id(),
                    account_id=self.account_id,
                    owner=self.owner,
                    instrument_id=SYMBOLS[symbol],
                    symbol=symbol,
                    sign=sign,
                    quantity=quantity,
                    price=price * (1 - sign * away),
                    filled_quantity=Decimal(0),
                    placed_at=at,
                    cancelled_at=gone if self.chance.random() < 0.7 else None,
                )
            )

    def _id(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128))

    def dealt(self) -> list[Dealt]:
        """Return the executed orders, oldest first."""
        orders: dict[UUID, list[Execution]] = {}
        for each in self.executions:
            orders.setdefault(each.order_id, []).append(each)
        made = [
            Dealt(
                order_id=key,
                account_id=self.account_id,
                instrument_id=fills[0].instrument_id,
                symbol=fills[0].symbol,
                value=sum((fill.value for fill in fills), Decimal(0)),
                at=fills[-1].at,
            )
            for key, fills in orders.items()
        ]
        return sorted(made, key=lambda each: each.at)

    def habit(self, *, before: datetime) -> Habit:
        dealt = [each for each in self.dealt() if each.at < before]
        days: dict[object, Decimal] = {}
        for each in dealt:
            days[each.at.date()] = days.get(each.at.date(), Decimal(0)) + each.value
        return Habit(
            orders=[Earlier(each.order_id, each.at, each.value) for each in dealt],
            turnovers=list(days.values()),
        )


def customers(count: int, *, seed: int) -> Iterator[Customer]:
    """Return customers whose usual order is worth 300 to 60,000 USD, some of them day traders."""
    chance = random.Random(seed)
    for _ in range(count):
        yield Customer(
            chance=random.Random(chance.getrandbits(64)),
            account_id=UUID(int=chance.getrandbits(128)),
            owner=UUID(int=chance.getrandbits(128)),
            size=chance.choice((300, 1_000, 3_000, 10_000, 25_000, 60_000)),
            orders_a_day=chance.choice((1, 2, 5, 20)),
        )
