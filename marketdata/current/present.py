"""The market as it is now, from this process's memory: what is asked often costs no query.

Whoever looks at the quotes anyway, the hub of a web process, lays down here what it reads, several
times a second. While it does, the latest quotes, the instruments they are of and the bars that
somebody asked for before are answered from here, at most a look behind the tables; else, and for
what is not known here, the tables are asked. So a process that has just started, or whose hub has
stopped, is slower and never wrong.

A bar changes with a trade, which shows in the quote, or is repaired: written anew by whoever hears
of the past late, or brought to other terms by a split. Those hint (`wakeups.Channel.BARS`), and
every answer that was kept is forgotten. A hint that is lost costs BARS_SECONDS_MAX.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, NamedTuple
from uuid import UUID

from marketdata import bars as rules
from marketdata import selectors
from marketdata.history.adjusting import Adjustment
from marketdata.models import Instrument, Quote
from marketdata.selectors import Standing

SECONDS_MAX: Final = 1.0  # since the last look; what is older is no present
BARS_SECONDS_MAX: Final = 5.0
BARS_MAX: Final = 50_000  # kept in all, some 30 MB
BARS_OF_ANSWER_MAX: Final = 2_000

_TRADED: Final = attrgetter("source", "day", "last_trade_id", "day_volume", "last_at", "paths")


class _Question(NamedTuple):
    instrument_id: UUID
    timeframe: str
    start: datetime
    end: datetime | None  # None: until now
    limit: int
    is_ascending: bool
    adjustment: Adjustment


@dataclass(frozen=True, slots=True)
class _Answer:
    """Bars that hold as long as nothing was traded or repaired since."""

    bars: tuple[rules.Bar, ...]
    traded: Any
    asked_at: float


class Present:
    """Written by one thread, the looking one; read by all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._quotes: dict[UUID, Quote] = {}
        self._ids: Mapping[str, UUID] = {}
        self._standings: Mapping[UUID, Standing] = {}
        self._seen_at = float("-inf")
        self._answers: OrderedDict[_Question, _Answer] = OrderedDict()
        self._kept = 0  # bars of all answers
        self._repairs = 0

    def show(self, news: Iterable[Quote], standings: Mapping[UUID, Standing]) -> None:
        """Take the quotes that are new since the last look, with their instruments."""
        fresh = {quote.instrument_id: quote for quote in news}
        if fresh.keys() <= self._quotes.keys():
            self._quotes.update(fresh)
        else:
            self._quotes = self._quotes | fresh  # readers may be going through the names
        if standings is not self._standings:
            self._ids = {standing.symbol: each for each, standing in standings.items()}
            self._standings = standings
        self._seen_at = time.monotonic()

    def lose_sight(self) -> None:
        """Answer nothing more from here until the next look: nobody looks."""
        self._seen_at = float("-inf")
        self.forget_bars()

    def forget_bars(self) -> None:
        """Forget all bars: some were repaired."""
        with self._lock:
            self._repairs += 1
            self._answers.clear()
            self._kept = 0

    def instruments(self, symbols: Iterable[str]) -> dict[str, Instrument]:
        """Return those of `symbols` that we know, by symbol."""
        asked = set(symbols)
        found = {}
        if self._is_seen:
            for symbol in asked:
                quote = self._quotes.get(self._ids.get(symbol))  # type: ignore[arg-type] # or None
                if quote is not None and quote.instrument.symbol == symbol:
                    found[symbol] = quote.instrument
        missing = asked - found.keys()
        return found | selectors.instruments(missing) if missing else found

    def latest_quotes(self, instrument_ids: Iterable[UUID]) -> dict[UUID, Quote]:
        """Return the latest quote of each instrument that has one, as it was seen last."""
        asked = set(instrument_ids)
        found = {each: self._quotes[each] for each in asked & self._quotes.keys() if self._is_seen}
        missing = asked - found.keys()
        return found | selectors.latest_quotes(missing) if missing else found

    def bars(
        self,
        instrument: Instrument,
        timeframe: str,
        *,
        start: datetime,
        end: datetime,
        now: datetime,
        limit: int,
        is_ascending: bool = True,
        adjustment: Adjustment = Adjustment.RAW,
    ) -> list[rules.Bar]:
        """Return bars as `selectors.bars` does; `timeframe` is in its full form.

        What was asked for before is known where the question is the same but for an `end` at or
        after `now`.
        """
        until = end if end < now else None
        question = _Question(
            instrument.pk, timeframe, start, until, limit, is_ascending, adjustment
        )
        quote = self._quotes.get(instrument.pk) if self._is_seen else None
        traded, repairs, asked_at = quote and _TRADED(quote), self._repairs, time.monotonic()
        kept = self._answers.get(question)
        if kept and kept.traded == traded and asked_at - kept.asked_at < BARS_SECONDS_MAX:
            return list(kept.bars)
        found = selectors.bars(
            instrument,
            timeframe,
            start=start,
            end=end,
            limit=limit,
            is_ascending=is_ascending,
            adjustment=adjustment,
        )
        if traded is not None and len(found) <= BARS_OF_ANSWER_MAX:
            self._keep(question, _Answer(tuple(found), traded, asked_at), repairs)
        return found

    @property
    def _is_seen(self) -> bool:
        return time.monotonic() - self._seen_at <= SECONDS_MAX

    def _keep(self, question: _Question, answer: _Answer, repairs: int) -> None:
        """Keep an answer that was asked for after so many repairs, the oldest making room."""
        with self._lock:
            if repairs != self._repairs:
                return  # one came between; it may not have seen that
            before = self._answers.pop(question, None)
            self._answers[question] = answer
            self._kept += len(answer.bars) + 1 - (len(before.bars) + 1 if before else 0)
            while self._kept > BARS_MAX:
                _, oldest = self._answers.popitem(last=False)
                self._kept -= len(oldest.bars) + 1


present: Final = Present()
