"""Until when orders stand: early closes, the change of clocks, holidays, late trading."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orders import lifetimes
from venues.messages import TimeInForce


def until(time_in_force: TimeInForce, placed: str, *, extended_hours: bool = False) -> str:
    found = lifetimes.of(
        time_in_force,
        "XNYS",
        datetime.fromisoformat(placed).replace(tzinfo=UTC),
        extended_hours=extended_hours,
        gtc_days_max=90,
    )
    return f"{found:%Y-%m-%d %H:%M}" if found else ""


@pytest.mark.parametrize(
    ("placed", "closes", "late_trading_ends"),
    [
        ("2026-03-03 17:00", "2026-03-03 21:00", "2026-03-04 01:00"),
        ("2026-03-03 22:00", "2026-03-04 21:00", "2026-03-04 01:00"),  # in late trading
        ("2026-03-04 01:00", "2026-03-04 21:00", "2026-03-05 01:00"),  # which has just ended
        ("2026-03-06 22:00", "2026-03-09 20:00", "2026-03-07 01:00"),  # the clocks change
        ("2026-10-30 19:00", "2026-10-30 20:00", "2026-10-31 00:00"),
        ("2026-10-31 12:00", "2026-11-02 21:00", "2026-11-03 01:00"),  # and back
        ("2026-11-27 15:00", "2026-11-27 18:00", "2026-11-27 22:00"),  # an early close
        ("2026-12-24 20:00", "2026-12-28 21:00", "2026-12-24 22:00"),  # Christmas, a weekend
    ],
)
def test_a_day_order_is_good_until_the_close_or_until_late_trading_ends(
    placed, closes, late_trading_ends
):
    assert until(TimeInForce.DAY, placed) == closes
    assert until(TimeInForce.DAY, placed, extended_hours=True) == late_trading_ends


def test_others_are_good_for_an_auction_for_days_or_not_at_all():
    placed = "2026-11-27 15:00"
    assert until(TimeInForce.OPG, placed) == "2026-11-30 14:30"
    assert until(TimeInForce.CLS, placed) == "2026-11-27 18:00"
    assert until(TimeInForce.GTC, placed, extended_hours=True) == "2027-02-25 15:00"
    assert until(TimeInForce.IOC, placed) == until(TimeInForce.FOK, placed) == ""
