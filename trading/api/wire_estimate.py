"""What an order would do, as our own pages are told."""

from __future__ import annotations

from typing import Final

from foundation.decimals import CASH
from orders.entry.estimating import Estimate
from risk.margin.requirements import Standing
from trading.api import wire

_FEES: Final = {
    "commission": "Commission",
    "section_31": "SEC fee (section 31)",
    "taf": "FINRA trading activity fee",
}


def estimate(of: Estimate) -> wire.Json:
    """Return an estimate; what depends on a price is null while there is none."""
    order = of.order
    denial = {"code": order.denial_code, "message": order.status_reason}
    asset = CASH if of.held_asset == CASH else order.instrument.symbol
    return {
        "symbol": order.instrument.symbol,
        "side": order.side,
        "position_intent": order.position_intent,
        "qty": wire.decimal(order.quantity),
        "price": wire.decimal(of.price),
        "worst_price": wire.decimal(of.worst),
        "value": wire.decimal(of.value),
        "fees": [
            {"name": name, "words": _FEES.get(name, name), "amount": wire.decimal(amount)}
            for name, amount in of.fees
        ],
        "total": wire.decimal(of.total),
        "held": None if of.held is None else {"asset": asset, "amount": wire.decimal(of.held)},
        "buying_power": wire.decimal(of.power_before),
        "buying_power_after": wire.decimal(of.power_after),
        "margin": None if of.margin is None else [_standing(each) for each in of.margin],
        "warnings": wire.warnings(order.warnings),
        "denial": denial if order.denial_code else None,
        "qty_max": wire.decimal(of.quantity_max),
    }


def _standing(of: Standing) -> wire.Json:
    return {
        "cash": wire.decimal(of.cash),
        "equity": wire.decimal(of.equity),
        "initial_margin": wire.decimal(of.initial),
        "maintenance_margin": wire.decimal(of.maintenance),
        "excess": wire.decimal(of.equity - of.maintenance),
    }
