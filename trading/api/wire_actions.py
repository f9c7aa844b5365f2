"""The shapes of corporate actions in the compatible API: one for each kind, and as announcements.

Nobody here knows a CUSIP: where clients demand one, it is empty.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from marketdata import calendars
from trading.api.wire import Json, decimal, number

if TYPE_CHECKING:
    from portfolio.actions.models import CorporateAction

TYPES: Final = (
    "reverse_split", "forward_split", "unit_split", "cash_dividend", "stock_dividend", "spin_off",
    "cash_merger", "stock_merger", "stock_and_cash_merger", "redemption", "name_change",
    "worthless_removal", "rights_distribution", "reorganization", "partial_call",
    "capital_gains_distribution",
)  # fmt: skip
"""What clients may ask for, whether or not it happens here."""
ANNOUNCED: Final = {
    "dividend": ("cash_dividend",),
    "split": ("split",),
    "merger": ("merger",),
    "spinoff": ("spin_off",),
}
"""Our kinds of action by the type of announcement."""
_TYPES: Final = {ours: theirs for theirs, kinds in ANNOUNCED.items() for ours in kinds}


def type_of(action: CorporateAction) -> str:
    """Return what clients call such an action."""
    if action.kind == "split":
        return "forward_split" if action.new_shares > action.old_shares else "reverse_split"
    if action.kind == "merger":
        if action.into is None:
            return "cash_merger"
        return "stock_and_cash_merger" if action.cash else "stock_merger"
    return "name_change" if action.kind == "symbol_change" else str(action.kind)


def processed_on(action: CorporateAction) -> date:
    """Return the day on which accounts get what they are entitled to."""
    day: date = action.pay_date or action.ex_date
    return day


def action(action: CorporateAction, *, former: str) -> Json:
    """Return an action as clients know its kind. `former` is the symbol before a change of it."""
    day = action.ex_date.isoformat()
    own, other = action.instrument.symbol, action.into.symbol if action.into else ""
    new, old = action.new_shares, action.old_shares
    shaped: dict[str, Json] = {
        "cash_dividend": {
            "symbol": own, "cusip": "", "rate": number(action.cash), "special": False,
            "foreign": False, "ex_date": day, "payable_date": processed_on(action).isoformat(),
        },
        "forward_split": {
            "symbol": own, "cusip": "", "new_rate": new, "old_rate": old, "ex_date": day,
        },
        "reverse_split": {
            "symbol": own, "new_symbol": own, "old_cusip": "", "new_cusip": "", "new_rate": new,
            "old_rate": old, "ex_date": day,
        },
        "spin_off": {
            "source_symbol": own, "source_cusip": "", "source_rate": old, "new_symbol": other,
            "new_cusip": "", "new_rate": new, "ex_date": day,
        },
        "cash_merger": {
            "acquiree_symbol": own, "acquiree_cusip": "", "rate": number(action.cash),
            "effective_date": day,
        },
        "stock_merger": {
            "acquirer_symbol": other, "acquirer_cusip": "", "acquirer_rate": new,
            "acquiree_symbol": own, "acquiree_cusip": "", "acquiree_rate": old,
            "effective_date": day,
        },
        "stock_and_cash_merger": {
            "acquirer_symbol": other, "acquirer_cusip": "", "acquirer_rate": new,
            "acquiree_symbol": own, "acquiree_cusip": "", "acquiree_rate": old,
            "cash_rate": number(action.cash), "effective_date": day,
        },
        "name_change": {
            "old_symbol": former, "old_cusip": "", "new_symbol": action.symbol, "new_cusip": "",
        },
    }  # fmt: skip
    shape = shaped[type_of(action)]
    return {"id": str(action.pk), **shape, "process_date": processed_on(action).isoformat()}


def announcement(action: CorporateAction) -> Json:
    """Return an action as an announcement; a change of a symbol alone is none."""
    return {
        "id": str(action.pk),
        "corporate_action_id": action.reference,
        "ca_type": _TYPES[action.kind],
        "ca_sub_type": {
            "cash_dividend": "cash",
            "forward_split": "stock_split",
            "reverse_split": "reverse_split",
            "spin_off": "spinoff",
        }.get(type_of(action), "merger_completion"),
        "initiating_symbol": action.instrument.symbol,
        "initiating_original_cusip": "",
        "target_symbol": action.into.symbol if action.into else action.instrument.symbol,
        "target_original_cusip": "",
        "declaration_date": calendars.date_of(action.announced_at).isoformat(),
        "ex_date": action.ex_date.isoformat(),
        "record_date": None,
        "payable_date": processed_on(action).isoformat(),
        "cash": decimal(action.cash),
        "old_rate": str(action.old_shares),
        "new_rate": str(action.new_shares or 1),
    }
