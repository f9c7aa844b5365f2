import dataclasses
import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.calendars import Phase
from tests.unit.exchange.floor_words import (
    AAPL,
    COIN,
    NOON,
    after,
    an_engine,
    cancel,
    fills,
    order,
    replace,
    said,
    trades,
)
from tests.unit.exchange.flows import flow
from venues.exchange.commands import (
    Admit,
    BandTerms,
    Bust,
    BustedFill,
    CloseSession,
    CoarseSteps,
    Halt,
    MassQuote,
    OpenSession,
    Report,
    Take,
    Wake,
)
from venues.exchange.engine import Engine
from venues.exchange.journal import decode, encode
from venues.exchange.listing import Best
from venues.exchange.recent import RecentIds
from venues.messages import Side


def play(engine, *commands):
    return [event for command in commands for event in engine.apply(command, NOON)]


@pytest.fixture
def engine():
    return an_engine()


# --- What members see ---------------------------------------------------------------------------


def test_an_order_that_finds_nobody_is_accepted_and_rests(engine):
    assert said(play(engine, order("a"))) == [("accepted", "a", "")]
    assert engine.best("AAPL") == Best(10000, 10, None, 0)


def test_a_trade_is_reported_to_both_sides_at_the_resting_price(engine):
    play(engine, order("a", "sell", "10", "99.50"))
    events = play(engine, order("b", "buy", "4", "100"))
    assert said(events) == [("accepted", "b", ""), ("fill", "b", ""), ("fill", "a", "")]
    (trade,) = trades(events)
    assert (trade.number, trade.price, trade.quantity) == (1, Decimal("99.50"), Decimal(4))
    bought, sold = (
        event.report for event in events if isinstance(event, Report) and event.report.price
    )
    assert (bought.execution_id, sold.execution_id) == ("T1B", "T1S")
    assert (bought.cumulative_quantity, bought.leaves_quantity) == (4, 0)
    assert (sold.cumulative_quantity, sold.leaves_quantity) == (4, 6)


def test_reports_of_a_member_are_gapless_and_their_ids_unique(engine):
    events = play(
        engine,
        order("a", "sell"),
        order("b"),
        cancel("nothing"),
        order("c", price="0.001"),
        order("d"),
    )
    reports = [event.report for event in events if isinstance(event, Report)]
    assert [report.sequence for report in reports] == list(range(1, len(reports) + 1))
    assert len({report.execution_id for report in reports}) == len(reports)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": "NONE"}, "unknown_symbol"),
        ({"quantity": "0"}, "quantity_not_positive"),
        ({"quantity": "-1"}, "quantity_not_positive"),
        ({"quantity": "1.5"}, "quantity_off_lot"),
        ({"symbol": "BTC/USD", "quantity": "0.0005"}, "quantity_below_minimum"),
        ({"price": "100.001"}, "price_off_tick"),
        ({"price": "0"}, "price_not_positive"),
        ({"price": "-5"}, "price_not_positive"),
        ({"price": None}, "price_missing"),
        ({"price": None, "kind": "market"}, "protection_missing"),
    ],
)
def test_a_flawed_order_is_rejected_with_a_stable_reason_and_changes_no_book(
    engine, changes, reason
):
    assert said(play(engine, order("a", **changes))) == [("rejected", "a", reason)]
    assert not engine.open_orders
    assert engine.best("AAPL") == Best(None, 0, None, 0)


def test_a_market_order_stops_at_its_protection(engine):
    play(
        engine,
        order("s1", "sell", "5", "100"),
        order("s2", "sell", "5", "101"),
        order("s3", "sell", "5", "103"),
    )
    events = play(engine, order("m", "buy", "20", "102", kind="market"))
    assert fills(events)[::2] == [("m", "5", "100.00"), ("m", "5", "101.00")]
    assert said(events)[-1] == ("cancelled", "m", "protection_reached")
    assert engine.best("AAPL") == Best(None, 0, 10300, 5)


def test_immediate_or_cancel_never_rests(engine):
    play(engine, order("s", "sell", "5", "100"))
    events = play(engine, order("i", "buy", "8", "100", tif="ioc"))
    assert [kind for kind, name, _ in said(events) if name == "i"] == [
        "accepted",
        "fill",
        "cancelled",
    ]
    assert engine.best("AAPL") == Best(None, 0, None, 0)


def test_fill_or_kill_takes_all_or_nothing(engine):
    play(engine, order("s1", "sell", "5", "100"), order("s2", "sell", "5", "101"))
    assert said(play(engine, order("f", "buy", "8", "100", tif="fok"))) == [
        ("accepted", "f", ""),
        ("cancelled", "f", "not_filled_in_full"),
    ]
    assert engine.best("AAPL") == Best(None, 0, 10000, 5)
    assert fills(play(engine, order("g", "buy", "8", "101", tif="fok")))[::2] == [
        ("g", "5", "100.00"),
        ("g", "3", "101.00"),
    ]


def test_a_cancel_ends_the_rest_of_an_order(engine):
    play(engine, order("a", "sell", "10"), order("b", "buy", "4"))
    (event,) = play(engine, cancel("a"))
    assert (event.report.kind, event.report.reason) == ("cancelled", "requested")
    assert (event.report.cumulative_quantity, event.report.leaves_quantity) == (4, 0)
    assert said(play(engine, cancel("a", "again"))) == [("cancel_rejected", "a", "order_not_open")]


def test_nobody_cancels_the_order_of_another_member(engine):
    play(engine, order("a"))
    assert said(play(engine, cancel("a", member="OTHER"))) == [
        ("cancel_rejected", "a", "order_not_open")
    ]
    assert engine.best("AAPL").bid_size == 10


def test_a_repeat_is_dropped_and_never_a_second_order(engine):
    play(engine, order("a"), cancel("x", "c1"))
    assert play(engine, order("a"), order("a", "sell", "3", "101"), cancel("x", "c1")) == []
    assert engine.best("AAPL") == Best(10000, 10, None, 0)
    play(engine, cancel("a"))
    assert play(engine, order("a")) == []


def test_coins_trade_in_fractions(engine):
    play(engine, order("a", "sell", "0.5", "65000.01", symbol="BTC/USD"))
    events = play(engine, order("b", "buy", "0.1234", "65001", symbol="BTC/USD"))
    assert fills(events)[0] == ("b", "0.1234", "65000.01")


# --- Sessions and halts -------------------------------------------------------------------------


def test_day_orders_expire_with_their_session_and_others_stay(engine):
    play(engine, order("day"), order("gtc", price="99", tif="gtc"))
    assert said(play(engine, CloseSession("always"))) == [("expired", "day", "session_ended")]
    assert said(play(engine, order("late"))) == [("rejected", "late", "session_closed")]
    assert said(play(engine, cancel("gtc"))) == [("cancelled", "gtc", "requested")]
    play(engine, OpenSession("always", date(2026, 3, 5)))
    assert said(play(engine, order("next"))) == [("accepted", "next", "")]


def test_a_halt_stops_orders_and_takers_but_not_cancels(engine):
    play(engine, order("a", "sell"), Halt("AAPL", True))
    assert said(play(engine, order("b"))) == [("rejected", "b", "halted")]
    assert play(engine, Take("crowd", "AAPL", 1, 10000, 5)) == []
    assert said(play(engine, cancel("a"))) == [("cancelled", "a", "requested")]
    play(engine, Halt("AAPL", False))
    assert said(play(engine, order("c"))) == [("accepted", "c", "")]


CENTS = CoarseSteps(Decimal("0.01"), Decimal(1))
FINE = Admit("AAPL", Decimal("0.0001"), Decimal(1), Decimal(1), "always", None, CENTS)


def test_what_rests_is_counted_anew_in_a_finer_tick(engine):
    play(engine, order("a"), order("ice", "sell", "9", "100.02", display="2"))
    play(engine, order("cash", "buy", "5", "100", cash="250"))
    play(engine, MassQuote("maker", "AAPL", ((9900, 5),), ()))
    assert play(engine, FINE) == []
    assert engine.best("AAPL") == Best(1_000_000, 12, 1_000_200, 2)
    twin = Engine.restore(engine.snapshot())
    assert twin.snapshot() == engine.snapshot()
    for each in (engine, twin):
        # The quote of before is still the maker's own, and the cash still pays for two.
        play(each, MassQuote("maker", "AAPL", ((990_000, 4),), ()), cancel("a"))
        events = play(each, order("s", "sell", "5", "100"))
        assert said(events)[-1] == ("cancelled", "cash", "cash_reached")
        assert fills(events)[1] == ("cash", "2", "100.0000")
        assert each.listings["AAPL"].quotes["maker"][990_000].leaves == 4


def test_prices_are_coarser_from_some_price_on(engine):
    play(engine, FINE)
    told = [
        said(play(engine, order(f"o{place}", price=price)))[0][::2]
        for place, price in enumerate(("0.9999", "1", "1.0001", "1.01", "0.99995"))
    ]
    taken, refused = ("accepted", ""), ("rejected", "price_off_tick")
    assert told == [taken, taken, refused, taken, refused]
    play(engine, MassQuote("maker", "AAPL", (), ((10_050, 7), (10_200, 7))))
    assert engine.best("AAPL").ask == 10_200


def test_an_order_whose_price_there_is_no_more_ends_as_steps_grow(engine):
    play(engine, FINE, order("low", price="0.5001"), order("high", price="0.51"))
    wider = dataclasses.replace(FINE, coarse=CoarseSteps(Decimal("0.01"), Decimal("0.5")))
    assert said(play(engine, wider)) == [("cancelled", "low", "instrument_changed")]
    assert engine.best("AAPL").bid == 5_100


def test_new_increments_cancel_what_was_counted_in_the_old_ones(engine):
    play(engine, order("a"), MassQuote("maker", "AAPL", ((9900, 5),), ()))
    events = play(engine, Admit("AAPL", Decimal("0.05"), Decimal(1), Decimal(1), "always"))
    assert said(events) == [("cancelled", "a", "instrument_changed")]
    assert engine.best("AAPL") == Best(None, 0, None, 0)
    assert said(play(engine, order("b", price="100.01"))) == [("rejected", "b", "price_off_tick")]


@pytest.mark.parametrize(("tick", "lot"), [("0.01", "0.1"), ("0.05", "1"), ("0.05", "2")])
def test_who_is_cancelled_by_new_increments_is_told_what_it_executed_in_the_old(engine, tick, lot):
    play(engine, order("a", "sell"), Take("crowd", "AAPL", 1, 10000, 4))
    terms = Admit("AAPL", Decimal(tick), Decimal(lot), Decimal(lot), "always")
    [cancelled] = [event.report for event in play(engine, terms)]
    assert (cancelled.cumulative_quantity, cancelled.leaves_quantity) == (4, 0)


# --- Participants -------------------------------------------------------------------------------


def test_a_mass_quote_replaces_what_was_quoted_before(engine):
    play(engine, MassQuote("m", "AAPL", ((9999, 5), (9998, 5)), ((10001, 5),)))
    play(engine, MassQuote("m", "AAPL", ((9998, 5),), ((10002, 7),)))
    assert engine.best("AAPL") == Best(9998, 5, 10002, 7)


def test_a_quote_keeps_its_place_unless_it_grows(engine):
    play(engine, MassQuote("m", "AAPL", ((9999, 5),), ()), order("a", price="99.99"))
    play(engine, MassQuote("m", "AAPL", ((9999, 3),), ()))
    (trade,) = trades(play(engine, Take("crowd", "AAPL", -1, 9999, 3)))
    assert trade.buyer == "m"
    play(engine, MassQuote("m", "AAPL", ((9999, 3),), ()), MassQuote("m", "AAPL", ((9999, 9),), ()))
    (trade,) = trades(play(engine, Take("crowd", "AAPL", -1, 9999, 3)))
    assert trade.buyer == "OPENFLOOR"


def test_a_side_that_is_not_mentioned_stays(engine):
    play(
        engine,
        MassQuote("m", "AAPL", ((9999, 5),), ((10001, 5),)),
        MassQuote("m", "AAPL", None, ((10003, 1),)),
    )
    assert engine.best("AAPL") == Best(9999, 5, 10003, 1)


def test_a_participant_steps_aside_rather_than_trade_with_itself(engine):
    play(engine, MassQuote("m", "AAPL", (), ((10001, 5), (10003, 5))))
    assert play(engine, MassQuote("m", "AAPL", ((10002, 5),), None)) == []
    assert engine.best("AAPL") == Best(10002, 5, 10003, 5)


def test_a_quote_that_crosses_a_members_order_fills_it(engine):
    play(engine, order("a", "buy", "10", "100"))
    assert fills(play(engine, MassQuote("m", "AAPL", (), ((9990, 4),)))) == [("a", "4", "100.00")]


# --- Determinism --------------------------------------------------------------------------------

_NAMES = st.integers(1, 25).map(str)
_PRICES = st.sampled_from(
    ["99.98", "99.99", "100", "100", "100.01", "100.02", "100.005", "0", "90", "110", None]
)
_QUANTITIES = st.sampled_from(["1", "7", "20", "100", "0", "-3", "0.5", "1e-30", "99999999999"])
_MEMBERS = st.sampled_from(["OPENFLOOR", "OTHER"])
_REQUESTS = st.one_of(
    st.builds(
        order,
        _NAMES,
        st.sampled_from(["buy", "sell"]),
        _QUANTITIES,
        _PRICES,
        symbol=st.sampled_from(["AAPL", "AAPL", "AAPL", "BTC/USD", "IBM", "IBM", "NONE"]),
        kind=st.sampled_from(["limit", "limit", "limit", "market", "stop"]),
        tif=st.sampled_from(["day", "gtc", "ioc", "fok", "opg", "cls"]),
        member=_MEMBERS,
        post_only=st.sampled_from([False, False, False, True]),
        display=st.sampled_from([None, None, "0", "2", "5", "-1"]),
        cash=st.sampled_from([None, None, None, "650", "1500.5", "0"]),
        extended=st.booleans(),
        party=st.sampled_from(["", "", "p", "q"]),
        prevention=st.sampled_from(["cancel_newest", "cancel_oldest", "cancel_both"]),
    ),
    st.builds(replace, _NAMES, _NAMES, _QUANTITIES, _PRICES, member=_MEMBERS),
    st.builds(cancel, _NAMES, st.integers(1, 40).map(str), member=_MEMBERS),
)
_RUNGS = st.one_of(
    st.none(),
    st.lists(st.tuples(st.integers(9996, 10004), st.integers(0, 50)), max_size=4).map(tuple),
)
_DAYS = st.sampled_from([date(2026, 3, 4), date(2026, 3, 5)])
_IBM = Admit("IBM", Decimal("0.01"), Decimal(1), Decimal(1), "XNYS", BandTerms(Decimal(5), 3, 5))
_BANDED = Admit("AAPL", Decimal("0.01"), Decimal(1), Decimal(1), "always", BandTerms(Decimal(1), 2))
_HOUSE = st.one_of(
    st.builds(OpenSession, st.sampled_from(["always", "XNYS"]), _DAYS, st.just(Phase.REGULAR)),
    st.builds(OpenSession, st.just("XNYS"), _DAYS, st.sampled_from(Phase), st.booleans()),
    st.builds(CloseSession, st.sampled_from(["always", "XNYS"]), st.booleans()),
    st.builds(Halt, st.sampled_from(["AAPL", "IBM"]), st.booleans(), st.sampled_from([0, 0, 3])),
    st.sampled_from(
        [
            *(Wake(), Wake(), AAPL, COIN, _IBM, _BANDED),
            Admit("AAPL", Decimal("0.005"), Decimal(1), Decimal(1), "always"),
            dataclasses.replace(FINE, bands=BandTerms(Decimal(1), 2)),
            Admit("IBM", Decimal("0.01"), Decimal(1), Decimal(1), "always"),
            Bust(
                *(1, "AAPL", Decimal(1), Decimal(100)),
                (BustedFill("OPENFLOOR", "1", "1", "T1B", Side.BUY, Decimal(1)),),
            ),
        ]
    ),
)
_QUOTES = st.builds(MassQuote, st.sampled_from(["m1", "m2"]), st.just("AAPL"), _RUNGS, _RUNGS)
_TAKES = st.builds(
    Take,
    st.just("crowd"),
    st.just("AAPL"),
    st.sampled_from([1, -1]),
    st.integers(9990, 10010),
    st.integers(0, 90),
)
_FLAWED = st.lists(
    st.one_of(_REQUESTS, _REQUESTS, _REQUESTS, _QUOTES, _TAKES, _HOUSE), max_size=60
).map(lambda commands: [_IBM, *commands])
_COMMANDS = st.one_of(_FLAWED, st.integers(0, 2**32).map(flow))


@settings(max_examples=150, deadline=None)
@given(commands=_COMMANDS, cut=st.integers(0, 120))
def test_a_restored_engine_goes_on_to_the_byte(commands, cut):
    engine = an_engine()
    for second, command in enumerate(commands[:cut]):
        engine.apply(command, after(second))
    twin = Engine.restore(engine.snapshot())
    assert twin.snapshot() == engine.snapshot()
    for second, command in enumerate(decode(encode(commands[cut:]))):
        assert repr(twin.apply(command, after(second))) == repr(
            engine.apply(commands[cut + second], after(second))
        )
    assert twin.snapshot() == engine.snapshot()


def check_books(engine):
    """What is true of the books after every command."""
    for listing in engine.listings.values():
        best = listing.best()
        if listing.is_matching:
            assert best.bid is None or best.ask is None or best.bid < best.ask
            hidden = [side.best() for side in (listing.book.hidden_bids, listing.book.hidden_asks)]
            bids = [price for price in (best.bid, hidden[0] and hidden[0][0]) if price]
            asks = [price for price in (best.ask, hidden[1] and hidden[1][0]) if price]
            assert not bids or not asks or max(bids) < min(asks)
        for side in (listing.book.bids, listing.book.asks):
            for level in side.levels.values():
                assert level.quantity == sum(order.leaves for order in level) > 0
        assert listing.book.reserves.keys() <= listing.book.orders.keys()
    resting = {}
    for symbol, listing in engine.listings.items():
        for order_ in listing.orders():
            if isinstance(order_.owner, str):
                assert listing.quotes[order_.owner][order_.sign * order_.price] is order_
                continue
            ticket = order_.owner
            resting[ticket.member, ticket.client_order_id] = order_
            assert ticket.symbol == symbol
            assert 0 < listing.book.leaves_of(order_) <= ticket.leaves
            if ticket.cash is None:
                assert listing.book.leaves_of(order_) == ticket.leaves
            if ticket.party:
                assert listing.parties[ticket.member, ticket.party][ticket.number] is order_
    assert resting == engine.open_orders
    parties = [own for each in engine.listings.values() for own in each.parties.values()]
    with_party = [each for each in resting.values() if each.owner.party]
    assert sum(map(len, parties)) == len(with_party)


@settings(max_examples=150, deadline=None)
@given(commands=_COMMANDS)
def test_whatever_comes_no_book_is_crossed_and_what_is_reported_adds_up(commands):
    engine = an_engine()
    events = []
    for second, command in enumerate(commands):
        events += engine.apply(command, after(second))
        check_books(engine)
    sequences: dict[str, list[int]] = {}
    executed: dict[tuple[str, str], Decimal] = {}
    for event in events:
        if not isinstance(event, Report):
            continue
        report = event.report
        sequences.setdefault(event.member, []).append(report.sequence)
        key = (event.member, report.client_order_id)
        if report.kind == "fill":
            executed[key] = executed.get(key, Decimal(0)) + report.quantity
        if report.kind in ("accepted", "fill", "cancelled", "expired"):
            own = executed.get(key, Decimal(0))
            assert report.cumulative_quantity in (own, own - 1)  # one may have been busted
        # Of an order that has ended the engine knows nothing any more.
        if report.kind in ("replaced", "replace_rejected") and report.reason != "order_not_open":
            old = executed.get((event.member, report.reference), Decimal(0))
            assert report.cumulative_quantity in (old, old - 1)
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in sequences.values())
    numbers = [event.execution.number for event in events if getattr(event, "execution", None)]
    assert numbers == list(range(1, len(numbers) + 1))
    for (member, name), resting in engine.open_orders.items():
        lot = engine.listings[resting.owner.symbol].terms.lot
        assert executed.get((member, name), 0) == resting.owner.executed * lot


@settings(max_examples=100, deadline=None)
@given(commands=_COMMANDS)
def test_the_journal_gives_back_what_was_written(commands):
    assert decode(encode(commands)) == commands


def test_an_unknown_entry_in_the_journal_is_refused():
    with pytest.raises(ValueError, match="unknown here"):
        decode('[["Z",1]]')


def test_old_ids_are_forgotten_and_it_is_known_that_some_were():
    ids = RecentIds(generation=2)
    for name in "abcd":
        assert ids.add("m", name)
    assert ids.is_complete
    assert not ids.add("m", "a")
    ids.add("m", "e")
    assert not ids.is_complete
    assert ("m", "a") not in ids
    assert ("m", "c") in ids


def test_a_snapshot_of_the_first_version_is_restored():
    first = {
        "order_number": 7,
        "trade_number": 2,
        "report_sequences": {"OPENFLOOR": 5},
        "sessions": {"always": "2026-03-04"},
        "seen": {"generation": 20000, "is_complete": True, "old": [], "young": []},
        "listings": {
            "AAPL": {
                "terms": ["0.01", "1", "1", "always"],
                "is_halted": False,
                "orders": [
                    [3, 1, 10000, 6, ["OPENFLOOR", "a", 10, 4, True]],
                    [5, -1, 10100, 8, "maker-1"],
                ],
            }
        },
    }
    engine = Engine.restore(json.dumps(first).encode())
    assert engine.best("AAPL") == Best(10000, 6, 10100, 8)
    assert said(play(engine, CloseSession("always"))) == [("expired", "a", "session_ended")]
    assert Engine.restore(engine.snapshot()).snapshot() == engine.snapshot()
