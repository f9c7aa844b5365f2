"""Putting one order before risk: what is asked, and what it meets."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Final

from accounts.locks import LockedAccount
from accounts.models import Account
from foundation.decimals import CASH
from foundation.values import value
from marketdata.models import Quote
from marketdata.price_steps import PriceSteps
from orders import holding
from orders.batch import Batch
from orders.entry import lending
from orders.entry.desk import ZERO, Desk, Listing
from orders.models import Order
from orders.tickets import LIQUIDATION, OrderClass, OrderTicket, Role
from orders.words import SIDES, STATUSES, TIMES_IN_FORCE, TYPES
from portfolio.fees.rules import NO_FEES
from risk import checks
from risk import services as risk
from risk.checks import Measured, Proposal, Situation
from risk.limits.book import AppliedLimits
from risk.services import Assessment
from venues.messages import OrderType, Side

_HUNDRED: Final = Decimal(100)


@value
class Open:
    """What is open already of an order: of the one that another replaces, or that is to go.

    `held` is what is set aside for it, in USD where it opens a position and else in units, and
    `leaves` what is left of it, in units. It counts for `cost` among the account's orders that open
    positions, and for `worth` among what all customers buy, both in USD. What a trailing stop will
    cost nobody knows: it has no `cost`, and what is held for it is its `worth`.
    """

    held: Decimal
    leaves: Decimal
    cost: Decimal
    worth: Decimal


NOT_OPEN: Final = Open(ZERO, ZERO, ZERO, ZERO)


def as_open(batch: Batch, order: Order) -> Open:
    """Return what the order counts for as long as it is open."""
    held, leaves = batch.books.held(order.pk), order.leaves_quantity
    opens = holding.intent_of(order).opens
    worth = leaves * (order.limit_price or order.protection_price or order.stop_price or ZERO)
    return Open(
        held=held,
        leaves=leaves,
        cost=worth if opens else ZERO,
        worth=worth or (held if opens else ZERO),
    )


def assess(
    desk: Desk,
    account: LockedAccount,
    order: Order,
    *,
    ticket: OrderTicket | None = None,
    has_twin: bool = False,
    there: Open = NOT_OPEN,
    is_working: bool = False,
    is_restated: bool = False,
) -> Assessment:
    """Let risk decide on one order, as the tickets before it have left the account.

    `ticket` is what it was placed with. `there` is what is open already of the order that it
    replaces, `is_working` tells whether a venue has that, and `is_restated` whether a corporate
    action asks for it.
    """
    proposal, situation, limits = _put(
        desk,
        account,
        order,
        ticket,
        has_twin=has_twin,
        there=there,
        is_working=is_working,
        is_restated=is_restated,
    )
    return risk.assess(
        order_id=order.id,
        account_id=account.id,
        proposal=proposal,
        situation=situation,
        limits=limits,
        now=desk.batch.now,
    )


def measure(desk: Desk, account: LockedAccount, order: Order) -> Measured:
    """Let risk say what an order that we hold meets today, were it to go now."""
    there = as_open(desk.batch, order)
    proposal, situation, limits = _put(desk, account, order, None, there=there)
    return checks.measure(proposal, situation, limits.bounds if limits else None)


def _put(
    desk: Desk,
    account: LockedAccount,
    order: Order,
    ticket: OrderTicket | None,
    *,
    there: Open,
    has_twin: bool = False,
    is_working: bool = False,
    is_restated: bool = False,
) -> tuple[Proposal, Situation, AppliedLimits | None]:
    """Return what risk is asked of an order, what that meets, and the limits that hold."""
    listing = desk.listing(order.instrument)
    proposal = Proposal(
        symbol=listing.instrument.symbol,
        side=SIDES[order.side],
        type=TYPES[order.type],
        quantity=order.quantity,
        limit_price=order.limit_price,
        # What a venue has was triggered: its new terms meet the market, not its stop.
        stop_price=None if is_working else stop_price(order, listing.quote),
        notional=order.notional,
        time_in_force=TIMES_IN_FORCE[order.time_in_force],
        extended_hours=order.extended_hours,
        is_leg=order.is_leg,
        intent=holding.intent_of(order),
        asked_intent=ticket.position_intent if ticket and not order.is_leg else None,
        is_entry=order.role == Role.ENTRY,
        is_oco=order.order_class == OrderClass.OCO,
        is_system=bool(ticket and ticket.actor == LIQUIDATION),
        is_working=is_working,
        is_restated=is_restated,
        entry_price=None if is_working else _entry_price(desk.batch, order, ticket),
    )
    situation = _situation(desk, account, order, listing, has_twin, there)
    limits = desk.batch.limits.of(account.id, account.tier, listing.instrument.id)
    if account.margin:
        worst = checks.worst_price(proposal, situation, limits.bounds) if limits else None
        situation = dataclasses.replace(
            situation,
            margin=lending.on_margin(
                desk,
                order,
                worst=worst,
                freed=there.held,
                open_sells=situation.open_sell_quantity,
            ),
        )
    return proposal, situation, limits


def _entry_price(batch: Batch, leg: Order, ticket: OrderTicket | None) -> Decimal | None:
    """Return what the entry of a leg waits for, None when it is at the market or has ended."""
    if not leg.is_leg or leg.order_class == OrderClass.OCO:
        return None
    if ticket is not None:
        return ticket.limit_price or ticket.stop_price
    for each in batch.orders.values():
        is_entry = each.group == leg.group and each.role == Role.ENTRY
        if is_entry and not STATUSES[each.status].is_final:
            price: Decimal | None = each.limit_price or each.stop_price
            return price
    return None


def stop_price(order: Order, quote: Quote | None) -> Decimal | None:
    """Return the stop price; of a trailing stop, the one that it would have now.

    That is a price that there is: the one at which it goes no earlier than its trail says.
    """
    if order.type != OrderType.TRAILING_STOP:
        stop: Decimal | None = order.stop_price
        return stop
    mark = first_mark(order, quote)
    if mark is None:
        return None
    trail: Decimal = order.trail_amount or mark * (order.trail_percent or ZERO) / _HUNDRED
    steps: PriceSteps[Decimal] = order.instrument.price_steps
    if order.side == Side.BUY:
        return steps.up(mark + trail)
    return steps.down(max(mark - trail, ZERO))


def first_mark(order: Order, quote: Quote | None) -> Decimal | None:
    """Return the price that a trailing stop starts from: the last trade, else the quote."""
    if order.type != OrderType.TRAILING_STOP or quote is None:
        return None
    mark: Decimal | None = quote.last or far(quote, Side(order.side))
    return mark


def _situation(
    desk: Desk,
    account: LockedAccount,
    order: Order,
    listing: Listing,
    has_twin: bool,
    there: Open,
) -> Situation:
    batch, instrument, quote = desk.batch, listing.instrument, listing.quote
    is_buy, opens = order.side == Side.BUY, holding.intent_of(order).opens
    open_orders = desk.interest.of(account.id)
    interest = open_orders.of(instrument.id)
    habit, market, stopping = listing.habit, listing.market, batch.stopping(order)
    cash, stock = batch.books.stock(account, CASH), batch.books.stock(account, instrument.code)
    return Situation(
        at=batch.now,
        account_status=_status_of(account),
        cash_available=batch.books.spendable(account, batch.day) + (there.held if is_buy else ZERO),
        position=stock.amount,
        position_available=stock.available + (ZERO if is_buy else there.held),
        open_buy_quantity=interest.buys - (there.leaves if is_buy else ZERO),
        open_sell_quantity=interest.sells - (ZERO if is_buy else there.leaves),
        own_bid=interest.bid,
        own_ask=interest.ask,
        exposure=desk.exposures.get(account.id, ZERO)
        + max(
            open_orders.cost - there.cost,
            cash.amount - cash.available - (there.held if opens else ZERO),
        ),
        # What is replaced is open already.
        open_orders=open_orders.count - bool(there.leaves),
        messages_in_second=order.number_in_second,
        messages_in_minute=order.number_in_minute,
        is_tradable=instrument.tradable,
        is_halted=instrument.halted,
        is_closing_only=instrument.closing_only or batch.is_closing_only(order),
        stopped=stopping.code if stopping else "",
        stopped_scope=stopping.scope.words if stopping else "",
        is_fractionable=instrument.fractionable,
        is_venue_up=market.is_venue_up,
        phase=market.phase,
        price_increment=instrument.price_increment,
        fine_increment=instrument.fine_increment,
        fine_below=instrument.fine_below,
        quantity_increment=instrument.quantity_increment,
        quantity_min=instrument.quantity_min,
        bid=quote.bid if quote else None,
        ask=quote.ask if quote else None,
        quote_age=listing.quote_age,
        has_twin=has_twin,
        last=quote.last if quote else None,
        day_high=quote.day_high if quote else None,
        day_low=quote.day_low if quote else None,
        average_volume=habit.volume,
        average_range=habit.range,
        firm_open_buys=desk.firm.without(there.worth if is_buy else ZERO),
        firm_age=desk.firm.age(batch.now),
        clock_offset=desk.firm.clock_offset,
        fees=batch.fees_of_buy(account, instrument) if is_buy else NO_FEES,
    )


def _status_of(account: LockedAccount) -> str:
    """Return the state of an account as its new orders meet it."""
    is_suspended = account.is_suspended and account.status == Account.Status.ACTIVE
    return checks.SUSPENDED if is_suspended else account.status


def far(quote: Quote | None, side: Side) -> Decimal | None:
    """Return the quote that a market order of this side meets."""
    if quote is None:
        return None
    far: Decimal | None = quote.ask if side is Side.BUY else quote.bid
    return far
