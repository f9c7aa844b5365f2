"""What an order meets in a margin account: read only for those, and never for an order alone.

What every margin order needs is read with the batch; a locate, or the day trades of a small
account, when an order asks for it, once for the batch.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from uuid import UUID

from accounts.locks import LockedAccount
from marketdata.models import Instrument
from orders import day_trading, holding
from orders.batch import Batch
from orders.entry import locates
from orders.entry.desk import Desk
from orders.models import Order
from orders.tickets import OrderClass, OrderTicket
from risk.margin import day_trades
from risk.margin.requirements import DAY_TRADER_EQUITY_MIN, Intent, OnMargin, Standing, intent_of
from venues.messages import Side

ZERO: Final = Decimal(0)
_CLOSING: Final = {
    Intent.BUY_TO_OPEN: Intent.SELL_TO_CLOSE,
    Intent.SELL_TO_OPEN: Intent.BUY_TO_CLOSE,
    Intent.SELL_TO_CLOSE: Intent.BUY_TO_OPEN,
    Intent.BUY_TO_CLOSE: Intent.SELL_TO_OPEN,
}


def intent(batch: Batch, account: LockedAccount, side: Side, instrument: Instrument) -> Intent:
    """Return what an order does to the position as it stands; cash accounts are never short."""
    is_buy = side is Side.BUY
    if not account.margin:
        return Intent.BUY_TO_OPEN if is_buy else Intent.SELL_TO_CLOSE
    return intent_of(is_buy=is_buy, position=batch.books.balance(account, instrument.code))


def intent_of_leg(ticket: OrderTicket, first: Order) -> Intent:
    """Return what a leg does: an entry's legs undo it, the exits of an OCO do the same."""
    does = holding.intent_of(first)
    return does if ticket.order_class is OrderClass.OCO else _CLOSING[does]


def on_margin(
    desk: Desk,
    order: Order,
    *,
    worst: Decimal | None,
    freed: Decimal,
    open_sells: Decimal,
) -> OnMargin | None:
    """Return what the order meets in its margin account, None in a cash account.

    `freed` is what the order that it replaces has set aside, `open_sells` how much of the
    instrument the account's other open orders may still sell.
    """
    batch = desk.batch
    standing = holding.standing(batch, order)
    if standing is None:
        return None
    does, instrument = holding.intent_of(order), order.instrument
    account = batch.accounts[order.account_id]
    position = batch.books.balance(account, instrument.code)
    short_after = max(-position, ZERO) + open_sells + order.quantity
    is_short_sale = does is Intent.SELL_TO_OPEN
    is_hard = is_short_sale and not instrument.easy_to_borrow
    return OnMargin(
        standing=standing,
        required=ZERO if order.is_leg else holding.required(batch, order, worst),
        freed=freed if does.opens else ZERO,
        coverable=holding.coverable(batch, order) + (ZERO if does.opens else freed),
        allows_shorting=account.allows_shorting,
        is_marginable=instrument.marginable,
        is_shortable=instrument.shortable,
        is_easy_to_borrow=instrument.easy_to_borrow,
        short_after=short_after if is_short_sale else ZERO,
        located=locates.located(desk, order) if is_hard else ZERO,
        day_trades=_day_trades(batch, order, does, standing),
        is_being_liquidated=batch.sheets[order.account_id].is_being_liquidated,
    )


def _day_trades(batch: Batch, order: Order, does: Intent, standing: Standing) -> int | None:
    """Return how many day trades count against an order that could make another one."""
    if (
        does.opens
        or order.is_leg
        or order.instrument.asset_class != Instrument.AssetClass.US_EQUITY
    ):
        return None
    if standing.equity >= DAY_TRADER_EQUITY_MIN:
        return None
    record = _record(batch, order.account_id)
    signed = order.quantity * Side(order.side).sign
    if not day_trades.could_be_one(record.today_of(order.instrument_id), signed):
        return None
    return record.with_orders(order.instrument_id)


def _record(batch: Batch, account_id: UUID) -> day_trading.Record:
    if account_id not in batch.day_trades:
        batch.day_trades |= day_trading.records([account_id], now=batch.now)
    return batch.day_trades[account_id]
