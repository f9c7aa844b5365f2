"""The trading floor: the engine, the simulated market, the replays and what is quoted from outside,
one cycle at a time.

`decide` changes memory only; whoever calls it makes the cycle durable before anybody is told.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from foundation.decimals import text
from marketdata import calendars, selectors
from marketdata.arrival.tape import HEARTBEAT_SECONDS
from marketdata.calendars import Phase
from marketdata.current.depth import Book
from marketdata.models import Instrument
from marketdata.ticks import SIMULATED, QuoteTick, Tick, TradeTick
from venues.exchange import busts, outside, records, replay
from venues.exchange.commands import (
    Admit,
    BandTerms,
    CloseSession,
    CoarseSteps,
    Command,
    Enter,
    Event,
    Halt,
    MassQuote,
    OpenSession,
    Trade,
    Wake,
    request_id,
)
from venues.exchange.depths import Depths
from venues.exchange.engine import Engine
from venues.exchange.market import LIQUIDITY, Market
from venues.exchange.market import Instrument as Traded
from venues.exchange.outside import Outside, Sides
from venues.exchange.stage import Change, Stage
from venues.exchange.state import Session

_LOOK_SECONDS: Final = 1.0
_SNAPSHOT_COMMANDS: Final = 50_000
_SNAPSHOT_AGE_MAX: Final = timedelta(minutes=5)
_RESUMPTION_SECONDS: Final = 10
_CLOSING_LAG_MAX: Final = timedelta(minutes=5)
# As in the US: narrow bands for what everybody knows, wider ones for the rest.
_NARROW_BANDS: Final = BandTerms(Decimal(5))
_WIDE_BANDS: Final = BandTerms(Decimal(10))
_HEARTBEAT: Final = timedelta(seconds=HEARTBEAT_SECONDS * 0.8)


@dataclass(slots=True)
class Cycle:
    """What was done in one cycle, and the ticks and books that it told, by source."""

    sequence: int
    at: datetime
    commands: list[Command] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    ticks: dict[str, list[Tick]] = field(default_factory=dict)
    books: dict[str, list[Book]] = field(default_factory=dict)


class Floor:
    """All that the exchange's thread owns."""

    def __init__(self, recovered: records.Recovered, *, seed: int) -> None:
        self.engine: Engine = recovered.engine
        self.sequence = recovered.sequence
        self.at = recovered.at
        # What the market does depends on the seed and on where the exchange stands, so that a
        # restart does not play the same hour again.
        self.market = Market(seed=f"{seed}:{recovered.sequence}")
        self.stage = Stage()
        self.outside = Outside()
        self._is_first_look = True
        self._looks_at = 0.0
        self._quoted: dict[str, QuoteTick] = {}
        self._depths = Depths()
        self._snapshot_sequence = recovered.sequence
        self._snapshot_at: datetime | None = recovered.at
        self._commands_since_snapshot = 0

    def look_for_replays(self) -> None:
        """Look at once at what is asked for instead of within a second."""
        self._looks_at = 0.0

    def decide(self, requests: Sequence[Enter], *, now: datetime, is_market_due: bool) -> Cycle:
        """Carry out what is due, in memory; return what must be made durable and then told."""
        cycle = Cycle(self.sequence + 1, now)
        touched: set[str] = set()
        if is_market_due:
            self._carry_out(self._house_commands(now), cycle, touched)
            self._play(cycle, touched)
            if self.outside.sources:
                quoted = self.outside.quote(_fresh_sides(now), self.engine, now=now)
                self._carry_out(quoted, cycle, touched)
        self._carry_out(self._fresh(requests), cycle, touched)
        if is_market_due:
            self._carry_out(self.market.step(now, self.engine), cycle, touched)
        silent = self._silent(now) if is_market_due else set()
        for symbol in sorted((touched | silent) & self.engine.listings.keys()):
            self._quote(symbol, now, cycle)
        self._depths.note(touched)
        if is_market_due:
            for book in self._depths.due(self.engine, now=now):
                cycle.books.setdefault(self._source(book.symbol), []).append(book)
        if cycle.commands:
            self.sequence = cycle.sequence
            self.at = now
            self._commands_since_snapshot += len(cycle.commands)
        return cycle

    def is_snapshot_due(self) -> bool:
        if self.sequence == self._snapshot_sequence or self.at is None:
            return False
        is_old = self._snapshot_at is None or self.at - self._snapshot_at >= _SNAPSHOT_AGE_MAX
        return is_old or self._commands_since_snapshot >= _SNAPSHOT_COMMANDS

    def save_snapshot(self) -> None:
        """Write down the state as it stands, if it has changed."""
        if self.at is None or self.sequence == self._snapshot_sequence:
            return
        records.save_snapshot(self.engine, sequence=self.sequence, at=self.at)
        self._snapshot_sequence, self._snapshot_at = self.sequence, self.at
        self._commands_since_snapshot = 0

    # --- What is due -----------------------------------------------------------------------

    def _house_commands(self, now: datetime) -> list[Command]:
        """Return what the exchange itself orders: listings, halts, sessions, who may quote."""
        is_look_due = time.monotonic() >= self._looks_at
        # Busts first: they count from what is written down, which anything else would change.
        commands: list[Command] = [*busts.due(now)] if is_look_due else []
        if self.engine.is_due(now):
            commands.append(Wake())
        if is_look_due:
            self._looks_at = time.monotonic() + _LOOK_SECONDS
            instruments = list(Instrument.objects.order_by("symbol"))
            quoted_outside = {
                each.symbol: each.source
                for each in instruments
                if each.source and each.symbol not in self.stage.symbols
            }
            begun, ended = self.outside.recast(quoted_outside)
            commands += self._listings(instruments)
            commands += self._leave_to_others(begun)
            commands += self._take_back(outside.PARTICIPANT, ended)
            commands += self._sessions({each.calendar for each in instruments}, now)
            if self._is_first_look:
                commands += self._end_what_a_stop_cut_short(now)
            else:
                commands += self._recast(self.stage.look(self._replayable(), now=now))
            self._is_first_look = False
        return commands

    def _listings(self, instruments: Sequence[Instrument]) -> list[Command]:
        """Return what brings the exchange's listings in line with the instruments."""
        commands: list[Command] = []
        for instrument in instruments:
            terms = self._terms(instrument)
            listing = self.engine.listings.get(instrument.symbol)
            is_halted = instrument.halted or not instrument.tradable
            if listing is None or listing.terms != terms:
                commands.append(terms)
            if (listing.is_halted if listing else False) != is_halted:
                seconds = 0 if is_halted else _RESUMPTION_SECONDS
                commands.append(Halt(instrument.symbol, is_halted, seconds))
            is_crypto = instrument.asset_class == Instrument.AssetClass.CRYPTO
            traded = Traded(
                *(instrument.symbol, is_crypto, terms.tick, terms.lot, instrument.reference_price),
                steps=terms.steps,
            )
            if restart := self.market.restart(traded):
                # After a split its bands would lie around a price of before; they begin anew.
                commands += [*restart, replace(terms, bands=None)]
            self.market.admit(traded)
        listed = {instrument.symbol for instrument in instruments}
        return [*commands, *self.market.leave_all_but(listed)]

    def _terms(self, instrument: Instrument) -> Admit:
        """Return the terms that the instrument has here: its finest step is a tick."""
        steps = instrument.price_steps
        coarse = CoarseSteps(_plain(steps.usual), _plain(steps.fine_below))
        return Admit(
            instrument.symbol,
            _plain(steps.fine),
            _plain(instrument.quantity_increment),
            _plain(instrument.quantity_min),
            instrument.calendar,
            self._bands(instrument),
            coarse if steps.fine_below else None,
        )

    def _bands(self, instrument: Instrument) -> BandTerms | None:
        """Return how far a price may run: coins as far as they like, and so may a recording."""
        is_crypto = instrument.asset_class == Instrument.AssetClass.CRYPTO
        if is_crypto or instrument.symbol in self.stage.symbols | self.outside.sources.keys():
            return None
        return _NARROW_BANDS if instrument.symbol in LIQUIDITY else _WIDE_BANDS

    def _sessions(self, of: set[str], now: datetime) -> list[Command]:
        """Return the openings and closings that the calendars ask for at `now`."""
        commands: list[Command] = []
        for calendar in sorted(of | self.engine.sessions.keys()):
            due, running = _session_due(calendar, now), self.engine.sessions.get(calendar)
            if due == running:
                continue
            is_timely = running is None or now - _close_of(calendar, running) <= _CLOSING_LAG_MAX
            if running is not None and (due is None or due.date != running.date):
                commands.append(CloseSession(calendar, is_timely))
            if due is not None:
                commands.append(OpenSession(calendar, due.date, due.phase, is_timely))
        return commands

    def _leave_to_others(self, symbols: Iterable[str]) -> list[Command]:
        return [command for each in symbols for command in self.market.withdraw(each)]

    def _take_back(self, participant: str, symbols: Iterable[str]) -> list[Command]:
        """Let the simulated market go on where `participant` stops quoting."""
        commands: list[Command] = []
        for symbol in symbols:
            if symbol in self.engine.listings and symbol in self.market.symbols:
                commands.append(MassQuote(participant, symbol, (), ()))
                self.market.come_back(symbol, self.outside.last_price(symbol))
        return commands

    def _recast(self, change: Change) -> list[Command]:
        """Let participants go and come back for what is replayed; return what they withdraw."""
        commands: list[Command] = []
        for symbol in change.begun:
            commands += self.market.withdraw(symbol)
            # A recording is of another day, and may begin far from the last price here.
            commands.append(replace(self.engine.listings[symbol].terms, bands=None))
        for player in change.ended:
            for symbol in sorted(player.symbols):
                commands.append(MassQuote(replay.PARTICIPANT, symbol, (), ()))
                self.market.come_back(symbol, player.last_price(symbol))
        return commands

    def _replayable(self) -> dict[str, Admit]:
        engine = self.engine
        here = engine.listings.keys() - self.outside.sources.keys()
        return {s: engine.listings[s].terms for s in here if engine.is_trading(s)}

    def _end_what_a_stop_cut_short(self, now: datetime) -> list[Command]:
        """Return the withdrawals of recorded quotes that still stand in the recovered books."""
        self.stage.clear(now)
        commands: list[Command] = []
        for symbol, listing in self.engine.listings.items():
            others = [outside.PARTICIPANT] if symbol not in self.outside.sources else []
            for participant in filter(listing.quotes.get, [replay.PARTICIPANT, *others]):
                best = listing.best()
                ticks = [price for price in (best.bid, best.ask) if price is not None]
                commands.append(MassQuote(participant, symbol, (), ()))
                self.market.come_back(symbol, sum(ticks) * listing.terms.tick / len(ticks))
        return commands

    def _fresh(self, requests: Sequence[Enter]) -> list[Command]:
        """Return the requests that were never entered before, each once."""
        seen = self.engine.seen
        known: set[tuple[str, str]] = set()
        if requests and not seen.is_complete:
            known = records.entered_before(requests)
        fresh: list[Command] = []
        for each in requests:
            key = (each.member, request_id(each.request))
            if key not in known and key not in seen:
                known.add(key)
                fresh.append(each)
        return fresh

    # --- Doing it --------------------------------------------------------------------------

    def _carry_out(self, commands: Iterable[Command], cycle: Cycle, touched: set[str]) -> None:
        for command in commands:
            self._apply(command, cycle, touched, at=cycle.at)

    def _apply(self, command: Command, cycle: Cycle, touched: set[str], *, at: datetime) -> None:
        """Apply one command; print the trades that it led to."""
        events = self.engine.apply(command, cycle.at)
        cycle.commands.append(command)
        cycle.events += events
        touched |= _symbols_of(command, self.engine, events)
        for event in events:
            if isinstance(event, Trade):
                self.market.observe(event)
                if event.symbol in self.outside.sources:
                    continue
                tick = TradeTick(event.symbol, at, event.price, event.quantity, str(event.number))
                cycle.ticks.setdefault(self._source(event.symbol), []).append(tick)

    def _play(self, cycle: Cycle, touched: set[str]) -> None:
        """Play what the recordings say: each quote through the book, each print as it is."""
        if self.stage.is_empty:
            return
        played, change = self.stage.due(cycle.at, after=self.at or cycle.at)
        ticks = cycle.ticks.setdefault(replay.SOURCE, [])
        for each in played:
            if isinstance(each.what, TradeTick):
                ticks.append(each.what)
            else:
                self._apply(each.what, cycle, touched, at=each.at)
                self._quote(each.what.symbol, each.at, cycle)
        self._carry_out(self._recast(change), cycle, touched)

    # --- Prices ----------------------------------------------------------------------------

    def _silent(self, now: datetime) -> set[str]:
        """Return the symbols whose quote must be confirmed, though nothing has changed."""
        ours = (self.engine.listings.keys() & self.market.symbols) - self.outside.sources.keys()
        return {
            symbol
            for symbol in ours
            if (quoted := self._quoted.get(symbol)) is None or now - quoted.at >= _HEARTBEAT
        }

    def _quote(self, symbol: str, at: datetime, cycle: Cycle) -> None:
        """Print the best bid and offer of `symbol`, unless it was printed just so a moment ago."""
        if symbol in self.outside.sources:
            return
        best = self.engine.best(symbol)
        terms = self.engine.listings[symbol].terms
        quote = QuoteTick(
            symbol,
            at,
            None if best.bid is None else best.bid * terms.tick,
            best.bid_size * terms.lot,
            None if best.ask is None else best.ask * terms.tick,
            best.ask_size * terms.lot,
        )
        quoted = self._quoted.get(symbol)
        if quoted is None or at - quoted.at >= _HEARTBEAT or not _says_the_same(quoted, quote):
            self._quoted[symbol] = quote
            cycle.ticks.setdefault(self._source(symbol), []).append(quote)

    def _source(self, symbol: str) -> str:
        if symbol in self.stage.symbols:
            return replay.SOURCE
        return self.outside.sources.get(symbol, SIMULATED)


def _plain(number: Decimal) -> Decimal:
    """Return the number without the zeros at its end that the database has given it."""
    return Decimal(text(number))


def _fresh_sides(now: datetime) -> dict[str, Sides]:
    """Return the quotes from outside that may be traded on at `now`."""
    found = selectors.quotes_from_outside()
    return {
        quote.instrument.symbol: Sides(quote.bid, quote.bid_size, quote.ask, quote.ask_size)
        for quote in found
        if not quote.is_stale(now=now)
    }


def _session_due(calendar: str, now: datetime) -> Session | None:
    """Return the session that is on at `now`, and its phase."""
    phase = calendars.phase(calendar, now)
    if phase is Phase.CLOSED:
        return None
    # Late trading follows the close, and the calendar looks ahead to the next session.
    is_late = phase is Phase.LATE
    day = calendars.date_of(now) if is_late else calendars.session(calendar, now).date
    return Session(day, phase)


def _close_of(calendar: str, session: Session) -> datetime:
    """Return when the regular session closes, or has closed."""
    found = calendars.sessions(calendar, first=session.date, last=session.date)
    return found[0].close if found else calendars.midnight(session.date)


def _says_the_same(one: QuoteTick, other: QuoteTick) -> bool:
    return (one.bid, one.bid_size, one.ask, one.ask_size) == (
        other.bid,
        other.bid_size,
        other.ask,
        other.ask_size,
    )


def _symbols_of(command: Command, engine: Engine, events: Sequence[Event]) -> set[str]:
    """Return the symbols whose book `command` may have changed."""
    if isinstance(command, MassQuote | Admit | Halt):
        return {command.symbol}
    if isinstance(command, OpenSession | CloseSession | Wake):
        return set(engine.listings)
    symbols = {event.symbol for event in events if event.symbol}
    return symbols & engine.listings.keys()
