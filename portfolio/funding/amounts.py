"""What is asked to leave: so much of cash or of a coin, its network's fee, what both are worth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from foundation import decimals
from foundation.decimals import CASH
from marketdata import pricing
from marketdata import selectors as marketdata
from marketdata.models import Instrument
from portfolio.payees import networks
from portfolio.payees.networks import Terms
from portfolio.worth import valuation

ZERO: Final = Decimal(0)


class UnableToLeave(ValueError):
    """So much of this cannot be asked for; the message says why, and `code` in a stable word."""

    def __init__(self, message: str, *, code: str = "invalid_amount") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asked:
    """An amount of an asset of the ledger, the fee beside it, and what both are worth in USD."""

    asset: str
    amount: Decimal
    fee: Decimal
    value: Decimal

    @property
    def total(self) -> Decimal:
        return self.amount + self.fee


def cash(amount: Decimal) -> Asked:
    """Return an amount of USD. Raises UnableToLeave."""
    if amount <= 0:
        raise UnableToLeave("The amount must be greater than zero.")
    if amount != decimals.quantize(amount, asset=CASH, rounding=decimals.DOWN):
        raise UnableToLeave("The amount must be in whole cents.")
    return Asked(CASH, amount, ZERO, amount)


def of_coin(coin: str, amount: Decimal, *, now: datetime) -> Asked:
    """Return an amount of a coin, with its network's fee, at its price of now.

    Raises UnableToLeave: for a coin that is not listed or has no network, for an amount that is
    finer than its trading or below what its network carries, and while it has no price to go by.
    """
    instrument, terms = instrument_of(coin), network_of(coin)
    if instrument is None or terms is None:
        raise UnableToLeave(f"{coin[:12]} cannot be withdrawn.", code="other_asset")
    if amount < terms.least:
        raise UnableToLeave(f"At least {decimals.text(terms.least)} {coin} can be withdrawn.")
    if amount % instrument.quantity_increment:
        finest = decimals.text(instrument.quantity_increment)
        raise UnableToLeave(f"The amount must be in whole {finest} {coin}.")
    price = price_of(instrument, now=now)
    if price is None:
        raise UnableToLeave(
            f"{coin} has no price to go by now: try again in a moment.", code="price_missing"
        )
    total = amount + terms.fee
    value = max(valuation.market_value(price, total), decimals.CASH_QUANTUM)
    return Asked(instrument.code, amount, terms.fee, value)


def instrument_of(coin: str) -> Instrument | None:
    """Return the pair that a coin trades as, None for one that is not listed."""
    pairs = Instrument.objects.filter(asset_class=Instrument.AssetClass.CRYPTO)
    return pairs.filter(symbol=f"{coin}/{CASH}").first()


def network_of(coin: str) -> Terms | None:
    """Return what the network of a coin is like, None for one that cannot leave."""
    return next((each for each in networks.TERMS.values() if each.coin == coin), None)


def price_of(instrument: Instrument, *, now: datetime) -> Decimal | None:
    """Return the price that counts for its limits: fresh, undoubted, of a market not crossed."""
    quote = marketdata.latest_quote(instrument.pk)
    if quote is None or quote.doubts or quote.is_stale(now=now):
        return None
    if quote.bid is not None and quote.ask is not None and quote.bid > quote.ask:
        return None
    price = pricing.market_price(last=quote.last, bid=quote.bid, ask=quote.ask)
    return price if price is not None and price > 0 else None
