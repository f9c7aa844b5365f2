"""What is asked again and again: from memory while a hub looks, and never older than the tables."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.utils import timezone

from foundation import wakeups
from marketdata import calendars, selectors, services
from marketdata.arrival import late
from marketdata.batches.columns import TickColumns
from marketdata.current import present
from marketdata.current.present import Present
from marketdata.instruments import restating
from marketdata.models import Instrument
from marketdata.ticks import QuoteTick, Tick, TradeTick
from tests.patience import DEADLINE_SECONDS, until
from tests.services.api.conftest import Api
from trading.streams import hub as hubs

D = Decimal
MINUTE = timedelta(minutes=1)
CALLS = [
    "/v2/stocks/quotes/latest?symbols=AAPL",
    "/v2/stocks/AAPL/quotes/latest",
    "/v2/stocks/trades/latest?symbols=AAPL",
    "/v2/stocks/bars/latest?symbols=AAPL",
    "/v2/stocks/AAPL/snapshot",
    "/v2/stocks/snapshots?symbols=AAPL",
    "/v2/stocks/bars?symbols=AAPL&timeframe=1Min&start=2026-01-01",
    "/v2/stocks/AAPL/bars?timeframe=5Min&start=2026-01-01&adjustment=all",
]
CHART = "/api/v1/bars?symbol=AAPL&timeframe=1Min"


def told(*ticks: Tick) -> None:
    services.accept(TickColumns.of(ticks), source="feed", now=timezone.now())


def trade(price: str, number: int, *, minutes: int = 0) -> TradeTick:
    return TradeTick("AAPL", timezone.now() - minutes * MINUTE, D(price), D(2), str(number))


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    """Let it be noon in New York: about midnight there, minutes ago were another day."""
    today = calendars.midnight(calendars.date_of(timezone.now()))
    with time_machine.travel(today + timedelta(hours=12)):
        yield


@pytest.fixture(autouse=True)
def nothing_ages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let what was seen be believed however long a test stands still."""
    monkeypatch.setattr(present, "SECONDS_MAX", 1e9)
    monkeypatch.setattr(present, "BARS_SECONDS_MAX", 1e9)
    yield
    present.present.lose_sight()


@pytest.fixture
def market(api: Api) -> Api:
    told(QuoteTick("AAPL", timezone.now(), D("99.5"), D(1), D("100.5"), D(2)))
    told(trade("100", 1, minutes=3), trade("100.25", 2))
    return api


def look(hub: hubs.Hub) -> None:
    _, news = hub.look()
    present.present.show(news, hub.standings)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements about prices and bars, of whatever thread."""
    statements: list[str] = []
    execute = CursorWrapper.execute

    def noting(self: Any, sql: Any, parameters: Any = None) -> Any:
        if "marketdata_" in str(sql):
            statements.append(str(sql))
        return execute(self, sql, parameters)

    monkeypatch.setattr(CursorWrapper, "execute", noting)
    return statements


def test_while_a_hub_looks_nothing_is_asked_of_the_tables(
    market: Api, browser: Client, asked: list[str]
) -> None:
    def answers() -> list[Any]:
        return [*(market("GET", call).json() for call in CALLS), browser.get(CHART).json()]

    from_tables = answers()
    assert len(asked) >= len(from_tables)
    look(hubs.Hub())
    assert answers() == from_tables
    asked.clear()
    assert answers() == from_tables
    assert asked == []
    present.present.lose_sight()  # as after a start, or when the hub has stopped
    assert answers() == from_tables
    assert asked != []


def test_what_was_told_shows_after_the_next_look(market: Api) -> None:
    hub = hubs.Hub()
    look(hub)

    def shown() -> tuple[Any, ...]:
        snapshot = market("GET", "/v2/stocks/AAPL/snapshot").json()
        bars = market("GET", CALLS[6]).json()["bars"]["AAPL"]
        return (
            snapshot["latestQuote"]["bp"], snapshot["latestTrade"]["p"], bars[-1]["c"],
            snapshot["minuteBar"]["c"], snapshot["dailyBar"]["v"],
        )  # fmt: skip

    assert shown() == (99.5, 100.25, 100.25, 100.25, 4)
    told(trade("100.5", 3), QuoteTick("AAPL", timezone.now(), D("99.75"), D(1), D("101"), D(2)))
    look(hub)
    assert shown() == (99.75, 100.5, 100.5, 100.5, 6)


def test_a_symbol_that_another_has_taken_over_is_that_ones(market: Api) -> None:
    hub = hubs.Hub()
    look(hub)
    listed = Instrument.objects.get(symbol="AAPL")
    restating.rename(listed.pk, "renamed", symbol="PEAR", now=timezone.now())
    hub._standings_at = float("-inf")  # a second later
    look(hub)
    assert market("GET", "/v2/stocks/AAPL/quotes/latest").status_code == 404
    assert market("GET", "/v2/stocks/PEAR/quotes/latest").json()["quote"]["bp"] == 99.5


def test_a_bar_that_is_repaired_is_never_answered_as_it_was(market: Api) -> None:
    """The real hub hears of it: late trades, imports and splits hint."""
    stop = threading.Event()

    def work(run: Any) -> None:
        try:
            run(stop, lambda: None)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=work, args=(run,)) for run in (wakeups.listener.run, hubs.run)
    ]
    for thread in threads:
        thread.start()

    def volumes(query: str = "") -> list[float]:
        bars = market("GET", CALLS[6] + query).json()["bars"]["AAPL"]
        return [bar["v"] for bar in bars]

    try:
        until(lambda: present.present._answers or (volumes() and None))
        assert volumes() == [2, 2]
        late.accept([trade("100.1", 9, minutes=3)], source="feed", now=timezone.now())
        until(lambda: sum(volumes()) == 6)
        listed = Instrument.objects.get(symbol="AAPL")
        assert sum(volumes("&adjustment=split")) == 6
        tomorrow = timezone.now().date() + timedelta(days=2)
        restating.adjust_for_split(listed.pk, "2 for 1", ex_date=tomorrow, new=2, old=1)
        until(lambda: sum(volumes("&adjustment=split")) == 12)
        assert sum(volumes()) == 6
    finally:
        stop.set()
        for thread in threads:
            thread.join(DEADLINE_SECONDS)
    assert not present.present._is_seen


def test_what_was_asked_before_a_repair_is_not_kept_after_it(
    market: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, here = hubs.Hub(), Present()
    _, news = hub.look()
    here.show(news, hub.standings)
    listed = here.instruments(["AAPL"])["AAPL"]
    now = timezone.now()
    bars = selectors.bars

    def ask() -> int:
        return len(here.bars(listed, "1Min", start=now - 9 * MINUTE, end=now, now=now, limit=9))

    def overtaken(*arguments: Any, **options: Any) -> Any:
        found = bars(*arguments, **options)
        here.forget_bars()
        return found[:1]

    monkeypatch.setattr(selectors, "bars", overtaken)
    assert ask() == 1
    monkeypatch.setattr(selectors, "bars", bars)
    assert ask() == 2
    monkeypatch.setattr(selectors, "bars", overtaken)
    assert ask() == 2  # from memory


def test_what_is_kept_is_bounded(market: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, here = hubs.Hub(), Present()
    _, news = hub.look()
    here.show(news, hub.standings)
    listed = here.instruments(["AAPL"])["AAPL"]
    monkeypatch.setattr(present, "BARS_MAX", 7)
    now = timezone.now()
    for limit in range(1, 9):
        here.bars(listed, "1Min", start=now - 9 * MINUTE, end=now, now=now, limit=limit)
    assert len(here._answers) == 2 and here._kept == 6  # of two bars and their question each
    monkeypatch.setattr(present, "BARS_OF_ANSWER_MAX", 1)
    here.bars(listed, "1Min", start=now - 8 * MINUTE, end=now, now=now, limit=9)
    assert len(here._answers) == 2
