"""Watching margin accounts, and closing by rule what an overdue call has not cured.

A part of the program, at work in one process at a time. Each round looks at how margin accounts
stand that something has touched (`risk.margin.monitor`). Of a call that is overdue, it first
cancels the orders that add risk or hold what has to go; when those have ended it closes positions,
in waves: as much as cures the deficit at the prices of that moment, and no more. A wave is written
down before anything of it is sent, with the client_order_ids of its orders, which nobody can guess,
so that a restart sends none of them twice and no order of the customer's passes for one; the next
one waits until all orders of the last have ended. They are ordinary orders through the intake, of
the actor rule:liquidation, which a few checks let pass (`risk.checks.SYSTEM_EXEMPT`).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts import locks
from accounts.locks import LockedAccount
from foundation import charge, decimals, wakeups
from foundation.wakeups import Channel, News
from marketdata import calendars
from marketdata.calendars import Phase
from marketdata.models import Instrument
from orders import day_trading, holding
from orders.entry import intake
from orders.entry.answers import Answer
from orders.entry.intake import NotTaken
from orders.lifecycle import Status
from orders.models import Order
from orders.safeguards.day_end import DayEnd
from orders.tickets import LIQUIDATION, LIQUIDATION_PREFIX, CancelTicket, OrderTicket
from risk.findings import Kind, Severity
from risk.margin import book as margin_book
from risk.margin import calls, day_end, liquidation, trade_calls
from risk.margin.book import Sheet
from risk.margin.liquidation import TO_KEEP, Closable, Closing, Cure
from risk.margin.models import LiquidationWave, MarginCall
from risk.margin.monitor import Counted, Monitor
from risk.margin.requirements import Intent, Standing
from risk.surveillance import alerts
from venues.messages import OrderType, Side, TimeInForce

log = structlog.get_logger(__name__)

JOB: Final = "margin"
POLL_SECONDS: Final = 1.0
ALL_SECONDS: Final = 300.0
"""Between two looks at every margin account, should a hint have been lost."""
COUNTED_ANEW: Final = timedelta(days=15)
OVERLAP: Final = timedelta(seconds=30)
"""How far back trades are looked for again: a slow transaction may have written some late."""
PAUSE: Final = timedelta(seconds=30)
"""Between two waves when the first one has closed nothing: who denied it will deny it again."""
OPEN: Final = [status.value for status in Status if not status.is_final]

Enter = Callable[[OrderTicket | CancelTicket], "Future[Answer]"]
WaveOrder = tuple[str, str, str, str]
"""An order of a wave: code, side, quantity, client_order_id."""


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Watch and close until `stop`, while no other process does."""
    serve(stop, beat, enter=intake.enter)


def serve(stop: threading.Event, beat: Callable[[], None], *, enter: Enter) -> None:
    """Do it until `stop`, by tickets handed to `enter`."""
    try:
        with wakeups.listener.news(Channel.ACTIVITY, all_seconds=ALL_SECONDS) as news:
            while not stop.is_set():
                if charge.take(JOB):
                    _go_on(Watch(enter), news, stop, beat)
                beat()
                stop.wait(POLL_SECONDS)
    finally:
        charge.give_up(JOB)


def _go_on(watch: Watch, news: News, stop: threading.Event, beat: Callable[[], None]) -> None:
    news.start_over()
    while not stop.is_set():
        named = news.take()
        touched = None if named is None else {UUID(each) for each in named}
        watch.look(now=timezone.now(), touched=touched)
        beat()
        stop.wait(POLL_SECONDS)


class Watch:
    """Rounds over all margin accounts, and what was asked of the intake and is not answered."""

    def __init__(self, enter: Enter) -> None:
        self._enter = enter
        self._monitor = Monitor()
        self._day_end = DayEnd()
        self._asked: dict[str, Future[Answer]] = {}
        self._counted_at: datetime | None = None

    def look(self, *, now: datetime, touched: Collection[UUID] | None = None) -> None:
        """See how accounts stand, make and end calls, and carry on what is overdue.

        `touched` are the accounts whom something may have happened to, None all there are.
        """
        since = (self._counted_at or now - COUNTED_ANEW) - OVERLAP
        self._counted_at = now
        self._take_answers()
        counted = _counted(since, now)
        unmet = self._monitor.look(now=now, touched=touched, counted=counted)
        self._day_end.look(now=now)
        for call in calls.to_liquidate(unmet, now=now):
            self._carry_on(call, now)

    def _carry_on(self, call: MarginCall, now: datetime) -> None:
        """Take the next step of a call's liquidation, if one can be taken now."""
        last = LiquidationWave.objects.filter(call=call).order_by("number").last()
        if last is not None and not self._has_ended(call, last, now):
            return
        sheet = margin_book.sheet(call.account_id, now=now)
        if sheet is None or not sheet.is_live:
            return
        planned = liquidation.plan(
            _closable(sheet, now), cash=sheet.cash, cure=_cure(call, sheet.standing())
        )
        in_the_way = _in_the_way(sheet, planned)
        if in_the_way:
            for order in in_the_way:
                if order.status != Status.PENDING_CANCEL:
                    self._ask(f"cancel-{order.pk}", _cancel(order, now))
            return
        if planned:
            wave = _next_wave(call, last, sheet, planned, now)
            if wave is not None:
                self._send(call, wave, now)
        elif trade_calls.missing(call, sheet.standing()):
            _tell_stuck(call, "nothing of it can be closed now", now)

    def _has_ended(self, call: MarginCall, wave: LiquidationWave, now: datetime) -> bool:
        """Tell whether the next wave may begin: nothing of this one is on its way any more."""
        names = {name for _, _, _, name in _orders(wave)}
        if names & self._asked.keys():
            return False
        sent = Order.objects.filter(account_id=call.account_id, client_order_id__in=names)
        if any(not Status(order.status).is_final for order in sent):
            return False
        if not sent or any(order.filled_quantity for order in sent) or wave.at + PAUSE <= now:
            return True
        why = next((o.denial_code or o.venue_code for o in sent), "")
        _tell_stuck(call, f"a wave has closed nothing: {why}", now)
        return False

    def _send(self, call: MarginCall, wave: LiquidationWave, now: datetime) -> None:
        orders = _orders(wave)
        codes = [code for code, _, _, _ in orders]
        symbols = dict(Instrument.objects.filter(code__in=codes).values_list("code", "symbol"))
        for code, side, quantity, name in orders:
            ticket = OrderTicket(
                account_id=call.account_id,
                client_order_id=name,
                symbol=symbols[code],
                side=Side(side),
                quantity=Decimal(quantity),
                type=OrderType.MARKET,
                time_in_force=TimeInForce.IOC,
                limit_price=None,
                extended_hours=False,
                actor=LIQUIDATION,
                source_address="",
                received_at=now,
                # What waits may meet an account that has closed the position itself by then.
                position_intent=Intent.BUY_TO_CLOSE if side == "buy" else Intent.SELL_TO_CLOSE,
            )
            self._ask(ticket.client_order_id, ticket)

    def _take_answers(self) -> None:
        """Forget what was answered: what became of it stands in the orders."""
        for key, asked in list(self._asked.items()):
            if not asked.done():
                continue
            del self._asked[key]
            error = asked.exception()
            if error is not None:
                log.error("liquidation_ticket_failed", ticket=key, reason=str(error))
            elif asked.result().refusal is not None:
                log.warning("liquidation_ticket_refused", ticket=key, answer=str(asked.result()))

    def _ask(self, key: str, ticket: OrderTicket | CancelTicket) -> None:
        """Enter the ticket, unless the intake has it; what is not taken is asked next round."""
        if key in self._asked:
            return
        try:
            self._asked[key] = self._enter(ticket)
        except NotTaken as error:
            log.warning("liquidation_postponed", ticket=key, reason=type(error).__name__)


def _cure(call: MarginCall, found: Standing) -> Cure:
    """Return what the call's liquidation is to cure: what was called for, and is missing still."""
    if call.kind in calls.EQUITY:
        return TO_KEEP
    spared = day_end.deficiency(found) - trade_calls.missing(call, found)
    return Cure(is_to_open=True, spared=max(spared, Decimal(0)))


def _counted(since: datetime, now: datetime) -> dict[UUID, Counted]:
    traded = day_trading.traded_since(since)
    if not traded:
        return {}
    found = day_trading.records(traded, now=now)
    return {owner: Counted(record.count, record.since) for owner, record in found.items()}


def _closable(sheet: Sheet, now: datetime) -> list[Closable]:
    """Return the positions with what they can be closed at: only in their regular session."""
    found = []
    for each in sheet.positions:
        market, held = each.market, each.holding
        if held is None:
            continue
        price = market.bid if each.quantity > 0 else market.ask
        is_regular = calendars.phase(market.calendar, now) is Phase.REGULAR
        found.append(
            Closable(
                code=market.code,
                holding=held,
                price=price if is_regular else None,
                unit=market.quantity_increment,
            )
        )
    return found


def _in_the_way(sheet: Sheet, planned: Iterable[Closing]) -> list[Order]:
    """Return the open orders that add risk, and those that hold what is to be closed."""
    codes = {each.code for each in planned}
    opened = Order.objects.filter(account_id=sheet.account_id, status__in=OPEN)
    return [
        order
        for order in opened.select_related("instrument")
        if holding.intent_of(order).opens or order.instrument.code in codes
    ]


def _cancel(order: Order, now: datetime) -> CancelTicket:
    return CancelTicket(
        account_id=order.account_id,
        order_id=order.pk,
        actor=LIQUIDATION,
        source_address="",
        reason="A margin call is overdue",
        received_at=now,
    )


def _next_wave(
    call: MarginCall,
    last: LiquidationWave | None,
    sheet: Sheet,
    planned: Iterable[Closing],
    now: datetime,
) -> LiquidationWave | None:
    """Keep the wave before anything of it is sent; None when the call was met meanwhile.

    A plan that stands in the last wave, of which nothing has come to be, is that wave once more.
    """
    with transaction.atomic():
        account = locks.lock(call.account_id)
        unused = _unused(account, last)
        wanted = [_wanted(each) for each in planned]
        if last is not None and [order[:3] for order in unused] == wanted == _terms(last):
            return last
        standing = sheet.standing()
        fresh = calls.liquidate(call, now=now, spared=_cure(call, standing).spared)
        if fresh is None:
            return None
        # An order of the last wave may be on its way still, from a process that has lost its
        # charge: of two orders with one name only one comes to be.
        names = {code: name for code, _, _, name in unused}
        wave = LiquidationWave.objects.create(
            call=fresh,
            number=fresh.wave,
            at=now,
            deficit=trade_calls.missing(call, standing),
            orders=[
                [code, side, quantity, names.get(code) or _new_name(fresh, code)]
                for code, side, quantity in wanted
            ],
        )
    log.warning("liquidation_wave", call=call.pk, wave=wave.number, orders=wave.orders)
    return wave


def _wanted(closing: Closing) -> tuple[str, str, str]:
    side = "buy" if closing.is_buy else "sell"
    return closing.code, side, decimals.text(closing.quantity)


def _terms(wave: LiquidationWave) -> list[tuple[str, str, str]]:
    return [order[:3] for order in _orders(wave)]


def _unused(account: LockedAccount, wave: LiquidationWave | None) -> list[WaveOrder]:
    """Return the orders of the wave that have not come to be."""
    if wave is None:
        return []
    orders = _orders(wave)
    named = Order.objects.filter(
        account_id=account.pk, client_order_id__in=[name for _, _, _, name in orders]
    )
    there = set(named.values_list("client_order_id", flat=True))
    return [order for order in orders if order[3] not in there]


def _orders(wave: LiquidationWave) -> list[WaveOrder]:
    """Return the wave's orders as they were written down."""
    return [
        # Waves of before were written down without names.
        (code, side, quantity, name[0] if name else _name(wave.call_id, wave.number, code))
        for code, side, quantity, *name in wave.orders
    ]


def _new_name(call: MarginCall, code: str) -> str:
    """Return a name for an order of the call's present wave, which nobody can guess."""
    return f"{_name(call.pk, call.wave, code)}-{secrets.token_hex(8)}"


def _name(call_id: int, number: int, code: str) -> str:
    return f"{LIQUIDATION_PREFIX}{call_id}-{number}-{code}"


def _tell_stuck(call: MarginCall, why: str, now: datetime) -> None:
    """Tell operations, once for each reason, that a call cannot be cured by rule."""
    log.error("liquidation_stuck", call=call.pk, reason=why)
    alerts.raise_alert(
        kind=Kind.LIQUIDATION,
        severity=Severity.SEVERE,
        account_id=call.account_id,
        evidence={"call": call.pk, "why": why},
        now=now,
        summary=f"A liquidation stands still: {why}",
        key=f"{call.pk}:{why}",
    )
