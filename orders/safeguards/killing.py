"""What a kill switch does to orders that are open: each of them is cancelled.

So are those that open a position of an account that is restricted because a deposit came back
with its cash gone: what they would cost is not there; and those that would spend or sell what a
venue took back and a cash account owes.

A part of the program, at work in one process at a time. New orders are kept out by the switch
itself; here what was open before is cancelled, by tickets through the intake, as anybody's cancel
is: what we hold ends at once, and the venue is asked for the rest, again and again until nothing
in the switch's scope is open. What is to be done follows from the tables alone, so that a start
goes on where the last process was killed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Final, LiteralString
from uuid import UUID

import structlog
from django.utils import timezone

from foundation import bulk, charge, wakeups
from foundation.wakeups import Channel
from orders import steps
from orders.entry import intake
from orders.entry.answers import Answer
from orders.entry.asking import Asking, Enter
from orders.entry.pacing import Pacing
from orders.tickets import CancelTicket

log = structlog.get_logger(__name__)

JOB: Final = "killing"
POLL_SECONDS: Final = 0.25
BATCH: Final = 512
PAUSE_MAX: Final = timedelta(seconds=30)
FIRST: Final = UUID(int=0)
OWING_PAUSE: Final = timedelta(seconds=5)
"""Between two looks at the accounts that owe; a switch is looked at in every round."""
ENDED: Final = frozenset({"not_cancelable", "unknown_order"})


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Cancel what kill switches cover until `stop`, while no other process does."""
    serve(stop, beat, enter=intake.enter)


def serve(
    stop: threading.Event,
    beat: Callable[[], None],
    *,
    enter: Callable[[CancelTicket], Future[Answer]],
) -> None:
    """Do what is due until `stop`, by tickets handed to `enter`."""
    try:
        with wakeups.listener.event(Channel.SWITCHES) as news:
            while not stop.is_set():
                if charge.take(JOB):
                    _go_on(stop, news, beat, Killing(enter))
                beat()
                stop.wait(1.0)
    finally:
        charge.give_up(JOB)


def _go_on(
    stop: threading.Event, news: threading.Event, beat: Callable[[], None], killing: Killing
) -> None:
    while not stop.is_set():
        news.clear()
        killing.look(now=timezone.now())
        beat()
        news.wait(POLL_SECONDS)


class Killing:
    """Orders on their way to their cancel."""

    def __init__(self, enter: Enter[CancelTicket]) -> None:
        self._asking: Asking[CancelTicket] = Asking(enter)
        self._pacing = Pacing(shortest=timedelta(seconds=1), longest=PAUSE_MAX)
        self._killed, self._owing, self._busted = map(_Pages, (_KILLED, _OWING, _BUSTED))
        self._owing_due_at: datetime | None = None

    def look(self, *, now: datetime) -> None:
        """Ask for the cancel of what is open under a kill switch or on credit: one round."""
        for account_id, order_id, reason in self._killed.next():
            self._put("kill_switch", account_id, order_id, f"Kill switch: {reason}", now)
        if self._owing_due_at is None or now >= self._owing_due_at:
            self._owing_due_at = now + OWING_PAUSE
            for account_id, order_id, reference in self._owing.next():
                reason = f"The deposit {reference} came back and is owed"
                self._put("deposit_returned", account_id, order_id, reason, now)
            for account_id, order_id, asset in self._busted.next():
                reason = f"A trade was taken back, and {asset} is owed"
                self._put("bust_owed", account_id, order_id, reason, now)
        for ticket, answer in self._asking.carry_on():
            if answer.refusal is not None and answer.refusal.code not in ENDED:
                log.error(
                    "order_not_killed",
                    order_id=str(ticket.order_id),
                    code=answer.refusal.code,
                    reason=answer.refusal.message,
                )

    def _put(self, rule: str, account_id: UUID, order_id: UUID, reason: str, now: datetime) -> None:
        if order_id in self._asking or not self._pacing.admit(order_id, now=now):
            return
        self._asking.put(
            CancelTicket(
                account_id=account_id,
                order_id=order_id,
                actor=steps.rule(rule),
                source_address="",
                reason=reason,
                received_at=now,
            )
        )


class _Pages:
    """Open orders by a query, so many at a time: account, order, and what it is about."""

    def __init__(self, query: LiteralString) -> None:
        self._query: LiteralString = query
        self._after = FIRST

    def next(self) -> list[tuple[UUID, UUID, str]]:
        """Go on after the last that was read, so that those that a venue refuses to cancel keep
        nobody waiting; begin again after the end."""
        rows = bulk.execute(self._query, [self._after, BATCH])
        self._after = rows[-1][1] if len(rows) == BATCH else FIRST
        return [(account_id, order_id, about) for account_id, order_id, about in rows]


# Open orders are found first, by their own index: told of ids alone, the planner reads every order
# that there ever was. One that is to take another's place is cancelled with that one; one that has
# taken it since the switch was thrown is found along the chain.
_KILLED: Final = """
    WITH RECURSIVE named(switch_id, order_id) AS (
        SELECT id, order_id FROM risk_switch
         WHERE released_at IS NULL AND effect = 'kill' AND order_id IS NOT NULL
        UNION
        SELECT named.switch_id, o.replaced_by
          FROM named JOIN orders_order o ON o.id = named.order_id
         WHERE o.replaced_by IS NOT NULL
    ), open AS MATERIALIZED (
        SELECT id, account_id, instrument_id, venue FROM orders_order
         WHERE status IN ('held', 'submitted', 'partially_filled', 'pending_replace', 'unknown'))
    SELECT DISTINCT ON (o.id) o.account_id, o.id, s.reason
      FROM risk_switch s
      JOIN open o ON (s.order_id IS NULL OR (s.id, o.id) IN (SELECT * FROM named))
       AND o.account_id = coalesce(s.account_id, o.account_id)
       AND o.instrument_id = coalesce(s.instrument_id, o.instrument_id)
       AND s.venue IN ('', o.venue)
     WHERE s.released_at IS NULL AND s.effect = 'kill' AND o.id > %s
     ORDER BY o.id, s.engaged_at LIMIT %s
"""
_OWING: Final = """
    WITH open AS MATERIALIZED (
        SELECT id, account_id FROM orders_order
         WHERE status IN ('held', 'submitted', 'partially_filled', 'pending_replace', 'unknown')
           AND (position_intent IN ('buy_to_open', 'sell_to_open')
                OR position_intent = '' AND side = 'buy')
           AND account_id IN (SELECT id FROM accounts_account WHERE status = 'restricted'))
    SELECT DISTINCT ON (o.id) o.account_id, o.id, f.reference
      FROM open o
      JOIN portfolio_funding f ON f.account_id = o.account_id
      JOIN portfolio_fundingstep s ON s.funding_id = f.id AND s.owed > 0
     WHERE o.id > %s
     ORDER BY o.id, s.at DESC LIMIT %s
"""
_BUSTED: Final = """
    WITH open AS MATERIALIZED (
        SELECT id, account_id, instrument_id, side FROM orders_order
         WHERE status IN ('held', 'submitted', 'partially_filled', 'pending_replace', 'unknown')
           AND account_id IN (SELECT id FROM accounts_account
                               WHERE status = 'restricted' AND NOT margin))
    SELECT o.account_id, o.id, b.asset
      FROM open o
      JOIN marketdata_instrument i ON i.id = o.instrument_id
      JOIN portfolio_balance b ON b.account_id = o.account_id AND b.amount < b.held
       AND b.asset = CASE o.side WHEN 'buy' THEN 'USD' ELSE i.code END
     WHERE EXISTS (SELECT FROM orders_trade t
                    WHERE t.account_id = o.account_id AND t.busts_id IS NOT NULL)
       AND o.id > %s
     ORDER BY o.id LIMIT %s
"""
