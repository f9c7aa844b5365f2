"""What the stream tells of an instrument: updates, and the picture that they add up to.

Whole numbers throughout, so that nothing is rounded: prices and sizes in billionths, turnover in
billionths of billionths, times in microseconds since 1970 (UTC). `billionths`, `decimal`,
`microseconds` and `moment` translate. A price of 0 is no price.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from enum import IntEnum
from typing import Final, NamedTuple

DIGITS: Final = 9
ONE: Final = 10**DIGITS
PRICE_MAX: Final = 10**20 - 1
SIZE_MAX: Final = 10**28 - 1
TURNOVER_MAX: Final = 10**48 - 1
COUNT_MAX: Final = 2**53 - 1
SECONDS_MAX: Final = 253_402_300_799  # the last of the year 9999
TIME_MAX: Final = COUNT_MAX  # a double holds it, as JavaScript needs; it ends in the year 2255
LEVELS_MAX: Final = 5

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_EXACT: Final = Context(prec=60)  # more digits than any amount has


class Units(NamedTuple):
    """What prices and sizes of an instrument are usually whole numbers of, in billionths."""

    price: int
    size: int


class Span(IntEnum):
    """What a bar is of."""

    MINUTE = 0
    DAY = 1
    DAY_BEFORE = 2


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and offer from `at` on."""

    at: int
    bid: int
    bid_size: int
    ask: int
    ask_size: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One print. `venue` and `conditions` are the tape's own codes, empty where it gives none."""

    at: int
    price: int
    size: int
    trade_id: str = ""
    venue: str = ""
    conditions: str = ""
    sets_last: bool = True


@dataclass(frozen=True, slots=True)
class Bar:
    """Open to turnover of the span that begins `start` seconds after 1970; 0 is not known."""

    span: int
    start: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int = 0
    turnover: int = 0


class Level(NamedTuple):
    price: int
    size: int


@dataclass(frozen=True, slots=True)
class Depth:
    """The best levels from `at` on, five a side at most, the best first."""

    at: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """Whose prices these are, and whether one may rely and trade on them."""

    source: str
    is_stale: bool = False
    is_halted: bool = False
    is_tradable: bool = True
    is_closing_only: bool = False


Update = Quote | Trade | Bar | Depth | Status

NO_QUOTE: Final = Quote(0, 0, 0, 0, 0)
NO_TRADE: Final = Trade(0, 0, 0)
NO_DEPTH: Final = Depth(0, (), ())


def no_bar(span: int) -> Bar:
    return Bar(span, 0, 0, 0, 0, 0, 0)


@dataclass(slots=True)
class Picture:
    """The latest of everything that was said of an instrument."""

    status: Status | None = None
    quote: Quote | None = None
    trade: Trade | None = None
    depth: Depth | None = None
    bars: dict[int, Bar] = field(default_factory=dict)
    time: int = 0
    """The latest time of quote, trade and depth: where the next time is counted from."""

    def take(self, update: Update) -> None:
        match update:
            case Quote():
                self.quote = update
            case Trade():
                self.trade = update
            case Bar():
                self.bars[update.span] = update
                return
            case Depth():
                self.depth = update
            case Status():
                self.status = update
                return
        self.time = update.at
        for part in (self.quote, self.trade, self.depth):
            if part is not None and part.at > self.time:
                self.time = part.at

    def has(self, update: Update) -> bool:
        """Tell whether `update` says nothing new; nothing is known of what nobody spoke of."""
        match update:
            case Quote():
                return (self.quote or NO_QUOTE) == update
            case Trade():
                return (self.trade or NO_TRADE) == update
            case Bar():
                return (self.bars.get(update.span) or no_bar(update.span)) == update
            case Depth():
                return (self.depth or NO_DEPTH) == update
            case Status():
                return self.status == update

    def updates(self) -> list[Update]:
        """Return the updates that make an empty picture this one."""
        parts = (self.status, self.quote, self.trade, self.depth)
        bars = [self.bars[span] for span in sorted(self.bars)]
        return [*(part for part in parts if part is not None), *bars]

    def copy(self) -> Picture:
        return Picture(self.status, self.quote, self.trade, self.depth, dict(self.bars), self.time)


def billionths(number: Decimal) -> int:
    """Return `number` in billionths. Raises ValueError for what is finer or not finite."""
    try:
        scaled = number.scaleb(DIGITS, _EXACT)
        value = int(scaled)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{number} is no amount") from error
    if value != scaled:
        raise ValueError(f"{number} is finer than a billionth")
    return value


def decimal(value: int, digits: int = DIGITS) -> Decimal:
    """Return `value` billionths as an exact number (of turnover, `digits` are 18)."""
    return Decimal(f"{value}E-{digits}")


def microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def moment(microseconds_: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds_)
