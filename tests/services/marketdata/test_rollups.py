"""Bars of every length are the same in whatever order their trades are heard of."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from marketdata import rollups, selectors, store
from marketdata.models import Bar, Instrument
from marketdata.ticks import TradeTick

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
SECOND = timedelta(seconds=1)
D = Decimal

pytestmark = pytest.mark.django_db


def trade(second: int, price: int, *, sets_last: bool = True) -> TradeTick:
    return TradeTick("IBM", NOON + second * SECOND, D(price), D(2), "", sets_last=sets_last)


def add(ibm: Instrument, *trades: TradeTick, source: str = "feed") -> None:
    store.add_bars(((ibm.pk, part) for part in rollups.parts(trades)), source=source)


def stored() -> list[tuple[object, ...]]:
    columns = ("timeframe", "start", "open", "high", "low", "close", "volume", "turnover",
               "trades", "open_at", "close_at")  # fmt: skip
    return list(Bar.objects.order_by("timeframe", "start").values_list(*columns))


@pytest.mark.parametrize("seed", range(4))
def test_trades_that_are_told_late_repair_the_bars_of_every_length(
    ibm: Instrument, seed: int
) -> None:
    dice = random.Random(seed)
    trades = [trade(s, dice.randrange(90, 110), sets_last=s % 5 > 0) for s in range(0, 8000, 97)]
    add(ibm, *trades)
    in_order = stored()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM marketdata_bar")
    dice.shuffle(trades)
    while trades:
        batch = sorted((trades.pop() for _ in range(min(len(trades), 7))), key=lambda t: t.at)
        add(ibm, *batch)
    assert stored() == in_order
    assert len(in_order) == 1 + 3 + len({t[1] for t in in_order if t[0] == "1Min"})


def test_a_late_trade_opens_a_bar_only_where_it_was_the_first(ibm: Instrument) -> None:
    add(ibm, trade(70, 101), trade(80, 102))
    add(ibm, trade(75, 99))
    add(ibm, trade(10, 95))

    def bars(timeframe: str) -> list[tuple[object, ...]]:
        found = selectors.bars(ibm, timeframe, start=NOON, end=NOON + 3600 * SECOND)
        return [(b.open, b.high, b.low, b.close, b.volume) for b in found]

    assert bars("1Min") == [(95, 95, 95, 95, 2), (101, 102, 99, 102, 6)]
    assert bars("5Min") == bars("1Hour") == bars("2Hour") == [(95, 102, 95, 102, 8)]


def test_a_whole_bar_is_closed_by_what_comes_after_it(ibm: Instrument) -> None:
    (bar,) = [p.bar for p in rollups.parts([trade(10, 100), trade(20, 104)])
              if p.timeframe == "1Day"]  # fmt: skip
    store.add_bars([(ibm.pk, rollups.whole("1Day", bar))], source="feed")
    add(ibm, trade(5, 90))
    (day,) = Bar.objects.filter(timeframe="1Day")
    assert (day.open, day.high, day.low, day.close, day.volume) == (100, 104, 90, 90, 6)


def test_another_source_begins_every_bar_anew(ibm: Instrument) -> None:
    add(ibm, trade(10, 100))
    add(ibm, trade(5, 50), source="replay")
    found = Bar.objects.values_list("timeframe", "source", "open", "close", "volume")
    assert sorted(found) == [(each, "replay", 50, 50, 2) for each in ("1Day", "1Hour", "1Min")]
