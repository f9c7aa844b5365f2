"""What a fill is charged, of the terms that its hold keeps or the schedule of its day."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from accounts.models import Account
from marketdata import calendars
from marketdata.models import Instrument
from portfolio.accounting import HoldTerms
from portfolio.fees import schedule
from portfolio.fees.rules import NO_FEES, Charge, FeeRule, FeeTerms, fee_of, fees_of_sale
from portfolio.models import Hold, LedgerAccount

FIRM: Final = LedgerAccount.Kind.FEES.value


def agree(hold: Hold, terms: HoldTerms) -> None:
    """Note on the hold what it is for."""
    hold.per_unit = terms.per_unit
    hold.price = terms.per_unit if terms.price is None else terms.price
    hold.fee_per_order, hold.fee_per_unit = terms.fees.per_order, terms.fees.per_unit
    hold.fee_rate = terms.fees.rate


def agreed(hold: Hold) -> HoldTerms:
    """Return what the hold is for."""
    return HoldTerms(hold.asset, hold.per_unit, hold.price, terms_of(hold))


def terms_of(hold: Hold | None) -> FeeTerms:
    """Return what the order was told that it is charged when it was accepted."""
    if hold is None or not (hold.fee_per_order or hold.fee_per_unit or hold.fee_rate):
        return NO_FEES
    return FeeTerms(hold.fee_per_order, hold.fee_per_unit, hold.fee_rate)


def of_buy(
    hold: Hold | None,
    *,
    quantity_before: Decimal,
    value_before: Decimal,
    quantity: Decimal,
    value: Decimal,
) -> tuple[Charge, ...]:
    """Return what a purchase of `quantity` for `value` is charged, after what came before it."""
    terms = terms_of(hold)
    if terms is NO_FEES:
        return ()
    before = fee_of(terms, quantity=quantity_before, value=value_before)
    after = fee_of(terms, quantity=quantity_before + quantity, value=value_before + value)
    return (Charge(FIRM, after - before),) if after != before else ()


class SaleCharges:
    """What sales are charged, each line of the schedule looked up once."""

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str, date], tuple[FeeRule, ...]] = {}

    def of(
        self,
        account: Account,
        instrument: Instrument,
        at: datetime,
        *,
        quantity_before: Decimal,
        value_before: Decimal,
        quantity: Decimal,
        value: Decimal,
    ) -> tuple[Charge, ...]:
        key = (instrument.asset_class, account.tier, calendars.date_of(at))
        lines = self._lines.get(key)
        if lines is None:
            lines = self._lines[key] = schedule.current().in_force(
                asset_class=key[0], is_buy=False, tier=key[1], day=key[2]
            )
        return fees_of_sale(
            lines,
            quantity_before=quantity_before,
            value_before=value_before,
            quantity=quantity,
            value=value,
        )
