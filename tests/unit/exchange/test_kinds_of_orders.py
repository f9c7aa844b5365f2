"""What a trader may ask of the exchange beyond a plain limit order, as a handbook would say it."""

from __future__ import annotations

import pytest

from tests.unit.exchange.floor_words import NOON, an_engine, cancel, fills, order, replace, said
from venues.exchange.listing import Best


@pytest.fixture
def engine():
    return an_engine()


def play(engine, *commands):
    return [event for command in commands for event in engine.apply(command, NOON)]


def own(events, name):
    return [(kind, reason) for kind, of, reason in said(events) if of == name]


# --- Hidden and reserve -------------------------------------------------------------------------


def test_a_hidden_order_is_executed_but_never_shown(engine):
    play(engine, order("h", "sell", "10", display="0"))
    assert engine.best("AAPL") == Best(None, 0, None, 0)
    assert fills(play(engine, order("b", "buy", "4")))[0] == ("b", "4", "100.00")


def test_what_is_shown_goes_before_what_is_hidden_at_the_same_price(engine):
    play(engine, order("h", "sell", "10", display="0"), order("s", "sell", "10"))
    play(engine, order("better", "sell", "1", "99.99", display="0"))
    taken = [name for name, *_ in fills(play(engine, order("b", "buy", "15")))[1::2]]
    assert taken == ["better", "s", "h"]


def test_an_iceberg_shows_a_slice_and_each_new_one_lines_up_behind(engine):
    play(engine, order("ice", "sell", "10", display="4"), order("s", "sell", "3"))
    assert engine.best("AAPL") == Best(None, 0, 10000, 7)
    taken = fills(play(engine, order("b", "buy", "9")))[1::2]
    assert taken == [("ice", "4", "100.00"), ("s", "3", "100.00"), ("ice", "2", "100.00")]
    assert engine.best("AAPL").ask_size == 2
    assert own(play(engine, order("c", "buy", "4", tif="fok")), "ice") == [
        ("fill", ""),
        ("fill", ""),
    ]
    assert engine.open_orders == {}


# --- Replace ------------------------------------------------------------------------------------


def test_a_smaller_order_keeps_its_place_and_a_larger_one_loses_it(engine):
    play(engine, order("a", "sell", "10"), order("b", "sell", "10"))
    events = play(engine, replace("a", "a2", "6"))
    assert said(events) == [("replaced", "a2", "")]
    assert events[0].report.reference == "a"
    assert fills(play(engine, order("x", "buy", "1")))[1][0] == "a2"
    play(engine, replace("a2", "a3", "8"))
    assert fills(play(engine, order("y", "buy", "1")))[1][0] == "b"


def test_the_total_of_a_replacement_counts_what_was_executed(engine):
    play(engine, order("a", "sell", "10"), order("x", "buy", "4"))
    (event,) = play(engine, replace("a", "a2", "7"))
    report = event.report
    assert (report.cumulative_quantity, report.leaves_quantity) == (4, 3)
    assert engine.best("AAPL").ask_size == 3
    bought = play(engine, order("y", "buy", "1"))[-1].report
    assert (bought.client_order_id, bought.cumulative_quantity, bought.leaves_quantity) == (
        "a2",
        1,
        2,
    )


@pytest.mark.parametrize(
    ("total", "price", "reason"),
    [
        ("4", None, "already_executed"),
        ("3", "101", "already_executed"),
        ("0", None, "quantity_not_positive"),
        ("9.5", None, "quantity_off_lot"),
        ("9", "100.001", "price_off_tick"),
        ("9", "0", "price_not_positive"),
    ],
)
def test_a_refused_replacement_leaves_the_order_as_it_was(engine, total, price, reason):
    play(engine, order("a", "sell", "10"), order("x", "buy", "4"))
    before = engine.best("AAPL")
    events = play(engine, replace("a", "a2", total, price))
    assert said(events) == [("replace_rejected", "a2", reason)]
    assert events[0].report.reference == "a"
    assert engine.best("AAPL") == before
    assert said(play(engine, cancel("a"))) == [("cancelled", "a", "requested")]


def test_a_replacement_may_execute_and_its_repeat_is_dropped(engine):
    play(engine, order("s", "sell", "5", "101"), order("a", "buy", "10"))
    assert said(play(engine, replace("a", "a2", "10", "101"))) == [
        ("replaced", "a2", ""),
        ("fill", "a2", ""),
        ("fill", "s", ""),
    ]
    assert play(engine, replace("a", "a2", "10", "101"), order("a2")) == []
    assert said(play(engine, replace("a", "a3"))) == [("replace_rejected", "a3", "order_not_open")]


def test_a_replacement_with_less_takes_from_the_reserve_first(engine):
    play(engine, order("ice", "sell", "10", display="4"), replace("ice", "ice2", "6"))
    assert engine.best("AAPL").ask_size == 4
    play(engine, replace("ice2", "ice3", "3"))
    assert engine.best("AAPL").ask_size == 3


# --- Post-only, cash, self-trade ----------------------------------------------------------------


def test_post_only_rests_or_is_rejected(engine):
    play(engine, order("s", "sell", "5", "101"))
    events = play(engine, order("a", "buy", "5", "101", post_only=True))
    assert said(events) == [("rejected", "a", "post_only_would_execute")]
    play(engine, order("b", "buy", "5", "100.99", post_only=True))
    assert engine.best("AAPL") == Best(10099, 5, 10100, 5)
    events = play(engine, replace("b", "b2", "5", "101"))
    assert said(events) == [("replace_rejected", "b2", "post_only_would_execute")]
    assert said(play(engine, order("c", tif="ioc", post_only=True))) == [
        ("rejected", "c", "post_only_must_rest")
    ]


def test_cash_bounds_the_value_of_all_executions(engine):
    play(engine, order("s1", "sell", "5", "100"), order("s2", "sell", "5", "101"))
    events = play(engine, order("n", "buy", "50", "110", kind="market", cash="799.99"))
    assert fills(events)[::2] == [("n", "5", "100.00"), ("n", "2", "101.00")]
    assert said(events)[-1] == ("cancelled", "n", "cash_reached")


def test_cash_bounds_an_order_at_rest_too(engine):
    play(engine, order("n", "buy", "50", "100", cash="350"))
    assert engine.best("AAPL").bid_size == 3
    events = play(engine, order("s", "sell", "10"))
    assert own(events, "n") == [("fill", ""), ("cancelled", "cash_reached")]
    assert engine.best("AAPL") == Best(None, 0, 10000, 7)


@pytest.mark.parametrize(
    ("prevention", "newer", "older"),
    [
        ("cancel_newest", "cancelled", None),
        ("cancel_oldest", "fill", "cancelled"),
        ("cancel_both", "cancelled", "cancelled"),
    ],
)
def test_a_party_does_not_trade_with_itself(engine, prevention, newer, older):
    play(engine, order("own", "sell", "5", party="p"), order("other", "sell", "5"))
    events = play(engine, order("new", "buy", "5", party="p", prevention=prevention))
    assert [kind for kind, _ in own(events, "new")][-1] == newer
    assert [kind for kind, _ in own(events, "own")] == ([older] if older else [])
    assert bool(own(events, "other")) == (prevention == "cancel_oldest")


def test_another_party_another_member_and_no_party_are_not_oneself(engine):
    play(engine, order("own", "sell", "9", party="p", member="OTHER"))
    for name, party in (("a", "p"), ("b", "q"), ("c", "")):
        assert ("fill", "") in own(play(engine, order(name, "buy", "3", party=party)), name)


@pytest.mark.parametrize(
    ("prevention", "outcome"),
    [("cancel_newest", "cancelled"), ("cancel_oldest", "fill"), ("cancel_both", "cancelled")],
)
def test_fill_or_kill_does_not_count_on_its_own_party(engine, prevention, outcome):
    play(engine, order("h", "sell", "5", display="0", party="p"))
    play(engine, order("s", "sell", "5", "100.01"))
    short = order("f", "buy", "6", "100.01", tif="fok", party="p", prevention=prevention)
    assert own(play(engine, short), "f")[-1] == ("cancelled", "not_filled_in_full")
    assert ("OPENFLOOR", "h") in engine.open_orders
    enough = order("g", "buy", "5", "100.01", tif="fok", party="p", prevention=prevention)
    assert own(play(engine, enough), "g")[-1][0] == outcome


def test_fill_or_kill_counts_on_what_is_hidden(engine):
    play(engine, order("ice", "sell", "9", display="2"), order("h", "sell", "3", display="0"))
    assert own(play(engine, order("f", "buy", "13", tif="fok")), "f")[-1][0] == "cancelled"
    events = play(engine, order("g", "buy", "12", tif="fok"))
    assert [kind for kind, _ in own(events, "g")][-1] == "fill"
    assert engine.open_orders == {}


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"display": "-1"}, "display_off_lot"),
        ({"display": "0.5"}, "display_off_lot"),
        ({"cash": "0"}, "cash_not_positive"),
        ({"kind": "stop"}, "type_not_taken"),
        ({"kind": "market", "extended": True}, "extended_hours_limit_only"),
    ],
)
def test_a_wish_that_makes_no_sense_is_rejected(engine, wish, reason):
    assert said(play(engine, order("a", **wish))) == [("rejected", "a", reason)]
