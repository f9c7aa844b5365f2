"""A market whose ticks are screened, batch by batch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from marketdata.ticks import QuoteTick, Tick, TradeTick

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Market(NamedTuple):
    """A made-up market: how often its ticks are wrong, out of order, odd or on one side alone."""

    seed: int
    pause: float
    wrong: float
    late: float
    jumps: float
    one_sided: float


def ticks_of(market: Market, count: int) -> Iterator[Tick]:
    dice = random.Random(market.seed)
    middle = {"IBM": Decimal(100), "BTC/USD": Decimal("60000.125"), "NOBODY": Decimal(1)}
    at = NOW
    for number in range(count):
        at += timedelta(seconds=dice.expovariate(1 / market.pause))
        [symbol] = dice.choices(list(middle), weights=[6, 4, 1])
        step = Decimal(dice.randint(-3, 3)) / 10_000
        if dice.random() < market.jumps:
            step = Decimal(dice.choice(["0.03", "-0.2"]))
        middle[symbol] = (middle[symbol] * (1 + step)).quantize(Decimal("0.0001"))
        wrong = Decimal(dice.choice(ERRORS) if dice.random() < market.wrong else 1)
        when = at - timedelta(seconds=dice.random() * 8) * (dice.random() < market.late)
        price, size = middle[symbol] * wrong, Decimal(dice.randint(1, 9) * 100)
        if dice.random() < 0.4:
            # Their numbers come again at times, as those of a batch do that is told twice.
            trade_id = str(number // dice.choice([1, 1, 1, 2]))
            sets_last = dice.random() < 0.9
            yield TradeTick(symbol, when, price, size, trade_id, sets_last)
            continue
        bid: Decimal | None = middle[symbol] - Decimal("0.01")
        ask: Decimal | None = middle[symbol] + Decimal("0.01")
        bid, ask = dice.choice([(bid, price), (price, ask), (bid, ask)])
        if dice.random() < market.one_sided:
            bid, ask = dice.choice([(None, ask), (bid, None), (None, None)])
        yield QuoteTick(symbol, when, bid, size, ask, size)


ERRORS = ["0.995", "1.004", "1.006", "1.02", "0.95", "1.2", "100", "0.01", "0", "-1", "NaN", "1e9"]
