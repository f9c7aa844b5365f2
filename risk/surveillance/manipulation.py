"""Trades and orders that are made to deceive the market, as far as one firm can see them. Pure.

Each function takes the executions and orders of some minutes, of whole people (all accounts of an
owner), and returns findings with the ids that show them. The rules they look for are those of
FINRA 5210 and 6140, section 9(a)(2) of the Securities Exchange Act, and article 12 of the EU's
Market Abuse Regulation; docs/surveillance.md says which, and what each cannot see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from risk.findings import Finding, Kind, Severity
from risk.surveillance.executed import Executed, Execution, by_order, grouped

D = Decimal


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a pattern is worth a look. Shares of a price or quantity: 0.001 is 0.1 %."""

    wash_window: timedelta = timedelta(minutes=5)
    wash_together: timedelta = timedelta(seconds=2)
    wash_price: Decimal = Decimal("0.0005")
    wash_quantity: Decimal = Decimal("0.05")
    wash_floor: Decimal = Decimal(1_000)
    wash_pairs: int = 3
    """So many pairs in one account; one is enough between two accounts of a person."""

    layers: int = 3
    layers_entered: timedelta = timedelta(seconds=120)
    layers_cancelled: timedelta = timedelta(seconds=30)
    layers_away: Decimal = Decimal("0.0002")
    layers_times: Decimal = Decimal(3)

    close_window: timedelta = timedelta(minutes=10)
    close_share: Decimal = Decimal("0.25")
    close_one_sided: Decimal = Decimal("0.9")
    close_move: Decimal = Decimal("0.003")
    close_floor: Decimal = Decimal(25_000)


SHIPPED: Final = Thresholds()


@dataclass(frozen=True, slots=True)
class Resting:
    """A limit order that a person had placed; `cancelled_at` is None unless that ended it."""

    order_id: UUID
    account_id: UUID
    owner: UUID
    instrument_id: UUID
    symbol: str
    sign: int
    quantity: Decimal
    price: Decimal
    filled_quantity: Decimal
    placed_at: datetime
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ending:
    """The last minutes of an instrument's session: from `since` to `close`, or what is known yet.

    `volume` is what the market traded in them; `before` and `last` are the price at their
    beginning and the latest.
    """

    instrument_id: UUID
    since: datetime
    close: datetime
    volume: Decimal
    before: Decimal
    last: Decimal


def wash_trades(
    executions: Iterable[Execution], *, since: datetime, limits: Thresholds = SHIPPED
) -> list[Finding]:
    """Find buys and sells of one person that leave everything as it was.

    A pair is two orders on opposite sides, executed within the window for near-equal quantities
    at near-equal prices. Between two accounts of a person, or at one price and moment, one pair
    is enough; in one account, where a quick change of mind is no crime, it takes several. Pairs
    of which nothing happened after `since` are known and only counted.
    """
    found = []
    for orders in grouped(by_order(executions), lambda o: (o.owner, o.instrument_id)).values():
        recent: list[tuple[Executed, Executed]] = []
        for buy, sell in _pairs(orders, limits):
            at = max(buy.last_at, sell.last_at)
            start = at - limits.wash_window
            recent = [pair for pair in recent if max(p.last_at for p in pair) >= start]
            if buy.account_id == sell.account_id:
                recent.append((buy, sell))
            if at < since:
                continue
            if finding := _wash(buy, sell, recent, at, limits):
                found.append(finding)
    return found


def _wash(
    buy: Executed,
    sell: Executed,
    recent: Sequence[tuple[Executed, Executed]],
    at: datetime,
    limits: Thresholds,
) -> Finding | None:
    is_between = buy.account_id != sell.account_id
    met = abs(buy.last_at - sell.last_at) <= limits.wash_together and buy.price == sell.price
    if not (is_between or met or len(recent) >= limits.wash_pairs):
        return None
    severity = Severity.WARNING
    if is_between and met:
        severity, how = Severity.SEVERE, "between two accounts of one person, at one price and time"
    elif is_between:
        how = "between two accounts of one person"
    elif met:
        how = "by one account, at one price and time"
    else:
        how = f"by one account, {len(recent)} times in a row"
    return Finding(
        kind=Kind.WASH_TRADE,
        severity=severity,
        account_id=sell.account_id,
        instrument_id=sell.instrument_id,
        summary=f"{sell.symbol} bought and sold again {how}: {sell.quantity.normalize():f} at "
        f"{sell.price:.2f}",
        key=f"wash:{buy.order_id}:{sell.order_id}",
        happened_at=at,
        evidence={
            "orders": [buy.order_id, sell.order_id],
            "accounts": sorted({str(buy.account_id), str(sell.account_id)}),
            "quantities": [buy.quantity, sell.quantity],
            "values": [buy.value, sell.value],
            "pairs": len(recent),
        },
    )


def _pairs(orders: Sequence[Executed], limits: Thresholds) -> list[tuple[Executed, Executed]]:
    """Return (buy, sell) that cancel each other out, each order once, in the order of time.

    Accounts are paired with each other first, so that a change of mind in one hides nothing.
    """
    pairs: list[tuple[Executed, Executed]] = []
    left = sorted(orders, key=lambda each: each.last_at)
    for is_between in (True, False):
        open_: list[Executed] = []
        paired = set()
        for order in left:
            start = order.first_at - limits.wash_window
            for other in reversed(open_):
                if other.last_at < start or other.order_id in paired:
                    continue
                if (other.account_id != order.account_id) is is_between and _undo(
                    other, order, limits
                ):
                    paired |= {order.order_id, other.order_id}
                    pairs.append((order, other) if order.sign > 0 else (other, order))
                    break
            else:
                open_ = [each for each in open_ if each.last_at >= start]
                open_.append(order)
        left = [each for each in left if each.order_id not in paired]
    return sorted(pairs, key=lambda pair: max(each.last_at for each in pair))


def _undo(one: Executed, other: Executed, limits: Thresholds) -> bool:
    return (
        one.sign != other.sign
        and min(one.value, other.value) >= limits.wash_floor
        and abs(one.quantity - other.quantity) <= limits.wash_quantity * one.quantity
        and abs(one.price - other.price) <= limits.wash_price * one.price
    )


def layering(
    executions: Iterable[Execution],
    orders: Iterable[Resting],
    *,
    since: datetime,
    limits: Thresholds = SHIPPED,
) -> list[Finding]:
    """Find orders that were shown and never meant.

    Several unfilled limit orders of one person, entered shortly before an execution on the other
    side, away from its price, for a multiple of its quantity, and cancelled soon after it. Only
    patterns that were completed after `since` are told.
    """
    found = []
    resting = grouped(orders, lambda o: (o.owner, o.instrument_id, o.sign))
    for fill in by_order(executions):
        behind = resting.get((fill.owner, fill.instrument_id, -fill.sign), [])
        layers = [
            each
            for each in behind
            if each.cancelled_at is not None
            and not each.filled_quantity
            and fill.first_at - limits.layers_entered <= each.placed_at <= fill.first_at
            and fill.first_at <= each.cancelled_at <= fill.last_at + limits.layers_cancelled
            # What is shown to buy lies below the price of the sale, and the other way round.
            and (each.price - fill.price) * fill.sign >= limits.layers_away * fill.price
        ]
        shown = sum((each.quantity for each in layers), D(0))
        ends = [each.cancelled_at for each in layers if each.cancelled_at is not None]
        if len(layers) < limits.layers or shown < limits.layers_times * fill.quantity:
            continue
        at = sorted(ends)[limits.layers - 1]
        if max(ends) < since:
            continue
        shown_side, executed = ("sell", "bought") if fill.sign > 0 else ("buy", "sold")
        found.append(
            Finding(
                kind=Kind.LAYERING,
                severity=Severity.WARNING,
                account_id=fill.account_id,
                instrument_id=fill.instrument_id,
                summary=f"{fill.symbol}: {len(layers)} orders to {shown_side} "
                f"{shown.normalize():f} shown and cancelled around {fill.quantity.normalize():f} "
                f"{executed} at {fill.price:.2f}",
                key=f"layering:{fill.order_id}",
                happened_at=at,
                evidence={
                    "executed": fill.order_id,
                    "layers": [each.order_id for each in layers],
                    "shown": shown,
                    "quantity": fill.quantity,
                },
            )
        )
    return found


def marking_the_close(
    executions: Iterable[Execution], endings: Iterable[Ending], limits: Thresholds = SHIPPED
) -> list[Finding]:
    """Find one-sided trading that carried a large share of a session's last minutes, and the price
    with it."""
    by_instrument = grouped(executions, lambda each: each.instrument_id)
    found = []
    for ending in endings:
        late = [
            each
            for each in by_instrument.get(ending.instrument_id, [])
            if ending.since <= each.at < ending.close
        ]
        for owner, fills in grouped(late, lambda each: each.owner).items():
            net = sum((each.sign * each.quantity for each in fills), D(0))
            gross = sum((each.quantity for each in fills), D(0))
            value = sum((each.value for each in fills), D(0))
            move = (ending.last - ending.before) / ending.before
            if (
                value < limits.close_floor
                or gross < limits.close_share * ending.volume
                or abs(net) < limits.close_one_sided * gross
                or move * (1 if net > 0 else -1) < limits.close_move
            ):
                continue
            last = max(fills, key=lambda each: each.at)
            share = gross / ending.volume if ending.volume else D(1)
            found.append(
                Finding(
                    kind=Kind.MARKING_CLOSE,
                    severity=Severity.WARNING,
                    account_id=last.account_id,
                    instrument_id=ending.instrument_id,
                    summary=f"{last.symbol}: {share:.0%} of the volume before the close, the "
                    f"price {move:+.2%} with it",
                    key=f"close:{owner}:{ending.instrument_id}:{ending.close:%Y-%m-%d}",
                    happened_at=last.at,
                    evidence={
                        "trades": [each.trade_id for each in fills[:100]],
                        "quantity": gross,
                        "volume": ending.volume,
                        "before": ending.before,
                        "last": ending.last,
                    },
                )
            )
    return found
