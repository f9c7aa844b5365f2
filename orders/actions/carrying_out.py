"""A corporate action from its approval to its end: orders, accounts, prices, in the right order.

Each step is done once however often it is asked for, so that what was cut short is simply carried
out again:

    halt -> (end the orders) -> entitle every account -> restate the instrument
         -> resume -> (carry the orders over) -> done

What a reverse split, a merger, a spin-off or a new symbol would leave without a meaning ends before
anything moves, so that no order holds what has to go. Everything else is carried over once prices
are on the new terms, as risk decides on the changed orders by them. A dividend moves no price of
ours and stops nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from marketdata import calendars, restating
from marketdata.calendars import Phase
from marketdata.models import Instrument
from orders.actions import services as corporate_actions
from orders.actions.adjustments import Action, Dividend, Removal, Split
from orders.actions.services import Enter, Outcome
from portfolio.actions import announcements, entitlements
from portfolio.actions import services as portfolio
from portfolio.actions.announcements import Announced
from portfolio.actions.services import Due

STILL: Final = timedelta(seconds=3)
"""How long we wait until a venue has noticed a halt or its end, and told of what came before."""


class UnableToCarryOut(ValueError):
    """It cannot be carried out now; the message says why and what to do."""


NONE: Final = Outcome()


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done now, and what it waits for: nothing when it is done."""

    entitled: int = 0
    paid: int = 0
    orders: Outcome = NONE
    waits_for: str = ""
    waits_for_a_day: bool = False
    is_done: bool = False


def carry_out(reference: str, *, enter: Enter, now: datetime) -> Progress:
    """Carry the approved action of this name on as far as it goes. Raises UnableToCarryOut."""
    try:
        due = portfolio.due(reference, now=now)
        if due.said.kind == "cash_dividend":
            return _dividend(due, enter, now)
        return _restructuring(due, enter, now)
    except portfolio.UnableToCarryOut as error:
        raise UnableToCarryOut(str(error)) from None


def _dividend(due: Due, enter: Enter, now: datetime) -> Progress:
    entitled = entitlements.entitle(due, now=now).entitled
    outcome = _carry_over(due, enter, now)
    if outcome.waiting:
        return Progress(entitled, 0, outcome, _orders(outcome))
    portfolio.restate(due, note="", now=now)
    paid = entitlements.pay(due, now=now)
    if not entitlements.is_paid(due):
        waits_for = f"its pay date, {due.said.pay_date}"
        return Progress(entitled, paid, outcome, waits_for, waits_for_a_day=True)
    portfolio.finish(due.id, detail=_detail(outcome), now=now)
    return Progress(entitled, paid, outcome, is_done=True)


def _restructuring(due: Due, enter: Enter, now: datetime) -> Progress:
    instrument = Instrument.objects.get(pk=due.instrument_id)
    _check_market(instrument, now)
    halted_at = restating.halt(instrument.pk, _halted(due), now=now)
    if instrument.calendar == calendars.ALWAYS and now - halted_at < STILL:
        return Progress(waits_for="the last executions before the halt")
    outcome = NONE
    ends_orders = announcements.ends_orders(due.said)
    if ends_orders:
        outcome = _carry_over(due, enter, now)
        if outcome.waiting:
            return Progress(orders=outcome, waits_for=_orders(outcome))
    progress = entitlements.entitle(due, now=now)
    if progress.waiting:
        waits_for = f"{progress.waiting} accounts whose shares are held by orders"
        return Progress(progress.entitled, 0, outcome, waits_for)
    # The orders to be carried over are those of before this very note.
    note = f"New terms of {due.said.reference}" if ends_orders else _note(due)
    portfolio.restate(due, note=note, now=now)
    resumed = f"Resumed after {due.said.reference}"
    resumed_at = restating.resume(instrument.pk, resumed, halted_by=_halted(due), now=now)
    if not ends_orders:
        if resumed_at is not None and now - resumed_at < STILL:
            # A venue that still halts would refuse the changes. It reopens by an auction, some
            # seconds later, so that no price of after meets an order of before.
            waits_for = "the venue to take orders again"
            return Progress(progress.entitled, waits_for=waits_for)
        outcome = _carry_over(due, enter, now)
        if outcome.waiting:
            return Progress(progress.entitled, 0, outcome, _orders(outcome))
    portfolio.finish(due.id, detail=_detail(outcome), now=now)
    return Progress(progress.entitled, 0, outcome, is_done=True)


def _check_market(instrument: Instrument, now: datetime) -> None:
    is_closed = (
        instrument.calendar == calendars.ALWAYS
        or calendars.phase(instrument.calendar, now) is Phase.CLOSED
    )
    if not (is_closed or instrument.halted):
        raise UnableToCarryOut(
            f"{instrument.symbol} is trading: wait for the end of late trading, or halt it."
        )


def _carry_over(due: Due, enter: Enter, now: datetime) -> Outcome:
    instrument = Instrument.objects.get(pk=due.instrument_id)
    return corporate_actions.adjust(
        instrument, _action(due.said), reference=due.said.reference, enter=enter, now=now
    )


def _action(said: Announced) -> Action:
    if said.kind == "cash_dividend":
        return Dividend(said.cash)
    if said.kind == "split":
        return Split(said.new_shares, said.old_shares)
    return Removal()


def _note(due: Due) -> str:
    return corporate_actions.note_of(due.said.reference)


def _halted(due: Due) -> str:
    return f"Halted for {due.said.reference}"


def _orders(outcome: Outcome) -> str:
    return f"{outcome.waiting} orders whose venue has not answered"


def _detail(outcome: Outcome) -> str:
    return f"{outcome.replaced} orders replaced, {outcome.cancelled} cancelled at last"
