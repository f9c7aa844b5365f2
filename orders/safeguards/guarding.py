"""What has to be known every second before orders may go, and what stops by itself.

A part of the program, at work in one process at a time. It adds up what all open buys may cost
(`risk.exposure`), has the clock measured (`risk.controls.clock`), and stops an account in an
instrument in which too many of its orders were executed within a minute, until two people allow it
again: what executes again and again in short order is more often a fault than a wish (MiFID RTS 6
article 15).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.utils import timezone

from accounts.models import Account
from foundation import bulk, charge
from risk import exposure
from risk.checks.conduct import executions_are_few
from risk.controls import clock, switches
from risk.controls.models import Switch
from risk.controls.switches import Scope
from risk.limits import book as limit_book
from risk.surveillance import feeds, safekept

JOB: Final = "guarding"
POLL_SECONDS: Final = 1.0
CLOCK_SECONDS: Final = 5.0
SPAN: Final = timedelta(minutes=1)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Look every second until `stop`, while no other process does."""
    try:
        while not stop.is_set():
            if charge.take(JOB):
                _go_on(stop, beat)
            beat()
            stop.wait(POLL_SECONDS)
    finally:
        charge.give_up(JOB)


def _go_on(stop: threading.Event, beat: Callable[[], None]) -> None:
    measured_at = float("-inf")
    while not stop.is_set():
        look(now=timezone.now())
        if time.monotonic() - measured_at >= CLOCK_SECONDS:
            measured_at = time.monotonic()
            clock.measure()
        beat()
        stop.wait(POLL_SECONDS)


def look(*, now: datetime) -> None:
    """Add up, stop what executes too often, and tell of what is lost or not kept: one round."""
    exposure.write_firm(open_buys(), now=now)
    stop_repeated(now=now)
    feeds.look(now=now)
    safekept.look(now=now)


def open_buys() -> Decimal:
    """Return what all open buys of all customers may cost in USD."""
    [[cost]] = bulk.execute(_OPEN_BUYS)
    return Decimal(cost)


def stop_repeated(*, now: datetime) -> list[Switch]:
    """Halt every account in every instrument in which it has executed too many orders."""
    rows = bulk.execute(_REPEATED, [now - SPAN, switches.REPEATED])
    if not rows:
        return []
    owners = {account_id for account_id, _, _ in rows}
    book = limit_book.ask(owners, instrument_ids={row[1] for row in rows}, now=now).get()
    tiers = dict(Account.objects.filter(pk__in=owners).values_list("pk", "tier"))
    return [
        _halt(account_id, instrument_id, count, now)
        for account_id, instrument_id, count in rows
        if (limits := book.of(account_id, tiers[account_id], instrument_id)) is None
        or not executions_are_few(count, limits.bounds)
    ]


def _halt(account_id: UUID, instrument_id: UUID, count: int, now: datetime) -> Switch:
    return switches.engage(
        scope=Scope(account_id=account_id, instrument_id=instrument_id),
        effect=Switch.Effect.HALT,
        reason=f"{count} orders were executed within a minute",
        actor="rule:repeated_executions",
        code=switches.REPEATED,
        now=now,
    )


# Of a trailing stop nobody knows the price; what is held for it says what it may cost.
_OPEN_BUYS: Final = """
    SELECT coalesce(sum((o.quantity - o.filled_quantity) * coalesce(
               o.limit_price, o.protection_price, o.stop_price, h.amount / o.quantity, 0)), 0)
      FROM orders_order o LEFT JOIN portfolio_hold h ON h.order_id = o.id
     WHERE o.side = 'buy'
       AND o.status IN ('pending', 'held', 'submitted', 'partially_filled', 'pending_cancel',
                        'pending_replace', 'unknown')
       AND (o.role NOT IN ('take_profit', 'stop_loss')
            OR o.order_class = 'oco' AND (o.role = 'take_profit' OR o.status <> 'held'))
"""
# What was executed before people last allowed it again is over and done with.
_REPEATED: Final = """
    SELECT t.account_id, t.instrument_id, count(DISTINCT t.order_id)
      FROM orders_trade t
     WHERE t.booked_at > %s AND t.busts_id IS NULL
       AND NOT EXISTS (SELECT FROM risk_switch s
                        WHERE s.account_id = t.account_id AND s.instrument_id = t.instrument_id
                          AND s.code = %s
                          AND (s.released_at IS NULL OR s.released_at >= t.booked_at))
     GROUP BY 1, 2
    HAVING count(DISTINCT t.order_id) > (SELECT min(executions_per_minute_max) FROM risk_limits)
"""
