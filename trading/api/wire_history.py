"""The shape of the compatible API's portfolio history: arrays of numbers, one value a window."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from marketdata import calendars
from portfolio.worth.curve import Mark, Sample, Timeframe
from trading.api import errors, wire, wire_activities

_TYPES: Final = {
    "deposit": "CSD",
    "withdrawal": "CSW",
    "dividend": "DIV",
    "interest": "INT",
    "correction": "JNLC",
    "fee": "FEE",
    "cash_in_lieu": "CIL",
    "merger": "MA",
}
_RATIO_QUANTUM: Final = Decimal("0.000001")


def types_of(names: Iterable[str]) -> frozenset[str]:
    """Return the types of cash flow that are asked for: ALL, NONE, or some. Raises ApiError.

    Of activities that move no cash here nothing flows in any window. A fill is no cash flow.
    """
    wanted = frozenset(names) - {"NONE"}
    if "ALL" in wanted:
        return frozenset(_TYPES.values())
    try:
        found = wire_activities.types_of(sorted(wanted))
    except wire_activities.UnknownType as error:
        raise errors.invalid(f"cashflow_types has {str(error)[:20]}: no cash flow.") from None
    if "FILL" in found:
        raise errors.invalid("cashflow_types has FILL: what trades move is no cash flow.")
    return found


def portfolio_history(
    samples: Sequence[Sample],
    *,
    base: Mark,
    timeframe: Timeframe,
    flows: Iterable[tuple[datetime, str, Decimal]],
    cashflow_types: frozenset[str],
) -> dict[str, Any]:
    """Return the history. `base_value` is what the profit is counted from.

    Of an account that was worth nothing then, it is what was paid in first.
    """
    first = next((s.mark.paid_in for s in samples if s.mark.paid_in), Decimal(0))
    found: dict[str, Any] = {
        "timestamp": [int(sample.window.start.timestamp()) for sample in samples],
        "equity": [wire.number(sample.mark.equity) for sample in samples],
        "profit_loss": [wire.number(sample.profit) for sample in samples],
        "profit_loss_pct": [_ratio(sample.profit_ratio) for sample in samples],
        "base_value": wire.number(base.equity or first),
        "timeframe": timeframe.value,
    }
    if base.equity:
        found["base_value_asof"] = calendars.date_of(base.at).isoformat()
    if cashflow_types:
        found["cashflow"] = _cashflow(samples, flows, cashflow_types)
    return found


def _cashflow(
    samples: Sequence[Sample],
    flows: Iterable[tuple[datetime, str, Decimal]],
    types: frozenset[str],
) -> dict[str, list[int | float]]:
    """Return by type what moved in each window; between two windows it is of the later one."""
    ends = [sample.window.end for sample in samples]
    sums = {name: [Decimal(0)] * len(ends) for name in sorted(types)}
    for at, kind, amount in flows:
        place = min(bisect.bisect_left(ends, at), len(ends) - 1)
        if ends and (name := _TYPES[kind]) in sums:
            sums[name][place] += amount
    return {name: [wire.number(each) for each in found] for name, found in sums.items()}


def _ratio(ratio: Decimal | None) -> int | float | None:
    if ratio is None:
        return None
    return wire.number(ratio.quantize(_RATIO_QUANTUM, rounding=ROUND_HALF_EVEN))
