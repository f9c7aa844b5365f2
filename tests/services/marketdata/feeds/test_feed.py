"""A feed followed over real sockets: proved, lost, back again, and what was missed filled in."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from django.db import connection
from django.utils import timezone
from websockets.sync.client import ClientConnection

from marketdata import bars, services
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import memory
from marketdata.feeds import filling, standing, states, talk
from marketdata.feeds.following import Following
from marketdata.feeds.line import Line
from marketdata.feeds.providers import Market, configured
from marketdata.feeds.states import State
from marketdata.feeds.wire import Status
from marketdata.models import Bar, FeedHealth, Instrument, PricePath, Quote, SuspectCount, TapeTrade
from marketdata.ticks import QuoteTick, Tick, TradeTick
from tests.patience import until
from tests.provider import Provider, quote, running, trade

D = Decimal
SECOND = timedelta(seconds=1)


class Soon(Random):
    """No pause lasts long in a test, but of those that last for ever."""

    def uniform(self, a: float, b: float) -> float:
        return 0.01


def listed(symbol: str = "IBM", **changes: object) -> Instrument:
    return Instrument.objects.create(
        **{
            "code": symbol, "symbol": symbol, "name": symbol, "asset_class": "us_equity",
            "exchange": "NYSE", "reference_price": D(100), "source": "acme", **changes,
        }
    )  # fmt: skip


class Followed:
    """A line to the provider, whose ticks lie here until the test lets them be booked."""

    def __init__(self, *, whole_until: datetime | None = None) -> None:
        self.ticks: list[Tick] = []
        self.line = Line(
            configured()["acme"], Market.EQUITIES, publish=self._publish,
            whole_until=whole_until, random=Soon(),
        )  # fmt: skip

    def _publish(self, ticks: Sequence[Tick], source: str) -> None:
        assert source == "acme"
        self.ticks += ticks

    def book(self, now: datetime) -> None:
        """As the tape does, at a moment that no pause of the machine can put off."""
        told, self.ticks = self.ticks, []
        services.accept(TickColumns.of(told), source="acme", now=now)

    def is_live(self) -> bool:
        if self.line.failure is not None:
            raise self.line.failure
        return self.line.state is State.LIVE

    def is_whole(self) -> bool:
        return self.is_live() and self.line.filler.is_idle

    def start(self, *symbols: str) -> None:
        self.line.want(symbols or ["IBM"])
        self.line.start()

    def numbers(self) -> list[str]:
        return [tick.trade_id for tick in self.ticks if isinstance(tick, TradeTick)]


@pytest.fixture
def provider(committed, settings) -> Iterator[Provider]:
    made = Provider()
    for name, value in made.settings.items():
        setattr(settings, name, value)
    memory.forget()
    with running(made):
        yield made


@pytest.fixture
def followed(provider) -> Iterator[Followed]:
    listed()
    made = Followed()
    yield made
    made.line.stop()
    assert made.line.failure is None


def held() -> list[str]:
    rows = TapeTrade.objects.order_by("at", "trade_id").values_list("trade_id", flat=True)
    return list(rows)


def test_it_proves_itself_and_is_told_of_what_it_follows(provider, followed, caplog):
    caplog.set_level(logging.DEBUG)
    now = timezone.now()
    provider.quotes["IBM"] = quote(now, 99.5, 100.5)
    followed.start()
    until(followed.is_live)
    assert provider.headers == ["application/msgpack"]
    wanted = ("trades", "quotes", "bars", "updatedBars", "statuses")
    assert provider.said == [
        {"action": "auth", "key": "KEY", "secret": "hush"},
        {"action": "subscribe", **{channel: ["IBM"] for channel in wanted}},
    ]
    latest = until(lambda: followed.ticks)
    assert latest == [QuoteTick("IBM", now, D("99.5"), D(100), D("100.5"), D(100))]
    provider.tell("t", "IBM", trade(1, now))
    provider.tell("t", "BAC", trade(2, now))  # nobody asked for it
    provider.tell("q", "IBM", quote(now, 99, 101))
    until(lambda: len(followed.ticks) == 3)
    assert followed.numbers() == ["1"]
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    ("action", "code", "detail"),
    [("auth", 402, "key_refused"), ("subscribe", 405, "too_many_symbols")],
)
def test_who_is_refused_for_good_does_not_hammer(provider, followed, action, code, detail):
    provider.refusal[action] = code
    followed.start()
    until(lambda: followed.line.state is State.REFUSED)
    assert followed.line.detail == f"{detail}: {code} refused"
    assert followed.line.counts.connections == 1
    assert followed.line._threads[0].is_alive()  # and waits for people


def test_fewer_symbols_are_tried_again(provider, followed):
    provider.refusal["subscribe"] = 405
    followed.start("IBM", "BAC")
    until(lambda: followed.line.state is State.REFUSED)
    provider.refusal.clear()
    followed.line.want(["IBM"])
    until(followed.is_live)
    assert provider.said[-1]["trades"] == ["IBM"]


def test_one_symbol_too_many_costs_the_others_nothing(provider, followed):
    followed.start("IBM")
    until(followed.is_live)
    provider.refusal["subscribe"] = 405
    followed.line.want(["IBM", "BAC"])
    until(lambda: followed.line.detail == "too_many_symbols: refused")
    provider.tell("t", "IBM", trade(1, timezone.now()))
    until(followed.numbers)
    assert (followed.line.state, followed.line.counts.connections) == (State.LIVE, 1)


@pytest.mark.parametrize("code", [406, 407, 400, 500])
def test_who_is_turned_away_for_now_tries_again(provider, followed, code):
    provider.refusal["auth"] = code
    followed.start()
    until(lambda: followed.line.counts.connections >= 3)
    provider.refusal.clear()
    until(followed.is_live)


def test_a_provider_that_is_not_there_yet_is_found_when_it_is(followed, provider):
    at = followed.line.provider
    elsewhere = type(at)(at.name, "ws://127.0.0.1:1", at.past, at.tape, at.key_id, at.secret)
    followed.line.provider = elsewhere
    followed.start()
    until(lambda: followed.line.state is State.LOST)
    assert followed.line.detail.startswith("unreachable")
    followed.line.provider = at
    until(followed.is_live)


def test_one_that_answers_no_ping_is_lost(provider, followed, monkeypatch):
    monkeypatch.setattr(talk, "PONG_SECONDS_MAX", 0.0)
    monkeypatch.setattr(ClientConnection, "ping", lambda _: threading.Event())
    followed.start()
    until(lambda: followed.line.counts.connections >= 2)
    monkeypatch.undo()
    until(followed.is_live)


def test_what_makes_no_sense_is_counted_and_the_rest_goes_on(provider, followed):
    followed.start()
    until(followed.is_live)
    for frame in (b"", b"\xc1", "{", [7, {"T": "t"}], [{"T": "q", "S": "IBM", "t": "never"}]):
        provider.send(frame)
    provider.tell("t", "IBM", trade(1, timezone.now()))
    until(followed.numbers)
    assert followed.line.counts.malformed == 6
    assert followed.line.counts.connections == 1


def test_times_of_another_age_end_nothing(provider, followed, monkeypatch):
    monkeypatch.setattr(filling, "CHECKED_AFTER_SECONDS", 0.0)
    followed.start()
    until(followed.is_live)
    minute = {"o": 1, "h": 1, "l": 1, "c": 1, "v": 1, "n": 1}
    for year in (1, 9999):
        at = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
        provider.tell("t", "IBM", trade(year, at))
        provider.tell("q", "IBM", quote(at, 99, 101))
        provider.tell("b", "IBM", {**minute, "t": at})
    until(lambda: len(followed.ticks) == 3)  # one of the trades is late
    until(followed.is_whole)
    followed.book(timezone.now())
    reasons = SuspectCount.objects.values_list("reason", "count")
    assert dict(reasons) == {"stale": 2, "future": 2}
    assert not TapeTrade.objects.exists()


class TestGap:
    """Seven trades of a minute: three streamed, three while we were away, one told twice, one new.

    Of 1, 2, 4 .. 64 shares, so that a sum says which of them were counted.
    """

    @pytest.fixture
    def trades(self, followed) -> list[dict[str, object]]:
        begun = bars.minute_of(timezone.now())
        followed.line.whole_until = begun  # asked for since then, whatever minute it is by now
        return [trade(n, begun + n * SECOND / 100, 100 + n, 2**n) for n in range(8)]

    def sums(self) -> set[tuple[Decimal, int, Decimal, Decimal]]:
        rows = Bar.objects.values_list("volume", "trades", "open", "close")
        assert rows.count() == 3  # of a minute, an hour and a day
        return set(rows)

    def test_is_filled_with_each_trade_once(self, provider, followed, trades):
        followed.start()
        until(followed.is_live)
        provider.tell("t", "IBM", *trades[:3])
        until(lambda: len(followed.numbers()) == 3)
        followed.book(trades[7]["t"])
        provider.break_off()
        until(lambda: followed.line.counts.connections == 2 and followed.is_live())
        provider.trades["IBM"] = trades[:7]
        provider.break_off()
        until(lambda: held() == ["0", "1", "2", "3", "4", "5", "6"])
        until(followed.is_live)
        before = Quote.objects.get()
        assert (before.last, before.last_trade_id, before.paths) == (D(102), "2", 1)
        provider.tell("t", "IBM", *trades[5:])  # the stream overlaps with what was asked for
        until(followed.numbers)
        assert followed.numbers() == ["7"]
        followed.book(trades[7]["t"])
        assert held() == [str(n) for n in range(8)]
        assert self.sums() == {(D(255), 8, D(100), D(107))}
        after = Quote.objects.get()
        assert (after.last, after.day_volume) == (D(107), D(255))
        assert PricePath.objects.count() == 2  # of what was streamed, and nothing of the gap
        assert followed.line.filler.trades_filled == 4

    def test_what_the_stream_has_told_is_not_filled_while_it_lies_on_the_tape(
        self, provider, followed, trades
    ):
        provider.past_status = 503
        followed.start()
        until(followed.is_live)
        provider.tell("t", "IBM", *trades[4:])
        until(lambda: len(followed.numbers()) == 4)
        provider.trades["IBM"] = trades
        provider.past_status = 200
        until(lambda: followed.line.filler.is_idle)
        assert held() == ["0", "1", "2", "3"]
        followed.book(trades[7]["t"])
        assert self.sums() == {(D(255), 8, D(100), D(107))}

    def test_is_asked_for_again_after_a_restart_and_counts_once(self, provider, followed, trades):
        provider.trades["IBM"] = trades
        for _ in range(2):
            again = Followed(whole_until=trades[0]["t"])
            again.start()
            until(again.is_whole)
            again.line.stop()
        assert self.sums() == {(D(255), 8, D(100), D(107))}
        assert held() == [str(n) for n in range(8)]

    def test_that_nobody_answers_for_stays_open(self, provider, followed):
        provider.past_status = 403
        followed.start()
        until(lambda: "HTTP 403" in followed.line.filler.detail)
        until(lambda: not followed.line.filler._due)
        followed.line.note_timely(now=timezone.now() + 60 * SECOND, seconds=1)
        assert followed.line.whole_until is None

    def test_a_minute_that_lacks_trades_is_asked_for(self, provider, followed, trades, monkeypatch):
        monkeypatch.setattr(filling, "CHECKED_AFTER_SECONDS", 0.0)
        followed.start()
        until(followed.is_whole)
        provider.trades["IBM"] = trades
        minute = {"t": bars.minute_of(trades[0]["t"]), "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}
        provider.tell("u", "IBM", {**minute, "n": 8})
        until(lambda: len(held()) == 8)
        calls = len(provider.calls)
        provider.tell("b", "IBM", {**minute, "n": 8})
        provider.tell("t", "IBM", trade(9, timezone.now()))
        until(followed.numbers)
        assert len(provider.calls) == calls  # we have all of them

    def test_what_the_tape_had_to_drop_is_asked_for_again(
        self, provider, followed, trades, monkeypatch
    ):
        monkeypatch.setattr(filling, "CHECKED_AFTER_SECONDS", 0.0)
        followed.start()
        until(followed.is_whole)
        provider.trades["IBM"] = trades
        provider.tell("t", "IBM", *trades)
        until(lambda: len(followed.numbers()) == 8)
        followed.ticks = followed.ticks[:2]
        followed.book(trades[7]["t"])
        followed.line.fill_again(now=trades[7]["t"])
        until(lambda: len(held()) == 8)
        assert self.sums() == {(D(255), 8, D(100), D(107))}

    def test_a_trade_out_of_order_repairs_and_is_no_last_price(self, provider, followed, trades):
        followed.start()
        until(followed.is_live)
        provider.tell("t", "IBM", trades[5], trades[3])
        until(lambda: held() == ["3"])
        followed.book(trades[7]["t"])
        assert Quote.objects.get().last == D(105)
        assert self.sums() == {(D(40), 2, D(103), D(105))}


def test_a_quote_is_confirmed_while_it_stands_and_is_what_was_believed(followed):
    now = timezone.now()
    quotes = [QuoteTick("IBM", now, D("99.5"), D(1), D("100.5"), D(1))]
    services.accept(TickColumns.of(quotes), source="acme", now=now)
    later = now + SECOND
    others = [QuoteTick("IBM", now, D("99.6"), D(1), D("100.5"), D(1))]
    assert standing.confirm(others, source="acme", now=later) == 0
    assert standing.confirm(quotes, source="other", now=later) == 0
    assert Quote.objects.get().received_at == now
    assert standing.confirm(quotes, source="acme", now=later) == 1
    after = Quote.objects.get()
    assert (after.received_at, after.at, after.sequence) == (later, now, after.sequence)


def test_who_is_silent_has_no_quotes_that_stand(followed):
    now = timezone.now()
    feed = followed.line
    feed.state, feed.heard_at, feed.told_at = State.LIVE, now, now
    feed._quotes["IBM"] = found = QuoteTick("IBM", now, D(99), D(1), D(101), D(1))
    assert feed.standing(now=now + SECOND) == [found]
    assert feed.standing(now=now + 2 * SECOND) == []  # no answer to a ping
    feed.heard_at = now + 16 * SECOND
    assert feed.standing(now=now + 15 * SECOND) == [found]
    assert feed.standing(now=now + 16 * SECOND) == []  # it answers, and tells nothing
    feed.told_at, feed.state = feed.heard_at, State.LOST
    assert feed.standing(now=now + 16 * SECOND) == []


def test_a_halt_is_followed_and_that_of_people_stays(followed):
    def told(*, is_halted: bool, source: str = "acme") -> bool:
        return standing.halt(Status("IBM", timezone.now(), is_halted), source=source)

    ibm = Instrument.objects.get()
    assert not told(is_halted=True, source="other")
    assert told(is_halted=True)
    assert not told(is_halted=True)
    ibm.refresh_from_db()
    assert (ibm.halted, ibm.history.latest().history_change_reason) == (
        True, "Halted by the feed acme.",
    )  # fmt: skip
    assert told(is_halted=False)
    ibm.refresh_from_db()
    ibm.halted, ibm._change_reason = True, "News."
    ibm.save()
    assert not told(is_halted=False)
    ibm.refresh_from_db()
    assert ibm.halted


def test_bad_ticks_through_the_feed_move_nothing(provider, followed):
    """Fault 19: what no market says reaches neither the last price nor what triggers orders."""
    followed.start()
    until(followed.is_live)
    now = timezone.now()
    provider.tell("q", "IBM", quote(now, 99.5, 100.5))
    provider.tell("t", "IBM", trade(1, now))
    until(lambda: len(followed.ticks) == 2)
    followed.book(now)
    before = Quote.objects.values("bid", "ask", "last", "paths", "day_high", "day_low").get()
    wrong = [0.0, -100.0, 10_000.0, 1.0, float("nan"), float("inf")]
    provider.tell("t", "IBM", *(trade(2 + n, now, each) for n, each in enumerate(wrong)))
    pairs = [(9950, 10050), (-99.5, 100.5), (100.5, 99.5), (float("nan"), 100.5), (0.995, 1.005)]
    provider.tell("q", "IBM", *(quote(now, *pair) for pair in pairs))
    until(lambda: len(followed.ticks) == len(wrong) + len(pairs))
    followed.book(now)
    after = Quote.objects.values("bid", "ask", "last", "paths", "day_high", "day_low").get()
    assert after == before
    assert Quote.objects.get().doubts > 0  # and a price under suspicion triggers nothing
    assert dict(SuspectCount.objects.values_list("reason", "count")) == {
        "zero": 1, "negative": 2, "not_finite": 3, "outlying": 4, "crossed": 1,
    }  # fmt: skip
    assert held() == ["1"]


class TestFollowing:
    def test_lines_come_and_go_with_the_instruments_and_their_health_is_written(self, provider):
        ibm = listed()
        listed("BAC", source="")
        now = timezone.now()
        following = Following(configured())

        def look() -> FeedHealth:
            following.look(now=timezone.now())
            return FeedHealth.objects.get()

        try:
            until(lambda: look().state == State.LIVE)
            assert provider.said[-1]["trades"] == ["IBM"]
            provider.tell("t", "IBM", trade(1, now))
            found = until(lambda: (health := look()).messages == 4 and health)
            assert (found.feed, found.market, found.symbols) == ("acme", "us_equity", 1)
            assert (found.reconnects, found.malformed) == (0, 0)
            assert found.told_at is not None and found.live_at is not None
            assert found.whole_until is None or found.whole_until <= timezone.now()
            listed("AAPL")
            until(lambda: look().symbols == 2 and provider.said[-1]["trades"] == ["AAPL"])
            Instrument.objects.update(source="")
            found = until(lambda: (health := look()).symbols == 0 and health)
            assert found.state == State.LOST
            until(lambda: not provider.connections)
        finally:
            following.stop()
            connection.close()
        assert ibm.pk


def test_steady_is_longer_than_what_it_takes_to_fail():
    assert states.STEADY_SECONDS > talk.PONG_SECONDS_MAX
