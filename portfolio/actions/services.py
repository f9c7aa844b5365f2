"""Corporate actions: announced by one person, approved by another, carried out account by account.

    announced -> approved -> (entitled ->) done          announced, approved -> withdrawn

What each account gets is in `portfolio.actions.entitlements`; resting orders, and the order in
which all of it is done, are in `orders.actions.services`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import approvals, watchlists
from accounts.models import Approval, User
from foundation import decimals
from marketdata import calendars
from marketdata.instruments import restating
from marketdata.models import Instrument
from portfolio.actions import announcements
from portfolio.actions.announcements import Announced
from portfolio.actions.models import CorporateAction, CorporateActionStep

APPROVAL: Final = "portfolio.corporate_action"
Kind = CorporateAction.Kind
State = CorporateAction.State


class UnableToAnnounce(ValueError):
    """The announcement cannot be taken; the message says why."""


class UnableToCarryOut(ValueError):
    """The step is not open now; the message says why."""


@dataclass(frozen=True, slots=True)
class Due:
    """An action that may be carried out, and where it stands."""

    id: UUID
    instrument_id: UUID
    said: Announced
    state: str


def announce(said: Announced, *, by: User, now: datetime) -> CorporateAction:
    """Write down what was announced; another person has to approve it. Raises UnableToAnnounce."""
    try:
        announcements.check(said)
    except announcements.NotAnAnnouncement as error:
        raise UnableToAnnounce(str(error)) from None
    codes = Instrument.objects.in_bulk(
        [code for code in (said.instrument, said.into) if code], field_name="code"
    )
    unknown = {code for code in (said.instrument, said.into) if code} - codes.keys()
    if unknown:
        raise UnableToAnnounce(f"There is no instrument {unknown.pop()}.")
    if CorporateAction.objects.filter(reference=said.reference).exists():
        raise UnableToAnnounce(f"{said.reference} was announced before.")
    with transaction.atomic():
        action = CorporateAction.objects.create(
            **{
                **asdict(said),
                "instrument": codes[said.instrument],
                "into": codes[said.into] if said.into else None,
            },
            announced_at=now,
            announced_by=by,
        )
        _ask(action, by=by, reason=said.source, now=now)
        _step(action, State.ANNOUNCED, actor=f"operator:{by.pk}", detail=said.source, now=now)
    return action


def approve(action_id: UUID, *, by: User, reason: str, now: datetime) -> CorporateAction:
    """Agree to what another person has announced. Raises UnableToCarryOut.

    When nobody has for a day, this asks anew, for yet another person.
    """
    with transaction.atomic():
        action = _locked(action_id)
        if action.state != State.ANNOUNCED:
            raise UnableToCarryOut(f"It is {action.state}.")
        asked = asked_approval(action, now=now)
        try:
            if asked is None:
                _ask(action, by=by, reason=reason, now=now)
                return action
            if action.announced_by_id == by.pk:
                raise UnableToCarryOut("Another person has to approve what you have announced.")
            approvals.approve(asked.pk, by=by, reason=reason, now=now)
        except approvals.UnableToApprove as error:
            raise UnableToCarryOut(str(error)) from None
        _step(action, State.APPROVED, actor=f"operator:{by.pk}", detail=reason, now=now)
    return action


def withdraw(action_id: UUID, *, by: User, reason: str, now: datetime) -> CorporateAction:
    """End an action that nothing was done about. Raises UnableToCarryOut."""
    with transaction.atomic():
        action = _locked(action_id)
        is_untouched = not action.entitlements.exists()
        if action.state not in (State.ANNOUNCED, State.APPROVED) or not is_untouched:
            raise UnableToCarryOut("It is being carried out.")
        if not reason.strip():
            raise UnableToCarryOut("Say why.")
        asked = asked_approval(action, now=now)
        if asked is not None:
            approvals.refuse(asked.pk, by=by, reason=reason, now=now)
        _step(action, State.WITHDRAWN, actor=f"operator:{by.pk}", detail=reason, now=now)
    return action


def asked_approval(action: CorporateAction, *, now: datetime) -> Approval | None:
    """Return what waits for a second person."""
    return approvals.waiting(now=now, kind=APPROVAL).filter(subject=str(action.pk)).first()


# --- What is due -------------------------------------------------------------------------------


def due(reference: str, *, now: datetime) -> Due:
    """Return the action of this name, to be carried out or to go on with.

    Raises UnableToCarryOut before its ex-date, without approval, and when it is over.
    """
    action = CorporateAction.objects.filter(reference=reference).first()
    if action is None:
        raise UnableToCarryOut(f"Nothing was announced as {reference!r}.")
    if action.state not in (State.APPROVED, State.ENTITLED):
        raise UnableToCarryOut(f"{reference} is {action.get_state_display()}.")
    if calendars.date_of(now) < action.ex_date:
        raise UnableToCarryOut(f"{reference} is for {action.ex_date}.")
    return Due(action.pk, action.instrument_id, announced(action), action.state)


def waiting_on(day: date) -> list[str]:
    """Return the references of what is to be carried out on `day` or was before, oldest first."""
    found = CorporateAction.objects.filter(
        state__in=(State.APPROVED, State.ENTITLED), ex_date__lte=day
    )
    return list(found.order_by("ex_date", "reference").values_list("reference", flat=True))


def unfinished(by: date, *, paying_on: date) -> list[CorporateAction]:
    """Return what goes ex on `by` or went before and is not done, oldest first.

    A dividend that everybody is entitled to is only late when its pay date is `paying_on` or was
    before.
    """
    found = CorporateAction.objects.filter(
        state__in=(State.ANNOUNCED, State.APPROVED, State.ENTITLED), ex_date__lte=by
    ).exclude(kind=Kind.CASH_DIVIDEND, state=State.ENTITLED, pay_date__gt=paying_on)
    return list(found.order_by("ex_date", "reference"))


def announced(action: CorporateAction) -> Announced:
    """Return what was announced."""
    return Announced(
        reference=action.reference,
        kind=action.kind,
        instrument=action.instrument.code,
        ex_date=action.ex_date,
        source=action.source,
        pay_date=action.pay_date,
        cash=action.cash,
        new_shares=action.new_shares,
        old_shares=action.old_shares,
        into=action.into.code if action.into else None,
        price=action.price,
        cost_share=action.cost_share,
        symbol=action.symbol,
    )


# --- Once every account has its entitlement ----------------------------------------------------


def restate(due: Due, *, note: str, now: datetime) -> None:
    """Bring the instrument itself to the new terms: its prices, its symbol, or its end."""
    said = due.said
    with transaction.atomic():
        action = _locked(due.id)
        if action.state != State.APPROVED:
            return
        if said.kind == Kind.SPLIT:
            ratio = {"new": said.new_shares, "old": said.old_shares}
            restating.restate(due.instrument_id, note, **ratio, now=now)
            restating.adjust_for_split(
                due.instrument_id, said.reference, ex_date=said.ex_date, **ratio
            )
        elif said.kind == Kind.CASH_DIVIDEND:
            restating.adjust_for_dividend(
                due.instrument_id, said.reference, ex_date=said.ex_date, cash=said.cash
            )
        elif said.kind == Kind.SPIN_OFF:
            restating.adjust_for_spin_off(
                due.instrument_id, said.reference, ex_date=said.ex_date, share=said.cost_share
            )
        elif said.kind == Kind.MERGER:
            restating.retire(due.instrument_id, note, now=now)
        elif said.kind == Kind.SYMBOL_CHANGE:
            try:
                former = restating.rename(due.instrument_id, note, symbol=said.symbol, now=now)
            except restating.UnableToRename as error:
                raise UnableToCarryOut(str(error)) from None
            watchlists.rename(former, said.symbol, now=now)
        _step(action, State.ENTITLED, actor=_RULE, detail="", now=now)


def finish(action_id: UUID, *, detail: str, now: datetime) -> None:
    """Note that all of it is done."""
    with transaction.atomic():
        action = _locked(action_id)
        if action.state == State.ENTITLED:
            _step(action, State.DONE, actor=_RULE, detail=detail, now=now)


_RULE: Final = "rule:corporate-action"


def _locked(action_id: UUID) -> CorporateAction:
    return CorporateAction.objects.select_for_update(no_key=True, of=("self",)).get(pk=action_id)


def _ask(action: CorporateAction, *, by: User, reason: str, now: datetime) -> None:
    told = {
        name: decimals.text(value) if name in ("cash", "price", "cost_share") else value
        for name, value in asdict(announced(action)).items()
    }
    told["ex_date"] = str(action.ex_date)
    told["pay_date"] = str(action.pay_date) if action.pay_date else None
    approvals.ask(
        kind=APPROVAL, subject=str(action.pk), content=told, reason=reason, by=by, now=now
    )


def _step(
    action: CorporateAction, state: CorporateAction.State, *, actor: str, detail: str, now: datetime
) -> None:
    CorporateActionStep.objects.create(
        action=action, at=now, actor=actor, state=state, detail=detail[:300]
    )
    action.state = state
    action.save(update_fields=["state"])
