"""The phases of the day, auctions, halts and bands."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from marketdata.calendars import Phase
from tests.unit.exchange.floor_words import NOON, after, cancel, fills, order, said
from venues.exchange.commands import (
    Admit,
    BandTerms,
    Bust,
    BustedFill,
    CloseSession,
    Halt,
    OpenSession,
    Take,
    Wake,
)
from venues.exchange.engine import Engine
from venues.exchange.listing import Best
from venues.messages import Side

DAY, NEXT = date(2026, 3, 4), date(2026, 3, 5)
IBM = Admit("AAPL", Decimal("0.01"), Decimal(1), Decimal(1), "XNYS")
BANDS = BandTerms(Decimal(5), limit_seconds=15, pause_seconds=300)


def play(engine, *commands, at=NOON):
    return [event for command in commands for event in engine.apply(command, at)]


def phase(of, day=DAY):
    return OpenSession("XNYS", day, of)


@pytest.fixture
def closed():
    engine = Engine()
    play(engine, IBM)
    return engine


@pytest.fixture
def regular(closed):
    play(closed, phase(Phase.REGULAR))
    return closed


# --- Open and close -----------------------------------------------------------------------------


def test_orders_wait_while_closed_and_meet_in_the_opening_auction(closed):
    events = play(
        closed,
        order("b1", "buy", "10", "101"),
        order("b2", "buy", "5", "99"),
        order("s1", "sell", "6", "100", tif="gtc"),
        order("m", "sell", "2", "90", kind="market"),
        order("o", "sell", "5", "98", tif="opg"),
    )
    assert {kind for kind, *_ in said(events)} == {"accepted"}
    assert closed.best("AAPL") == Best(None, 0, None, 0)
    events = play(closed, phase(Phase.REGULAR))
    assert {price for _, _, price in fills(events)} == {"100.00"}
    assert sum(int(quantity) for _, quantity, _ in fills(events)) == 2 * 10
    # The market order and the opening order stand before the limit order in price.
    assert [each[:2] for each in fills(events)[1::2]] == [("m", "2"), ("o", "5"), ("s1", "3")]
    assert closed.best("AAPL") == Best(9900, 5, 10000, 3)


def test_an_auction_brings_a_party_together_with_itself_and_the_market_after_it_does_not(closed):
    play(
        closed,
        order("b", "buy", "5", "100", party="p"),
        order("s", "sell", "5", "100", party="p"),
    )
    assert fills(play(closed, phase(Phase.REGULAR))) == [("b", "5", "100.00"), ("s", "5", "100.00")]
    play(closed, order("b2", "buy", "5", "100", party="p"))
    events = play(closed, order("s2", "sell", "5", "100", party="p"))
    assert said(events) == [("accepted", "s2", ""), ("cancelled", "s2", "self_trade")]


def test_what_the_opening_leaves_of_an_opening_or_market_order_is_cancelled(closed):
    play(closed, order("o", tif="opg"), order("m", kind="market"), order("l"))
    assert said(play(closed, phase(Phase.REGULAR))) == [
        ("cancelled", "o", "auction_ended"),
        ("cancelled", "m", "protection_reached"),
    ]
    assert closed.best("AAPL").bid_size == 10


def test_the_closing_auction_takes_the_book_and_closing_orders(regular):
    play(regular, order("b", "buy", "10", "100"), order("c", "sell", "4", "99", tif="cls"))
    play(regular, order("late", "sell", "1", "150", tif="gtc"))
    assert regular.best("AAPL").bid_size == 10
    events = play(regular, CloseSession("XNYS"))
    assert fills(events) == [("b", "4", "100.00"), ("c", "4", "100.00")]
    assert said(events)[-1] == ("expired", "b", "session_ended")
    assert list(regular.open_orders) == [("OPENFLOOR", "late")]


def test_a_closing_that_comes_too_late_has_no_auction(regular):
    play(regular, order("b", "buy", "10", "100"), order("c", "sell", "4", "99", tif="cls"))
    assert said(play(regular, CloseSession("XNYS", has_auction=False))) == [
        ("expired", "b", "session_ended"),
        ("cancelled", "c", "auction_ended"),
    ]


def test_day_orders_entered_after_the_close_are_for_the_next_day(regular):
    play(regular, CloseSession("XNYS"))
    play(regular, order("d"), order("o", tif="opg", price="99"))
    assert said(play(regular, phase(Phase.REGULAR, NEXT))) == [("cancelled", "o", "auction_ended")]
    assert said(play(regular, CloseSession("XNYS"))) == [("expired", "d", "session_ended")]


def test_an_opening_order_entered_during_the_day_waits_for_the_next_opening(regular):
    play(regular, order("o", "sell", "5", "99", tif="opg"), order("g", "buy", "5", tif="gtc"))
    assert said(play(regular, CloseSession("XNYS"))) == []
    events = play(regular, phase(Phase.REGULAR, NEXT))
    assert sorted(name for name, *_ in fills(events)) == ["g", "o"]


def test_what_can_only_be_executed_at_once_is_not_taken_while_closed(closed):
    for tif in ("ioc", "fok"):
        assert said(play(closed, order(tif, tif=tif))) == [("rejected", tif, "session_closed")]


# --- Extended hours -----------------------------------------------------------------------------


def test_extended_hours_match_only_those_who_asked_for_them(closed):
    play(closed, phase(Phase.EARLY))
    play(closed, order("plain", "sell", "5", "99"), order("early", "sell", "5", extended=True))
    assert closed.best("AAPL") == Best(None, 0, 10000, 5)
    events = play(closed, order("b", "buy", "8", extended=True))
    assert fills(events)[1] == ("early", "5", "100.00")
    # At the open the one who had to wait meets the rest.
    assert fills(play(closed, phase(Phase.REGULAR)))[1][:2] == ("plain", "3")


def test_after_the_close_only_extended_orders_go_on_and_end_with_late_trading(regular):
    play(regular, order("day"), order("gtc", price="99", tif="gtc"))
    play(regular, order("ext", "buy", "3", "98", extended=True))
    assert said(play(regular, phase(Phase.LATE))) == [("expired", "day", "session_ended")]
    assert regular.best("AAPL") == Best(9800, 3, None, 0)
    assert said(play(regular, CloseSession("XNYS"))) == [("expired", "ext", "session_ended")]
    assert list(regular.open_orders) == [("OPENFLOOR", "gtc")]


# --- Halts --------------------------------------------------------------------------------------


def test_trading_resumes_after_a_halt_through_an_auction(regular):
    play(regular, order("s", "sell", "5", "101"), Halt("AAPL", True))
    assert said(play(regular, order("x"))) == [("rejected", "x", "halted")]
    play(regular, Halt("AAPL", False, 10))
    play(regular, order("b", "buy", "3", "105"))
    assert said(play(regular, order("i", tif="ioc"))) == [("rejected", "i", "auction_collecting")]
    assert not regular.is_due(after(9))
    assert regular.is_due(after(10))
    assert fills(play(regular, Wake(), at=after(10)))[0] == ("b", "3", "101.00")
    assert regular.is_trading("AAPL")


def test_cancels_are_taken_in_every_phase(regular):
    play(regular, order("a", tif="gtc"), order("b", tif="gtc"), Halt("AAPL", True))
    assert said(play(regular, cancel("a"))) == [("cancelled", "a", "requested")]
    play(regular, CloseSession("XNYS"))
    assert said(play(regular, cancel("b"))) == [("cancelled", "b", "requested")]


# --- Bands --------------------------------------------------------------------------------------


@pytest.fixture
def banded():
    engine = Engine()
    terms = Admit("AAPL", Decimal("0.01"), Decimal(1), Decimal(1), "always", BANDS)
    play(engine, terms, OpenSession("always", DAY))
    play(engine, order("s0", "sell", "1", "100"), order("b0", "buy", "1", "100"))
    return engine


def test_nothing_is_executed_outside_the_bands(banded):
    play(banded, order("s1", "sell", "5", "105"), order("s2", "sell", "5", "105.01", tif="gtc"))
    events = play(banded, order("m", "buy", "10", "200", kind="market"))
    assert fills(events)[::2] == [("m", "5", "105.00")]
    assert said(events)[-1] == ("cancelled", "m", "outside_bands")
    assert play(banded, Take("crowd", "AAPL", 1, 20000, 5)) == []


def test_interest_at_a_band_pauses_trading_and_an_auction_ends_the_pause(banded):
    play(banded, order("s", "sell", "5", "106"), order("b", "buy", "5", "110"))
    assert banded.best("AAPL") == Best(10500, 5, 10600, 5)  # slid to the band
    assert not banded.is_due(after(14))
    play(banded, Wake(), at=after(15))
    assert not banded.is_trading("AAPL")
    play(banded, Wake(), at=after(314))
    assert not banded.is_trading("AAPL")
    events = play(banded, Wake(), at=after(315))
    assert fills(events)[0] == ("b", "5", "106.00")
    assert banded.listings["AAPL"].bands.reference == 10600


def test_interest_that_leaves_the_band_in_time_pauses_nothing(banded):
    play(banded, order("b", "buy", "5", "110"))
    play(banded, cancel("b"), at=after(14))
    assert not banded.is_due(after(60))


def test_the_bands_follow_the_mean_of_five_minutes(banded):
    for minute in range(1, 8):
        at = NOON + timedelta(minutes=minute)
        play(banded, order(f"s{minute}", "sell", "1", "103"), at=at)
        play(banded, order(f"b{minute}", "buy", "1", "103"), at=at)
    assert banded.listings["AAPL"].bands.reference > 10200


# --- Busts --------------------------------------------------------------------------------------


def test_a_bust_takes_back_a_fill_and_its_order_is_not_executed_again(regular):
    play(regular, order("s", "sell", "10"), order("b", "buy", "4"))
    sides = (
        BustedFill("OPENFLOOR", "b", "2", "T1B", Side.BUY, Decimal(4)),
        BustedFill("OPENFLOOR", "s", "1", "T1S", Side.SELL, Decimal(4)),
    )
    bought, sold = play(regular, Bust(1, "AAPL", Decimal(4), Decimal("100.00"), sides))
    assert [(e.report.kind, e.report.reference, e.report.execution_id) for e in (bought, sold)] == [
        ("busted", "T1B", "X1B"),
        ("busted", "T1S", "X1S"),
    ]
    assert (bought.report.cumulative_quantity, bought.report.leaves_quantity) == (0, 0)
    assert (sold.report.cumulative_quantity, sold.report.leaves_quantity) == (0, 6)
    assert regular.best("AAPL").ask_size == 6
