"""A corporate action from its approval to its end: orders, accounts, prices, in the right order.

Each step is done once however often it is asked for, so that what was cut short is simply carried
out again:

    halt -> (end the orders) -> hear of all that was executed -> entitle every account
         -> restate the instrument -> resume -> (carry the orders over) -> done

What a reverse split, a merger, a spin-off or a new symbol would leave without a meaning ends before
anything moves, so that no order holds what has to go. Everything else is carried over once prices
are on the new terms, as risk decides on the changed orders by them. What was executed on the old
terms is booked before anything is on the new ones. A dividend moves no price of ours and stops
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from marketdata import calendars
from marketdata.calendars import Phase
from marketdata.instruments import restating
from marketdata.models import Instrument
from orders.actions import entitling, stragglers
from orders.actions import services as corporate_actions
from orders.actions.adjustments import Action, Dividend, Removal, Split
from orders.actions.services import Enter, Outcome
from portfolio.actions import announcements, entitlements
from portfolio.actions import services as portfolio
from portfolio.actions.announcements import Announced
from portfolio.actions.late import STILL as STILL
from portfolio.actions.models import CorporateAction
from portfolio.actions.services import Due


class UnableToCarryOut(ValueError):
    """It cannot be carried out now; the message says why and what to do."""


NONE: Final = Outcome()
BOOKED_MEANWHILE: Final = "those who have come by a trade that was booked meanwhile"


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
    entitled = 0
    instrument = Instrument.objects.get(pk=due.instrument_id)
    if not _is_entitled(due):
        begins = calendars.midnight(due.said.ex_date)
        awaited = stragglers.awaited(instrument, since=begins, now=now)
        if awaited:
            return Progress(waits_for=awaited)
        entitled = entitling.to_dividend(due, instrument, now=now)
    outcome = _carry_over(due, enter, now)
    if outcome.waiting:
        return Progress(entitled, 0, outcome, _orders(outcome))
    if not entitling.mark(due, instrument, note="", now=now):
        return Progress(entitled, 0, outcome, BOOKED_MEANWHILE)
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
    still_at = halted_at if _is_closed(instrument, now) else halted_at + STILL
    if now < still_at:
        return Progress(waits_for="the last executions before the halt")
    outcome = NONE
    ends_orders = announcements.ends_orders(due.said)
    if ends_orders:
        outcome = _carry_over(due, enter, now)
        if outcome.waiting:
            return Progress(orders=outcome, waits_for=_orders(outcome))
    progress = _entitled(due, instrument, still_at, now)
    if progress.waits_for:
        return replace(progress, orders=outcome)
    # The orders to be carried over are those of before this very note.
    note = f"New terms of {due.said.reference}" if ends_orders else _note(due)
    if not entitling.mark(due, instrument, note=note, now=now):
        return replace(progress, orders=outcome, waits_for=BOOKED_MEANWHILE)
    resumed = f"Resumed after {due.said.reference}"
    resumed_at = restating.resume(instrument.pk, resumed, halted_by=_halted(due), now=now)
    if not ends_orders:
        if resumed_at is not None and now - resumed_at < STILL:
            # A venue that still halts would refuse the changes. It reopens by an auction, some
            # seconds later, so that no price of after meets an order of before.
            return replace(progress, waits_for="the venue to take orders again")
        outcome = _carry_over(due, enter, now)
        if outcome.waiting:
            return replace(progress, orders=outcome, waits_for=_orders(outcome))
    portfolio.finish(due.id, detail=_detail(outcome), now=now)
    return replace(progress, orders=outcome, is_done=True)


def _entitled(due: Due, instrument: Instrument, still_at: datetime, now: datetime) -> Progress:
    """Bring every account onto the new terms, once all is booked that was executed on the old.

    Nobody once they all are: what is bought from then on is on the new terms already.
    """
    if _is_entitled(due):
        return Progress()
    undecided = corporate_actions.undecided(instrument, now=now)
    if undecided:
        return Progress(waits_for=_unanswered(undecided))
    awaited = stragglers.awaited(instrument, since=still_at, now=now)
    if awaited:
        return Progress(waits_for=awaited)
    found = entitlements.entitle(due, now=now)
    waits_for = f"{found.waiting} accounts whose shares are held by orders"
    return Progress(found.entitled, waits_for=waits_for if found.waiting else "")


def _check_market(instrument: Instrument, now: datetime) -> None:
    is_endless = instrument.calendar == calendars.ALWAYS
    if not (is_endless or instrument.halted or _is_closed(instrument, now)):
        raise UnableToCarryOut(
            f"{instrument.symbol} is trading: wait for the end of late trading, or halt it."
        )


def _is_closed(instrument: Instrument, now: datetime) -> bool:
    return calendars.phase(instrument.calendar, now) is Phase.CLOSED


def _is_entitled(due: Due) -> bool:
    """Tell whether every account was entitled: that is done once, and not again."""
    return due.state == CorporateAction.State.ENTITLED


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
    return _unanswered(outcome.waiting)


def _unanswered(orders: int) -> str:
    return f"{orders} orders whose venue has not answered"


def _detail(outcome: Outcome) -> str:
    return f"{outcome.replaced} orders replaced, {outcome.cancelled} cancelled at last"
