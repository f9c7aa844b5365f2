"""What a feed has missed, asked for and brought in: gaps after a loss, minutes that lack trades.

A thread of its own for each market of a feed, so that the stream goes on meanwhile. What cannot be
had is asked for again until it can: a gap that is left open would look like a quiet market.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import Error, connection
from django.utils import timezone

from marketdata.arrival import late, tape
from marketdata.bars import MINUTE
from marketdata.feeds import past
from marketdata.feeds.claims import CLAIM_SECONDS, Claims
from marketdata.feeds.past import NotAnswered, Unavailable
from marketdata.feeds.providers import Market, Provider
from marketdata.feeds.wire import Minute
from marketdata.models import Bar
from marketdata.ticks import QuoteTick, TradeTick

log = structlog.get_logger(__name__)

GAP_MAX: Final = timedelta(days=1)
"""What is older is not asked for trade by trade: bars of it can be imported."""
CHECKED_AFTER_SECONDS: Final = CLAIM_SECONDS + 10.0
"""So long after it was told a minute is held against ours: what came of it is booked by then."""
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.5, 30.0
WAIT_SECONDS_MAX: Final = 1.0
LATE_AT_ONCE: Final = 5_000
TASKS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Gap:
    """Trades of a symbol from `since` on.

    Those until a time, `until`, were told by the stream, and some of them did not get through.
    """

    symbol: str
    since: datetime
    until: datetime | None = None


Task = Gap | Minute


@dataclass(order=True, slots=True)
class _Due:
    at: float
    number: int
    task: Task = field(compare=False)


class Filler:
    """Brings in what was missed of one market of a feed. `hear` is told the latest quotes."""

    def __init__(
        self,
        provider: Provider,
        market: Market,
        claims: Claims,
        *,
        hear: Callable[[Sequence[QuoteTick]], None],
    ) -> None:
        self._provider, self._market, self._claims, self._hear = provider, market, claims, hear
        self._changed = threading.Condition()
        self._due: list[_Due] = []
        self._numbers = itertools.count()
        self._wants_quotes: frozenset[str] = frozenset()
        self._told_late: list[TradeTick] = []
        self._is_at_work = self._has_holes = False
        self._failures = 0
        self.detail = ""
        self.trades_filled = 0

    @property
    def is_idle(self) -> bool:
        """Whether no gap is open, and nothing that was told late waits."""
        with self._changed:
            is_open = self._has_holes or any(isinstance(each.task, Gap) for each in self._due)
            return not (is_open or self._told_late or self._is_at_work)

    def begin(self, symbols: Collection[str], *, since: datetime) -> None:
        """After a connection: ask for the latest quotes, and for all trades since then."""
        with self._changed:
            self._due = [each for each in self._due if not isinstance(each.task, Gap)]
            heapq.heapify(self._due)
            self._wants_quotes = frozenset(symbols)
            self._has_holes = False
        self.fill(symbols, since=since)

    def fill(self, symbols: Iterable[str], *, since: datetime) -> None:
        """Ask for the trades of `symbols` since then."""
        earliest = max(since, timezone.now() - GAP_MAX)
        self._put([Gap(symbol, earliest) for symbol in sorted(symbols)], 0.0)

    def fill_again(self, symbols: Iterable[str], *, since: datetime, until: datetime) -> None:
        """Ask, in a while, for trades that were told and have not got through."""
        earliest = max(since, timezone.now() - GAP_MAX)
        gaps = [Gap(symbol, earliest, until) for symbol in sorted(symbols)]
        self._put(gaps, CHECKED_AFTER_SECONDS)

    def quotes(self, symbols: Collection[str]) -> None:
        """Ask for the latest quotes of `symbols` as well."""
        with self._changed:
            self._wants_quotes |= frozenset(symbols)
            self._changed.notify()

    def check(self, minutes: Sequence[Minute]) -> None:
        """Hold these minutes against ours, in a while."""
        now = timezone.now()
        self._put(
            [each for each in minutes if now - GAP_MAX < each.start < now], CHECKED_AFTER_SECONDS
        )

    def take_late(self, trades: Sequence[TradeTick]) -> None:
        """Bring in trades that the stream told out of their order."""
        if trades:
            with self._changed:
                self._told_late += trades
                self._changed.notify()

    def _put(self, tasks: Sequence[Task], after_seconds: float) -> None:
        at = time.monotonic() + after_seconds
        with self._changed:
            for task in tasks:
                if len(self._due) < TASKS_MAX or isinstance(task, Gap):
                    heapq.heappush(self._due, _Due(at, next(self._numbers), task))
            self._changed.notify()

    # --- At work ---------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Bring in what is due until `stop`; `wake` makes it notice."""
        try:
            while not stop.is_set():
                self._is_at_work = True
                pause = self._go_on(stop)
                self._is_at_work = False
                if pause:
                    stop.wait(pause)
                elif not stop.is_set():
                    self._wait()
        finally:
            connection.close()

    def wake(self) -> None:
        with self._changed:
            self._changed.notify()

    def _wait(self) -> None:
        with self._changed:
            if self._told_late or self._wants_quotes:
                return
            until_due = self._due[0].at - time.monotonic() if self._due else WAIT_SECONDS_MAX
            if until_due > 0:
                self._changed.wait(min(until_due, WAIT_SECONDS_MAX))

    def _go_on(self, stop: threading.Event) -> float:
        """Do what is due; return how long to pause, 0 where nothing went wrong."""
        try:
            self._ask_for_quotes()
            self._book_late()
            while not stop.is_set() and (due := self._next()) is not None:
                self._do(due.task, stop)
                self._drop(due)
        except Unavailable as error:
            return self._failed(str(error))
        except Error as error:
            connection.close()
            return self._failed(type(error).__name__)
        self._failures = 0
        return 0.0

    def _failed(self, why: str) -> float:
        self._failures += 1
        self.detail = f"past: {why}"
        log.warning("feed_past_unavailable", feed=self._provider.name, error=why)
        return min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN * 2.0 ** min(self._failures - 1, 10))

    def _next(self) -> _Due | None:
        with self._changed:
            due = self._due[0] if self._due else None
            if due is None or due.at > time.monotonic():
                return None
            if _was_told(due.task) and tape.tape.counts.waiting >= tape.BATCH_MAX:
                # What was told may lie on the tape still.
                heapq.heapreplace(self._due, replace(due, at=time.monotonic() + 1.0))
                return None
            return due

    def _drop(self, done: _Due) -> None:
        with self._changed:
            if done in self._due:
                self._due.remove(done)
                heapq.heapify(self._due)

    def _do(self, task: Task, stop: threading.Event) -> None:
        try:
            if isinstance(task, Gap):
                self._bring_in(task.symbol, start=task.since, end=task.until, stop=stop)
            elif self._counted(task) < task.trades:
                self._bring_in(task.symbol, start=task.start, end=task.start + MINUTE, stop=stop)
            self.detail = ""
        except NotAnswered as error:
            # It stays open, so that it is asked for again after the next connection.
            self._has_holes = self._has_holes or isinstance(task, Gap)
            self.detail = f"past refused: {error}"
            log.error("feed_past_refused", feed=self._provider.name, error=str(error))

    def _ask_for_quotes(self) -> None:
        with self._changed:
            wanted = self._wants_quotes
        if not wanted:
            return
        try:
            for told in past.latest_quotes(self._provider, self._market, wanted):
                self._hear(told)
        except NotAnswered as error:
            self.detail = f"quotes refused: {error}"
            log.error("feed_past_refused", feed=self._provider.name, error=str(error))
        with self._changed:
            self._wants_quotes -= wanted

    def _book_late(self) -> None:
        while True:
            with self._changed:
                trades = self._told_late[:LATE_AT_ONCE]
            if not trades:
                return
            self._accept(trades)
            with self._changed:
                del self._told_late[: len(trades)]

    def _bring_in(
        self, symbol: str, *, start: datetime, end: datetime | None, stop: threading.Event
    ) -> None:
        """Ask page by page. What has no `end` may come by the stream as well, and is claimed."""
        for page in past.trades(self._provider, self._market, symbol, start=start, end=end):
            if stop.is_set():
                return
            new = page if end is not None else self._claims.claim(page)
            try:
                self._accept(new)
            except BaseException:
                self._claims.release(new)
                raise

    def _accept(self, trades: Sequence[TradeTick]) -> None:
        if trades:
            taken = late.accept(trades, source=self._provider.name, now=timezone.now())
            self.trades_filled += taken.booked

    def _counted(self, minute: Minute) -> int:
        """Return how many trades of it we have."""
        found = Bar.objects.filter(
            instrument__symbol=minute.symbol,
            timeframe=Bar.Timeframe.MINUTE,
            start=minute.start,
            source=self._provider.name,
        ).values_list("trades", flat=True)
        return found.first() or 0


def _was_told(task: Task) -> bool:
    """Tell whether the stream has told all of it: what of that was booked has its row."""
    return isinstance(task, Minute) or task.until is not None
