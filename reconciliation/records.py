"""What two sides say of one day, in words that can be held against each other. Pure.

Quantities are positive where a `side` says which way; of positions, cash and bank lines the sign
says it. Amounts of cash are in USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

ZERO: Final = Decimal(0)
BUY: Final = "buy"


class Matter(StrEnum):
    """What a statement may tell of. What it does not tell of is not compared."""

    EXECUTION = "execution"
    ORDER = "order"
    POSITION = "position"
    CASH = "cash"
    LINE = "line"


class Basis(StrEnum):
    """Whether a position or balance counts trades from their day, or once they have settled."""

    TRADED = "traded"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill, or the bust of the fill `busts`, by the venue's own id.

    `fee` is what was charged for it, None where nobody says. `order` is the client order id.
    """

    id: str
    day: date
    order: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    at: datetime | None = None
    busts: str = ""
    fee: Decimal | None = None

    @property
    def signed(self) -> Decimal:
        """Return what it adds to the position: a sale, and the bust of a purchase, takes away."""
        adds = (self.side == BUY) != bool(self.busts)
        return self.quantity if adds else -self.quantity

    @property
    def gross(self) -> Decimal:
        """Return what it adds to the cash without the fee: a purchase takes away."""
        return -self.signed * self.price

    @property
    def cash(self) -> Decimal:
        """Return what it adds to the cash, less the fee as far as one is told."""
        return self.gross - (self.fee or ZERO)


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that was open at the end, with what is left of it.

    One that `is_moving` was sent, changed or ended around that moment: the sides may see it apart.
    """

    id: str
    day: date
    symbol: str
    side: str
    leaves: Decimal
    is_moving: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """What there was of one asset at the end of a day: a symbol, or USD.

    `on` is the basis, for a side that says only one. `timing` are the amounts that it may differ
    by for as long as a settlement is under way.
    """

    asset: str
    day: date
    amount: Decimal
    on: Basis = Basis.TRADED
    timing: frozenset[Decimal] = frozenset()


@dataclass(frozen=True, slots=True)
class BankLine:
    """Money that came to a bank account (positive) or left it, by the id of whoever says so.

    `corrects` is the id of the line, of either side, that a correcting entry of ours is for.
    """

    id: str
    day: date
    amount: Decimal
    reference: str = ""
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What one side tells of some days. `days` are those that it tells of at all, and wholly.

    What lies around these days may be told as well, so that what came late finds its other side;
    alone it is no break.
    """

    days: frozenset[date]
    matters: frozenset[Matter]
    executions: tuple[Execution, ...] = ()
    orders: tuple[OpenOrder, ...] = ()
    holdings: tuple[Holding, ...] = ()
    lines: tuple[BankLine, ...] = ()
    until: datetime | None = None
    """Of a day that is not over: up to when. What came moments before may still be on its way."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a comparison may know besides the two sides.

    `firsts` names, of an order that has replaced another, the first of its chain. `carried` is by
    how much the sides differ in an asset already, from before and agreed on. `grace` is how long
    news may be on its way while the day is not over.
    """

    firsts: Mapping[str, str] = field(default_factory=dict)
    carried: Mapping[str, Decimal] = field(default_factory=dict)
    grace: timedelta = timedelta(minutes=1)

    def first(self, order: str) -> str:
        return self.firsts.get(order, order)


class BreakType(StrEnum):
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    QUANTITY = "quantity"
    PRICE = "price"
    FEE = "fee"
    DUPLICATE = "duplicate"
    LATE = "late"
    CASH = "cash"
    POSITION = "position"
    BOOKS = "books"
    """Our own books do not agree with themselves: an invariant is broken."""


Facts = dict[str, str]


@dataclass(frozen=True, slots=True)
class Apart:
    """By how much the sides are apart in an asset from a day on, because of what is told: it is
    not told again as a wrong position or balance."""

    day: date
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Break:
    """One thing on which two sides do not agree.

    `key` names it, the same on every day on which it is found. `difference` is theirs less ours,
    in `asset`: a symbol of orders, fills and positions, else USD. Of a fill, `cash` is the same in
    USD. `value` is what is at stake in USD, as far as a price is known. `is_timing` says that a
    settlement under way explains it.
    """

    type: BreakType
    key: str
    day: date
    ours: Facts
    theirs: Facts
    asset: str
    difference: Decimal
    value: Decimal = ZERO
    cash: Decimal = ZERO
    order: str = ""
    days_late: int = 0
    is_timing: bool = False


@dataclass(slots=True)
class Count:
    """How many of one matter there were, and how many of ours agree or are explained."""

    ours: int = 0
    theirs: int = 0
    agreed: int = 0
    explained: int = 0
    broken: int = 0


@dataclass(frozen=True, slots=True)
class Matched:
    """What came of holding two sides against each other."""

    breaks: tuple[Break, ...] = ()
    counts: dict[Matter, Count] = field(default_factory=dict)
