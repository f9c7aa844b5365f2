"""What each account gets of a corporate action: once, under its lock, restartable at any moment.

A dividend belongs to whoever had the shares when the ex-date began: that is read from the ledger,
however late it is asked for, with what was executed before then and booked since. Everything else
befalls what is held when it is carried out. That nothing is booked in between is for the caller to
see to (`orders.actions.entitling`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, auto
from types import MappingProxyType
from typing import Final, LiteralString
from uuid import UUID

from django.db import transaction

from accounts import activity, locks
from accounts.chain import Event
from accounts.locks import LockedAccount
from foundation import bulk, decimals, failpoints
from foundation.decimals import CASH
from marketdata import calendars
from marketdata.models import Instrument
from portfolio import books
from portfolio.actions import announcements, holdings
from portfolio.actions import rules as actions
from portfolio.actions import services as corporate_actions
from portfolio.actions.holdings import Held
from portfolio.actions.models import CorporateAction, EntitledLot, Entitlement
from portfolio.actions.rules import Effect, Part, Terms
from portfolio.actions.services import Due
from portfolio.books import Books, Move
from portfolio.models import Balance, LedgerAccount, Position, Transfer

ZERO: Final = Decimal(0)
NOTHING: Final = Part(ZERO, ZERO)
NOBODY: Final[Mapping[UUID, Decimal]] = MappingProxyType({})
ACTOR: Final = "rule:corporate-action"
Kind = CorporateAction.Kind

_HELD_THEN: Final[LiteralString] = """
SELECT held.owner_id, held.quantity FROM (
  SELECT l.owner_id, sum(CASE WHEN t.credit_id = l.id THEN t.amount ELSE -t.amount END) AS quantity
    FROM portfolio_ledgeraccount l JOIN portfolio_transfer t ON l.id IN (t.debit_id, t.credit_id)
   WHERE l.asset = %s AND l.owner_id IS NOT NULL AND t.at < %s
     AND (%s::uuid[] IS NULL OR l.owner_id = ANY(%s))
   GROUP BY l.owner_id) held
 WHERE held.quantity <> 0 AND NOT EXISTS (
  SELECT 1 FROM portfolio_entitlement e WHERE e.action_id = %s AND e.account_id = held.owner_id)
 ORDER BY held.owner_id"""


class _Done(Enum):
    """What became of one account: another process may have been faster."""

    NOW = auto()
    BEFORE = auto()
    NOT_YET = auto()


@dataclass(frozen=True, slots=True)
class Progress:
    """How many accounts were entitled now, and how many wait because orders hold their shares."""

    entitled: int
    waiting: int


def concerned(
    due: Due,
    *,
    account_ids: Sequence[UUID] | None = None,
    late: Mapping[UUID, Decimal] = NOBODY,
) -> dict[UUID, Decimal | None]:
    """Return the accounts that are still to be entitled, all or of these; of a dividend, with what.

    They come in the order in which accounts are locked. Of a dividend, `late` is what each account
    had besides what its books said when the ex-date began: what had been executed by then and was
    booked later, less what was taken back since.
    """
    if announcements.terms_of(due.said) is None:
        return {}
    wanted = None if account_ids is None else list(account_ids)
    if due.said.kind == Kind.CASH_DIVIDEND:
        return _had(due, wanted, late)
    known = Entitlement.objects.filter(action_id=due.id).values("account_id")
    found = Position.objects.filter(instrument_id=due.instrument_id).exclude(quantity=0)
    if wanted is not None:
        found = found.filter(account_id__in=wanted)
    ids = found.exclude(account_id__in=known).order_by("account_id")
    return dict.fromkeys(ids.values_list("account_id", flat=True))


def entitle(
    due: Due,
    *,
    now: datetime,
    account_ids: Sequence[UUID] | None = None,
    late: Mapping[UUID, Decimal] = NOBODY,
) -> Progress:
    """Entitle those who are `concerned`: each in a transaction of its own, if in no larger one."""
    terms = announcements.terms_of(due.said)
    if terms is None:
        return Progress(0, 0)
    entitled = waiting = 0
    for account_id, quantity in concerned(due, account_ids=account_ids, late=late).items():
        done = _entitle(due, terms, account_id, quantity, now)
        entitled += done is _Done.NOW
        waiting += done is _Done.NOT_YET
        failpoints.reach("actions.entitled")
    return Progress(entitled, waiting)


def pay(due: Due, *, now: datetime) -> int:
    """Pay a dividend to all who are entitled, and charge it to who was short, each once.

    Returns how many accounts that were; none before the pay date.
    """
    pays_on = due.said.pay_date or due.said.ex_date
    if due.said.kind != Kind.CASH_DIVIDEND or calendars.date_of(now) < pays_on:
        return 0
    paid = 0
    owed = Entitlement.objects.filter(action_id=due.id).exclude(cash=ZERO)
    for entitlement in owed.order_by("account_id").iterator():
        paid += _pay(due, entitlement, now)
        failpoints.reach("actions.paid")
    return paid


def payable(day: date, *, now: datetime) -> list[Due]:
    """Return the dividends that are to be paid on `day` or were before, oldest first.

    Their orders have been carried over; no others are paid.
    """
    waiting = (
        corporate_actions.due(reference, now=now) for reference in corporate_actions.waiting_on(day)
    )
    return [
        due
        for due in waiting
        if due.said.kind == Kind.CASH_DIVIDEND
        and due.state == CorporateAction.State.ENTITLED
        and (due.said.pay_date or due.said.ex_date) <= day
    ]


def pay_out(due: Due, *, now: datetime) -> int:
    """Pay a dividend, as `pay` does, and end the action once everybody is paid."""
    paid = pay(due, now=now)
    if is_paid(due):
        corporate_actions.finish(due.id, detail="Paid.", now=now)
    return paid


def is_paid(due: Due) -> bool:
    """Tell whether nobody waits for the dividend any more."""
    return not bulk.execute(_UNPAID, [due.id])


def _had(
    due: Due, account_ids: list[UUID] | None, late: Mapping[UUID, Decimal]
) -> dict[UUID, Decimal | None]:
    """Return what accounts had when the ex-date began that are not entitled yet."""
    begins = calendars.midnight(due.said.ex_date)
    about = (due.said.instrument, begins, account_ids, account_ids, due.id)
    had: dict[UUID, Decimal] = dict(bulk.execute(_HELD_THEN, about))
    known = set(Entitlement.objects.filter(action_id=due.id).values_list("account_id", flat=True))
    for account_id in late.keys() - known:
        had[account_id] = had.get(account_id, ZERO) + late[account_id]
    return {account_id: had[account_id] for account_id in sorted(had) if had[account_id]}


# --- One account -------------------------------------------------------------------------------


def _entitle(
    due: Due, terms: Terms, account_id: UUID, quantity: Decimal | None, now: datetime
) -> _Done:
    """Entitle one account, unless orders still hold what has to move."""
    with transaction.atomic():
        account = locks.lock(account_id)
        if Entitlement.objects.filter(action_id=due.id, account=account).exists():
            return _Done.BEFORE
        instrument = Instrument.objects.get(pk=due.instrument_id)
        if quantity is not None:
            held = Held(instrument.pk, (Part(quantity, ZERO),), (None,))
            found = actions.effect(held.parts, terms, increment=instrument.quantity_increment)
            _note(due, account, held, found, now)
        elif announcements.ends_orders(due.said) and _is_held(account, instrument):
            return _Done.NOT_YET
        else:
            _restructure(due, terms, account, instrument, now)
        failpoints.reach("actions.entitling")
    return _Done.NOW


def _restructure(
    due: Due, terms: Terms, account: LockedAccount, instrument: Instrument, now: datetime
) -> None:
    """Let what the account holds become what the action makes of it: lots, shares and cash."""
    other = Instrument.objects.get(code=due.said.into) if due.said.into else None
    ids = [each.pk for each in (instrument, other) if each]
    opened = books.ask_books(account_ids=[account.pk], instrument_ids=ids, for_fills=True).get()
    held = holdings.find(opened, account, instrument.pk)
    if not held.parts:
        return  # sold in this very moment
    increment = (other or instrument).quantity_increment
    found = actions.effect(held.parts, terms, increment=increment)
    got = _note(due, account, held, found, now)
    _book(due, opened, account, got, instrument, other, now)
    holdings.leave(
        opened,
        account,
        held,
        found,
        other_id=other.pk if other else None,
        reference=f"action:{got.pk}",
        now=now,
    )
    opened.close()
    _tell(due, account, got, instrument, other, now)


def _is_held(account: LockedAccount, instrument: Instrument) -> bool:
    return Balance.objects.filter(account=account, asset=instrument.code, held__gt=0).exists()


def _note(
    due: Due, account: LockedAccount, held: Held, found: Effect, now: datetime
) -> Entitlement:
    entitlement = Entitlement.objects.create(
        action_id=due.id,
        account=account,
        quantity_before=held.quantity,
        quantity_after=_quantity(found.own),
        cost_before=held.cost,
        cost_after=_cost(found.own),
        other_quantity=_quantity(found.other),
        other_cost=_cost(found.other),
        cash=found.cash,
        in_lieu=found.in_lieu,
        fraction=found.fraction,
        realised=sum(found.realised, ZERO),
        at=now,
    )
    if due.said.kind != Kind.CASH_DIVIDEND:
        bulk.insert(_lots(entitlement, held, found))
    return entitlement


def _lots(entitlement: Entitlement, held: Held, found: Effect) -> list[EntitledLot]:
    rows = [
        (lot_id, before, after, realised)
        for lot_id, before, after, realised in zip(
            held.lot_ids, held.parts, found.own, found.realised, strict=True
        )
    ]
    rows += [(None, NOTHING, part, ZERO) for part in found.other]
    return [
        bulk.new(
            EntitledLot,
            entitlement_id=entitlement.pk,
            lot_id=lot_id,
            quantity_before=before.quantity,
            quantity_after=after.quantity,
            cost_before=before.cost,
            cost_after=after.cost,
            realised=realised,
        )
        for lot_id, before, after, realised in rows
    ]


def _quantity(parts: Sequence[Part]) -> Decimal:
    return sum((part.quantity for part in parts), ZERO)


def _cost(parts: Sequence[Part]) -> Decimal:
    return sum((part.cost for part in parts), ZERO)


# --- Ledger ------------------------------------------------------------------------------------

_KINDS: Final = {
    Kind.SPLIT: Transfer.Kind.SPLIT,
    Kind.MERGER: Transfer.Kind.MERGER,
    Kind.SPIN_OFF: Transfer.Kind.DIVIDEND,  # of shares
}


def _book(
    due: Due,
    opened: Books,
    account: LockedAccount,
    got: Entitlement,
    instrument: Instrument,
    other: Instrument | None,
    now: datetime,
) -> None:
    """Move shares and cash between the customer and the issuer."""
    kind = _KINDS[Kind(due.said.kind)]
    change = got.quantity_after - got.quantity_before
    _move(opened, account, got, instrument.code, change, kind, "action", now)
    if other is not None:
        _move(opened, account, got, other.code, got.other_quantity, kind, "action", now)
    _move(opened, account, got, CASH, got.cash, kind, "action", now)
    _move(opened, account, got, CASH, got.in_lieu, Transfer.Kind.CASH_IN_LIEU, "in_lieu", now)


def _move(
    opened: Books,
    account: LockedAccount,
    got: Entitlement,
    asset: str,
    amount: Decimal,
    kind: Transfer.Kind,
    word: str,
    now: datetime,
) -> None:
    if not amount:
        return
    opened.move(
        account,
        Move(
            asset=asset,
            amount=amount,
            kind=kind,
            house=LedgerAccount.Kind.ISSUER,
            reference=f"{word}:{got.pk}",
            at=now,
            may_overdraw=got.quantity_before < 0,  # a cash account that owes its shares
        ),
    )


_UNPAID: Final[LiteralString] = """
    SELECT e.id FROM portfolio_entitlement e
     WHERE e.action_id = %s AND e.cash <> 0
       AND NOT EXISTS (SELECT FROM portfolio_transfer t WHERE t.reference = 'dividend:' || e.id)
     LIMIT 1"""


def _dividend_reference(entitlement: Entitlement) -> str:
    return f"dividend:{entitlement.pk}"


def _pay(due: Due, got: Entitlement, now: datetime) -> bool:
    reference = _dividend_reference(got)
    with transaction.atomic():
        account = locks.lock(got.account_id)
        if Transfer.objects.filter(reference=reference).exists():
            return False
        opened = books.ask_books(account_ids=[account.pk]).get()
        _move(opened, account, got, CASH, got.cash, Transfer.Kind.DIVIDEND, "dividend", now)
        opened.close()
        payload = {
            "symbol": Instrument.objects.get(pk=due.instrument_id).symbol,
            "amount": decimals.text(got.cash),
            "asset": CASH,
            "quantity": decimals.text(got.quantity_before),
            "per_share": decimals.text(due.said.cash),
            "action": due.said.reference,
        }
        activity.record([(account, Event("money.dividend", now, ACTOR, payload))])
    return True


# --- What the customer is told -----------------------------------------------------------------


def _tell(
    due: Due,
    account: LockedAccount,
    got: Entitlement,
    instrument: Instrument,
    other: Instrument | None,
    now: datetime,
) -> None:
    payload = {
        "symbol": instrument.symbol,
        "quantity": decimals.text(got.quantity_after - got.quantity_before),
        "position": decimals.text(got.quantity_after),
        "amount": decimals.text(got.cash),
        "action": due.said.reference,
    }
    if other is not None:
        payload |= {"into": other.symbol, "into_quantity": decimals.text(got.other_quantity)}
    told = [Event(f"holding.{due.said.kind}", now, ACTOR, payload)]
    if got.in_lieu or got.fraction:
        of = other or instrument
        paid = {
            "symbol": of.symbol,
            "quantity": decimals.text(got.fraction),
            "amount": decimals.text(got.in_lieu),
            "asset": CASH,
            "action": due.said.reference,
        }
        told.append(Event("money.cash_in_lieu", now, ACTOR, paid))
    activity.record([(account, event) for event in told])
