"""The embedded exchange and what reaches it, one step at a time, by the clock of the test.

The real engine, its records, the gateway's conversation and the executions runner, without their
threads: nothing happens unless the test says so, so that a whole day is always the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.utils import timezone

from orders.entry import submission
from orders.models import Order
from tests import world
from venues.adapters import EmbeddedExchange, Outgoing
from venues.conversation import Conversation
from venues.exchange import busts, records, standing
from venues.exchange.commands import OURSELVES, Command, Enter
from venues.exchange.floor import Floor
from venues.exchange.market import Market
from venues.exchange.models import Execution
from venues.messages import ExecutionReport, NewOrder, OrderType, Request, Side, TimeInForce

ANOTHER: Final = "ANOTHER"
"""The member that our customers trade with."""


class Silent(Market):
    """A market in which nobody trades but members."""

    def step(self, now: datetime, engine: object) -> list[Command]:
        return []


class AtHand(EmbeddedExchange):
    """The way to the exchange in this very thread."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__()
        self._exchange = exchange

    def is_reachable(self) -> bool:
        return True

    def send(self, outgoing: Sequence[Outgoing]) -> None:
        self._exchange.enter(*(each.request for each in outgoing))

    def statuses(self, client_order_ids: Sequence[str]) -> Sequence[ExecutionReport]:
        return standing.statuses(client_order_ids)

    def _check(self) -> None:
        """It is always there."""


class Exchange:
    """The exchange, and everything between it and our orders."""

    def __init__(self) -> None:
        self._floor = Floor(records.recover(), seed=1)
        self._floor.market = Silent(seed="1")
        self._names = 0
        self.turn()
        self._conversation = Conversation(AtHand(self), lambda: None)
        self._conversation.open()

    def turn(self) -> None:
        """Let the exchange do what is due: list, turn its day, take trades back."""
        self._floor.look_for_replays()
        self._decide([], is_market_due=True)

    def enter(self, *requests: Request, member: str = OURSELVES) -> None:
        self._decide([Enter(member, each) for each in requests], is_market_due=False)

    def offers(
        self, quantity: str, price: str, *, symbol: str = "AAPL", is_heard: bool = True
    ) -> None:
        """Let another member sell so much at the price; we may hear of it only later."""
        self._names += 1
        self.enter(
            NewOrder(
                client_order_id=f"another-{self._names}", symbol=symbol, side=Side.SELL,
                quantity=Decimal(quantity), type=OrderType.LIMIT, time_in_force=TimeInForce.GTC,
                limit_price=Decimal(price),
            ),
            member=ANOTHER,
        )  # fmt: skip
        if is_heard:
            self.carry_on()

    def takes_back(self, trade_number: int) -> None:
        """Bust a trade."""
        busts.ask(
            trade_number=trade_number, reason="erroneous", requested_by="operator:test",
            now=timezone.now(),
        )  # fmt: skip
        self.turn()
        self.carry_on()

    def place(self, ticket: object) -> Order:
        """Take an order, a replacement or a cancel all the way; return the order as it is then."""
        [answer] = submission.submit_batch([ticket], now=timezone.now())  # type: ignore[list-item]
        if answer.order is None:
            raise ValueError(f"not taken: {answer.refusal}")
        self.carry_on()
        return Order.objects.get(pk=answer.order.pk)

    def carry_on(self) -> None:
        """Send what waits to be sent, hear what has come, and apply it."""
        while self._conversation.go_on() or world.apply_reports():
            pass

    def executions(self) -> list[Execution]:
        """Return what the exchange has executed for us, in its order."""
        return list(Execution.objects.filter(member=OURSELVES).order_by("sequence"))

    def _decide(self, requests: Sequence[Enter], *, is_market_due: bool) -> None:
        done = self._floor.decide(requests, now=timezone.now(), is_market_due=is_market_due)
        if done.commands:
            records.commit(
                sequence=done.sequence, at=done.at, commands=done.commands, events=done.events
            )
