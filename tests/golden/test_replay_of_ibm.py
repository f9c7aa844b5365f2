"""IBM on 2013-10-07, the first twenty minutes, against a reading of the files that knows no book.

The recordings are not ours to ship. They are looked for in OPENFLOOR_RECORDINGS, or in the folder
`shared/data/ticks` beside this repository; where they are missing, the test is skipped.
"""

import csv
import gzip
import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from marketdata.ticks import TradeTick
from tests.services.exchange.running import listed
from venues.exchange import records
from venues.exchange.commands import OURSELVES, Enter, Report
from venues.exchange.floor import Floor
from venues.exchange.models import ReplayRequest
from venues.messages import NewOrder, OrderType, Side, TimeInForce

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "ticks"
FOLDER = Path(os.environ.get("OPENFLOOR_RECORDINGS", BESIDE))
QUOTES = FOLDER / "IBM_2013-10-07_quotes.csv.gz"
TRADES = FOLDER / "IBM_2013-10-07_trades.csv.gz"
FROM, TO = 34_200_000, 35_400_000
MIDNIGHT = datetime(2013, 10, 7, 4, 0, tzinfo=UTC)
SPEED = 60

pytestmark = pytest.mark.skipif(not QUOTES.exists(), reason=f"no recordings in {FOLDER}")


def rows(path):
    with gzip.open(path, "rt") as lines:
        for row in csv.DictReader(lines):
            if int(row["time_ms"]) >= TO:
                return
            yield int(row["time_ms"]), row


def prevailing():
    """Return, by millisecond, the last recorded (bid, size, ask, size) in cents and shares."""
    best = {"B": (0, 0), "A": (0, 0)}
    seen = {}
    for ms, row in rows(QUOTES):
        if row["suspicious"] == "0":
            best[row["side"]] = (int(row["price_e4"]) // 100, int(row["size"]))
            seen[ms] = (*best["B"], *best["A"])
    return seen


def test_ibm_at_sixty_times_its_pace_fills_customers_inside_its_quotes(db):
    listed("IBM", price="240.00")
    expected = prevailing()
    times = sorted(expected)
    now = timezone.now()
    floor = Floor(records.recover(), seed=1)
    floor.decide([], now=now, is_market_due=True)
    ReplayRequest.objects.create(
        files=[str(QUOTES), str(TRADES)],
        speed=SPEED,
        play_from=FROM,
        play_to=TO,
        requested_at=now,
        updated_at=now,
    )
    compared, filled, prints, position = 0, [], [], 0
    for round_ in range(1, 215):
        now += timedelta(milliseconds=100)
        floor.look_for_replays()
        request = NewOrder(
            client_order_id=f"order-{round_}",
            symbol="IBM",
            side=Side.BUY if round_ % 2 else Side.SELL,
            quantity=Decimal(100),
            type=OrderType.MARKET,
            time_in_force=TimeInForce.DAY,
            limit_price=Decimal(190 if round_ % 2 else 170),
        )
        is_our_turn = round_ % 5 == 0
        cycle = floor.decide(
            [Enter(OURSELVES, request)] if is_our_turn else [], now=now, is_market_due=True
        )
        prints += [t for ticks in cycle.ticks.values() for t in ticks if isinstance(t, TradeTick)]
        if floor.stage.is_empty:
            continue
        (player,) = floor.stage._playing.values()
        recorded_ms = (player.progress.recorded_at - MIDNIGHT) / timedelta(milliseconds=1)
        while position + 1 < len(times) and times[position + 1] <= recorded_ms:
            position += 1
        bid, bid_size, ask, ask_size = expected[times[position]]
        if is_our_turn:
            for event in cycle.events:
                if isinstance(event, Report) and event.report.price is not None:
                    filled.append(event.report)
                    assert bid <= event.report.price * 100 <= ask
        elif bid < ask and round_ % 5 > 1:
            best = floor.engine.best("IBM")
            compared += 1
            # What a customer took stays away until that side is quoted again.
            assert (best.bid, best.ask) in {(bid, ask), (None, ask), (bid, None)}
            assert best.bid_size <= bid_size
            assert best.ask_size <= ask_size
    request = ReplayRequest.objects.get()
    recorded = [ms for ms, row in rows(TRADES) if ms >= FROM and row["suspicious"] == "0"]
    assert request.state == "finished"
    assert request.quotes_played > sum(ms >= FROM for ms in times)
    assert request.trades_played + request.kept_aside == len(recorded)
    assert sum(trade.trade_id.startswith("replay") for trade in prints) == request.trades_played
    assert compared > 100
    assert len(filled) > 30
    assert sum(report.quantity for report in filled) > 3000
