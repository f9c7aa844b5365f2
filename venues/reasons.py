"""What a venue's reason codes mean, in words for a person. Pure.

Customers are told the codes: docs/api.md lists them.
"""

from __future__ import annotations

from typing import Final

SENTENCES: Final = {
    "unknown_symbol": "The venue does not trade this instrument.",
    "halted": "Trading in this instrument is halted at the venue.",
    "session_closed": "The venue's session is closed.",
    "quantity_not_positive": "The venue takes no such quantity.",
    "quantity_off_lot": "The quantity is not in the venue's steps.",
    "quantity_below_minimum": "The quantity is below the venue's minimum.",
    "price_missing": "The venue needs a price.",
    "protection_missing": "The venue needs a protection price.",
    "price_not_positive": "The venue takes no such price.",
    "price_off_tick": "The price is not in the venue's steps.",
    "requested": "Cancelled as requested.",
    "nothing_left_at_price": "Nobody was left at this price; the rest was cancelled at once.",
    "protection_reached": "The rest was cancelled: the price had moved too far.",
    "not_filled_in_full": "It could not be filled in full at once, so none of it was.",
    "instrument_changed": "Cancelled because the instrument's terms changed.",
    "session_ended": "The session ended before the rest was filled.",
    "order_not_open": "Too late: the order had ended at the venue.",
    "already_executed": "Too late: the venue had executed that much already.",
    "type_not_taken": "The venue takes market and limit orders only.",
    "display_off_lot": "The quantity to be shown is not in the venue's steps.",
    "cash_not_positive": "The venue takes no such amount.",
    "cash_reached": "The amount was used up; the rest was cancelled.",
    "post_only_must_rest": "A post-only order must be a limit order that may rest.",
    "post_only_would_execute": "A post-only order would have been executed at once.",
    "extended_hours_limit_only": "Outside the regular session the venue takes limit orders only.",
    "auction_collecting": "The venue collects orders for an auction: none is executed at once.",
    "auction_ended": "The auction ended before the rest was filled.",
    "self_trade": "Cancelled: it would have traded with an order of the same customer.",
    "outside_bands": "The rest was cancelled: the venue executes nothing beyond its price bands.",
    "never_sent": "Cancelled before it had left for the venue.",
    "too_late_to_send": "The venue could not be reached in time for a market order.",
    "kill_switch": "Stopped by a kill switch before it had left for the venue.",
    "trading_halted": "Stopped by a halt of ours before it had left for the venue.",
    "executions_repeated": "Stopped before it had left: too many executions in short order.",
    "trade_busted": "The venue took this trade back.",
}


def sentence(reason: str) -> str:
    """Return what the reason means; one that is no known code is given back as it is."""
    return SENTENCES.get(reason, reason)
