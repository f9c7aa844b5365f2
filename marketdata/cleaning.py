"""Which ticks are believed. Pure: the judge keeps nothing; what it must know comes in.

The reasons are stable codes: operations filter by them and tests name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from marketdata.ticks import QuoteTick, Tick, TradeTick


class Reason(StrEnum):
    """Why a tick is not believed."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    NOT_FINITE = "not_finite"
    NEGATIVE = "negative"
    ZERO = "zero"
    TOO_LARGE = "too_large"
    CROSSED = "crossed"
    STALE = "stale"
    FUTURE = "future"
    OUT_OF_ORDER = "out_of_order"
    REPEATED = "repeated"
    OUTLYING = "outlying"


BANDS: Final[Mapping[str, Decimal]] = {
    "us_equity": Decimal("0.10"),
    "crypto": Decimal("0.15"),
}
"""How far from the last good price a tick may lie, as a share of it, by asset class.

Wider than the 5 % of the US limit-up limit-down bands, so that a true fast market passes; a
wrong decimal, a missing digit or a stub quote lies far outside.
"""

QUOTE_AGE_MAX: Final = timedelta(seconds=5)
"""An older quote may have been withdrawn since: believing it would hide that the feed lags."""

TRADE_AGE_MAX: Final = timedelta(minutes=5)
"""A trade happened, however late we hear of it; but not into a bar that everybody has read."""

CLOCK_SLACK: Final = timedelta(seconds=1)
"""How far a source's clock may run ahead of ours."""

PRICE_MAX: Final = Decimal(10) ** 9
SIZE_MAX: Final = Decimal(10) ** 15
"""More than any market trades, and less than our books can hold."""

AGREEING_DOUBTS: Final = 10
"""So many outlying ticks in a row that agree with each other are no error but a new level."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an instrument before a tick: where its price and its clock stand.

    `price` is the last one believed, of this `source`; `trade_at` is when the last price was made,
    `trade_id` the latest print of any kind. `doubted` is the price of the latest
    of `doubts` outlying ticks in a row that agree with each other.
    """

    asset_class: str
    source: str | None = None
    price: Decimal | None = None
    quote_at: datetime | None = None
    trade_at: datetime | None = None
    trade_id: str = ""
    doubted: Decimal | None = None
    doubts: int = 0


@dataclass(frozen=True, slots=True)
class Suspect:
    """A tick that is kept aside, and why."""

    tick: Tick
    reason: Reason


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The ticks that are believed, in order; those that are not; what is known after them."""

    believed: Sequence[Tick]
    suspects: Sequence[Suspect]
    known: Mapping[str, Known]


def clean(
    *, ticks: Iterable[Tick], known: Mapping[str, Known], source: str, now: datetime
) -> Cleaned:
    """Judge `ticks` of `source` one after the other, each by what those before it have taught.

    A symbol that `known` lacks is not ours. When the source of a symbol changes, its price and
    its clock start anew: two sources need not agree on either.
    """
    latest = {symbol: _as_told_by(source, fact) for symbol, fact in known.items()}
    already_booked = _already_booked(ticks := list(ticks), latest)
    believed: list[Tick] = []
    suspects: list[Suspect] = []
    for position, tick in enumerate(ticks):
        fact = latest.get(tick.symbol)
        if fact is None:
            suspects.append(Suspect(tick, Reason.UNKNOWN_SYMBOL))
            continue
        reason = (
            Reason.REPEATED
            if position <= already_booked.get(tick.symbol, -1) and isinstance(tick, TradeTick)
            else _fault(tick, fact, now)
        )
        if reason is None:
            believed.append(tick)
            latest[tick.symbol] = _after(tick, fact)
            continue
        latest[tick.symbol], is_new_level = _doubting(tick, fact, reason)
        if is_new_level:
            believed.append(tick)
        else:
            suspects.append(Suspect(tick, reason))
    return Cleaned(believed, suspects, latest)


def price_of(tick: Tick) -> Decimal | None:
    """Return the one price that a tick stands for: a trade's own, the middle of a quote."""
    if isinstance(tick, TradeTick):
        return tick.price
    if tick.bid is not None and tick.ask is not None:
        return (tick.bid + tick.ask) / 2
    return tick.bid if tick.bid is not None else tick.ask


def _as_told_by(source: str, fact: Known) -> Known:
    return fact if fact.source == source else Known(asset_class=fact.asset_class, source=source)


def _already_booked(ticks: Sequence[Tick], known: Mapping[str, Known]) -> dict[str, int]:
    """Return, by symbol, the position of the trade that was the last one booked, where it is here.

    A batch whose commit ended in an error may have been committed all the same. It comes again,
    and the trades up to that one must not be counted twice.
    """
    return {
        tick.symbol: position
        for position, tick in enumerate(ticks)
        if isinstance(tick, TradeTick)
        and tick.trade_id
        and (fact := known.get(tick.symbol)) is not None
        and tick.trade_id == fact.trade_id
    }


def _fault(tick: Tick, fact: Known, now: datetime) -> Reason | None:
    return _fault_of_numbers(tick) or _fault_of_time(tick, fact, now) or _fault_of_level(tick, fact)


def _fault_of_numbers(tick: Tick) -> Reason | None:
    if isinstance(tick, TradeTick):
        prices, sizes = [tick.price], [tick.size]
    else:
        sides = [(tick.bid, tick.bid_size), (tick.ask, tick.ask_size)]
        prices = [price for price, _ in sides if price is not None]
        sizes = [size for price, size in sides if price is not None]
    numbers = [*prices, *sizes]
    if not all(number.is_finite() for number in numbers):
        return Reason.NOT_FINITE
    if any(number < 0 for number in numbers):
        return Reason.NEGATIVE
    if any(number == 0 for number in numbers):
        return Reason.ZERO
    if any(price > PRICE_MAX for price in prices) or any(size > SIZE_MAX for size in sizes):
        return Reason.TOO_LARGE
    # A locked market (bid = offer) exists; a crossed one only while somebody's data is wrong.
    if isinstance(tick, QuoteTick) and tick.bid is not None and tick.ask is not None:
        return Reason.CROSSED if tick.bid > tick.ask else None
    return None


def _fault_of_time(tick: Tick, fact: Known, now: datetime) -> Reason | None:
    is_trade = isinstance(tick, TradeTick)
    if tick.at > now + CLOCK_SLACK:
        return Reason.FUTURE
    if tick.at < now - (TRADE_AGE_MAX if is_trade else QUOTE_AGE_MAX):
        return Reason.STALE
    before = fact.trade_at if is_trade else fact.quote_at
    return Reason.OUT_OF_ORDER if before is not None and tick.at < before else None


def _fault_of_level(tick: Tick, fact: Known) -> Reason | None:
    if fact.price is None:
        return None
    prices = [tick.price] if isinstance(tick, TradeTick) else [tick.bid, tick.ask]
    is_inside = all(
        price is None or _agree(price, fact.price, fact.asset_class) for price in prices
    )
    # A print that sets no last price may lie where it likes: nobody reads a price from it.
    sets_no_price = isinstance(tick, TradeTick) and not tick.sets_last
    return None if is_inside or sets_no_price else Reason.OUTLYING


def _agree(price: Decimal, anchor: Decimal, asset_class: str) -> bool:
    return abs(price - anchor) <= anchor * BANDS[asset_class]


def _after(tick: Tick, fact: Known) -> Known:
    price = price_of(tick)
    if isinstance(tick, QuoteTick):
        return replace(fact, price=price or fact.price, quote_at=tick.at, doubted=None, doubts=0)
    if not tick.sets_last:
        return replace(fact, trade_id=tick.trade_id)
    return replace(
        fact, price=price, trade_at=tick.at, trade_id=tick.trade_id, doubted=None, doubts=0
    )


def _doubting(tick: Tick, fact: Known, reason: Reason) -> tuple[Known, bool]:
    """Return what is known after a doubtful tick, and whether the market has moved there indeed."""
    if reason is not Reason.OUTLYING or (price := price_of(tick)) is None:
        return fact, False
    has_company = fact.doubted is not None and _agree(price, fact.doubted, fact.asset_class)
    doubts = fact.doubts + 1 if has_company else 1
    if doubts >= AGREEING_DOUBTS:
        return _after(tick, fact), True
    return replace(fact, doubted=price, doubts=doubts), False
