"""Recorded trades and quotes as the market of their symbols.

The recorded best bid and offer stand in the book as the orders of one participant, so that
customers trade with what was really there: what one takes is gone until the recording quotes that
side again, and a customer's resting order is executed when the recording crosses it. The
recorded prints go straight to the tape. Pure: the wall clock comes in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from marketdata.ticks import TradeTick
from venues.exchange.book import BUY
from venues.exchange.commands import Admit, MassQuote
from venues.exchange.recordings import KeptAside, Moment, RecordedQuote, RecordedTrade

PARTICIPANT: Final = "replay"
SOURCE: Final = "replay"

# So much is played at most in one round; a faster replay than that is as fast as it can be.
_ROWS_AT_ONCE: Final = 2_000
_LAG_MAX: Final = timedelta(seconds=1)

_Side = tuple[int, int] | None
_Rungs = tuple[tuple[int, int], ...]
_NOBODY: Final[_Side] = None


@dataclass(frozen=True, slots=True)
class Played:
    """One thing that the recording says now: quotes for the book, or a print for the tape."""

    at: datetime
    what: MassQuote | TradeTick


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a play is."""

    recorded_at: datetime | None
    quotes: int
    trades: int
    kept_aside: int


class Player:
    """Play moments at `speed` times their pace from the wall time `begun_at` on."""

    def __init__(
        self,
        name: str,
        moments: Iterator[Moment],
        *,
        terms: Mapping[str, Admit],
        speed: float,
        begun_at: datetime,
    ) -> None:
        self.symbols = frozenset(terms)
        self.is_finished = False
        self._name = name
        self._moments = moments
        self._terms = terms
        self._speed = speed
        self._begun_at = begun_at
        self._next: Moment | None = None
        self._bids: dict[str, _Side] = {}
        self._asks: dict[str, _Side] = {}
        self._is_crossed: set[str] = set()
        self._recorded_at: datetime | None = None
        self._quotes = self._trades = self._kept_aside = 0

    @property
    def progress(self) -> Progress:
        return Progress(self._recorded_at, self._quotes, self._trades, self._kept_aside)

    def due(self, now: datetime, *, after: datetime) -> list[Played]:
        """Return what comes until `now`, in order. Raises UnreadableRecording.

        What should have come before `after`, when something else was printed last, comes then.
        """
        played: list[Played] = []
        for _ in range(_ROWS_AT_ONCE):
            moment = self._next or next(self._moments, None)
            if moment is None:
                self.is_finished = True
                break
            at = self._begun_at + timedelta(seconds=moment.elapsed / self._speed)
            if at > now:
                self._next = moment
                break
            if at < now - _LAG_MAX:
                # The recording comes faster than it can be played: from here on it plays later.
                self._begun_at += now - _LAG_MAX - at
                at = now - _LAG_MAX
            self._next = None
            self._recorded_at = moment.recorded_at
            played += self._play(moment, max(at, after))
        return played

    def last_price(self, symbol: str) -> Decimal | None:
        """Return the middle of the last recorded quote of `symbol`."""
        bid, ask = self._bids.get(symbol), self._asks.get(symbol)
        prices = [side[0] for side in (bid, ask) if side is not None]
        return sum(prices) * self._terms[symbol].tick / len(prices) if prices else None

    def _play(self, moment: Moment, at: datetime) -> list[Played]:
        row = moment.row
        if isinstance(row, KeptAside):
            self._kept_aside += 1
            return []
        if isinstance(row, RecordedTrade):
            self._trades += 1
            trade_id = f"{self._name}-{self._trades}"
            tick = TradeTick(row.symbol, at, row.price, Decimal(row.size), trade_id, row.sets_last)
            return [Played(at, tick)]
        self._quotes += 1
        return [Played(at, self._quote(row))]

    def _quote(self, row: RecordedQuote) -> MassQuote:
        """Return what the participant quotes after `row`.

        For moments the national best bid and offer is locked or crossed. A book cannot be: the
        newer side stands then, and the older comes back when they have parted.
        """
        side = self._in_book_units(row)
        own, other = (self._bids, self._asks) if row.sign == BUY else (self._asks, self._bids)
        own[row.symbol] = side
        opposite = other.get(row.symbol)
        bid, ask = self._bids.get(row.symbol), self._asks.get(row.symbol)
        was_crossed = row.symbol in self._is_crossed
        if bid is not None and ask is not None and bid[0] >= ask[0]:
            self._is_crossed.add(row.symbol)
            others: _Rungs | None = ()
        else:
            self._is_crossed.discard(row.symbol)
            others = _rungs(opposite) if was_crossed else None
        if row.sign == BUY:
            return MassQuote(PARTICIPANT, row.symbol, _rungs(side), others)
        return MassQuote(PARTICIPANT, row.symbol, others, _rungs(side))

    def _in_book_units(self, row: RecordedQuote) -> _Side:
        if row.price is None:
            return _NOBODY
        terms = self._terms[row.symbol]
        # A price between two ticks is rounded away from the other side: never better than recorded.
        rounding = ROUND_FLOOR if row.sign == BUY else ROUND_CEILING
        whole = int((row.price / terms.tick).to_integral_value(rounding))
        ticks = terms.steps.down(whole) if row.sign == BUY else terms.steps.up(whole)
        lots = int(Decimal(row.size) / terms.lot)
        return (ticks, lots) if ticks > 0 and lots > 0 else _NOBODY


def _rungs(side: _Side) -> _Rungs:
    return () if side is None else (side,)
