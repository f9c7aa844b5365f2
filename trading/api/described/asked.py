"""What each call can be asked: its query and its body, as JSON Schema, by the name of its view.

docs/api.md says what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

TEXT: Final[Schema] = {"type": "string"}
DECIMAL: Final[Schema] = {"oneOf": [{"type": "string"}, {"type": "number"}]}
AMOUNT: Final[Schema] = {"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,2})?$"}
FLAG: Final[Schema] = {"type": "boolean"}
TIME: Final[Schema] = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]
}
SYMBOLS: Final[Schema] = {"type": "string", "description": "Symbols, with commas between them."}


def one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def text(least: int, most: int) -> Schema:
    return {"type": "string", "minLength": least, "maxLength": most}


def listed(of: Schema, most: int) -> Schema:
    return {"type": "array", "items": of, "maxItems": most}


def body(*needed: str, **properties: Schema) -> Schema:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    return {**found, "required": list(needed)} if needed else found


_PAGE: Final = {
    "start": TIME, "end": TIME, "limit": whole(1, 10_000), "sort": one_of("asc", "desc"),
    "page_token": TEXT, "currency": one_of("USD"), "asof": {"type": "string", "format": "date"},
    "feed": one_of("iex", "sip", "otc", "boats", "overnight", "delayed_sip"),
}  # fmt: skip
_TIMEFRAME: Final[Schema] = {"type": "string", "example": "5Min"}
_ACTIVITIES: Final = {
    "date": TIME, "after": TIME, "until": TIME, "direction": one_of("asc", "desc"),
    "page_size": whole(1, 100), "page_token": TEXT,
}  # fmt: skip

QUERIES: Final[Mapping[tuple[str, str], Mapping[str, Schema]]] = {
    ("Orders", "get"): {
        "status": one_of("open", "closed", "all"), "limit": whole(1, 500), "after": TIME,
        "until": TIME, "direction": one_of("asc", "desc"), "symbols": SYMBOLS,
        "side": one_of("buy", "sell", "any"), "asset_class": TEXT, "nested": FLAG,
        "after_order_id": TEXT, "before_order_id": TEXT, "page_token": TEXT,
    },
    ("OrderByClientOrderId", "get"): {"client_order_id": TEXT, "nested": FLAG},
    ("OrderOf", "get"): {"nested": FLAG, "as_of": TIME},
    ("Positions", "delete"): {"cancel_orders": FLAG},
    ("PositionOf", "delete"): {"qty": TEXT, "percentage": TEXT},
    ("Activities", "get"): {
        "activity_types": TEXT, "category": one_of("trade_activity", "non_trade_activity"),
        "order_id": TEXT, **_ACTIVITIES,
    },
    ("PortfolioHistory", "get"): {
        "period": TEXT, "timeframe": one_of("1Min", "5Min", "15Min", "1H", "1D"),
        "start": TIME, "end": TIME, "date_end": TIME,
        "intraday_reporting": one_of("market_hours", "extended_hours", "continuous"),
        "pnl_reset": one_of("per_day", "no_reset"), "extended_hours": FLAG,
        "cashflow_types": TEXT,
    },
    ("Assets", "get"): {
        "status": one_of("active", "inactive", "all"), "asset_class": TEXT, "exchange": TEXT,
        "attributes": TEXT,
    },
    ("Calendar", "get"): {"start": TIME, "end": TIME},
    **{("WatchlistByName", verb): {"name": TEXT} for verb in ("get", "put", "post", "delete")},
    ("CorporateActions", "get"): {
        "symbols": SYMBOLS, "types": TEXT, "ids": TEXT, "start": TIME, "end": TIME,
        "limit": whole(1, 1000), "sort": one_of("asc", "desc"), "page_token": TEXT,
    },
    ("Announcements", "get"): {
        "ca_types": TEXT, "since": TIME, "until": TIME, "symbol": TEXT,
        "date_type": one_of("declaration_date", "ex_date", "record_date", "payable_date"),
    },
    ("Bars", "get"): {
        **_PAGE, "timeframe": _TIMEFRAME, "adjustment": one_of("raw", "split", "dividend", "all"),
    },
    ("Quotes", "get"): _PAGE,
    ("Trades", "get"): _PAGE,
    ("MarketMovers", "get"): {"top": whole(1, 50)},
    ("MostActives", "get"): {"by": one_of("volume", "trades"), "top": whole(1, 100)},
    ("ChartBars", "get"): {
        "symbol": TEXT, "timeframe": _TIMEFRAME, "start": TIME, "end": TIME,
        "limit": whole(1, 5_000),
    },
    ("Screener", "get"): {
        "asset_class": one_of("all", "us_equity", "crypto"), "sector": TEXT,
        "by": one_of("change_percent", "price", "volume", "turnover", "trades", "range_percent"),
        "order": one_of("asc", "desc"), "limit": whole(1, 500), "offset": whole(0, 20_000),
        "price_min": TEXT, "price_max": TEXT, "change_min": TEXT, "change_max": TEXT,
        "volume_min": TEXT, "turnover_min": TEXT,
    },
    ("BookOf", "get"): {"by": one_of("price", "order")},
    ("TradesOf", "get"): {"limit": whole(1, 200)},
    ("QuoteBarsOf", "get"): {"start": TIME, "end": TIME, "limit": whole(1, 1_000)},
    ("ActivityLog", "get"): {"since": whole(0, 999_999_999), "limit": whole(1, 1_000)},
    ("Statements", "get"): {
        "year": whole(1970, 9999),
        "kind": one_of("all", "confirmation", "daily", "monthly", "tax"),
    },
    ("HistoryCsv", "get"): {
        "what": one_of("orders", "executions", "ledger", "positions"),
        "first": {"type": "string", "format": "date"},
        "last": {"type": "string", "format": "date"},
    },
}  # fmt: skip
BY_SYMBOLS: Final = frozenset(
    {"Bars", "Quotes", "Trades", "LatestBars", "LatestQuotes", "LatestTrades", "Snapshots",
     "LatestOrderbooks"}
)  # fmt: skip
"""Calls of market data, which want `symbols` where their address names none."""

_TIF: Final = one_of("day", "gtc", "ioc", "fok", "opg", "cls")
_ORDER: Final = body(
    "symbol", "side", "type", "time_in_force",
    symbol=TEXT, qty=DECIMAL, notional=DECIMAL, side=one_of("buy", "sell"),
    type=one_of("market", "limit", "stop", "stop_limit", "trailing_stop"), time_in_force=_TIF,
    limit_price=DECIMAL, stop_price=DECIMAL, trail_price=DECIMAL, trail_percent=DECIMAL,
    extended_hours=FLAG, client_order_id=text(1, 128),
    order_class=one_of("simple", "bracket", "oco", "oto"), take_profit=body(limit_price=DECIMAL),
    stop_loss=body(stop_price=DECIMAL, limit_price=DECIMAL),
    position_intent=one_of("buy_to_open", "buy_to_close", "sell_to_open", "sell_to_close"),
    post_only=FLAG, display_qty=DECIMAL, lots=listed(TEXT, 50),
)  # fmt: skip
_TOKEN: Final = text(1, 100)
_FACTOR: Final = text(1, 32)
_PROOF: Final = {"factor_id": _FACTOR, "code": text(1, 40), "assertion": {"type": "object"}}

BODIES: Final[Mapping[tuple[str, str], Schema]] = {
    ("Orders", "post"): _ORDER,
    ("OrderEstimate", "post"): _ORDER,
    ("OrderOf", "patch"): body(
        qty=DECIMAL, time_in_force=_TIF, limit_price=DECIMAL, stop_price=DECIMAL, trail=DECIMAL,
        client_order_id=text(1, 128),
    ),
    ("AccountSettings", "patch"): body(
        lot_method=one_of("fifo", "lifo", "highest_cost", "specific"), shorting=FLAG,
        multiplier={"type": "integer", "enum": [1, 2, 4]}, suspended=FLAG,
    ),
    ("AccountConfigurations", "patch"): body(
        max_margin_multiplier=one_of("1", "2", "4"), no_shorting=FLAG, suspend_trade=FLAG,
    ),
    ("Watchlists", "post"): body("name", name=text(1, 64), symbols=listed(TEXT, 200)),
    ("WatchlistOf", "put"): body(name=text(1, 64), symbols=listed(TEXT, 200)),
    ("WatchlistOf", "post"): body("symbol", symbol=TEXT),
    ("WatchlistByName", "put"): body(name=text(1, 64), symbols=listed(TEXT, 200)),
    ("WatchlistByName", "post"): body("symbol", symbol=TEXT),
    ("Keys", "post"): body(
        name=text(0, 60), scopes=listed(one_of("read", "trade"), 2), networks=listed(TEXT, 20),
        expires_at={"type": ["string", "null"], "format": "date-time"},
        calls_per_minute={"type": ["integer", "null"], "minimum": 1, "maximum": 600_000},
    ),
    ("KeyRotation", "post"): body(overlap_hours=whole(0, 168)),
    ("DemoDeposit", "post"): body("key", key=text(8, 100)),
    ("Payees", "post"): body(
        "kind", "holder", kind=TEXT, holder=TEXT, label=TEXT, iban=TEXT, routing_number=TEXT,
        account_number=TEXT, network=one_of("bitcoin", "ethereum", "xrp_ledger"), address=TEXT,
        memo=TEXT, wallet=one_of("self_hosted", "provider"), provider=TEXT,
    ),
    ("Withdrawals", "post"): body(
        "payee_id", "amount", payee_id={"type": "string", "format": "uuid"}, amount=AMOUNT,
        asset=TEXT, reference=TEXT,
    ),
    ("WithdrawalLimit", "post"): body("amount", amount=AMOUNT),
    ("WithdrawalLimit", "put"): body("amount", amount=AMOUNT),
    ("Password", "post"): body(
        "email", "password", "device", email=text(1, 254), password=text(1, 128),
        device=body("id", "name", id=text(16, 64), name=text(1, 60), token=_TOKEN),
    ),
    ("FactorCode", "post"): body(
        "halfway_token", "factor_id", halfway_token=_TOKEN, factor_id=_FACTOR
    ),
    ("FactorKey", "post"): body("halfway_token", halfway_token=_TOKEN),
    ("Factor", "post"): body("halfway_token", halfway_token=_TOKEN, **_PROOF),
    ("Refresh", "post"): body(
        "refresh_token", "device_id", refresh_token=_TOKEN, device_id=text(16, 64)
    ),
    ("StepUp", "post"): body(**_PROOF),
    ("StepUpCode", "post"): body("factor_id", factor_id=_FACTOR),
    ("StepUpKey", "post"): body(),
    ("SignOut", "post"): body(),
}  # fmt: skip
