"""What risk decides on: an order, what it meets, and the limits that hold. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from foundation.values import usually, value
from marketdata import price_steps, pricing
from marketdata.calendars import Phase
from marketdata.price_steps import PriceSteps
from portfolio.fees.rules import NO_FEES, FeeTerms
from risk.margin.requirements import Intent, OnMargin
from venues.messages import OrderType, Side, TimeInForce

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Denial:
    """A no: its stable code, and what happened, why, and what to do, for a person."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that a person should look at, and that does not keep the order from going."""

    code: str
    message: str


@value
class Proposal:
    """An order as risk looks at it.

    A market order has no `limit_price`. The `stop_price` of a trailing stop is where it would be
    triggered now. `notional` is the value in USD of an order by value. A leg closes what its entry
    will have opened (`is_leg`): it is judged by its terms alone, as the entry is judged for both.
    `intent` is what it does to the position, `asked_intent` what the client said that it does.
    An order `is_system` when a rule of ours closes what a margin account can no longer keep. One
    that replaces what a venue has `is_working`: it meets the market with its new terms. One that
    `is_restated` replaces a resting order because of a corporate action. Of a leg, `entry_price` is
    what its entry waits for, the market apart, while it is open.
    """

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None = None
    notional: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    extended_hours: bool = False
    is_leg: bool = False
    intent: Intent | None = None
    asked_intent: Intent | None = None
    is_entry: bool = False
    is_oco: bool = False
    is_system: bool = False
    is_working: bool = False
    is_restated: bool = False
    entry_price: Decimal | None = None


@value(kw_only=True)
class Moment:
    """Whether anything may go at this moment: of the account, the instrument, the market and us.

    `phase` is that of the market's day, None when its calendar is unknown. `stopped` is the code
    of the switch that stops the order, with `stopped_scope` in words. `clock_offset` is by how many
    milliseconds our clock is known to be off, None when nobody has measured it lately.
    """

    account_status: str = usually("active")
    is_tradable: bool = usually(True)
    is_halted: bool = usually(False)
    is_venue_up: bool = usually(True)
    phase: Phase | None = usually(Phase.REGULAR)
    is_closing_only: bool = False
    stopped: str = ""
    stopped_scope: str = ""
    clock_offset: float | None = None


@value(kw_only=True)
class Situation(Moment):
    """What the order meets: the account, the instrument, the market and the firm, at one moment.

    `cash_available` in USD, `fees` what a purchase is charged besides; `position`,
    `position_available`, `open_buy_quantity` and `open_sell_quantity` in units of the instrument,
    legs aside; `own_bid` and `own_ask` are the best limits of the account's own orders that rest at
    a venue. `exposure` is what all of its
    positions are worth, short ones too, and its open orders that open some, in USD.

    `quote_age` in seconds, None when there is no quote; `last` is the latest trade, `day_high` and
    `day_low` are since the day began. `average_volume` a day in units and `average_range` a day as
    a part of the price are of the past weeks, None for an instrument without a past.

    `messages_in_second` and `messages_in_minute` count the account's orders and replacements in
    this second and minute of the clock, this one included. `firm_open_buys` is what all open
    buys of all customers may cost in USD, as of `firm_age` seconds ago. `has_twin` tells that the
    same was asked for moments ago, by a client that names its orders not itself. `margin` is how a
    margin account stands, None for a cash account.
    """

    at: datetime
    cash_available: Decimal
    position: Decimal = usually(ZERO)
    position_available: Decimal = usually(ZERO)
    open_buy_quantity: Decimal
    is_fractionable: bool = usually(False)
    price_increment: Decimal = usually(CENT)
    quantity_increment: Decimal = usually(ONE)
    quantity_min: Decimal = usually(ONE)
    bid: Decimal | None
    ask: Decimal | None
    quote_age: float | None
    has_twin: bool = False
    last: Decimal | None = None
    open_sell_quantity: Decimal = ZERO
    own_bid: Decimal | None = None
    own_ask: Decimal | None = None
    exposure: Decimal = ZERO
    open_orders: int = 0
    messages_in_second: int = 1
    messages_in_minute: int = 1
    firm_open_buys: Decimal | None = None
    firm_age: float | None = None
    average_volume: Decimal | None = None
    average_range: Decimal | None = None
    day_high: Decimal | None = None
    day_low: Decimal | None = None
    fees: FeeTerms = NO_FEES
    margin: OnMargin | None = None
    fine_increment: Decimal | None = None
    fine_below: Decimal | None = None

    @property
    def price_steps(self) -> PriceSteps[Decimal]:
        return price_steps.of(self.price_increment, self.fine_increment, self.fine_below)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits that hold for an account in an instrument: see docs/risk.md.

    Values in USD, quantities in units, `order_volume_max` a part of the average day's volume,
    `price_collar`, `price_distance_max` and `market_buffer` parts of a price, ages in seconds.
    """

    order_quantity_max: Decimal
    order_value_max: Decimal
    order_volume_max: Decimal
    position_quantity_max: Decimal
    position_value_max: Decimal
    gross_exposure_max: Decimal
    price_collar: Decimal
    price_distance_max: Decimal
    market_buffer: Decimal
    open_orders_max: int
    messages_per_second_max: int
    messages_per_minute_max: int
    executions_per_minute_max: int
    firm_open_buys_max: Decimal
    quote_age_max: float
    firm_age_max: float


Check = Callable[[Proposal, Situation, Bounds], Denial | None]
CheckOfMoment = Callable[[Proposal, Moment, object], Denial | None]
"""One that looks at no more than the moment, and so at orders that were judged before."""


def far_price(proposal: Proposal, situation: Situation) -> Decimal | None:
    """Return the quote that a market order meets: the ask for a buy, the bid for a sell."""
    return situation.ask if proposal.side is Side.BUY else situation.bid


def reference_price(situation: Situation) -> Decimal | None:
    """Return what the market thinks the instrument is worth, None when nobody says.

    Where there is neither a trade nor both sides of a quote, the one side.
    """
    bid, ask = situation.bid, situation.ask
    return pricing.market_price(last=situation.last, bid=bid, ask=ask) or bid or ask


def waits_for_auction(proposal: Proposal, moment: Moment) -> bool:
    """Tell whether the order is for the next opening, and nothing is traded before it."""
    return proposal.time_in_force is TimeInForce.OPG and moment.phase is not Phase.REGULAR


def opening_quantity(proposal: Proposal, situation: Situation) -> Decimal:
    """Return how much of the order would not reduce the position, once all open orders are done."""
    if proposal.side is Side.BUY:
        reducible = -situation.position - situation.open_buy_quantity
    else:
        reducible = situation.position - situation.open_sell_quantity
    return max(proposal.quantity - max(reducible, ZERO), ZERO)


def worst_price(proposal: Proposal, situation: Situation, bounds: Bounds) -> Decimal | None:
    """Return the worst price that the order can execute at, None when that is unknown.

    An order for the opening is held for the latest trade and the buffer: nobody quotes yet.
    """
    if proposal.limit_price is not None:
        return proposal.limit_price
    is_early = waits_for_auction(proposal, situation)
    return worst_price_of(
        side=proposal.side,
        limit_price=proposal.limit_price,
        stop_price=situation.last if is_early else proposal.stop_price,
        bid=situation.bid,
        ask=situation.ask,
        steps=situation.price_steps,
        buffer=bounds.market_buffer,
    )


def worst_price_of(
    *,
    side: Side,
    limit_price: Decimal | None,
    stop_price: Decimal | None,
    bid: Decimal | None,
    ask: Decimal | None,
    steps: PriceSteps[Decimal],
    buffer: Decimal,
) -> Decimal | None:
    """Return the worst price that an order can execute at, None when that is unknown.

    Its limit; or for a market order the far quote, for a stop its stop price, and the buffer
    beyond it, rounded further to a price that there is: what the order is held for, and the
    protection that the venue is given.
    """
    if limit_price is not None:
        return limit_price
    is_buy = side is Side.BUY
    far = stop_price if stop_price is not None else (ask if is_buy else bid)
    if far is None:
        return None
    if is_buy:
        return steps.up(far * (1 + buffer))
    return max(steps.down(far * (1 - buffer)), steps.at(ZERO))


def dear_price(proposal: Proposal, situation: Situation, bounds: Bounds) -> Decimal | None:
    """Return the highest price at which the order's units are to be valued.

    What a buy may cost; what a sold unit is worth, which is never less than the market says.
    """
    worst = worst_price(proposal, situation, bounds)
    if worst is None or proposal.side is Side.BUY:
        return worst
    return max(worst, reference_price(situation) or worst)


def price_missing(symbol: str) -> Denial:
    return Denial("quote_missing", f"There is no price of {symbol} yet.")


LIMITS_MISSING: Final = Denial(
    "limits_missing", "No limits are set for this order, so it cannot go. Ask support."
)
