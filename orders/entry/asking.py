"""Tickets of our own rules on their way through the intake: bounded, and asked until answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from uuid import UUID

import structlog

from orders.entry.answers import Answer
from orders.entry.intake import NotTaken
from orders.tickets import CancelTicket, ExpireTicket, ResumeTicket, TriggerTicket

log = structlog.get_logger(__name__)

ASKED_MAX: Final = 512
"""What waits in the intake at a time: a crash that reaches more must leave room for customers."""
ANSWER_SECONDS_MAX: Final = 15.0
PAUSE_SECONDS_MIN: Final = 0.5
PAUSE_SECONDS_MAX: Final = 30.0

T = TypeVar("T", TriggerTicket, ExpireTicket, ResumeTicket, CancelTicket)
Enter = Callable[[T], Future[Answer]]


@dataclass(slots=True)
class _Ask(Generic[T]):
    ticket: T
    failures: int = 0
    not_before: float = 0.0
    at: float = 0.0
    answer: Future[Answer] | None = None


class Asking(Generic[T]):
    """What is to be asked of the intake, one ticket an order, and what was asked.

    A ticket that was not taken, or of which nobody knows what became, is asked again, with pauses
    that double: whoever carries it out finds whether there is anything left to do.
    """

    def __init__(self, enter: Enter[T], *, asked_max: int = ASKED_MAX) -> None:
        self._enter: Enter[T] = enter
        self._asked_max = asked_max
        self._due: dict[UUID, _Ask[T]] = {}
        self._asked: dict[UUID, _Ask[T]] = {}

    def __len__(self) -> int:
        return len(self._due) + len(self._asked)

    def __contains__(self, order_id: UUID) -> bool:
        return order_id in self._due or order_id in self._asked

    def put(self, ticket: T) -> None:
        """Have the ticket asked; one about the same order that waits already stays."""
        if ticket.order_id not in self:
            self._due[ticket.order_id] = _Ask(ticket)

    def carry_on(self) -> list[tuple[T, Answer]]:
        """Ask what is due and has room; return what was answered since the last call."""
        now = time.monotonic()
        answered = []
        for ask in list(self._asked.values()):
            answer = self._answer_to(ask, now)
            if answer is not None:
                answered.append((ask.ticket, answer))
        self._ask(now)
        return answered

    def _answer_to(self, ask: _Ask[T], now: float) -> Answer | None:
        future = ask.answer
        if future is None:
            return None
        if not future.done():
            if now - ask.at > ANSWER_SECONDS_MAX and future.cancel():
                self._postpone(ask, now, "nobody has begun with it")
            return None
        error = future.exception()
        if error is not None:
            self._postpone(ask, now, str(error) or type(error).__name__)
            return None
        del self._asked[ask.ticket.order_id]
        return future.result()

    def _ask(self, now: float) -> None:
        ready = (ask for ask in list(self._due.values()) if ask.not_before <= now)
        for ask in ready:
            if len(self._asked) >= self._asked_max:
                return
            try:
                ask.answer = self._enter(ask.ticket)
            except NotTaken as error:
                self._postpone(ask, now, type(error).__name__)
                return  # nor would the next one be
            ask.at = now
            self._asked[ask.ticket.order_id] = self._due.pop(ask.ticket.order_id)

    def _postpone(self, ask: _Ask[T], now: float, why: str) -> None:
        ask.failures += 1
        pause = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN * 2.0 ** min(ask.failures - 1, 10))
        ask.not_before, ask.answer = now + pause, None
        self._asked.pop(ask.ticket.order_id, None)
        self._due[ask.ticket.order_id] = ask
        log.warning(
            "own_ticket_postponed",
            order_id=str(ask.ticket.order_id),
            ticket=type(ask.ticket).__name__,
            failures=ask.failures,
            reason=why,
        )
