"""The shapes that compatible clients read: every field of the contract, of the right kind."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from accounts.models import Account
from marketdata.bars import Bar
from marketdata.calendars import Session
from marketdata.models import Instrument, Quote
from orders.lifecycle import Status
from orders.models import Order, Trade
from portfolio.selectors import PositionView, Snapshot
from trading.api import wire, wire_activities, wire_data

AT = datetime(2026, 1, 5, 14, 30, 0, 123456, tzinfo=UTC)


def words(text: str) -> set[str]:
    return set(text.split())


# The fields of the contract, and the values of its enums.
ORDER_FIELDS = words(
    """id client_order_id created_at updated_at submitted_at filled_at expired_at expires_at
    canceled_at failed_at replaced_at replaced_by replaces asset_id symbol asset_class notional
    qty filled_qty filled_avg_price order_class order_type type side time_in_force limit_price
    stop_price status extended_hours legs trail_percent trail_price hwm position_intent"""
)
ORDER_STATUSES = words(
    """new partially_filled filled done_for_day canceled expired replaced pending_cancel
    pending_replace pending_review accepted pending_new accepted_for_bidding stopped rejected
    suspended calculated held"""
)
POSITION_FIELDS = words(
    """asset_id symbol exchange asset_class avg_entry_price qty side cost_basis market_value
    unrealized_pl unrealized_plpc unrealized_intraday_pl unrealized_intraday_plpc current_price
    lastday_price change_today qty_available asset_marginable"""
)
ACCOUNT_FIELDS = words(
    """id account_number status crypto_status cash equity last_equity portfolio_value buying_power
    regt_buying_power daytrading_buying_power non_marginable_buying_power options_buying_power
    multiplier long_market_value short_market_value initial_margin maintenance_margin
    last_maintenance_margin sma accrued_fees pending_transfer_in pending_transfer_out
    pattern_day_trader daytrade_count trading_blocked transfers_blocked account_blocked
    trade_suspended_by_user shorting_enabled currency created_at options_approved_level
    options_trading_level"""
)
ASSET_FIELDS = words(
    """id class exchange symbol name status tradable marginable shortable easy_to_borrow
    fractionable min_order_size min_trade_increment price_increment attributes
    maintenance_margin_requirement"""
)
EXCHANGES = {"AMEX", "ARCA", "BATS", "NYSE", "NASDAQ", "NYSEARCA", "OTC", "CRYPTO", ""}

AAPL = Instrument(
    code="AAPL", symbol="AAPL", name="Apple Inc.", asset_class="us_equity", exchange="NASDAQ",
    reference_price=Decimal(190),
)  # fmt: skip


def order(**fields: object) -> Order:
    return Order(
        **{
            "account_id": uuid.uuid4(),
            "client_order_id": "mine",
            "instrument": AAPL,
            "side": "buy",
            "type": "limit",
            "time_in_force": "day",
            "quantity": Decimal("10.000000000"),
            "limit_price": Decimal("190.500000000"),
            "status": "submitted",
            "created_at": AT,
            "updated_at": AT,
            **fields,
        }
    )


def test_an_order_has_every_field() -> None:
    shown = wire.order(order())
    assert shown.keys() >= ORDER_FIELDS
    assert (shown["qty"], shown["limit_price"], shown["filled_qty"]) == ("10", "190.5", "0")
    assert shown["submitted_at"] == "2026-01-05T14:30:00.123456Z"
    assert shown["filled_avg_price"] is None


@pytest.mark.parametrize("status", list(Status))
def test_every_state_has_a_name_that_clients_know(status: Status) -> None:
    assert wire.order(order(status=status.value))["status"] in ORDER_STATUSES


def test_an_order_is_new_once_the_venue_has_acknowledged_it() -> None:
    assert wire.order(order())["status"] == "accepted"
    assert wire.order(order(venue_order_id="V1"))["status"] == "new"


def test_an_average_price_has_nine_places_at_most() -> None:
    shown = wire.order(order(filled_quantity=Decimal(3), filled_value=Decimal(10)))
    assert shown["filled_avg_price"] == "3.333333333"


def test_a_denied_order_says_why() -> None:
    shown = wire.order(
        order(status="rejected", denial_code="position_limit", status_reason="Too much.",
              rejected_at=AT)
    )  # fmt: skip
    assert (shown["status"], shown["reason"]) == ("rejected", "position_limit")
    assert shown["failed_at"] == "2026-01-05T14:30:00.123456Z"


def position(**fields: object) -> PositionView:
    return PositionView(
        **{
            "instrument": AAPL,
            "quantity": Decimal(10),
            "available": Decimal(4),
            "average_price": Decimal(180),
            "cost_basis": Decimal(1800),
            "price": Decimal(190),
            "previous_close": Decimal(200),
            "market_value": Decimal(1900),
            "unrealised": Decimal(100),
            "unrealised_day": Decimal(-100),
            "price_age": 0.5,
            **fields,
        }
    )


def test_a_position_has_every_field() -> None:
    shown = wire.position(position())
    assert shown.keys() >= POSITION_FIELDS
    assert shown["side"] == "long"
    assert shown["unrealized_plpc"] == "0.055555556"
    assert shown["unrealized_intraday_plpc"] == "-0.05"
    assert shown["change_today"] == "-0.05"
    assert all(isinstance(shown[f], str) for f in POSITION_FIELDS - {"asset_marginable"})


def test_a_position_without_a_price_shows_null() -> None:
    shown = wire.position(position(price=None, previous_close=None))
    assert shown["current_price"] is None
    assert shown["change_today"] is None


def test_an_account_has_every_field() -> None:
    owner = Account(number="OF1", status="active", opened_at=AT)
    snapshot = Snapshot(
        account=owner, at=AT, cash=Decimal("1000.00"), held=Decimal("100.00"),
        equity=Decimal("2900.00"), last_equity=Decimal(0), paid_in_since=Decimal("2800.00"),
        long_market_value=Decimal("1900.00"), positions=(),
    )  # fmt: skip
    shown = wire.account(snapshot)
    assert shown.keys() >= ACCOUNT_FIELDS
    assert (shown["status"], shown["trading_blocked"]) == ("ACTIVE", False)
    assert (shown["cash"], shown["buying_power"], shown["equity"]) == ("1000", "900", "2900")
    # On the first day, what was paid in is no profit.
    assert (shown["last_equity"], shown["day_pl"]) == ("2800", "100")


def test_a_restricted_account_is_blocked() -> None:
    owner = Account(number="OF1", status="restricted", opened_at=AT)
    zero = Decimal(0)
    shown = wire.account(Snapshot(owner, AT, zero, zero, zero, zero, zero, zero, ()))
    assert (shown["status"], shown["trading_blocked"]) == ("ACTIVE", True)


def test_an_asset_has_every_field() -> None:
    shown = wire.asset(AAPL)
    assert shown.keys() >= ASSET_FIELDS
    assert shown["exchange"] in EXCHANGES
    assert wire.asset(Instrument(symbol="X", exchange="ELSEWHERE"))["exchange"] == ""


def test_a_session_that_ends_at_midnight_is_shown_within_its_day() -> None:
    whole_day = Session(
        date(2026, 1, 5), datetime(2026, 1, 5, 5, tzinfo=UTC), datetime(2026, 1, 6, 5, tzinfo=UTC)
    )
    shown = wire.calendar_day(whole_day, settles=date(2026, 1, 6))
    assert (shown["date"], shown["open"], shown["close"]) == ("2026-01-05", "00:00", "23:59")


QUOTE = Quote(
    instrument=AAPL, at=AT, received_at=AT, bid=Decimal("189.99"), bid_size=Decimal(100),
    ask=None, ask_size=Decimal(0), last=Decimal(190), last_size=Decimal(5), last_at=AT,
    last_trade_id="", day=AT.date(), sequence=1,
)  # fmt: skip


def test_a_quote_is_numbers() -> None:
    shown = wire_data.quote(QUOTE, instrument=AAPL)
    assert shown == {
        "t": "2026-01-05T14:30:00.123456Z",
        "bp": 189.99, "bs": 100, "ap": 0, "as": 0, "bx": "", "ax": "", "c": ["R"], "z": "C",
    }  # fmt: skip


def test_the_last_trade_is_numbers() -> None:
    shown = wire_data.last_trade(QUOTE, instrument=AAPL)
    assert shown is not None
    assert (shown["p"], shown["s"], shown["i"]) == (190, 5, 1767623400123456)


def test_before_the_first_trade_there_is_none() -> None:
    assert wire_data.last_trade(Quote(instrument=AAPL, last=None), instrument=AAPL) is None


def test_a_bar_is_numbers() -> None:
    one = Bar(
        start=datetime(2026, 1, 5, 14, 30, tzinfo=UTC), open=Decimal("1.5"), high=Decimal(2),
        low=Decimal(1), close=Decimal("1.25"), volume=Decimal(30), turnover=Decimal(40), trades=3,
    )  # fmt: skip
    assert wire_data.bar(one) == {
        "t": "2026-01-05T14:30:00Z",
        "o": 1.5, "h": 2, "l": 1, "c": 1.25, "v": 30, "n": 3, "vw": 1.333333,
    }  # fmt: skip


def test_what_we_hold_is_new_until_its_price_is_reached_and_a_leg_is_held() -> None:
    held = Status.HELD.value
    assert wire.order(order(status=held, type="stop"))["status"] == "new"
    assert wire.order(order(status=held, role="entry", order_class="bracket"))["status"] == "new"
    assert wire.order(order(status=held, role="stop_loss", group=uuid.uuid4()))["status"] == "held"


def test_an_order_that_nobody_knows_of_is_pending_and_says_so() -> None:
    shown = wire.order(order(status="unknown"))
    assert (shown["status"], shown["state"]) == ("pending_new", "unknown")


def test_an_order_by_value_shows_its_value_and_no_quantity() -> None:
    shown = wire.order(order(notional=Decimal("500.00"), filled_quantity=Decimal(2)))
    assert (shown["notional"], shown["qty"], shown["filled_qty"]) == ("500", None, "2")


def test_a_trailing_stop_shows_how_far_it_has_followed() -> None:
    trailing = order(type="trailing_stop", trail_percent=Decimal(5), status="held")
    shown = wire.order(trailing, marks={trailing.pk: Decimal("201.50")})
    assert (shown["trail_percent"], shown["trail_price"], shown["hwm"]) == ("5", None, "201.5")
    triggered = wire.order(order(type="trailing_stop", high_water_mark=Decimal(199)))
    assert triggered["hwm"] == "199"


def test_a_replaced_order_names_the_other() -> None:
    other = uuid.uuid4()
    shown = wire.order(order(status="replaced", replaced_by=other, replaced_at=AT))
    assert (shown["status"], shown["replaced_by"]) == ("replaced", str(other))
    assert shown["replaced_at"] == "2026-01-05T14:30:00.123456Z"
    assert wire.order(order(replaces=other))["replaces"] == str(other)


def test_legs_are_orders_without_legs_of_their_own() -> None:
    leg = order(role="take_profit", status="held", order_class="bracket", side="sell")
    shown = wire.order(order(role="entry", order_class="bracket"), legs=[leg])
    assert [(one["id"], one["status"], one["legs"]) for one in shown["legs"]] == [
        (str(leg.pk), "held", None)
    ]
    assert shown["order_class"] == "bracket"


def test_a_warning_is_a_code_and_a_sentence() -> None:
    (warning,) = wire.order(order(warnings="possible_duplicate"))["warnings"]
    assert warning["code"] == "possible_duplicate"
    assert "client_order_id" in warning["message"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "rejected", "denial_code": "halted"}, "openfloor"),
        ({"status": "rejected", "venue_code": "halted"}, "venue"),
        ({"status": "rejected"}, "venue"),
        ({"status": "cancelled", "venue_code": "requested"}, None),
        ({"status": "submitted"}, None),
    ],
)
def test_who_rejected_an_order_is_told(fields: dict[str, str], expected: str | None) -> None:
    assert wire.order(order(**fields))["rejected_by"] == expected


def trade(**fields: object) -> Trade:
    return Trade(
        **{
            "order": order(quantity=Decimal(10)), "account_id": uuid.uuid4(), "instrument": AAPL,
            "side": "buy", "quantity": Decimal(4), "price": Decimal("190.25"), "executed_at": AT,
            "booked_at": AT, **fields,
        }
    )  # fmt: skip


def test_a_fill_is_an_activity() -> None:
    one = trade()
    shown = wire_activities.fill(one, cumulative=Decimal(4), leaves=Decimal(6))
    assert shown["id"] == f"20260105143000123456::{one.pk}"
    assert (shown["type"], shown["leaves_qty"], shown["cum_qty"]) == ("partial_fill", "6", "4")
    whole = wire_activities.fill(one, cumulative=Decimal(10), leaves=Decimal(0))
    assert whole["type"] == "fill"


def test_a_bust_gives_the_money_back() -> None:
    one = trade()
    shown = wire_activities.bust(trade(busts=one), cumulative=Decimal(0))
    assert (shown["activity_type"], shown["net_amount"], shown["qty"]) == ("MISC", "761", "-4")
    assert shown["busts"] == f"20260105143000123456::{one.pk}"


def test_the_id_of_an_activity_is_read_again() -> None:
    id_ = uuid.uuid4()
    assert wire_activities.parsed_id(wire_activities.activity_id(AT, id_)) == (AT, id_)
    for nonsense in ("", "x::y", "20260105143000123456", f"99999999999999999999::{id_}"):
        assert wire_activities.parsed_id(nonsense) is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (None, None),
        (AT.replace(microsecond=0), "2026-01-05T14:30:00.000000Z"),
        (AT.astimezone(timezone(timedelta(hours=9))), "2026-01-05T14:30:00.123456Z"),
    ],
)
def test_a_time_is_utc_to_the_microsecond(at: datetime | None, expected: str | None) -> None:
    assert wire.timestamp(at) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1.5000000000", "1.5"),
        ("0.0000000005", "0"),
        ("0.0000000015", "0.000000002"),
        ("-12.3456789014", "-12.345678901"),
        ("1E+3", "1000"),
        ("0E-12", "0"),
    ],
)
def test_a_number_has_nine_places_at_most(value: str, expected: str) -> None:
    assert wire.decimal(Decimal(value)) == expected
