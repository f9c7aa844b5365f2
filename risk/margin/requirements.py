"""What a margin account must have of its own: requirements, standing, buying power. Pure.

The rules are those of Regulation T (12 CFR 220.12: half of a purchase, 150 % of a short sale) and
of FINRA rule 4210 (maintenance of 25 % long and 30 % short with minima a share, 2,000 USD of
equity to borrow at all, day trading), and our own schedule, which may only ask for more. A short
sale's proceeds are in the account and make up 100 of its 150 %: what it requires of the equity is
the other 50. Requirements are rounded up to the cent, each holding by itself; values to the
nearest, as the portfolio does. docs/margin.md works examples through.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from foundation import decimals
from foundation.decimals import CASH

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)

REG_T: Final = Decimal("0.5")
"""Of what is bought or sold short, 12 CFR 220.12(a) and (c)."""
LONG_MIN: Final = Decimal("0.25")
"""FINRA 4210(c)(1), of the value of what is long."""
SHORT_MIN: Final = Decimal("0.30")
"""FINRA 4210(c)(3), of the value of what is short at 5 USD or above."""
LOW_PRICE: Final = Decimal(5)
LOW_PER_UNIT: Final = Decimal("2.50")
"""FINRA 4210(c)(2): below 5 USD, the value or 2.50 a share, whichever is more."""
PER_UNIT: Final = Decimal(5)
"""FINRA 4210(c)(3): at 5 USD or above, at least 5 USD a share."""
EQUITY_MIN: Final = Decimal(2_000)
"""FINRA 4210(b)(4): below it nothing is lent, and nothing sold short."""
DAY_TRADER_EQUITY_MIN: Final = Decimal(25_000)
"""FINRA 4210(f)(8)(B)(iv)."""

CONCENTRATED_SHARE: Final = Decimal("0.5")
CONCENTRATED_RATE: Final = Decimal("0.10")
"""What exceeds half of all that an account has long and short requires ten points more."""
HOUSE_FLOOR: Final = Decimal("0.5")
"""An account with less equity than this part of its maintenance requirement is called at once."""


class Intent(StrEnum):
    """What an order does to the position that it meets."""

    BUY_TO_OPEN = "buy_to_open"
    BUY_TO_CLOSE = "buy_to_close"
    SELL_TO_OPEN = "sell_to_open"
    SELL_TO_CLOSE = "sell_to_close"

    @property
    def opens(self) -> bool:
        return self in (Intent.BUY_TO_OPEN, Intent.SELL_TO_OPEN)


def intent_of(*, is_buy: bool, position: Decimal) -> Intent:
    """Return what a purchase or sale does that meets this position; nothing flips."""
    if is_buy:
        return Intent.BUY_TO_CLOSE if position < 0 else Intent.BUY_TO_OPEN
    return Intent.SELL_TO_CLOSE if position > 0 else Intent.SELL_TO_OPEN


@dataclass(frozen=True, slots=True)
class Rates:
    """Parts of the value that an instrument requires: to open, and to keep long and short."""

    initial: Decimal = REG_T
    long: Decimal = LONG_MIN
    short: Decimal = SHORT_MIN


IN_FULL: Final = Rates(initial=ONE, long=ONE, short=ONE)
"""Of what is not marginable: nothing is lent on it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A position at the price that it is valued at; a short one has a negative quantity."""

    quantity: Decimal
    price: Decimal
    rates: Rates = Rates()

    @property
    def value(self) -> Decimal:
        """Return the market value in whole cents; that of a short is negative."""
        return decimals.quantize(self.quantity * self.price, asset=CASH, rounding=decimals.NEAREST)


def short_minimum(price: Decimal) -> Decimal:
    """Return the least that one share sold short at `price` requires: FINRA 4210(c)(2), (3).

    A share at 3 requires 3, one at 2 requires 2.50, one at 10 requires 5, one at 100 requires 30.
    """
    if price < LOW_PRICE:
        return max(LOW_PER_UNIT, price)
    return max(PER_UNIT, SHORT_MIN * price)


def maintenance_per_unit(rates: Rates, price: Decimal, *, is_short: bool) -> Decimal:
    """Return what a unit requires to be kept, the concentration of the account aside."""
    if is_short:
        return max(rates.short * price, short_minimum(price))
    return max(rates.long, LONG_MIN) * price


def initial_of(holding: Holding) -> Decimal:
    """Return what the holding requires when it is opened: never less than to keep it.

    100 shares at 100 USD require 5,000 USD, long or short.
    """
    return _weighed(holding)[1]


def maintenance_of(holding: Holding, *, gross: Decimal = ZERO) -> Decimal:
    """Return what the holding requires to be kept.

    `gross` is the value of all that the account has, long and short: what exceeds half of it
    requires ten points more, though never more than it took to open, so that no account is called
    for what it has just been allowed; of a long position never more than its value.
    """
    return _kept(_weighed(holding), gross)


Weighed = tuple[Decimal, Decimal, Decimal]
"""Of a holding: its value, what it took to open, and what it takes to keep, not rounded yet."""


def _weighed(holding: Holding) -> Weighed:
    quantity, price, rates = abs(holding.quantity), holding.price, holding.rates
    kept = maintenance_per_unit(rates, price, is_short=holding.quantity < 0)
    opened = max(max(rates.initial, REG_T) * price, kept)
    return holding.value, _up(quantity * opened), quantity * kept


def _kept(weighed: Weighed, gross: Decimal) -> Decimal:
    value, opened, exact = weighed
    if gross:
        beyond = abs(value) - CONCENTRATED_SHARE * gross
        if beyond > 0:
            exact += CONCENTRATED_RATE * beyond
    required = min(_up(exact), opened)
    return required if value.is_signed() else min(required, value)


@dataclass(frozen=True, slots=True)
class Close:
    """How the account stood when the market last closed."""

    equity: Decimal
    maintenance: Decimal

    @property
    def excess(self) -> Decimal:
        return self.equity - self.maintenance


@dataclass(frozen=True, slots=True)
class Standing:
    """A margin account at one moment. All amounts in USD.

    `cash` below zero is what we have lent; `short_value` is negative. `initial` and `maintenance`
    are what its positions require, `held` is what its open orders may require beyond it.
    `unpriced` names the positions without a price that counts now: what adds risk is then denied.
    """

    cash: Decimal
    long_value: Decimal
    short_value: Decimal
    initial: Decimal
    maintenance: Decimal
    held: Decimal
    multiplier_max: int = 2
    is_day_trader: bool = False
    close: Close | None = None
    unpriced: tuple[str, ...] = ()

    @property
    def equity(self) -> Decimal:
        return self.cash + self.long_value + self.short_value

    @property
    def gross(self) -> Decimal:
        return self.long_value - self.short_value

    @property
    def deficit(self) -> Decimal:
        """Return what the account lacks to keep its positions; zero when it lacks nothing."""
        return max(self.maintenance - self.equity, ZERO)

    @property
    def multiplier(self) -> int:
        """Return 1 where nothing is lent, 2, or 4 for a pattern day trader within the day."""
        if self.equity < EQUITY_MIN or self.multiplier_max < 2:
            return 1
        if (
            self.is_day_trader
            and self.equity >= DAY_TRADER_EQUITY_MIN
            and self.multiplier_max >= 4
            and self.close is not None
        ):
            return 4
        return 2

    @property
    def excess(self) -> Decimal:
        """Return the equity beyond what positions and open orders require; may be negative."""
        return self.equity - max(self.initial, self.maintenance) - self.held

    @property
    def day_excess(self) -> Decimal:
        """Return what a pattern day trader has beyond maintenance: of the last close, less what
        was opened since, and never more than there is now."""
        if self.multiplier < 4 or self.close is None:
            return ZERO
        opened = max(self.maintenance + self.held - self.close.maintenance, ZERO)
        return min(self.equity - self.maintenance - self.held, self.close.excess - opened)

    @property
    def is_intraday(self) -> bool:
        """Tell whether more can be bought by the rule of the day than by the one overnight."""
        return self.multiplier == 4 and self.day_excess * 4 > self.excess * 2

    @property
    def available(self) -> Decimal:
        """Return what new orders may require, by `per_unit`; may be negative."""
        if self.multiplier == 1:
            return min(self.excess, self.cash - self.held)
        return self.day_excess if self.is_intraday else self.excess

    @property
    def withdrawable(self) -> Decimal:
        """Return how much cash may leave: the excess, and with anything lent no more than what
        keeps the least equity (FINRA 4210(b)(4)); nothing while a position has no price."""
        if self.unpriced:
            return ZERO
        free = max(self.excess, ZERO)
        owes = self.short_value < 0 or self.cash - free < 0
        return max(min(free, self.equity - EQUITY_MIN), ZERO) if owes else free

    def may_part(self, kept_back: Decimal) -> bool:
        """Tell whether an account that would stand so after something has left may let it go: with
        nothing missing, `kept_back` beside it, and with anything lent the least equity."""
        if self.unpriced or self.excess < kept_back:
            return False
        owes = self.short_value < 0 or self.cash < 0
        return not owes or self.equity >= EQUITY_MIN

    @property
    def overnight_buying_power(self) -> Decimal:
        """Return how much may be bought and kept overnight: twice the excess."""
        if self.multiplier == 1:
            return max(self.available, ZERO)
        return max(self.excess, ZERO) * 2

    @property
    def day_buying_power(self) -> Decimal:
        """Return how much a pattern day trader may buy and sell today: four times."""
        return max(self.day_excess, ZERO) * 4

    @property
    def buying_power(self) -> Decimal:
        return self.day_buying_power if self.is_intraday else self.overnight_buying_power

    @property
    def sma(self) -> Decimal:
        """Return the equity beyond Regulation T's requirement, which 12 CFR 220.5 would credit."""
        return max(self.equity - self.initial, ZERO)


def standing(
    holdings: Sequence[Holding],
    *,
    cash: Decimal,
    held: Decimal,
    multiplier_max: int = 2,
    is_day_trader: bool = False,
    close: Close | None = None,
    unpriced: Iterable[str] = (),
) -> Standing:
    """Return how an account stands with these holdings and this cash."""
    weighed = [_weighed(holding) for holding in holdings]
    long = sum((value for value, _, _ in weighed if value > 0), ZERO)
    short = sum((value for value, _, _ in weighed if value < 0), ZERO)
    gross = long - short
    return Standing(
        cash=cash,
        long_value=long,
        short_value=short,
        initial=sum((opened for _, opened, _ in weighed), ZERO),
        maintenance=sum((_kept(each, gross) for each in weighed), ZERO),
        held=held,
        multiplier_max=multiplier_max,
        is_day_trader=is_day_trader,
        close=close,
        unpriced=tuple(unpriced),
    )


def per_unit(
    intent: Intent, *, price: Decimal, rates: Rates, multiplier: int = 2, is_intraday: bool = False
) -> Decimal:
    """Return what a unit of an order at `price` requires of the equity.

    What closes requires nothing. A purchase of a share at 100 requires 50; 100 where nothing is
    lent; 25, or the maintenance of our schedule, of a pattern day trader within the day. A short
    sale requires the same beyond its proceeds, and never less than its minimum a share.
    """
    if not intent.opens:
        return ZERO
    is_short = intent is Intent.SELL_TO_OPEN
    kept = maintenance_per_unit(rates, price, is_short=is_short)
    if is_intraday:
        return kept
    rate = ONE if multiplier == 1 else max(rates.initial, REG_T)
    return max(rate * price, kept)


def required(amount: Decimal, quantity: Decimal) -> Decimal:
    """Return what `quantity` at `amount` a unit requires, rounded up to the cent."""
    return _up(amount * quantity)


def is_below_floor(found: Standing) -> bool:
    """Tell whether so little is left that the house does not wait for the customer."""
    return found.equity < HOUSE_FLOOR * found.maintenance


def _up(value: Decimal) -> Decimal:
    return decimals.quantize(value, asset=CASH, rounding=decimals.UP)


@dataclass(frozen=True, slots=True)
class OnMargin:
    """What an order meets in a margin account, beside what every order meets.

    `required` is what it would require of the equity, None when the price for that is missing, and
    `freed` what the order that it replaces has set aside. `coverable` is how much is short and not
    being bought back; `short_after` how much would be short with this order and the open ones, and
    `located` for how much of it somebody lends. `day_trades` counts those of the last five days
    and those under way, where this order could make another one; else it is None. The account
    `is_being_liquidated` while a call of it is overdue.
    """

    standing: Standing
    required: Decimal | None
    freed: Decimal = ZERO
    coverable: Decimal = ZERO
    allows_shorting: bool = True
    is_marginable: bool = True
    is_shortable: bool = True
    is_easy_to_borrow: bool = True
    short_after: Decimal = ZERO
    located: Decimal = ZERO
    day_trades: int | None = None
    is_being_liquidated: bool = False

    @property
    def available(self) -> Decimal:
        return self.standing.available + self.freed
