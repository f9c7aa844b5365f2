"""From the tables to the lines of compatible data clients: what is new, in their words.

The hub of prices tells what it has read. Only while somebody listens more is read: the trades
behind the quotes that have changed, and the bars of each minute that has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from marketdata import calendars
from marketdata.bars import MINUTE, Bar, minute_of
from marketdata.history import following
from marketdata.models import Bar as StoredBar
from marketdata.models import Instrument, Quote
from marketdata.selectors import Standing
from trading.api import wire_data
from trading.api.wire import Json
from trading.streams.data_lines import DataHub, Place, Told
from trading.streams.data_wire import Channel

CLOSED_AFTER: Final = timedelta(seconds=1)
"""So long after its end a minute is told: what happened in it has been booked by then."""
REPAIRED_AFTER: Final = timedelta(seconds=30)
"""So long after its end it is looked at again, for trades that were reported late."""
MINUTES_MAX: Final = 5  # that are caught up with after a pause

EQUITIES: Final = DataHub()
CRYPTO: Final = DataHub()
_NO_SIDES: Final = (None, 0, None, 0)

News = tuple[Instrument, Told]


class Market:
    """What was told until now; the thread of the hub of prices uses it."""

    def __init__(self, hubs: Mapping[str, DataHub]) -> None:
        self._hubs = hubs  # by asset class
        self._quotes: dict[UUID, Quote] = {}
        self._standings: Mapping[UUID, Standing] = {}
        self._is_heard = False
        self._begun = 0  # the number of the last trade before anybody listened
        self._heard_of: dict[UUID, int] = {}  # the number of the last trade told of each
        self._minute = datetime.max.replace(tzinfo=UTC)  # the one that is told next
        self._stirred: dict[UUID, datetime] = {}  # when there was news of each, since it began
        self._bars: dict[UUID, Bar] = {}  # told of the minute before, until it is repaired

    def take(
        self, quotes: Sequence[Quote], standings: Mapping[UUID, Standing], *, now: datetime
    ) -> None:
        """Tell what is new: these quotes have changed, and all instruments stand like this."""
        was_heard = self._is_heard
        self._is_heard = any(hub.is_heard for hub in self._hubs.values())
        if self._is_heard and not was_heard:
            self._begin(now)
        before, self._standings = self._standings, standings
        changed = [quote for quote in quotes if self._is_heard and self._is_changed(quote)]
        self._quotes.update((quote.instrument_id, quote) for quote in quotes)
        if self._is_heard:
            self._stirred.update((quote.instrument_id, now) for quote in quotes)
            self._tell([
                *map(_quote, changed),
                *self._trades(quotes, now),
                *self._repaired(now),
                *self._ended(now),
                *(self._status(each, now) for each in self._halted(before)),
            ])  # fmt: skip

    def _begin(self, now: datetime) -> None:
        self._begun, self._heard_of = following.latest_number(), {}
        self._minute, self._stirred, self._bars = minute_of(now), {}, {}

    def _tell(self, news: Iterable[News]) -> None:
        by_class: dict[str, list[Told]] = {name: [] for name in self._hubs}
        for instrument, told in news:
            by_class[instrument.asset_class].append(told)
        for name, hub in self._hubs.items():
            hub.tell(by_class[name])

    # --- Quotes and trades -----------------------------------------------------------------

    def _is_changed(self, quote: Quote) -> bool:
        """Tell whether one side of it is another: a row changes with each trade too."""
        before = self._quotes.get(quote.instrument_id)
        return _sides(quote) != (_NO_SIDES if before is None else _sides(before))

    def _trades(self, quotes: Iterable[Quote], now: datetime) -> Iterator[News]:
        """Yield the trades behind these quotes: each changes the row of its instrument's."""
        of = {quote.instrument_id: quote.instrument for quote in quotes}
        if not of:
            return
        heard_of = {each: self._heard_of.get(each, self._begun) for each in of}
        for instrument_id, trade in following.trades_after(heard_of, now=now):
            self._heard_of[instrument_id] = trade.number
            instrument = of[instrument_id]
            make = partial(wire_data.trade, trade, instrument=instrument)
            yield _news(Channel.TRADES, instrument, trade.at, make)

    # --- Bars ------------------------------------------------------------------------------

    def _repaired(self, now: datetime) -> Iterator[News]:
        """Yield the bars of the minute before that late trades have changed, once."""
        if not self._bars or now < self._minute + REPAIRED_AFTER:
            return
        told, self._bars = self._bars, {}
        for instrument_id, bar in _minutes_of(self._minute - MINUTE, told).items():
            if bar != told[instrument_id]:
                yield self._bar(Channel.UPDATED_BARS, instrument_id, bar)

    def _ended(self, now: datetime) -> Iterator[News]:
        """Yield the bars of each minute that has ended, and what their day is by then."""
        self._minute = max(self._minute, minute_of(now) - MINUTES_MAX * MINUTE)
        while now >= self._minute + MINUTE + CLOSED_AFTER:
            minute, self._minute = self._minute, self._minute + MINUTE
            self._bars = _minutes_of(minute, self._stirred)
            for instrument_id, bar in self._bars.items():
                yield self._bar(Channel.BARS, instrument_id, bar)
            midnight = calendars.midnight(calendars.date_of(minute))
            days = following.bars_at(midnight, timeframe=StoredBar.Timeframe.DAY, of=self._bars)
            for instrument_id, bar in days.items():
                yield self._bar(Channel.DAILY_BARS, instrument_id, bar)
            self._stirred = {each: at for each, at in self._stirred.items() if at >= self._minute}

    def _bar(self, channel: Channel, instrument_id: UUID, bar: Bar) -> News:
        instrument = self._quotes[instrument_id].instrument
        return _news(channel, instrument, bar.start, partial(wire_data.bar, bar))

    # --- Halts -----------------------------------------------------------------------------

    def _halted(self, before: Mapping[UUID, Standing]) -> list[UUID]:
        """Return what was halted, or trades again, since it stood like this."""
        if before is self._standings:
            return []
        return [
            each
            for each, standing in self._standings.items()
            if each in before
            and each in self._quotes
            and before[each].is_halted != standing.is_halted
        ]

    def _status(self, instrument_id: UUID, now: datetime) -> News:
        instrument = self._quotes[instrument_id].instrument
        is_halted = self._standings[instrument_id].is_halted
        make = partial(wire_data.status, is_halted=is_halted, instrument=instrument)
        return _news(Channel.STATUSES, instrument, now, make)


def _sides(quote: Quote) -> tuple[object, ...]:
    return quote.bid, quote.bid_size, quote.ask, quote.ask_size


def _quote(quote: Quote) -> News:
    make = partial(wire_data.quote, quote, instrument=quote.instrument)
    return _news(Channel.QUOTES, quote.instrument, quote.at, make)


def _news(channel: Channel, instrument: Instrument, at: datetime, make: Callable[[], Json]) -> News:
    return instrument, Told(Place(channel, instrument.symbol), at, make)


def _minutes_of(start: datetime, of: Iterable[UUID]) -> dict[UUID, Bar]:
    return following.bars_at(start, timeframe=StoredBar.Timeframe.MINUTE, of=list(of))


market = Market({Instrument.AssetClass.US_EQUITY: EQUITIES, Instrument.AssetClass.CRYPTO: CRYPTO})
