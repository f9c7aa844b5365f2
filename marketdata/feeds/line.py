"""One market of one feed, followed: connected, proved, subscribed, live; lost, and once more.

A thread reads what the provider streams and lays it on the tape; it never touches the database, so
that a slow one does not make us a slow client. What the tape cannot hold is asked for again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

import structlog
from django.conf import settings
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from marketdata.bars import minute_of
from marketdata.cleaning.rules import CLOCK_SLACK, TRADE_AGE_MAX, fault_of_numbers
from marketdata.feeds import states
from marketdata.feeds.claims import Claims
from marketdata.feeds.filling import Filler
from marketdata.feeds.providers import Market, Provider
from marketdata.feeds.states import Cause, Lost, State
from marketdata.feeds.talk import Talk
from marketdata.feeds.wire import Heard, Status
from marketdata.ticks import QuoteTick, Tick, TradeTick

log = structlog.get_logger(__name__)
# At its finest the library logs whole frames, and one of them has our secret.
_frames_log = logging.getLogger(f"{__name__}.frames")
_frames_log.setLevel(logging.INFO)

CONNECT_SECONDS_MAX: Final = 5.0
FRESH_SECONDS_MAX: Final = 1.0
"""Of whom nothing was heard for longer, no answer to a ping either, nothing is confirmed."""
BOOKED_WITHIN: Final = timedelta(seconds=15)
"""What was told so long ago is booked, if not much lies on the tape."""
_FRAME_BYTES_MAX: Final = 4 * 2**20
_TOO_SLOW: Final = 4408
_REFUSED_STATUSES: Final = frozenset({401, 403})
_TOO_MANY_STATUS: Final = 429

Publish = Callable[[Sequence[Tick], str], None]


@dataclass(slots=True)
class Counts:
    """What has happened since the process began."""

    messages: int = 0
    malformed: int = 0
    connections: int = 0


class Line:
    """Follows `market` of `provider`. Made by whoever reads its state, run on two threads.

    `whole_until` is a time up to which all trades are booked, None where nobody knows.
    """

    def __init__(
        self,
        provider: Provider,
        market: Market,
        *,
        publish: Publish,
        whole_until: datetime | None,
        random: Random | None = None,
    ) -> None:
        self.provider, self.market = provider, market
        self.whole_until = whole_until
        self.counts = Counts()
        self.state, self.since, self.detail = State.CONNECTING, timezone.now(), ""
        self.live_at: datetime | None = None
        self.heard_at: datetime | None = None
        self.told_at: datetime | None = None
        self.lag: timedelta | None = None
        self.failure: BaseException | None = None
        self._publish = publish
        self._random = random or Random()  # noqa: S311  a pause, not a secret
        self._lock = threading.Lock()
        self._wanted: frozenset[str] = frozenset()
        self.asked: frozenset[str] = frozenset()
        self._quotes: dict[str, QuoteTick] = {}
        self._statuses: list[Status] = []
        self._last_at: dict[str, datetime] = {}
        self._claims = Claims()
        self.filler = Filler(provider, market, self._claims, hear=self._hear_latest)
        self._stop = threading.Event()
        self._changed = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(run,), name=f"feed-{name}", daemon=True)
            for name, run in (("stream", self._follow), ("past", self.filler.run))
        ]

    # --- What its owner asks ---------------------------------------------------------------

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, seconds_max: float = 5.0) -> None:
        """End both threads; what they were at is asked for again the next time."""
        self._stop.set()
        self._changed.set()
        self.filler.wake()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(seconds_max)

    def want(self, symbols: Collection[str]) -> None:
        """Follow these symbols and no others."""
        with self._lock:
            if self._wanted == frozenset(symbols):
                return
            self._wanted = frozenset(symbols)
        self._changed.set()

    @property
    def wanted(self) -> frozenset[str]:
        with self._lock:
            return self._wanted

    def standing(self, *, now: datetime) -> list[QuoteTick]:
        """Return the quotes that stand as the provider last told them; none while it is unsure.

        It is sure while it answers, and tells anything of the market at all.
        """
        if self.state is not State.LIVE or self.heard_at is None or self.told_at is None:
            return []
        is_fresh = (now - self.heard_at).total_seconds() <= FRESH_SECONDS_MAX
        quiet_seconds = (now - self.told_at).total_seconds()
        if not is_fresh or quiet_seconds > settings.FEED_SILENCE_SECONDS_MAX:
            return []
        with self._lock:
            return list(self._quotes.values())

    def take_statuses(self) -> list[Status]:
        with self._lock:
            told, self._statuses = self._statuses, []
            return told

    def note_timely(self, *, now: datetime, seconds: float) -> None:
        """The tape is not behind, and that for `seconds` more: what was told before is booked."""
        self._claims.pass_time(seconds)
        if self.state is State.LIVE and self.live_at is not None and self.filler.is_idle:
            # Trades of just before a connection were asked for when it stood.
            self.whole_until = max(self.whole_until or self.live_at, now - BOOKED_WITHIN)

    def fill_again(self, *, now: datetime) -> None:
        """Something that was told did not get through: ask for all since it was whole."""
        since = self.whole_until or self.live_at
        if since is not None:
            self.filler.fill_again(self.wanted, since=since, until=now)

    # --- The thread ------------------------------------------------------------------------

    def _guarded(self, run: Callable[[threading.Event], None]) -> None:
        try:
            run(self._stop)
        except BaseException as error:  # noqa: BLE001  its owner raises it on
            self.failure = error

    def _follow(self, stop: threading.Event) -> None:
        failures = 0
        while not stop.is_set():
            wanted, live_at = self.wanted, self.live_at
            try:
                self._converse(stop)
            except Lost as lost:
                was_live = self.live_at != live_at and self.state is State.LIVE
                is_steady = was_live and self._seconds_in_state() >= states.STEADY_SECONDS
                failures = 1 if is_steady else failures + 1
                self._rest(lost, failures, wanted)

    def _rest(self, lost: Lost, failures: int, wanted: frozenset[str]) -> None:
        """Wait for as long as this cause asks for, or until somebody has changed something."""
        with self._lock:
            self._quotes.clear()
            self.asked = frozenset()
        pause = states.pause(lost.cause, failures=failures, random=self._random)
        log.warning(
            "feed_lost", feed=self.provider.name, market=self.market.value,
            cause=lost.cause.value, detail=str(lost), again_in_seconds=pause,
        )  # fmt: skip
        self.enter(State.LOST if pause is not None else State.REFUSED, _told(lost))
        if pause is not None:
            self._stop.wait(pause)
            return
        while not self._stop.is_set():
            self._changed.wait()
            self._changed.clear()
            if lost.cause is Cause.TOO_MANY_SYMBOLS and self.wanted != wanted:
                return

    def _converse(self, stop: threading.Event) -> None:
        """Follow one connection to its end. Raises Lost; returns when asked to stop."""
        self.enter(State.CONNECTING)
        try:
            with self._connected() as wire_:
                self.counts.connections += 1
                Talk(self, wire_).go_on(stop)
        except InvalidStatus as error:
            status = error.response.status_code
            cause = Cause.KEY_REFUSED if status in _REFUSED_STATUSES else Cause.UNREACHABLE
            cause = Cause.TOO_MANY if status == _TOO_MANY_STATUS else cause
            raise Lost(cause, f"HTTP {status}") from None
        except ConnectionClosed as error:
            code = error.rcvd.code if error.rcvd else None
            cause = Cause.SLOW if code == _TOO_SLOW else Cause.CLOSED
            raise Lost(cause, f"closed with {code}" if code else "broken off") from None
        except (OSError, WebSocketException) as error:
            raise Lost(Cause.UNREACHABLE, str(error)) from None

    def _connected(self) -> ClientConnection:
        found = connect(
            self.provider.stream_of(self.market),
            additional_headers={"Content-Type": "application/msgpack"},
            open_timeout=CONNECT_SECONDS_MAX,
            close_timeout=1.0,
            ping_interval=None,  # we ask ourselves, more often
            max_size=_FRAME_BYTES_MAX,
            logger=_frames_log,
        )
        assert isinstance(found, ClientConnection)  # noqa: S101  the type of an old form
        return found

    def _seconds_in_state(self) -> float:
        return (timezone.now() - self.since).total_seconds()

    # --- What a conversation tells -----------------------------------------------------------

    def enter(self, state: State, detail: str = "") -> None:
        self.state, self.since, self.detail = state, timezone.now(), detail

    @property
    def has_changed(self) -> bool:
        """Whether other symbols are wanted than before, maybe."""
        return self._changed.is_set()

    def ask(self) -> tuple[frozenset[str], frozenset[str]]:
        """Return the symbols to subscribe to now, and those to leave."""
        self._changed.clear()
        with self._lock:
            new, old = self._wanted - self.asked, self.asked - self._wanted
            self.asked = self._wanted
            for symbol in old:
                self._quotes.pop(symbol, None)
        return new, old

    def go_live(self) -> None:
        """What is told from now on is complete; what was before is asked for."""
        now = timezone.now()
        self.filler.begin(self.asked, since=self.whole_until or minute_of(now))
        self.live_at = self.told_at = now
        self.enter(State.LIVE)
        log.info("feed_live", feed=self.provider.name, market=self.market.value)

    def join(self, symbols: Collection[str]) -> None:
        """These are subscribed to as well by now."""
        self.filler.quotes(symbols)
        self.filler.fill(symbols, since=minute_of(timezone.now()))

    def hear(self, heard: Heard, *, now: datetime) -> None:
        """Take what a frame says of the market."""
        on_time: list[Tick] = []
        late: list[TradeTick] = []
        for tick in heard.ticks:
            if tick.symbol not in self.asked:
                continue
            if isinstance(tick, QuoteTick):
                with self._lock:
                    self._quotes[tick.symbol] = tick
                on_time.append(tick)
            elif self._claims.claim([tick]):
                (late if self._is_late(tick, now) else on_time).append(tick)
        if heard.ticks:
            self.lag = now - heard.ticks[-1].at
        if heard.is_of_the_market:
            self.told_at = now
        if on_time:
            self._publish(on_time, self.provider.name)
        self.filler.take_late(late)
        self.filler.check(heard.minutes)
        with self._lock:
            self._statuses += heard.statuses

    def _is_late(self, trade: TradeTick, now: datetime) -> bool:
        """Tell whether a trade comes after one that was made later: it is no last price then."""
        last_at = self._last_at.get(trade.symbol)
        if trade.at < now - TRADE_AGE_MAX or (last_at is not None and trade.at < last_at):
            return True
        if trade.sets_last and trade.at <= now + CLOCK_SLACK and fault_of_numbers(trade) is None:
            self._last_at[trade.symbol] = trade.at
        return False

    def _hear_latest(self, quotes: Sequence[QuoteTick]) -> None:
        """Take quotes that were asked for, where the stream has told none yet."""
        with self._lock:
            new = [
                each
                for each in quotes
                if each.symbol in self.asked and each.symbol not in self._quotes
            ]
            self._quotes |= {each.symbol: each for each in new}
        if new:
            self._publish(new, self.provider.name)


def _told(lost: Lost) -> str:
    return f"{lost.cause.value}: {lost}" if str(lost) != lost.cause.value else str(lost)
