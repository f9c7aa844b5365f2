"""Each check at its limit, one step inside and one step outside."""

from dataclasses import replace

import pytest

from marketdata.calendars import Phase
from risk import checks
from tests.unit.risk.situations import BOUNDS, BUY, MARKET, SELL, SITUATION, D, code
from venues.messages import OrderType, Side, TimeInForce


def test_a_plain_order_may_go():
    assert code() is None
    assert code(SELL) is None
    assert code(MARKET, replace(SITUATION, cash_available=D("1030.00"))) is None


@pytest.mark.parametrize(
    ("what", "changes", "expected"),
    [
        ("account", {"account_status": "restricted"}, "account_restricted"),
        ("its owner", {"account_status": "suspended"}, "account_suspended"),
        ("instrument", {"is_tradable": False}, "not_tradable"),
        ("instrument", {"is_halted": True}, "halted"),
        ("venue", {"is_venue_up": False}, "venue_unavailable"),
        ("no price in the night", {"phase": Phase.CLOSED, "quote_age": None}, None),
        ("age at the limit", {"quote_age": 10.0}, None),
        ("age beyond it", {"quote_age": 10.001}, "quote_stale"),
        ("a quote of the future", {"quote_age": -0.1}, "quote_stale"),
        ("no quote", {"quote_age": None}, "quote_missing"),
        ("cash one cent short", {"cash_available": D("999.99")}, "insufficient_buying_power"),
        ("cash to the cent", {"cash_available": D("1000.00")}, None),
        ("lot", {"quantity_increment": D(3)}, "quantity_increment"),
        ("least quantity", {"quantity_min": D(10)}, None),
        ("below it", {"quantity_min": D(11)}, "quantity_too_small"),
        ("tick", {"price_increment": D("0.03")}, "price_increment"),
    ],
)
def test_a_buy_in_a_situation(what, changes, expected):
    assert code(BUY, replace(SITUATION, **changes)) == expected


@pytest.mark.parametrize(
    ("limit", "at_most", "expected"),
    [
        ("order_quantity_max", D(11), None),
        ("order_quantity_max", D(10), None),
        ("order_quantity_max", D(9), "order_quantity_limit"),
        ("order_value_max", D("1000.01"), None),
        ("order_value_max", D("1000.00"), None),
        ("order_value_max", D("999.99"), "order_value_limit"),
        ("position_value_max", D("3000.01"), None),
        ("position_value_max", D("3000.00"), None),
        ("position_value_max", D("2999.99"), "position_limit"),
    ],
)
def test_a_buy_against_a_limit(limit, at_most, expected):
    assert code(BUY, SITUATION, replace(BOUNDS, **{limit: at_most})) == expected


def test_open_buys_count_towards_the_position():
    situation = replace(SITUATION, open_buy_quantity=D(1))
    bounds = replace(BOUNDS, position_value_max=D("3099.99"))
    assert code(BUY, situation, bounds) == "position_limit"
    assert code(SELL, situation, bounds) is None


@pytest.mark.parametrize(
    ("available", "expected"), [(11, None), (10, None), (9, "insufficient_position")]
)
def test_a_sale_needs_what_it_sells(available, expected):
    assert code(SELL, replace(SITUATION, position_available=D(available))) == expected


def test_a_market_order_needs_its_far_side():
    assert code(MARKET, replace(SITUATION, ask=None)) == "no_liquidity"
    sale = replace(MARKET, side=Side.SELL)
    assert code(sale, replace(SITUATION, bid=None)) == "no_liquidity"
    assert code(sale, replace(SITUATION, ask=None)) is None


@pytest.mark.parametrize(
    ("side", "bid", "ask", "worst"),
    [
        (Side.BUY, D("99.99"), D("100.00"), D("103.00")),
        (Side.BUY, D("99.99"), D("100.01"), D("103.02")),
        (Side.SELL, D("100.00"), D("100.01"), D("97.00")),
        (Side.SELL, D("99.99"), D("100.01"), D("96.99")),
        (Side.SELL, D("0.01"), D("0.02"), D("0.01")),
    ],
)
def test_a_market_order_is_held_for_the_far_quote_and_a_buffer(side, bid, ask, worst):
    situation = replace(SITUATION, bid=bid, ask=ask)
    assert checks.worst_price(replace(MARKET, side=side), situation, BOUNDS) == worst


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.EARLY, Phase.LATE])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"time_in_force": TimeInForce.IOC}, "session_closed"),
        ({"time_in_force": TimeInForce.FOK}, "session_closed"),
        ({"type": OrderType.MARKET, "limit_price": None}, "session_closed"),
    ],
)
def test_outside_the_session_only_what_can_wait_may_go(phase, changes, expected):
    assert code(replace(BUY, **changes), replace(SITUATION, phase=phase)) == expected


@pytest.mark.parametrize("phase", [Phase.CLOSED, Phase.EARLY, Phase.LATE])
def test_an_order_for_the_opening_is_held_for_the_latest_trade(phase):
    opening = replace(MARKET, time_in_force=TimeInForce.OPG)
    night = replace(SITUATION, phase=phase, bid=None, ask=None, quote_age=9999.0, last=D("90.00"))
    assert checks.worst_price(opening, night, BOUNDS) == D("92.70")
    assert code(opening, replace(night, cash_available=D("927.00"))) is None
    assert code(opening, replace(night, cash_available=D("926.99"))) == (
        "insufficient_buying_power"
    )
    assert code(opening, replace(night, last=None)) == "quote_missing"


STOP = replace(BUY, type=OrderType.STOP, limit_price=None)


@pytest.mark.parametrize(
    ("side", "stop", "expected"),
    [
        (Side.BUY, "100.01", None),
        (Side.BUY, "100.00", "stop_price_passed"),
        (Side.SELL, "99.98", None),
        (Side.SELL, "99.99", "stop_price_passed"),
        (Side.BUY, "100.015", "price_increment"),
    ],
)
def test_a_stop_lies_beyond_the_market(side, stop, expected):
    rich = replace(SITUATION, cash_available=D(10_000))
    assert code(replace(STOP, side=side, stop_price=D(stop)), rich) == expected


CHEAP = replace(
    SITUATION, bid=D("0.9480"), ask=D("0.9512"), fine_increment=D("0.0001"), fine_below=D(1)
)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("0.9512", None), ("0.95125", "price_increment"), ("1", None), ("1.001", "price_increment")],
)
def test_a_share_goes_in_hundredths_of_a_cent_below_a_dollar(limit, expected):
    assert code(replace(BUY, limit_price=D(limit)), CHEAP) == expected


def test_what_a_price_is_rounded_to_depends_on_where_it_lies():
    market = replace(BUY, type=OrderType.MARKET, limit_price=None)
    assert checks.worst_price(market, CHEAP, BOUNDS) == D("0.9798")  # 0.9512 x 1.03 = 0.979736
    near = replace(CHEAP, ask=D("0.9800"))
    assert checks.worst_price(market, near, BOUNDS) == D("1.01")  # 1.0094
    sale = replace(market, side=Side.SELL)
    assert checks.worst_price(sale, CHEAP, BOUNDS) == D("0.9195")  # 0.91956
    dear = replace(CHEAP, bid=D("1.0300"))
    assert checks.worst_price(sale, dear, BOUNDS) == D("0.9991")


def test_a_stop_is_held_for_its_price_and_a_buffer():
    stop = replace(STOP, stop_price=D("110.00"))
    assert checks.worst_price(stop, SITUATION, BOUNDS) == D("113.30")
    assert code(stop, replace(SITUATION, cash_available=D("1133.00"))) is None
    assert code(stop, replace(SITUATION, cash_available=D("1132.99"))) == (
        "insufficient_buying_power"
    )


def test_an_order_by_value_needs_that_value_and_an_instrument_of_parts():
    by_value = replace(MARKET, notional=D("500.00"), quantity=D(5))
    parts = replace(SITUATION, is_fractionable=True)
    assert code(by_value) == "not_fractionable"
    assert code(by_value, replace(parts, cash_available=D("500.00"))) is None
    assert code(by_value, replace(parts, cash_available=D("499.99"))) == (
        "insufficient_buying_power"
    )


def test_a_leg_is_judged_by_its_terms_alone():
    leg = replace(SELL, is_leg=True, quantity=D(500))
    bare = replace(SITUATION, position=D(0), position_available=D(0), quote_age=None)
    assert code(leg, bare) is None
    assert code(replace(leg, limit_price=D("100.001")), bare) == "price_increment"
    assert code(replace(leg, quantity=D(1001)), bare) == "order_quantity_limit"


def test_a_repeat_of_an_unnamed_order_is_flagged_and_goes():
    repeat = replace(SITUATION, has_twin=True)
    assert code(BUY, repeat) is None
    assert [each.code for each in checks.cautions(BUY, repeat)] == ["possible_duplicate"]
    assert checks.cautions(BUY, SITUATION) == ()


def test_the_message_says_what_can_be_afforded():
    denial = checks.first_denial(BUY, replace(SITUATION, cash_available=D("650.00")), BOUNDS)
    assert denial.message == (
        "Not enough buying power: this order needs 1,000.00 USD, you have 650.00. "
        "Lower the quantity to 6 or deposit."
    )


def test_every_check_is_listed_and_every_code_is_stable():
    """A new check is added here and in docs/api.md, or clients cannot rely on its code."""
    assert {
        "account_is_active",
        "nothing_is_stopped",
        "clock_is_right",
        "messages_are_few",
        "instrument_is_tradable",
        "position_may_be_opened",
        "venue_is_up",
        "session_is_open",
        "value_can_be_ordered",
        "quantity_fits",
        "price_fits",
        "quote_is_fresh",
        "stop_is_ahead",
        "open_orders_are_few",
        "quantity_is_allowed",
        "value_is_allowed",
        "volume_is_allowed",
        "price_is_near",
        "order_meets_no_own",
        "position_is_allowed",
        "exposure_is_allowed",
        "firm_can_carry",
        "account_can_pay",
        "account_has_what_it_sells",
    } <= {check.__name__ for check in checks.CHECKS}
