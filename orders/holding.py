"""What an order sets aside, by what it does to the position: money, securities, or equity.

    closes        the securities that it sells, or the part of the short that it buys back, so
                  that no two orders close the same
    opens, cash   the worst that it may cost
    opens, margin what it may require of the account's equity (`risk.margin.requirements`)

Fees of a purchase are held for with it, but where it buys back a short: those are paid of the
account's cash, as those of a sale are of what it brings.
"""

from __future__ import annotations

import dataclasses
from decimal import ROUND_CEILING, Decimal

from foundation.decimals import CASH, QUANTITY_QUANTUM
from orders.batch import Batch
from orders.models import Order
from orders.words import INTENTS
from portfolio.accounting import HoldTerms
from portfolio.fees.rules import NO_FEES
from risk.margin import rates as margin_rates
from risk.margin import requirements as margin
from risk.margin.requirements import Intent, Standing
from venues.messages import Side

ONE = Decimal(1)


def intent_of(order: Order) -> Intent:
    """Return what the order does; before there were shorts, orders did not say so."""
    if order.position_intent:
        return INTENTS[order.position_intent]
    return Intent.BUY_TO_OPEN if order.side == Side.BUY else Intent.SELL_TO_CLOSE


def terms(batch: Batch, order: Order, worst: Decimal) -> HoldTerms:
    """Return what the order is held for when `worst` is the worst price that it may execute at."""
    intent, account = intent_of(order), batch.accounts[order.account_id]
    fees = NO_FEES
    if order.side == Side.BUY:
        fees = batch.fees_of_buy(account, order.instrument)
    if not intent.opens:
        return HoldTerms(asset=order.instrument.code, per_unit=ONE, price=ONE, fees=fees)
    is_buy = intent is Intent.BUY_TO_OPEN
    if not account.margin:
        return HoldTerms(asset=CASH, per_unit=worst, price=worst, fees=fees)
    price = worst if is_buy else _dear(batch, order, worst)
    if order.notional is not None:
        price = (order.notional / order.quantity).quantize(QUANTITY_QUANTUM, ROUND_CEILING)
    found = standing(batch, order)
    per_unit = margin.per_unit(
        intent,
        price=price,
        rates=margin_rates.schedule().of(order.instrument),
        multiplier=found.multiplier if found else 2,
        is_intraday=found.is_intraday if found else False,
    )
    return HoldTerms(asset=CASH, per_unit=per_unit, price=price, fees=fees)


def required(batch: Batch, order: Order, worst: Decimal | None) -> Decimal | None:
    """Return what an order of a margin account requires of its equity, None without a price."""
    if not intent_of(order).opens:
        return Decimal(0)
    return None if worst is None else terms(batch, order, worst).of(order.quantity)


def standing(batch: Batch, order: Order) -> Standing | None:
    """Return how the order's margin account stands, with what the batch has set aside so far.

    None for a cash account, and where only reports are applied: nothing is lent there.
    """
    sheet = batch.sheets.get(order.account_id)
    if sheet is None:
        return None
    account = batch.accounts[order.account_id]
    held = batch.books.balance(account, CASH) - batch.books.available(account, CASH)
    base = batch.standings.get(order.account_id)
    if base is None:
        base = batch.standings[order.account_id] = sheet.standing()
    return dataclasses.replace(base, held=held)


def coverable(batch: Batch, order: Order) -> Decimal:
    """Return how much of the instrument is short and not being bought back."""
    account, code = batch.accounts[order.account_id], order.instrument.code
    amount = batch.books.balance(account, code)
    held = amount - batch.books.available(account, code)
    return max(-amount - held, Decimal(0))


def missing(batch: Batch, order: Order, worst: Decimal, *, freed: Decimal) -> Decimal:
    """Return what is missing to set aside what the order may need, once `freed` is given back."""
    needs = terms(batch, order, worst)
    return needs.of(order.quantity) - freed - _free(batch, order, needs.asset)


def _free(batch: Batch, order: Order, asset: str) -> Decimal:
    if intent_of(order) is Intent.BUY_TO_CLOSE:
        return coverable(batch, order)
    found = standing(batch, order)
    if asset == CASH and found is not None:
        return found.available
    return batch.books.available(batch.accounts[order.account_id], asset)


def _dear(batch: Batch, order: Order, worst: Decimal) -> Decimal:
    """Return the highest price that the account may have to buy back at when it has sold.

    Its limit or stop, or the ask and the buffer beyond it, whichever is more.
    """
    quote, bounds = batch.quotes.get(order.instrument_id), batch.bounds_of(order)
    prices = [worst, *filter(None, (order.limit_price, order.stop_price))]
    if quote is not None and quote.ask is not None:
        buffer = bounds.market_buffer if bounds is not None else Decimal(0)
        prices.append(quote.ask * (1 + buffer))
    dearest: Decimal = max(prices)
    return dearest.quantize(QUANTITY_QUANTUM, ROUND_CEILING)
