"""Which ticks are believed. Pure: the judge keeps nothing; what it must know comes in.

The reasons are stable codes: operations filter by them and tests name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from marketdata.cleaning import levels
from marketdata.cleaning.levels import Level, Terms
from marketdata.ticks import QuoteTick, Tick, TradeTick


class Reason(StrEnum):
    """Why a tick is not believed."""

    UNKNOWN_SYMBOL = "unknown_symbol"
    OTHER_SOURCE = "other_source"
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


QUOTE_AGE_MAX: Final = timedelta(seconds=5)
"""An older quote may have been withdrawn since: believing it would hide that the feed lags."""

TRADE_AGE_MAX: Final = timedelta(minutes=5)
"""A trade happened, however late we hear of it; but not into a bar that everybody has read."""

CLOCK_SLACK: Final = timedelta(seconds=1)
"""How far a source's clock may run ahead of ours."""

PRICE_MAX: Final = Decimal(10) ** 9
SIZE_MAX: Final = Decimal(10) ** 15
"""More than any market trades, and less than our books can hold."""

DOUBTS_NEAR, DOUBTS_FAR = 3, 10
"""So many outlying ticks in a row that agree with each other are no error but a new level: few
where the market may have jumped, many where a jump would leave the widest fence."""

AGREEMENT: Final = Decimal("0.01")
"""How far apart, as a share, the prices of two ticks lie at most that agree."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an instrument before a tick: where its price and its clock stand.

    `price` is the last one believed, of this `source`; `trade_at` is when the last price was made,
    `trade_id` the latest print of any kind. `doubted` is the price of the latest
    of `doubts` outlying ticks in a row that agree with each other. Bid, offer and last price each
    have a level of their own, none before the first of them.
    """

    asset_class: str
    increment: Decimal = Decimal("0.01")
    source: str | None = None
    price: Decimal | None = None
    quote_at: datetime | None = None
    trade_at: datetime | None = None
    trade_id: str = ""
    doubted: Decimal | None = None
    doubts: int = 0
    bid: Level | None = None
    ask: Level | None = None
    last: Level | None = None

    @property
    def terms(self) -> Terms:
        return Terms(self.asset_class, self.increment)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A tick that is kept aside, and why."""

    tick: Tick
    reason: Reason


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The ticks that are believed, in order; those that are not, and their positions among
    all; what is known after them."""

    believed: Sequence[Tick]
    suspects: Sequence[Suspect]
    positions: Sequence[int]
    known: Mapping[str, Known]


def clean(
    *, ticks: Iterable[Tick], known: Mapping[str, Known], source: str, now: datetime | None
) -> Cleaned:
    """Judge `ticks` of `source` one after the other, each by what those before it have taught.

    A symbol that `known` lacks is not ours. When the source of a symbol changes, its price and
    its clock start anew: two sources need not agree on either. Without `now` nothing is too old or
    too new: a past is played back.
    """
    latest = {symbol: as_told_by(source, fact) for symbol, fact in known.items()}
    booked = already_booked(ticks := list(ticks), latest)
    believed: list[Tick] = []
    suspects: list[Suspect] = []
    positions: list[int] = []
    for position, tick in enumerate(ticks):
        fact = latest.get(tick.symbol)
        reason: Reason | None = Reason.UNKNOWN_SYMBOL
        if fact is not None:
            is_booked = position <= booked.get(tick.symbol, -1)
            reason, latest[tick.symbol] = judge(tick, fact, now=now, is_booked=is_booked)
        if reason is None:
            believed.append(tick)
        else:
            suspects.append(Suspect(tick, reason))
            positions.append(position)
    return Cleaned(believed, suspects, positions, latest)


def judge(
    tick: Tick, fact: Known, *, now: datetime | None, is_booked: bool = False
) -> tuple[Reason | None, Known]:
    """Return why `tick` is not believed, None if it is, and what is known after it.

    `is_booked` says that it comes again: with a trade that had been booked, or before it.
    """
    if is_booked and isinstance(tick, TradeTick):
        return Reason.REPEATED, fact
    reason = _fault(tick, fact, now)
    if reason is None:
        return None, _after(tick, fact)
    if reason is not Reason.OUTLYING:
        return reason, fact
    after, is_new_level = doubting(tick, fact)
    return (None if is_new_level else reason), after


def price_of(tick: Tick) -> Decimal | None:
    """Return the one price that a tick stands for: a trade's own, the middle of a quote."""
    if isinstance(tick, TradeTick):
        return tick.price
    if tick.bid is not None and tick.ask is not None:
        return (tick.bid + tick.ask) / 2
    return tick.bid if tick.bid is not None else tick.ask


def as_told_by(source: str, fact: Known) -> Known:
    """Return what is known when `source` speaks: all of it, or the instrument alone."""
    if fact.source == source:
        return fact
    return Known(asset_class=fact.asset_class, increment=fact.increment, source=source)


def already_booked(ticks: Sequence[Tick], known: Mapping[str, Known]) -> dict[str, int]:
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


def _fault(tick: Tick, fact: Known, now: datetime | None) -> Reason | None:
    return (
        fault_in_itself(tick, now=now) or _fault_of_order(tick, fact) or _fault_of_level(tick, fact)
    )


def fault_in_itself(tick: Tick, *, now: datetime | None) -> Reason | None:
    """Return what is wrong with `tick` whatever was before it, if anything."""
    return fault_of_numbers(tick) or _fault_of_age(tick, now)


def fault_of_numbers(tick: Tick) -> Reason | None:
    """Return what is wrong with the numbers of `tick`, if anything."""
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


def _fault_of_age(tick: Tick, now: datetime | None) -> Reason | None:
    if now is None:
        return None
    if tick.at > now + CLOCK_SLACK:
        return Reason.FUTURE
    age_max = TRADE_AGE_MAX if isinstance(tick, TradeTick) else QUOTE_AGE_MAX
    return Reason.STALE if tick.at < now - age_max else None


def _fault_of_order(tick: Tick, fact: Known) -> Reason | None:
    before = fact.trade_at if isinstance(tick, TradeTick) else fact.quote_at
    return Reason.OUT_OF_ORDER if before is not None and tick.at < before else None


def _fault_of_level(tick: Tick, fact: Known) -> Reason | None:
    # A print that sets no last price may lie where it likes: nobody reads a price from it.
    if isinstance(tick, TradeTick) and not tick.sets_last:
        return None
    slot = levels.slot_of(tick.at)
    is_inside = all(_is_inside(price, level, fact, slot) for price, level in _prices(tick, fact))
    return None if is_inside else Reason.OUTLYING


def _prices(tick: Tick, fact: Known) -> Iterator[tuple[Decimal, Level | None]]:
    """Yield the prices in a tick, each with the level that it is judged by."""
    if isinstance(tick, TradeTick):
        yield tick.price, fact.last
        return
    if tick.bid is not None:
        yield tick.bid, fact.bid
    if tick.ask is not None:
        yield tick.ask, fact.ask


def _is_inside(price: Decimal, level: Level | None, fact: Known, slot: int) -> bool:
    """Tell whether `price` lies where it has been of late; a first one, where the market is."""
    if level is not None:
        return levels.begun(level, slot=slot, terms=fact.terms).allows(price)
    return fact.price is None or levels.first(fact.price, slot=slot, terms=fact.terms).allows(price)


def _after(tick: Tick, fact: Known) -> Known:
    slot = levels.slot_of(tick.at)
    if isinstance(tick, QuoteTick):
        return replace(
            fact,
            price=price_of(tick) or fact.price,
            quote_at=tick.at,
            doubted=None,
            doubts=0,
            bid=_moved(fact.bid, tick.bid, slot, fact.terms),
            ask=_moved(fact.ask, tick.ask, slot, fact.terms),
        )
    if not tick.sets_last:
        return replace(fact, trade_id=tick.trade_id)
    return replace(
        fact,
        price=tick.price,
        trade_at=tick.at,
        trade_id=tick.trade_id,
        doubted=None,
        doubts=0,
        last=_moved(fact.last, tick.price, slot, fact.terms),
    )


def _moved(level: Level | None, price: Decimal | None, slot: int, terms: Terms) -> Level | None:
    """Return `level` after `price` was believed in `slot`; nobody's price leaves it as it was."""
    if price is None:
        return level
    if level is None:
        return levels.first(price, slot=slot, terms=terms)
    return replace(levels.begun(level, slot=slot, terms=terms), price=price)


def doubting(tick: Tick, fact: Known) -> tuple[Known, bool]:
    """Return what is known after an outlying tick, and whether the market has indeed moved."""
    price = price_of(tick)
    if price is None:
        return fact, False
    doubted = fact.doubted
    has_company = doubted is not None and abs(price - doubted) <= doubted * AGREEMENT
    doubts = fact.doubts + 1 if has_company else 1
    anchor = price if fact.price is None else fact.price
    is_near = abs(price - anchor) <= anchor * levels.WIDEST[fact.asset_class]
    if doubts >= (DOUBTS_NEAR if is_near else DOUBTS_FAR):
        # What the prices were before they jumped says nothing of where they will be.
        return _after(tick, replace(fact, bid=None, ask=None, last=None)), True
    return replace(fact, doubted=price, doubts=doubts), False
