"""Which ticks of a batch are believed: the rules of `cleaning.rules`, of columns and at once.

Whether a tick is believed depends on which ticks before it were. So all that are sound in
themselves are believed at first, the others are found by comparing whole columns, and that is done
again without them until nothing changes: what is true then of every tick, given those before it,
is what the rules say one by one. Where the rules need to be followed tick by tick (the first ticks
of an instrument, a level that has jumped, a batch that comes again) they are.

Pure; a property test holds that both ways say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from marketdata.batches.columns import (
    NOBODY,
    Flags,
    Ints,
    TickColumns,
    microseconds,
    moment,
)
from marketdata.batches.fences import Track
from marketdata.batches.sifting import Rows
from marketdata.cleaning import rules
from marketdata.cleaning.levels import Terms
from marketdata.cleaning.rules import Known, Reason, Suspect
from marketdata.ticks import Tick, TradeTick

AT_ONCE_MIN, AT_ONCE_MIN_EACH = 100, 3
"""Fewer ticks, of a batch and for each of its instruments, are judged one by one as fast."""

_NO_TERMS: Final = Terms("us_equity", Decimal("0.01"))
_WHOLE_MAX: Final = 2**62


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """What is believed of a batch, in order of symbol; the rest, with its places; what is known."""

    believed: TickColumns
    suspects: Sequence[tuple[int, Suspect]]
    known: Mapping[str, Known]


def clean(
    columns: TickColumns, *, known: Mapping[str, Known], source: str, now: datetime | None
) -> Screened:
    """Judge `columns`, told by `source`, as `rules.clean` judges ticks."""
    columns = columns.by_symbol()
    latest = {symbol: rules.as_told_by(source, fact) for symbol, fact in known.items()}
    batch = _Batch(columns, [latest.get(symbol) for symbol in columns.symbols], now)
    batch.judge()
    judged = zip(columns.symbols, batch.facts, strict=True)
    latest |= {symbol: fact for symbol, fact in judged if fact is not None}
    return Screened(batch.believed(), sorted(batch.suspects, key=_place), latest)


def pays(columns: TickColumns) -> bool:
    """Tell whether the ticks are so many that judging them at once is faster than one by one.

    A batch costs some steps whatever its size, and as many again for each instrument.
    """
    return len(columns) >= AT_ONCE_MIN + AT_ONCE_MIN_EACH * len(columns.symbols)


class _Batch:
    """A batch that is being judged. `facts` has what is known, by the number of the symbol."""

    def __init__(
        self, columns: TickColumns, facts: list[Known | None], now: datetime | None
    ) -> None:
        self._columns, self.facts, self._now = columns, facts, now
        every_quote = np.ones(len(columns.quotes), dtype=np.bool_)
        self._quotes = Rows(columns.quotes, every_quote)
        self._trades = Rows(columns.trades, columns.trades.sets_last)
        self._believed_odd: list[tuple[int, Tick]] = []
        self._left_odd: list[tuple[int, Tick]] = []
        self._booked = self._find_booked()
        self.suspects: list[tuple[int, Suspect]] = []

    def believed(self) -> TickColumns:
        return replace(
            self._columns,
            quotes=self._columns.quotes.taken(self._quotes.is_believed),
            trades=self._columns.trades.taken(self._trades.is_believed),
            odd=tuple(self._believed_odd),
        )

    def judge(self) -> None:
        for symbol in self._special():
            self._judge_in_turn(symbol)
        self._begin_levels()
        self._find_sound()
        tracks = self._tracks()
        quote_clocks, trade_clocks = self._clocks()
        unsettled = {
            *self._quotes.settle(tracks[:2], clocks=quote_clocks).tolist(),
            *self._trades.settle(tracks[2:], clocks=trade_clocks).tolist(),
        }
        doubtful = self._doubtful()
        for symbol in unsettled | {each for each, ticks in doubtful.items() if ticks is None}:
            self._judge_in_turn(symbol)
        self._keep_aside()
        self._learn(tracks, {each: ticks for each, ticks in doubtful.items() if ticks is not None})

    # --- What has to be judged one by one ----------------------------------------------------

    def _special(self) -> set[int]:
        """Return the symbols that are unknown, come again, or have ticks that fit no column.

        What is no number at all needs no turn: it is kept aside.
        """
        special = {number for number, fact in enumerate(self.facts) if fact is None}
        special |= self._booked.keys()
        quotes = self._columns.quotes
        special |= set(quotes.symbol[(quotes.bid == NOBODY) & (quotes.ask == NOBODY)].tolist())
        numbers = {symbol: number for number, symbol in enumerate(self._columns.symbols)}
        for place, tick in self._columns.odd:
            reason = rules.fault_of_numbers(tick)
            if reason is None or numbers[tick.symbol] in special:
                self._left_odd.append((place, tick))
                special.add(numbers[tick.symbol])
            else:
                self.suspects.append((place, Suspect(tick, reason)))
        return special

    def _find_booked(self) -> dict[int, int]:
        """Return the place of the last booked trade, where it is here, by symbol."""
        columns = self._columns
        booked = {fact.trade_id for fact in self.facts if fact is not None and fact.trade_id}
        told = [
            (int(columns.trades.symbol[row]), int(columns.trades.place[row]), trade_id)
            for row, trade_id in enumerate(columns.trades.trade_id.tolist())
            if trade_id in booked
        ]
        told += [
            (columns.symbols.index(tick.symbol), place, tick.trade_id)
            for place, tick in columns.odd
            if isinstance(tick, TradeTick)
        ]
        return {
            symbol: place
            for symbol, place, trade_id in sorted(told)
            if (fact := self.facts[symbol]) is not None and trade_id and trade_id == fact.trade_id
        }

    def _judge_in_turn(self, symbol: int, *, until: int | None = None) -> None:
        """Judge the ticks of `symbol` that are open, in their order, by the rules for one."""
        ticks = self._open_ticks(symbol, until)
        fact = self.facts[symbol]
        if fact is None:
            for place, tick, _, _ in ticks:
                self.suspects.append((place, Suspect(tick, Reason.UNKNOWN_SYMBOL)))
            return
        booked = self._booked.get(symbol, -1)
        for place, tick, kind, row in ticks:
            reason, fact = rules.judge(tick, fact, now=self._now, is_booked=place <= booked)
            if reason is not None:
                self.suspects.append((place, Suspect(tick, reason)))
            elif kind is None:
                self._believed_odd.append((place, tick))
            else:
                kind.is_believed[row] = True
        self.facts[symbol] = fact

    def _open_ticks(
        self, symbol: int, until: int | None
    ) -> list[tuple[int, Tick, Rows | None, int]]:
        """Take out the open ticks of `symbol` at places up to `until`, in order."""
        found: list[tuple[int, Tick, Rows | None, int]] = []
        kinds = ((self._quotes, self._columns.quote), (self._trades, self._columns.trade))
        for kind, tick_of in kinds:
            rows = kind.of(symbol)
            for row in (np.flatnonzero(kind.is_open[rows]) + rows.start).tolist():
                place = int(kind.columns.place[row])
                if until is None or place <= until:
                    kind.is_open[row] = kind.is_believed[row] = False
                    found.append((place, tick_of(row), kind, row))
        name = self._columns.symbols[symbol]
        found += [(place, tick, None, 0) for place, tick in self._left_odd if tick.symbol == name]
        return sorted(found, key=lambda each: each[0])

    def _begin_levels(self) -> None:
        """Judge in turn the ticks up to the first of each price that has no level yet."""
        quotes, trades = self._columns.quotes, self._columns.trades
        prices = (
            ("bid", self._quotes, quotes.bid != NOBODY),
            ("ask", self._quotes, quotes.ask != NOBODY),
            ("last", self._trades, trades.sets_last),
        )
        for symbol, fact in enumerate(self.facts):
            if fact is None or (fact.bid and fact.ask and fact.last):
                continue
            for _ in range(2):  # the first of a price may not be believed
                until = -1
                for name, kind, is_there in prices:
                    rows = kind.of(symbol)
                    first = np.flatnonzero(is_there[rows] & kind.is_open[rows])[:1] + rows.start
                    if getattr(self.facts[symbol], name) is None and len(first):
                        until = max(until, int(kind.columns.place[first[0]]))
                if until >= 0:
                    self._judge_in_turn(symbol, until=until)
            if until >= 0:
                self._judge_in_turn(symbol)

    # --- What is judged at once -------------------------------------------------------------

    def _find_sound(self) -> None:
        """Find the rows that have no fault in themselves, whatever was before them."""
        columns, quotes, trades = self._columns, self._quotes, self._trades
        price_max = int(rules.PRICE_MAX.scaleb(columns.price_decimals))
        size_max = min(int(rules.SIZE_MAX.scaleb(columns.size_decimals)), _WHOLE_MAX)

        def sound(price: Ints, size: Ints) -> Flags:
            return (price > 0) & (size > 0) & (price <= price_max) & (size <= size_max)

        def in_time(at: Ints, age_max: timedelta) -> Flags:
            if self._now is None:
                return np.ones(len(at), dtype=np.bool_)
            latest = microseconds(self._now + rules.CLOCK_SLACK)
            return (at <= latest) & (at >= microseconds(self._now - age_max))

        told = columns.quotes
        has_bid, has_ask = told.bid != NOBODY, told.ask != NOBODY
        quotes.is_sound = (
            quotes.is_open
            & (sound(told.bid, told.bid_size) | ~has_bid)
            & (sound(told.ask, told.ask_size) | ~has_ask)
            & ((told.bid <= told.ask) | ~has_ask)
            & in_time(told.at, rules.QUOTE_AGE_MAX)
        )
        prints = columns.trades
        trades.is_sound = (
            trades.is_open
            & sound(prints.price, prints.size)
            & in_time(prints.at, rules.TRADE_AGE_MAX)
        )

    def _clocks(self) -> tuple[Ints, Ints]:
        def since(at: datetime | None) -> int:
            return 0 if at is None else microseconds(at)

        quote_at = [since(fact.quote_at) if fact else 0 for fact in self.facts]
        trade_at = [since(fact.trade_at) if fact else 0 for fact in self.facts]
        return np.array(quote_at, dtype=np.int64), np.array(trade_at, dtype=np.int64)

    def _tracks(self) -> tuple[Track, Track, Track]:
        quotes, trades = self._columns.quotes, self._columns.trades
        terms = [fact.terms if fact else _NO_TERMS for fact in self.facts]

        def track(name: str, kind: Rows, price: Ints, is_there: Flags) -> Track:
            return Track(
                self._columns,
                symbol=kind.symbol,
                at=kind.at,
                price=price,
                is_there=is_there,
                before=[getattr(fact, name, None) for fact in self.facts],
                terms=terms,
            )

        return (
            track("bid", self._quotes, quotes.bid, quotes.bid != NOBODY),
            track("ask", self._quotes, quotes.ask, quotes.ask != NOBODY),
            track("last", self._trades, trades.price, trades.sets_last),
        )

    def _doubtful(self) -> dict[int, list[Tick] | None]:
        """Return by symbol the outlying ticks at its end; None where so many in a row may agree
        that the level has jumped."""
        kinds = (self._quotes, self._trades)
        outlying = [kind.is_outlying for kind in kinds]
        symbols = {
            symbol
            for kind, flags in zip(kinds, outlying, strict=True)
            for symbol in kind.symbol[flags].tolist()
        }
        return {symbol: self._run_of_doubts(symbol, outlying) for symbol in symbols}

    def _run_of_doubts(self, symbol: int, outlying: Sequence[Flags]) -> list[Tick] | None:
        places, doubted, rows = [], [], []
        for number, kind in enumerate((self._quotes, self._trades)):
            part = kind.of(symbol)
            settles = kind.is_believed[part] & kind.is_open[part] & kind.sets_price[part]
            matters = np.flatnonzero(settles | outlying[number][part]) + part.start
            places.append(kind.columns.place[matters])
            doubted.append(outlying[number][matters])
            rows.append(matters * 2 + number)
        order = np.argsort(np.concatenate(places))
        is_doubted, row = np.concatenate(doubted)[order], np.concatenate(rows)[order]
        settled = np.flatnonzero(~is_doubted)
        runs = np.diff(settled, prepend=-1, append=len(order)) - 1
        fact = self.facts[symbol]
        if fact is not None and runs[0]:
            runs[0] += fact.doubts
        if runs.max() >= rules.DOUBTS_NEAR:
            return None
        last = row[settled[-1] + 1 :] if len(settled) else row
        return [
            self._columns.trade(each // 2) if each % 2 else self._columns.quote(each // 2)
            for each in last.tolist()
        ]

    # --- What follows -------------------------------------------------------------------------

    def _keep_aside(self) -> None:
        for kind in (self._quotes, self._trades):
            reasons = (
                (Reason.OUT_OF_ORDER, kind.is_open & kind.is_sound & ~kind.is_ordered),
                (Reason.OUTLYING, kind.is_outlying),
                (None, kind.is_open & ~kind.is_sound),
            )
            for reason, rows in reasons:
                self.suspects += [
                    self._suspect(kind, row, reason) for row in np.flatnonzero(rows).tolist()
                ]

    def _suspect(self, kind: Rows, row: int, reason: Reason | None) -> tuple[int, Suspect]:
        tick = self._columns.quote(row) if kind is self._quotes else self._columns.trade(row)
        found = reason or rules.fault_in_itself(tick, now=self._now)
        if found is None:
            raise ValueError(f"Nothing is wrong with {tick}")
        return int(kind.columns.place[row]), Suspect(tick, found)

    def _learn(self, tracks: tuple[Track, Track, Track], doubts: Mapping[int, list[Tick]]) -> None:
        """Carry what is known of each symbol on, past the rows that were judged at once."""
        quotes, trades = self._quotes, self._trades
        quoted = quotes.latest(quotes.is_believed & quotes.is_open)
        printed = trades.latest(trades.is_believed & trades.is_open)
        priced = trades.latest(trades.is_believed & trades.is_open & trades.sets_price)
        bids, asks, lasts = (track.after() for track in tracks)
        for symbol in quoted.keys() | printed.keys() | doubts.keys():
            fact = self.facts[symbol]
            if fact is None or not (
                quotes.is_open[quotes.of(symbol)].any() or trades.is_open[trades.of(symbol)].any()
            ):
                continue
            if symbol in quoted or symbol in priced:
                fact = replace(
                    fact,
                    price=self._latest_price(quoted.get(symbol), priced.get(symbol)),
                    doubted=None,
                    doubts=0,
                    bid=bids.get(symbol, fact.bid),
                    ask=asks.get(symbol, fact.ask),
                    last=lasts.get(symbol, fact.last),
                )
            if symbol in quoted:
                fact = replace(fact, quote_at=moment(quotes.at[quoted[symbol]]))
            if symbol in priced:
                fact = replace(fact, trade_at=moment(trades.at[priced[symbol]]))
            if symbol in printed:
                fact = replace(fact, trade_id=self._columns.trades.trade_id[printed[symbol]])
            for tick in doubts.get(symbol, ()):
                fact, _ = rules.doubting(tick, fact)
            self.facts[symbol] = fact

    def _latest_price(self, quote: int | None, trade: int | None) -> Decimal | None:
        quoted_at = -1 if quote is None else int(self._columns.quotes.place[quote])
        printed_at = -1 if trade is None else int(self._columns.trades.place[trade])
        if quote is not None and quoted_at > printed_at:
            return rules.price_of(self._columns.quote(quote))
        return None if trade is None else self._columns.trade(trade).price


def _place(told: tuple[int, Suspect]) -> int:
    return told[0]
