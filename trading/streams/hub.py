"""Prices from the tables to every socket of this process: read once, encoded once, shared.

One thread reads what changed, at most ten times a second, and keeps what is shown of it. It
tells each event loop which symbols have news; there the sockets that subscribed to them are
marked, and each one's own task makes its next frame of what is shown by then: of texts, or of
differences in the binary stream. Either is made when the first of them asks.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from django.utils import timezone

from foundation import wakeups
from marketdata import selectors
from marketdata.current.present import present
from marketdata.models import Quote
from marketdata.selectors import Standing
from trading.streams import data_market, desk
from trading.streams.audience import Audience
from trading.streams.chains import Chains
from trading.streams.ladders import Ladders
from trading.streams.mailbox import Mailbox
from trading.streams.shown import Shown

INTERVAL_SECONDS: Final = 0.1  # between two rounds, so between two frames to a socket
LOOK_SECONDS: Final = 0.2  # between two looks without a hint: a stale quote shows within this
STANDING_SECONDS: Final = 1.0  # between two looks at what may be traded
PAGE: Final = 5_000  # quotes read at a time


class Hub:
    """What is shown of every instrument, and who wants to hear of which."""

    def __init__(self) -> None:
        self.audience = Audience(Mailbox.put_quotes, is_paced=True)
        self._quotes: dict[UUID, Quote] = {}
        self._stale: set[UUID] = set()
        self._standings: dict[UUID, Standing] = {}
        self._standings_at = -STANDING_SECONDS
        self._symbols: dict[UUID, str] = {}  # under which each was shown
        self._shown: dict[str, Shown] = {}
        self._sequence = 0
        self.chains = Chains(self._shown.get)

    @property
    def standings(self) -> Mapping[UUID, Standing]:
        """How all instruments stood when somebody looked last."""
        return self._standings

    def subscribe(self, mailbox: Mailbox, symbols: set[str]) -> None:
        """Send `mailbox` the quotes of `symbols` as they are, and from now on as they change."""
        mailbox.symbols |= symbols
        self.audience.add(mailbox, symbols)
        mailbox.put_quotes(symbols)

    def unsubscribe(self, mailbox: Mailbox, symbols: set[str]) -> None:
        mailbox.symbols -= symbols
        self.audience.remove(mailbox, symbols)

    def tell(self, symbols: set[str]) -> None:
        """Let everybody know of `symbols` who follows them, each difference encoded by then."""
        self.chains.advance(symbols & self.audience.topics)
        self.audience.tell(symbols)

    def now(self, symbol: str) -> Shown | None:
        """Return what is shown of the instrument that has this symbol today."""
        shown = self._shown.get(symbol)
        is_its = shown is not None and self._symbols.get(shown.quote.instrument_id) == symbol
        return shown if is_its else None

    def entries(self, symbols: Iterable[str]) -> list[str]:
        """Return the texts of those of `symbols` that have a quote."""
        return [shown.text for symbol in symbols if (shown := self._shown.get(symbol)) is not None]

    def look(self) -> tuple[set[str], list[Quote]]:
        """Read what is new, what has grown stale or fresh, and what trades no more or again.

        Returns the symbols concerned, and the quotes that are new. A look that fails has changed
        nothing: the next reads all of it again.
        """
        news = list(_quotes_after(self._sequence))
        stale = selectors.stale_instruments(now=timezone.now())
        standings = self._standings_by_now(news)
        return self.take(news, stale=stale, standings=standings), news

    def take(
        self, news: Sequence[Quote], *, stale: set[UUID], standings: dict[UUID, Standing]
    ) -> set[str]:
        """Show these quotes, and who is stale and stands how; return the symbols concerned."""
        touched = {quote.instrument_id for quote in news} | (stale ^ self._stale)
        if standings is not self._standings:
            touched |= _different(self._standings, standings)
        self._quotes |= {quote.instrument_id: quote for quote in news}
        self._sequence = news[-1].sequence if news else self._sequence
        self._stale, self._standings = stale, standings
        return self._show(touched & self._quotes.keys())

    def lose_sight(self) -> set[str]:
        """Show every price as stale: nobody looks any more. Returns the symbols."""
        self._stale = set(self._quotes)
        return self._show(self._stale)

    def _standings_by_now(self, news: Iterable[Quote]) -> dict[UUID, Standing]:
        """Return how all stand: looked at once in a while, and when a quote has another symbol."""
        known = self._standings
        is_due = time.monotonic() >= self._standings_at + STANDING_SECONDS
        if not is_due and all(_is_called_so(quote, known) for quote in news):
            return known
        standings = selectors.standings()
        self._standings_at = time.monotonic()
        return standings

    def _show(self, touched: set[UUID]) -> set[str]:
        """Show the quotes of these instruments as they are; return the symbols concerned."""
        shown: dict[str, Shown] = {}
        for instrument_id in touched:
            quote, standing = self._quotes[instrument_id], self._standings.get(instrument_id)
            if standing is None:
                continue
            before = self._symbols.get(instrument_id, standing.symbol)
            if before != standing.symbol:
                # Nobody says any more what this symbol costs, unless another has taken it over.
                gone = standing._replace(symbol=before, is_tradable=False)
                shown.setdefault(before, Shown(quote, gone, is_stale=True))
            self._symbols[instrument_id] = standing.symbol
            is_stale = instrument_id in self._stale
            shown[standing.symbol] = Shown(quote, standing, is_stale=is_stale)
        self._shown |= shown
        return set(shown)


def _quotes_after(sequence: int) -> Iterator[Quote]:
    """Yield the quotes that changed after `sequence`, in that order."""
    while page := selectors.quotes_since(sequence, limit=PAGE):
        yield from page
        if len(page) < PAGE:
            return
        sequence = page[-1].sequence


def _is_called_so(quote: Quote, standings: Mapping[UUID, Standing]) -> bool:
    standing = standings.get(quote.instrument_id)
    return standing is not None and standing.symbol == quote.instrument.symbol


def _different(before: Mapping[UUID, Standing], after: Mapping[UUID, Standing]) -> set[UUID]:
    return {each for each, standing in after.items() if before.get(each) != standing}


hub = Hub()
ladders = Ladders(hub.now)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Carry prices from the tables to this process's sockets until `stop`."""
    with (
        wakeups.listener.event(wakeups.Channel.QUOTES) as news,
        wakeups.listener.event(wakeups.Channel.BARS) as repairs,
    ):
        while not stop.is_set():
            begun = time.monotonic()
            news.clear()
            if repairs.is_set():
                repairs.clear()
                present.forget_bars()
            try:
                symbols, quotes = hub.look()
            except Exception:
                present.lose_sight()
                hub.tell(hub.lose_sight())
                raise
            present.show(quotes, hub.standings)
            hub.tell(symbols)
            ladders.tell(ladders.look())
            if quotes:
                desk.desk.prices_moved(quotes)
            data_market.market.take(quotes, hub.standings, now=timezone.now())
            beat()
            stop.wait(max(0.0, begun + INTERVAL_SECONDS - time.monotonic()))
            news.wait(max(0.0, begun + LOOK_SECONDS - time.monotonic()))
    present.lose_sight()
