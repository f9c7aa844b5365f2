"""The tape is bounded: quotes that newer ones replaced go first, trades last and loudly."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal

from marketdata.arrival.tape import Tape
from marketdata.ticks import QuoteTick, TradeTick

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def quote(symbol: str, bid: int) -> QuoteTick:
    return QuoteTick(symbol, NOW, Decimal(bid), Decimal(1), None, Decimal(0))


def trade(number: int) -> TradeTick:
    return TradeTick("IBM", NOW, Decimal(1), Decimal(1), str(number))


def test_ticks_come_off_in_the_order_in_which_they_were_laid_down() -> None:
    tape = Tape()
    tape.publish([trade(1), quote("IBM", 1)], source="a")
    tape.publish([trade(2)], source="b")
    assert tape.take(wait_seconds=0, ticks_max=2) == [("a", trade(1)), ("a", quote("IBM", 1))]
    tape.put_back([("a", quote("IBM", 1))])
    assert tape.take(wait_seconds=0) == [("a", quote("IBM", 1)), ("b", trade(2))]
    assert tape.take(wait_seconds=0) == []


def test_overload_drops_the_quotes_that_were_replaced_and_no_trade() -> None:
    tape = Tape(ticks_max=10)
    tape.publish([tick for n in range(5) for tick in (quote("IBM", n), trade(n))], source="a")
    tape.publish([quote("BAC", 1)], source="a")
    told = [tick for _, tick in tape.take(wait_seconds=0)]
    assert told == [
        trade(0),
        trade(1),
        trade(2),
        trade(3),
        quote("IBM", 4),
        trade(4),
        quote("BAC", 1),
    ]
    assert (tape.counts.quotes_dropped, tape.counts.trades_dropped) == (4, 0)


def test_trades_beyond_the_bound_are_dropped_oldest_first_and_counted() -> None:
    tape = Tape(ticks_max=10)
    tape.publish([trade(n) for n in range(15)], source="a")
    assert [tick for _, tick in tape.take(wait_seconds=0)] == [trade(n) for n in range(6, 15)]
    assert tape.counts.trades_dropped == 6
    assert tape.counts.published == 15


def test_many_feeds_lose_nothing_between_them() -> None:
    tape = Tape()
    feeds = [
        threading.Thread(
            target=lambda: [tape.publish([trade(n)], source="a") for n in range(500)]  # type: ignore[func-returns-value]
        )
        for _ in range(8)
    ]
    for feed in feeds:
        feed.start()
    taken = 0
    while taken < 4000 and (told := tape.take(wait_seconds=5)):
        taken += len(told)
    for feed in feeds:
        feed.join()
    assert taken == 4000
