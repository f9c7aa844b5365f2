"""What an order would do, told before it leaves: the real decision, of which nothing is kept.

The order is placed on a desk that only looks: every check, hold and price is that of an order, in
a transaction that can write nothing and that nobody waits for. What it costs is an estimate, as
prices move; what it needs at the worst is what an order sent this moment would need.
"""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from accounts.locks import LockedAccount
from foundation import decimals, trips
from foundation.decimals import CASH
from marketdata import calendars
from marketdata.models import Quote
from orders import holding
from orders.batch import Batch
from orders.entry import desk as desks
from orders.entry import judging, placing
from orders.entry.desk import Desk
from orders.models import Order
from orders.tickets import OrderClass, OrderTicket, Refusal
from portfolio import selectors as portfolio
from portfolio.accounting import HoldTerms
from portfolio.fees import rules as fees
from portfolio.fees import schedule
from risk import checks
from risk.margin import rates as margin_rates
from risk.margin.requirements import Standing
from venues.messages import OrderType, Side

ZERO: Final = Decimal(0)
LOWER_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """An order as it would be placed now, denied or not, and what would follow. Amounts in USD.

    It would execute at `price`, at `worst` in the worst case, for `value` and the `fees` by name;
    `total` is what it costs in all, or brings. `held` of `held_asset` is set aside meanwhile. Each
    is None while nobody knows the price. `power_after` is the buying power once the order is
    placed, None if it is denied. `margin` is how a margin account stands, and would stand with the
    order filled at `price`. `quantity_max` would not be too dear, where this order is.
    """

    order: Order
    price: Decimal | None
    worst: Decimal | None
    value: Decimal | None
    fees: tuple[tuple[str, Decimal], ...]
    total: Decimal | None
    held_asset: str
    held: Decimal | None
    power_before: Decimal
    power_after: Decimal | None
    margin: tuple[Standing, Standing] | None
    quantity_max: Decimal | None


def estimate(ticket: OrderTicket, *, now: datetime | None = None) -> Estimate | Refusal:
    """Return what the ticket would come to; a refusal where no order would come of it."""
    with trips.together():
        opened = desks.open_desk([ticket], now=now, only_looks=True)
        account = opened.batch.accounts.get(ticket.account_id)
        if account is None:
            return Refusal("unknown_account", "There is no such account.")
        before = _power(opened.batch, account)
        answer = placing.place(opened, account, ticket)
        if answer.order is None:
            return answer.refusal or Refusal("unknown_order", "There is no such order.")
        return _told(opened, account, ticket, answer.order, answer.legs, before)


def _told(
    opened: Desk,
    account: LockedAccount,
    ticket: OrderTicket,
    order: Order,
    legs: tuple[Order, ...],
    before: Decimal,
) -> Estimate:
    batch, is_denied = opened.batch, bool(order.denial_code)
    quote = batch.quotes.get(order.instrument_id)
    exits_last = ticket.order_class is OrderClass.OCO and legs
    worst = _worst(batch, legs[-1] if exits_last else order, quote)
    price = _expected(order, quote)
    value = None if price is None else _value(order, price)
    lines = () if price is None else _fees(batch, account, order, price)
    paid = sum((amount for _, amount in lines), ZERO)
    is_buy = order.side == Side.BUY
    total = None if value is None else max(value + paid if is_buy else value - paid, ZERO)
    needs = holding.terms(batch, order, worst) if worst is not None else None
    wanted = needs.of(order.quantity) if needs else None
    return Estimate(
        order=order,
        price=price,
        worst=worst,
        value=value,
        fees=lines,
        total=total,
        held_asset=needs.asset if needs else CASH,
        held=wanted if is_denied else batch.books.held(order.pk),
        power_before=before,
        power_after=None if is_denied else _power(batch, account),
        margin=None if total is None else _margin(batch, order, quote, price, total),
        quantity_max=_lower(opened, account, ticket, order, needs),
    )


def _power(batch: Batch, account: LockedAccount) -> Decimal:
    """Return what the account may buy for, as the batch has left it."""
    sheet = batch.sheets.get(account.pk)
    if sheet is None:
        return max(batch.books.spendable(account, calendars.date_of(batch.now)), ZERO)
    held = batch.books.balance(account, CASH) - batch.books.available(account, CASH)
    return sheet.standing(held=held).buying_power


def _worst(batch: Batch, order: Order, quote: Quote | None) -> Decimal | None:
    bounds = batch.bounds_of(order)
    if bounds is None:
        return None
    return checks.worst_price_of(
        side=Side(order.side),
        limit_price=order.limit_price,
        stop_price=judging.stop_price(order, quote),
        bid=quote.bid if quote else None,
        ask=quote.ask if quote else None,
        steps=order.instrument.price_steps,
        buffer=bounds.market_buffer,
    )


def _expected(order: Order, quote: Quote | None) -> Decimal | None:
    """Return the price that the order is expected to execute at, None when nobody knows.

    A limit that reaches the other side executes there; a stop is expected at its stop.
    """
    side = Side(order.side)
    start = judging.far(quote, side) if order.type != OrderType.STOP_LIMIT else order.stop_price
    if order.type in (OrderType.STOP, OrderType.TRAILING_STOP):
        return judging.stop_price(order, quote)
    limit: Decimal | None = order.limit_price
    if limit is None or start is None:
        return start if limit is None else limit
    return min(limit, start) if side is Side.BUY else max(limit, start)


def _value(order: Order, price: Decimal) -> Decimal:
    if order.notional is not None:
        value: Decimal = order.notional
        return value
    rounding = decimals.UP if order.side == Side.BUY else decimals.DOWN
    return decimals.quantize(order.quantity * price, asset=CASH, rounding=rounding)


def _fees(
    batch: Batch, account: LockedAccount, order: Order, price: Decimal
) -> tuple[tuple[str, Decimal], ...]:
    found = fees.estimate(
        schedule.current(),
        asset_class=order.instrument.asset_class,
        is_buy=order.side == Side.BUY,
        tier=account.tier,
        day=calendars.date_of(batch.now),
        quantity=order.quantity,
        price=price,
    )
    return found.lines


def _margin(
    batch: Batch, order: Order, quote: Quote | None, price: Decimal | None, total: Decimal
) -> tuple[Standing, Standing] | None:
    sheet, mark = batch.sheets.get(order.account_id), portfolio.price_of(quote) or price
    if sheet is None or mark is None:
        return None
    sign = Side(order.side).sign
    after = sheet.after(
        order.instrument.code,
        quantity=order.quantity * sign,
        cash=-total * sign,
        price=mark,
        rates=margin_rates.schedule().of(order.instrument),
    )
    return sheet.standing(), after


def _lower(
    opened: Desk,
    account: LockedAccount,
    ticket: OrderTicket,
    order: Order,
    needs: HoldTerms | None,
) -> Decimal | None:
    """Return the quantity that the account can bear when this one is too dear, tried out."""
    if order.denial_code != "insufficient_buying_power" or ticket.quantity is None or not needs:
        return None
    found, increment = holding.standing(opened.batch, order), order.instrument.quantity_increment
    today = calendars.date_of(opened.batch.now)
    free = opened.batch.books.spendable(account, today) if found is None else found.available
    steps = free / needs.of(ticket.quantity) * ticket.quantity / increment
    quantity = steps.to_integral_value(rounding=ROUND_FLOOR) * increment
    for _ in range(LOWER_TRIES):
        if quantity < max(order.instrument.quantity_min, increment):
            return None
        smaller = dataclasses.replace(
            ticket, quantity=quantity, client_order_id=str(uuid.uuid4()), display_quantity=None
        )
        tried = placing.place(opened, account, smaller).order
        if tried is not None and not tried.denial_code:
            lower: Decimal = quantity
            return lower
        quantity -= increment
    return None
