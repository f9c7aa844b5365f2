"""Snapshots of the exchange's first version, as today's: a book outlives an upgrade. Pure."""

from __future__ import annotations

from typing import Any

from marketdata.calendars import Phase


def is_of_first_version(state: dict[str, Any]) -> bool:
    """Tell whether this is the state that the first version wrote down."""
    return "execution_number" not in state


def upgraded(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of the first version in the shape of today's.

    It knew open sessions without phases, and of a member's order nothing but how much and whether
    for the day. Executions were not counted then.
    """
    listings = state["listings"]
    return {
        **state,
        "execution_number": 0,
        "sessions": {name: [day, Phase.REGULAR] for name, day in state["sessions"].items()},
        "listings": {
            symbol: _listing(each, is_open=each["terms"][3] in state["sessions"])
            for symbol, each in listings.items()
        },
    }


def _listing(listing: dict[str, Any], *, is_open: bool) -> dict[str, Any]:
    return {
        **listing,
        "band_terms": None,
        "bands": None,
        "phase": Phase.REGULAR if is_open else Phase.CLOSED,
        "has_opened": is_open,
        "auction_at": None,
        "last_price": None,
        "waiting": [],
        "orders": [_order(*order) for order in listing["orders"]],
    }


def _order(number: int, sign: int, price: int, leaves: int, owner: Any) -> list[Any]:
    if not isinstance(owner, str):
        member, client_order_id, quantity, executed, is_day_order = owner
        owner = {
            "number": number,
            "member": member,
            "client_order_id": client_order_id,
            "quantity": quantity,
            "price": price,
            "executed": executed,
            "time_in_force": "day" if is_day_order else "gtc",
        }
    return [number, sign, price, leaves, None, owner]
