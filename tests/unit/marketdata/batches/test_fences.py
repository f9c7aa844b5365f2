"""What errors a fence finds and what it lets through, on a made-up day that anybody has."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from marketdata.batches import screening
from marketdata.batches.columns import TickColumns
from marketdata.cleaning import levels, rules
from marketdata.cleaning.levels import Fence, Terms
from marketdata.cleaning.rules import Known, Reason
from marketdata.ticks import QuoteTick, Tick, TradeTick

SHARE = Terms("us_equity", Decimal("0.01"))
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
COUNT, EVERY = 3_000, 50
JUMP = 2_990  # after the last error: of a level that has jumped only the widest fence is known
FOUND = ["100", "10", "0.1", "0.01", "1.25", "0.95", "1.02", "0.99", "1.01"]


def closes(*prices: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, prices))


@pytest.mark.parametrize(
    ("past", "terms", "low", "high"),
    [
        (("100",), SHARE, "90", "110"),  # nothing is known yet
        (("100",), Terms("crypto", Decimal("0.01")), "85", "115"),
        (("100",) * 7, SHARE, "90", "110"),
        (("100",) * 8, SHARE, "99.5", "100.5"),  # never moves: the narrowest there is
        (("1",) * 8, SHARE, "0.95", "1.05"),  # five cents
        (("0.20",) * 8, SHARE, "0.18", "0.22"),  # five cents are more than the widest
        # Median 101, deviations 1 1 1 1 1 1 0 0: eight times one.
        (("100", "102", "100", "102", "100", "102", "101", "101"), SHARE, "93", "109"),
        (("100",) * 7 + ("500",), SHARE, "99.5", "100.5"),  # one wrong price moves nothing
    ],
)
def test_a_fence_stands_around_the_median(
    past: tuple[str, ...], terms: Terms, low: str, high: str
) -> None:
    assert levels.fence(closes(*past), terms) == Fence(Decimal(low), Decimal(high))


def test_a_slot_closes_when_a_later_one_begins_and_the_oldest_is_forgotten() -> None:
    level = levels.first(Decimal(100), slot=1, terms=SHARE)
    for slot in range(2, 3 + levels.CLOSES_MAX):
        begun = levels.begun(level, slot=slot, terms=SHARE)
        level = levels.Level(begun.closes, slot, Decimal(slot), begun.fence)
    assert level.closes == tuple(map(Decimal, range(2, 2 + levels.CLOSES_MAX)))
    assert levels.begun(level, slot=level.slot, terms=SHARE) is level


def walk() -> list[Tick]:
    """Return quotes and trades of ten minutes: a price that goes by the cent, and jumps once."""
    dice, cents, made = random.Random(3), 18_000, []
    for number in range(COUNT):
        at = START + timedelta(milliseconds=200 * number)
        cents += dice.choice((-1, 0, 1)) + 180 * (number == JUMP)
        price, cent = Decimal(cents).scaleb(-2), Decimal("0.01")
        if number % 3:
            made.append(
                QuoteTick("IBM", at, price - cent, Decimal(100), price + cent, Decimal(100))
            )
        else:
            made.append(TradeTick("IBM", at, price, Decimal(100), str(number)))
    return made


def test_planted_errors_are_found_and_true_prices_believed() -> None:
    ticks: list[Tick] = walk()
    planted: dict[int, str] = {}
    for number, place in enumerate(range(600, COUNT, EVERY)):
        factor = FOUND[number % len(FOUND)]
        tick = ticks[place]
        planted[place] = factor
        if isinstance(tick, TradeTick):
            wrong = tick.price * Decimal(factor)
            ticks[place] = TradeTick("IBM", tick.at, wrong, tick.size, tick.trade_id)
        elif tick.bid is not None:
            wrong = tick.bid * Decimal(factor)
            ticks[place] = QuoteTick("IBM", tick.at, wrong, Decimal(1), tick.ask, Decimal(1))
    known = {"IBM": Known(asset_class="us_equity")}
    found = screening.clean(TickColumns.of(ticks), known=known, source="feed", now=None)
    aside = {place: suspect.reason for place, suspect in found.suspects}
    assert aside.keys() >= planted.keys()
    assert set(aside.values()) == {Reason.OUTLYING, Reason.CROSSED}
    # Of the jump so many ticks are doubted as it takes to believe it.
    beyond = sorted(aside.keys() - planted.keys())
    assert beyond == list(range(JUMP, JUMP + rules.DOUBTS_NEAR - 1))
