"""Each control on orders at its limit, one step inside and one step outside."""

from dataclasses import replace
from decimal import Decimal

import pytest

from marketdata.calendars import Phase
from risk import checks
from risk.checks import conduct, facts
from tests.unit.risk.situations import BOUNDS, BUY, MARKET, SELL, SITUATION, code
from venues.messages import OrderType, Side

D = Decimal
RICH = replace(SITUATION, cash_available=D(1_000_000), position=D(0), position_available=D(500))


def short(**changes):
    """Return a situation without a position, in which only risk's limits can deny a sale."""
    return replace(RICH, position=D(0), position_available=D(10_000), **changes)


@pytest.mark.parametrize(
    ("limit", "at_most", "situation", "expected"),
    [
        # BUY is for 10 at 100.00: worth 1,000.00.
        ("order_volume_max", D("0.0101"), {"average_volume": D(1000)}, None),
        ("order_volume_max", D("0.01"), {"average_volume": D(1000)}, None),
        ("order_volume_max", D("0.0099"), {"average_volume": D(1000)}, "order_volume_limit"),
        ("order_volume_max", D("0.0001"), {"average_volume": None}, None),
        ("position_quantity_max", D(16), {"position": D(5)}, None),
        ("position_quantity_max", D(15), {"position": D(5)}, None),
        ("position_quantity_max", D(14), {"position": D(5)}, "position_quantity_limit"),
        ("gross_exposure_max", D("1500.01"), {"exposure": D(500)}, None),
        ("gross_exposure_max", D("1500.00"), {"exposure": D(500)}, None),
        ("gross_exposure_max", D("1499.99"), {"exposure": D(500)}, "gross_exposure_limit"),
        ("firm_open_buys_max", D("1500.01"), {"firm_open_buys": D(500)}, None),
        ("firm_open_buys_max", D("1500.00"), {"firm_open_buys": D(500)}, None),
        ("firm_open_buys_max", D("1499.99"), {"firm_open_buys": D(500)}, "firm_buying_power"),
        ("open_orders_max", 5, {"open_orders": 4}, None),
        ("open_orders_max", 4, {"open_orders": 4}, "open_orders_limit"),
        ("open_orders_max", 3, {"open_orders": 4}, "open_orders_limit"),
        ("messages_per_second_max", 4, {"messages_in_second": 3}, None),
        ("messages_per_second_max", 3, {"messages_in_second": 3}, None),
        ("messages_per_second_max", 2, {"messages_in_second": 3}, "message_throttle"),
        ("messages_per_minute_max", 31, {"messages_in_minute": 30}, None),
        ("messages_per_minute_max", 30, {"messages_in_minute": 30}, None),
        ("messages_per_minute_max", 29, {"messages_in_minute": 30}, "message_throttle"),
        ("firm_age_max", 5.1, {"firm_age": 5.0}, None),
        ("firm_age_max", 5.0, {"firm_age": 5.0}, None),
        ("firm_age_max", 4.9, {"firm_age": 5.0}, "firm_exposure_stale"),
    ],
)
def test_a_buy_against_a_control(limit, at_most, situation, expected):
    assert code(BUY, replace(RICH, **situation), replace(BOUNDS, **{limit: at_most})) == expected


@pytest.mark.parametrize(
    ("limit", "at_most", "expected"),
    [
        # SELL is for 10 at 100.00, on top of 5 that are short and 2 that are being sold.
        ("position_quantity_max", D(18), None),
        ("position_quantity_max", D(17), None),
        ("position_quantity_max", D(16), "position_quantity_limit"),
        ("position_value_max", D("1700.01"), None),
        ("position_value_max", D("1700.00"), None),
        ("position_value_max", D("1699.99"), "position_limit"),
    ],
)
def test_a_short_position_is_limited_as_a_long_one_is(limit, at_most, expected):
    situation = replace(short(open_sell_quantity=D(2)), position=D(-5))
    found = checks.size.position_is_allowed(SELL, situation, replace(BOUNDS, **{limit: at_most}))
    assert (found and found.code) == expected


def test_a_sale_of_what_is_there_has_no_position_limit():
    bounds = replace(BOUNDS, position_quantity_max=D(0), gross_exposure_max=D(0))
    owned = replace(RICH, position=D(10), position_available=D(10))
    assert code(SELL, owned, bounds) is None
    beyond = replace(owned, open_sell_quantity=D(1), position_available=D(100))
    assert code(SELL, beyond, bounds) == "position_quantity_limit"


def test_a_short_sale_is_worth_what_the_market_says_and_not_its_limit():
    cheap = replace(SELL, limit_price=D("60.00"))
    bounds = replace(BOUNDS, position_value_max=D("999.89"))
    assert facts.dear_price(cheap, short(), bounds) == D("99.995")
    assert checks.size.position_is_allowed(cheap, short(), bounds).code == "position_limit"


@pytest.mark.parametrize(
    ("side", "limit", "expected"),
    [
        # The market is at 100.00: last 100.00 within 99.99 and 100.01.
        (Side.BUY, "109.99", None),
        (Side.BUY, "110.00", None),
        (Side.BUY, "110.01", "price_collar"),
        (Side.SELL, "90.01", None),
        (Side.SELL, "90.00", None),
        (Side.SELL, "89.99", "price_collar"),
        (Side.BUY, "20.01", None),
        (Side.BUY, "20.00", None),
        (Side.BUY, "19.99", "price_too_far"),
        (Side.SELL, "499.99", None),
        (Side.SELL, "500.00", None),
        (Side.SELL, "500.01", "price_too_far"),
    ],
)
def test_a_limit_lies_within_its_collar_both_ways(side, limit, expected):
    bounds = replace(BOUNDS, price_collar=D("0.10"), price_distance_max=D("0.80"))
    situation = replace(RICH, position=D(10), last=D("100.00"), ask=D("100.01"))
    order = replace(BUY, side=side, limit_price=D(limit))
    assert code(order, situation, bounds) == expected


@pytest.mark.parametrize(
    ("side", "limit", "expected"),
    [
        (Side.BUY, "5.01", None),
        (Side.BUY, "5.00", None),
        (Side.BUY, "4.99", "price_too_far"),
        (Side.SELL, "1999.00", None),
        (Side.SELL, "2000.00", None),
        (Side.SELL, "2001.00", "price_too_far"),
    ],
)
def test_a_limit_that_harms_nobody_waits_within_a_factor_of_twenty(side, limit, expected):
    bounds = replace(BOUNDS, price_collar=D("0.01"), price_distance_max=D("0.95"))
    situation = replace(RICH, position=D(10), last=D("100.00"), ask=D("100.01"))
    order = replace(BUY, side=side, limit_price=D(limit))
    assert code(order, situation, bounds) == expected


def test_a_stop_limit_order_is_measured_from_its_stop():
    bounds = replace(BOUNDS, price_collar=D("0.10"))
    order = replace(BUY, type=OrderType.STOP_LIMIT, stop_price=D("200.00"))
    assert code(replace(order, limit_price=D("220.00")), RICH, bounds) is None
    assert code(replace(order, limit_price=D("220.01")), RICH, bounds) == "price_collar"


@pytest.mark.parametrize(
    ("order", "own", "expected"),
    [
        (BUY, {"own_ask": D("100.01")}, None),
        (BUY, {"own_ask": D("100.00")}, "self_trade"),
        (BUY, {"own_ask": D("99.99")}, "self_trade"),
        (BUY, {"own_bid": D("100.00")}, None),
        (SELL, {"own_bid": D("99.99")}, None),
        (SELL, {"own_bid": D("100.00")}, "self_trade"),
        (SELL, {"own_ask": D("100.00")}, None),
        (MARKET, {"own_ask": D("100.01")}, None),
        (MARKET, {"own_ask": D("100.00")}, "self_trade"),
        (replace(BUY, is_leg=True), {"own_ask": D("99.00")}, None),
    ],
)
def test_no_order_may_trade_with_a_resting_one_of_the_same_account(order, own, expected):
    situation = replace(RICH, position=D(10), **own)
    assert code(order, situation) == expected


@pytest.mark.parametrize(
    ("order", "position", "open_orders", "expected"),
    [
        (SELL, 10, {}, None),
        (SELL, 9, {}, "closing_only"),
        (SELL, 10, {"open_sell_quantity": D(1)}, "closing_only"),
        (BUY, -10, {}, None),
        (BUY, -9, {}, "closing_only"),
        (BUY, -10, {"open_buy_quantity": D(1)}, "closing_only"),
        (BUY, 0, {}, "closing_only"),
    ],
)
def test_a_restricted_instrument_may_only_be_reduced(order, position, open_orders, expected):
    situation = replace(RICH, is_closing_only=True, position=D(position), **open_orders)
    found = checks.position_may_be_opened(order, situation, BOUNDS)
    assert (found and found.code) == expected


@pytest.mark.parametrize(
    ("offset", "expected"),
    [(None, None), (50.0, None), (-50.0, None), (50.1, "clock_drift"), (-50.1, "clock_drift")],
)
def test_a_clock_that_is_known_to_be_wrong_stops_trading(offset, expected):
    assert code(BUY, replace(RICH, clock_offset=offset)) == expected


@pytest.mark.parametrize(("count", "expected"), [(99, True), (100, True), (101, False)])
def test_executions_are_counted(count, expected):
    assert conduct.executions_are_few(count, BOUNDS) is expected


def test_a_switch_denies_with_its_own_code():
    situation = replace(RICH, stopped="kill_switch", stopped_scope="your account")
    denial = checks.first_denial(BUY, situation, BOUNDS)
    assert denial.code == "kill_switch"
    assert denial.message.startswith("Trading is stopped for your account")
    # Also of a leg: a group is placed as a whole.
    assert code(replace(BUY, is_leg=True), situation) == "kill_switch"


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ({"quote_age": None}, "quote_missing"),
        ({"quote_age": 10.001}, "quote_stale"),
        ({"account_status": ""}, "account_unknown"),
        ({"phase": None}, "calendar_missing"),
        ({"firm_open_buys": None}, "firm_exposure_stale"),
        ({"firm_age": None}, "firm_exposure_stale"),
    ],
)
def test_what_is_missing_denies(missing, expected):
    assert code(BUY, replace(RICH, **missing)) == expected


def test_without_limits_nothing_goes():
    assert checks.first_denial(BUY, RICH, None).code == "limits_missing"


def test_the_reference_is_the_last_trade_within_bid_and_ask():
    def reference(last, bid, ask):
        prices = (None if each is None else D(each) for each in (last, bid, ask))
        named = zip(("last", "bid", "ask"), prices, strict=True)
        return facts.reference_price(replace(RICH, **dict(named)))

    assert reference("100", "99", "101") == D(100)
    assert reference("105", "99", "101") == D(101)
    assert reference("95", "99", "101") == D(99)
    assert reference(None, "99", "101") == D(100)
    assert reference(None, None, "101") == D(101)
    assert reference(None, None, None) is None


@pytest.mark.parametrize(
    ("changes", "order", "expected"),
    [
        ({"average_volume": D(200)}, BUY, []),
        ({"average_volume": D(199)}, BUY, ["large_against_volume"]),
        ({"bid": D("99.50"), "ask": D("100.50")}, BUY, []),
        ({"bid": D("99.49"), "ask": D("100.50")}, BUY, ["wide_spread"]),
        ({"day_low": D(100), "day_high": D(106), "average_range": D("0.02")}, BUY, []),
        (
            {"day_low": D(100), "day_high": D("106.01"), "average_range": D("0.02")},
            BUY,
            ["unusual_volatility"],
        ),
        ({"last": D(100)}, replace(BUY, limit_price=D(80)), []),
        ({"last": D(100)}, replace(BUY, limit_price=D("79.99")), ["far_from_market"]),
        ({"last": D(100)}, replace(SELL, limit_price=D(125)), []),
        ({"last": D(100)}, replace(SELL, limit_price=D("125.01")), ["far_from_market"]),
        ({"has_twin": True}, BUY, ["possible_duplicate"]),
    ],
)
def test_what_a_person_should_know_is_said_and_keeps_nothing_back(changes, order, expected):
    situation = replace(RICH, position=D(10), **changes)
    assert code(order, situation) is None
    assert [each.code for each in checks.cautions(order, situation)] == expected


def test_outside_the_session_a_limit_far_away_is_not_measured_without_a_price():
    night = replace(RICH, phase=Phase.CLOSED, bid=None, ask=None, last=None, quote_age=None)
    assert code(replace(BUY, limit_price=D("0.01")), night) is None
