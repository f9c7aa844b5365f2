"""May an order go that was held: by what every order is judged by, and by the limits of today."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from marketdata.calendars import Phase
from risk import checks
from risk.checks import Moment
from risk.checks.release import MAY_GO, MEASURED_ANEW, OF_THE_MOMENT, PRICED
from risk.margin import requirements as margin
from risk.margin.requirements import Intent, OnMargin
from tests.unit.risk.situations import BOUNDS, MARKET, SITUATION
from venues.messages import OrderType, Side

D = Decimal
NOW = Moment(
    account_status="active",
    is_tradable=True,
    is_halted=False,
    is_venue_up=True,
    phase=Phase.REGULAR,
)
OPENS = replace(MARKET, intent=Intent.BUY_TO_OPEN)
CLOSES = replace(MARKET, side=Side.SELL, intent=Intent.SELL_TO_CLOSE)


def test_a_new_order_passes_all_that_a_held_one_passes():
    assert set(OF_THE_MOMENT) | set(PRICED) | set(MEASURED_ANEW) <= set(checks.CHECKS)


@pytest.mark.parametrize(
    ("changes", "opening", "closing"),
    [
        ({}, None, None),
        ({"stopped": "kill_switch"}, "kill_switch", "kill_switch"),
        ({"clock_offset": 50.0}, None, None),
        ({"clock_offset": -50.1}, "clock_drift", "clock_drift"),
        ({"is_tradable": False}, "not_tradable", "not_tradable"),
        ({"is_halted": True}, "halted", "halted"),
        ({"is_venue_up": False}, "venue_unavailable", "venue_unavailable"),
        ({"phase": Phase.LATE}, "session_closed", "session_closed"),
        ({"phase": None}, "calendar_missing", "calendar_missing"),
        ({"is_closing_only": True}, "closing_only", None),
        ({"account_status": "restricted"}, "account_restricted", None),
        # Nobody may take the one for a mere wait for the venue.
        ({"is_closing_only": True, "is_venue_up": False}, "closing_only", "venue_unavailable"),
    ],
)
def test_what_a_held_order_waits_for(changes, opening, closing):
    moment = replace(NOW, **changes)
    for proposal, expected in ((OPENS, opening), (CLOSES, closing)):
        denial = checks.obstacle(proposal, moment)
        assert (denial and denial.code) == expected


def test_a_limit_may_go_outside_of_the_session():
    limited = replace(OPENS, type=OrderType.LIMIT, limit_price=D(100))
    assert checks.obstacle(limited, replace(NOW, phase=Phase.LATE)) is None


@pytest.mark.parametrize(
    ("tightened", "code"),
    [
        ({"order_quantity_max": D(9)}, "order_quantity_limit"),
        ({"order_value_max": D(999)}, "order_value_limit"),
        ({"position_quantity_max": D(29)}, "position_quantity_limit"),
        ({"gross_exposure_max": D(1)}, "gross_exposure_limit"),
    ],
)
def test_what_opens_a_position_ends_by_limits_that_were_tightened(tightened, code):
    bounds = replace(BOUNDS, **tightened)
    assert checks.measure(OPENS, SITUATION, BOUNDS) == MAY_GO
    measured = checks.measure(OPENS, SITUATION, bounds)
    assert (measured.waits_for, measured.outgrown.code) == (None, code)
    assert checks.measure(CLOSES, SITUATION, bounds) == MAY_GO


def test_without_limits_nothing_is_opened():
    assert checks.measure(OPENS, SITUATION, None).outgrown.code == "limits_missing"
    assert checks.measure(CLOSES, SITUATION, None) == MAY_GO


ON_MARGIN = OnMargin(
    standing=margin.standing([], cash=D(10_000), held=D(500)), required=D(500), freed=D(500)
)


def on_margin(**changes):
    return replace(SITUATION, margin=replace(ON_MARGIN, **changes))


@pytest.mark.parametrize(
    ("situation", "waits_for", "outgrown"),
    [
        (on_margin(), None, None),
        (replace(SITUATION, quote_age=None), "quote_missing", None),
        (replace(SITUATION, quote_age=BOUNDS.quote_age_max), None, None),
        (replace(SITUATION, quote_age=BOUNDS.quote_age_max + 1), "quote_stale", None),
        (
            on_margin(standing=margin.standing([], cash=D(0), held=D(0), unpriced=["MSFT"])),
            "position_price_stale",
            None,
        ),
        (on_margin(required=D(10_000)), None, None),
        (on_margin(required=D("10000.01")), None, "insufficient_buying_power"),
        (on_margin(is_being_liquidated=True), None, "being_liquidated"),
    ],
)
def test_what_opens_a_position_waits_for_prices_and_needs_the_equity_of_today(
    situation, waits_for, outgrown
):
    measured = checks.measure(OPENS, situation, BOUNDS)
    assert (measured.waits_for and measured.waits_for.code) == waits_for
    assert (measured.outgrown and measured.outgrown.code) == outgrown
    assert checks.measure(CLOSES, situation, BOUNDS) == MAY_GO


@pytest.mark.parametrize(
    ("side", "limit", "entry", "code"),
    [
        (Side.SELL, "51", None, None),
        (Side.SELL, "49", None, "price_collar"),
        (Side.SELL, "49", "80", None),  # its entry waits for a lower market
        (Side.SELL, "49", "120", "price_collar"),  # which may find the one of now
        (Side.BUY, "149", None, None),
        (Side.BUY, "151", None, "price_collar"),
        (Side.BUY, "151", "120", None),
    ],
)
def test_a_leg_is_near_the_market_that_its_entry_will_have_found(side, limit, entry, code):
    leg = replace(
        OPENS,
        side=side,
        type=OrderType.LIMIT,
        limit_price=D(limit),
        is_leg=True,
        entry_price=entry and D(entry),
    )
    denial = checks.first_denial(leg, SITUATION, BOUNDS)
    assert (denial and denial.code) == code


@pytest.mark.parametrize(
    ("side", "limit", "entry"), [(Side.SELL, "130", "6"), (Side.BUY, "6", "130")]
)
def test_a_leg_is_out_of_reach_only_of_both_markets(side, limit, entry):
    bounds = replace(BOUNDS, price_distance_max=D("0.95"))
    leg = replace(OPENS, side=side, type=OrderType.LIMIT, limit_price=D(limit), is_leg=True)
    assert checks.first_denial(leg, SITUATION, bounds) is None
    assert checks.first_denial(replace(leg, entry_price=D(entry)), SITUATION, bounds) is None
    far = replace(leg, limit_price=D(5000) if side is Side.SELL else D("0.01"))
    for each in (far, replace(far, entry_price=D(entry))):
        assert checks.first_denial(each, SITUATION, bounds).code == "price_too_far"
