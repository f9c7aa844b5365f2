"""The exchange at work: what members call, and the one thread that owns the engine.

A cycle takes what members handed in and what the simulated market wants, applies it in memory,
and commits the commands and the reports that they led to in one transaction. Only then is
anybody told: members that their requests are safe, the tape and the board what the market is. A
commit that fails leaves memory ahead of the records, so the exchange then stops; it starts again
from what is written. A member's request never waits for a timer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from decimal import Decimal
from typing import Final

import structlog
from django.conf import settings
from django.utils import timezone

from foundation import failpoints, wakeups
from marketdata.arrival import tape
from marketdata.current import board
from venues import messages
from venues.exchange import floor, records, standing
from venues.exchange.commands import OURSELVES, Enter
from venues.exchange.desk import Desk, Entry, ExchangeUnavailable, fail
from venues.exchange.models import Execution

__all__ = [
    "ExchangeUnavailable",
    "MalformedRequest",
    "drop_copy",
    "enter",
    "order_status",
    "reports",
    "run",
]

log = structlog.get_logger(__name__)

ANSWER_SECONDS_MAX: Final = 10.0
STANDBY_SECONDS: Final = 1.0
_REPORTS_AT_ONCE_MAX: Final = 5_000
_NUMBER_MAX: Final = Decimal(10) ** 11
_QUANTUM: Final = Decimal("0.000000001")

_desk = Desk()


class MalformedRequest(ValueError):
    """The request does not fit the wire: an id or a number that no venue could take down."""


def enter(requests: Sequence[messages.Request]) -> None:
    """Hand our requests to the exchange, in order; return once they are in its journal.

    A request that was entered before is dropped. Raises ExchangeUnavailable when the exchange is
    not running or does not answer in time: to enter the same again is then right and safe.
    """
    if requests:
        try:
            hand_in(requests, member=OURSELVES).result(ANSWER_SECONDS_MAX)
        except TimeoutError:
            raise ExchangeUnavailable("the exchange did not answer in time") from None


def hand_in(requests: Sequence[messages.Request], *, member: str) -> Future[None]:
    """Hand in the requests of `member`; the future is done once they are durable."""
    for request in requests:
        _check(request)
    return _desk.hand_in([Enter(member, request) for request in requests])


def reports(after: int, limit: int) -> list[messages.ExecutionReport]:
    """Return the reports to us that follow the sequence `after`, in order, at most `limit`."""
    return records.reports(member=OURSELVES, after=after, limit=min(limit, _REPORTS_AT_ONCE_MAX))


def order_status(
    client_order_ids: Sequence[str],
    *,
    member: str = OURSELVES,
    seconds_max: float = ANSWER_SECONDS_MAX,
) -> list[messages.ExecutionReport]:
    """Return how these orders of the member stand; those that never came here are missing.

    What was handed in before is decided on first, so that what is missing is not under way
    either. Raises ExchangeUnavailable when that takes too long.
    """
    try:
        _desk.hand_in([]).result(seconds_max)
    except TimeoutError:
        raise ExchangeUnavailable("the exchange did not answer in time") from None
    return standing.statuses(client_order_ids, member=member)


def drop_copy(after: int, limit: int) -> list[Execution]:
    """Return every execution of every member that follows the number `after`, at most `limit`.

    A second path to what was executed, which no order ever takes: for those who check.
    """
    return records.executions(after=after, limit=min(limit, _REPORTS_AT_ONCE_MAX))


def is_open() -> bool:
    """Return whether the exchange runs in this process and takes requests."""
    return _desk.is_open


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Run the exchange until `stop`. Raises when its state cannot be trusted any more.

    One process runs it; another waits until that one is gone.
    """
    with wakeups.listener.event(wakeups.Channel.REPLAY) as replay_hint:
        while not stop.is_set():
            with records.ownership() as is_ours:
                if is_ours:
                    _run(replay_hint, stop, beat)
                    return
            beat()
            stop.wait(STANDBY_SECONDS)


def _run(replay_hint: threading.Event, stop: threading.Event, beat: Callable[[], None]) -> None:
    recovered = records.recover()
    log.info("exchange_recovered", journal=recovered.sequence, trades=recovered.engine.trade_number)
    trading = floor.Floor(recovered, seed=settings.MARKET_SEED)
    _cycle(trading, [], is_market_due=True)
    _desk.open()
    try:
        _trade(trading, replay_hint, stop, beat)
    finally:
        _desk.close()
    trading.save_snapshot()


def _trade(
    trading: floor.Floor,
    replay_hint: threading.Event,
    stop: threading.Event,
    beat: Callable[[], None],
) -> None:
    market_at, seconds = time.monotonic(), settings.MARKET_ROUND_SECONDS
    while not stop.is_set():
        entries = _desk.take(timeout=max(0.0, market_at - time.monotonic()))
        is_market_due = time.monotonic() >= market_at
        if is_market_due:
            # A late round is not made up for: the market goes on from now.
            market_at = max(market_at + seconds, time.monotonic() + seconds / 2)
            beat()
            if replay_hint.is_set():
                replay_hint.clear()
                trading.look_for_replays()
        if entries or is_market_due:
            _cycle(trading, entries, is_market_due=is_market_due)


def _cycle(trading: floor.Floor, entries: Sequence[Entry], *, is_market_due: bool) -> None:
    """Decide, make durable, tell."""
    try:
        cycle = trading.decide(
            [request for entry in entries for request in entry.requests],
            now=_now(trading),
            is_market_due=is_market_due,
        )
        if cycle.commands:
            failpoints.reach("exchange.decided")
            records.commit(
                sequence=cycle.sequence, at=cycle.at, commands=cycle.commands, events=cycle.events
            )
            failpoints.reach("exchange.journaled")
    except BaseException:
        fail(entries, "the exchange failed while it had the request")
        raise
    for entry in entries:
        entry.durable.set_result(None)
    failpoints.reach("exchange.answered")
    for source, ticks in cycle.ticks.items():
        tape.publish(ticks, source)
    for source, books in cycle.books.items():
        board.board.post(books, source=source)
    if is_market_due and trading.is_snapshot_due():
        trading.save_snapshot()


def _now(trading: floor.Floor) -> datetime:
    """Return the time of the next cycle: never before the last one's, whatever the clock does."""
    now = timezone.now()
    return max(now, trading.at) if trading.at else now


def _check(request: messages.Request) -> None:
    """Refuse what could not even be written down. Raises MalformedRequest."""
    match request:
        case messages.CancelOrder():
            names, numbers = [request.request_id, request.client_order_id], []
        case messages.ReplaceOrder():
            names = [request.client_order_id, request.new_client_order_id]
            numbers = [request.quantity, request.limit_price]
        case messages.NewOrder():
            names = [request.client_order_id]
            numbers = [request.quantity, request.limit_price]
            numbers += [request.display_quantity, request.cash_max]
            if not 0 < len(request.symbol) <= 24:
                raise MalformedRequest("a symbol has 1 to 24 characters")
            if len(request.party) > 64:
                raise MalformedRequest("a party has at most 64 characters")
    if not all(0 < len(name) <= 64 for name in names):
        raise MalformedRequest("an id has 1 to 64 characters")
    for number in numbers:
        if number is not None and not _fits(number):
            raise MalformedRequest(
                "a number has at most 11 digits before the point and 9 behind it"
            )


def _fits(number: Decimal) -> bool:
    return number.is_finite() and abs(number) < _NUMBER_MAX and not number % _QUANTUM
