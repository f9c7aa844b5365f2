"""What people do about a break: take it, note, explain or correct it; two of them for money.

A correction is another transfer against suspense, never an edit, and is asked for by one and
carried out by the agreement of another. So is an explanation accepted of a break about money. A
correction that is refused, withdrawn or not decided on in time leaves the break as it was before;
one whose break is gone goes with it (`keeping`).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction

from accounts import activity, approvals, locks
from accounts.approvals import UnableToApprove
from accounts.chain import Event
from accounts.locks import UnknownAccount
from accounts.models import Account, Approval, User
from foundation import decimals
from foundation.decimals import CASH
from portfolio import books, house
from portfolio.books import Move
from portfolio.models import LedgerAccount, Transfer
from reconciliation.breaks import asked as asking
from reconciliation.breaks import harmless, keeping
from reconciliation.breaks.models import Break, BreakStep
from reconciliation.ours import CORRECTION
from reconciliation.records import BreakType

log = structlog.get_logger(__name__)

CORRECTED: Final = "corrected"
NOT_MADE: Final = "correction_not_made"
NOTHING: Final = Decimal(0)
NOTE_MAX: Final = BreakStep._meta.get_field("note").max_length or 0
HOUSE: Final = (
    LedgerAccount.Kind.BANK,
    LedgerAccount.Kind.SETTLEMENT,
    LedgerAccount.Kind.CLEARING,
    LedgerAccount.Kind.FEES,
    LedgerAccount.Kind.REGULATORY,
)
"""The accounts of the house that a correction may move money of, against suspense."""
State = Break.State
Kind = BreakStep.Kind


class UnableToResolve(ValueError):
    """The step is not open to this person now; the message says why."""


def needs_two(row: Break) -> bool:
    """Tell whether what becomes of the break is for two people to agree on."""
    return harmless.is_about_money(kind=BreakType(row.type), key=row.key)


def take(break_id: int, *, by: User, now: datetime) -> None:
    """Make the break this person's. Raises UnableToResolve."""
    with transaction.atomic():
        row = _open(break_id)
        _assign(row, by)
        keeping.step(row, Kind.TAKEN, actor=_actor(by), now=now)


def assign(break_id: int, *, to: User, by: User, note: str, now: datetime) -> None:
    """Make the break another person's. Raises UnableToResolve."""
    if not (to.is_staff and to.is_active):
        raise UnableToResolve("Breaks are worked by staff.")
    with transaction.atomic():
        row = _open(break_id)
        _assign(row, to)
        keeping.step(
            row, Kind.ASSIGNED, actor=_actor(by), now=now, note=_clean(note),
            facts={"to": str(to.pk), "name": to.name},
        )  # fmt: skip


def note(break_id: int, *, by: User, note: str, now: datetime) -> None:
    """Write down what was found, also of a break that is resolved. Raises UnableToResolve."""
    with transaction.atomic():
        row = _locked(break_id)
        keeping.step(row, Kind.NOTED, actor=_actor(by), now=now, note=_said(note))


def explain(break_id: int, *, by: User, reason: str, now: datetime) -> None:
    """Say why the sides differ and that it may stay so; about money another has to accept it.

    Raises UnableToResolve.
    """
    with transaction.atomic():
        row = _undecided(break_id, now)
        keeping.step(row, Kind.EXPLAINED, actor=_actor(by), now=now, note=_said(reason))
        if needs_two(row):
            row.state = State.EXPLAINED
            row.save(update_fields=["state"])
        else:
            _close(row, harmless.ACCEPTED, now)


def accept(break_id: int, *, by: User, reason: str, now: datetime) -> None:
    """Accept what another person has explained. Raises UnableToResolve."""
    with transaction.atomic():
        row = _explained(break_id)
        if _explained_by(row) == _actor(by):
            raise UnableToResolve("Another person has to accept what you have explained.")
        keeping.step(row, Kind.ACCEPTED, actor=_actor(by), now=now, note=_clean(reason))
        _close(row, harmless.ACCEPTED, now)


def refuse(break_id: int, *, by: User, reason: str, now: datetime) -> None:
    """Refuse an explanation, or take one's own back: the break is open again."""
    with transaction.atomic():
        row = _explained(break_id)
        keeping.step(row, Kind.REFUSED, actor=_actor(by), now=now, note=_said(reason))
        _reopen(row)


def ask_to_correct(
    break_id: int,
    *,
    amount: Decimal,
    account: str,
    by: User,
    reason: str,
    now: datetime,
) -> Approval:
    """Ask another person to agree to a correcting entry, in USD.

    `account` gets the amount out of suspense, or gives it when it is negative: an account of the
    house by its kind, or a customer's by its id. What the bank has and we do not know (bank,
    +250.00) raises what our books say lies there. Raises UnableToResolve.
    """
    with transaction.atomic():
        row = _undecided(break_id, now)
        if not needs_two(row) or row.state == State.EXPLAINED:
            raise UnableToResolve("There is nothing to correct, or an explanation to decide on.")
        _check(amount, account)
        try:
            asked = approvals.ask(
                kind=asking.APPROVAL,
                subject=str(row.pk),
                content={
                    "break": str(row),
                    "apart": row.apart,
                    "source": row.source,
                    "day": row.day.isoformat(),
                    "account": account,
                    "amount": decimals.text(amount),
                    "against": LedgerAccount.Kind.SUSPENSE.value,
                },
                reason=reason,
                by=by,
                now=now,
            )
        except UnableToApprove as error:
            raise UnableToResolve(str(error)) from None
        row.state = State.RESOLVING
        row.save(update_fields=["state"])
        facts = {"account": account, "amount": decimals.text(amount)}
        keeping.step(row, Kind.ASKED, actor=_actor(by), now=now, note=reason.strip(), facts=facts)
    return asked


def approve(approval_id: UUID, *, by: User, reason: str, now: datetime) -> None:
    """Agree to the correction that another has asked for, and book it.

    Raises UnableToResolve and UnableToApprove; then nothing is booked, and it waits as before.
    """
    with transaction.atomic():
        row = _about(approval_id)
        if not row.is_open:
            raise UnableToResolve("The break is resolved already.")
        approval = approvals.approve(approval_id, by=by, reason=reason, now=now)
        if row.state != State.RESOLVING:
            raise UnableToResolve("The correction does not wait any more.")
        if approval.content.get("apart", row.apart) != row.apart:
            raise UnableToResolve(f"By now it is {row.apart} apart: refuse it, and ask again.")
        amount = Decimal(approval.content["amount"])
        account = approval.content["account"]
        _check(amount, account)
        _book(row, amount, account, approval.reason, _actor(by), now)
        keeping.step(
            row, Kind.CORRECTED, actor=_actor(by), now=now, note=reason, facts=_facts(approval)
        )
        _close(row, CORRECTED, now)


def decline(approval_id: UUID, *, by: User, reason: str, now: datetime) -> None:
    """Refuse a correction, or withdraw one's own: the break is as it was before, and who asked
    for it is told. Raises UnableToResolve and UnableToApprove.
    """
    with transaction.atomic():
        said, row = _said(reason), _about(approval_id)
        approvals.refuse(approval_id, by=by, reason=said, now=now)
        approval = Approval.objects.select_related("asked_by").get(pk=approval_id)
        is_own = approval.asked_by_id == by.pk
        kind = Kind.WITHDRAWN if is_own else Kind.REFUSED
        keeping.step(row, kind, actor=_actor(by), now=now, note=said, facts=_facts(approval))
        if row.is_open:
            _reopen(row)
        if not is_own:
            asking.tell(approval, row, NOT_MADE, f"was refused: {said}", now)


def let_lapse(*, now: datetime) -> int:
    """Carry on breaks whose correction nobody has decided on in time; return how many."""
    lapsed = 0
    for pk in Break.objects.filter(state=State.RESOLVING).order_by("pk").values_list("pk"):
        with transaction.atomic():
            row = _locked(*pk)
            lapsed += _lapses(row, now)
    return lapsed


def _lapses(row: Break, now: datetime) -> bool:
    """Carry the break on if its correction has waited too long; tell whether it had."""
    if row.state != State.RESOLVING or asking.waiting(row, now=now) is not None:
        return False
    asked = Approval.objects.filter(kind=asking.APPROVAL, subject=str(row.pk))
    approval = asked.select_related("asked_by").latest("asked_at")
    keeping.step(row, Kind.LAPSED, actor=keeping.RULE, now=now, facts=_facts(approval))
    _reopen(row)
    asking.tell(approval, row, NOT_MADE, "was not decided on in time", now)
    return True


def _facts(approval: Approval) -> dict[str, str]:
    return {name: approval.content[name] for name in ("account", "amount")}


def _book(
    row: Break, amount: Decimal, account: str, reason: str, actor: str, now: datetime
) -> None:
    """Move the amount out of suspense to the account, or back into it where it is negative."""
    reference, suspense = f"{CORRECTION}{row.pk}", LedgerAccount.Kind.SUSPENSE
    why = f"{row}: {reason}"[:200]
    if account in {kind.value for kind in HOUSE}:
        # More in the bank is less in the ledger's account of it: what it gave came from outside.
        other = LedgerAccount.Kind(account)
        debit, credit = (other, suspense) if amount > 0 else (suspense, other)
        house.move(
            debit=debit, credit=credit, amount=abs(amount), kind=Transfer.Kind.CORRECTION,
            reference=reference, at=now, reason=why,
        )  # fmt: skip
        return
    locked = locks.lock(UUID(account))
    opened = books.ask_books(account_ids=[locked.pk]).get()
    opened.move(
        locked,
        Move(
            asset=CASH, amount=amount, kind=Transfer.Kind.CORRECTION, house=suspense,
            reference=reference, at=now, reason=why, may_overdraw=True,
        ),
    )  # fmt: skip
    opened.close()
    payload = {"amount": decimals.text(amount), "asset": CASH, "reason": reason}
    activity.record([(locked, Event("money.corrected", now, actor, payload))])


def _check(amount: Decimal, account: str) -> None:
    if not amount or amount != decimals.quantize(amount, asset=CASH, rounding=decimals.DOWN):
        raise UnableToResolve("The amount must be in whole cents, and not zero.")
    if account in {kind.value for kind in HOUSE}:
        return
    try:
        with transaction.atomic():
            locked = locks.lock(UUID(account))
    except (ValueError, UnknownAccount):
        raise UnableToResolve("It corrects an account of the house, or a customer's.") from None
    if locked.status == Account.Status.CLOSED:
        raise UnableToResolve("The customer's account is closed.")


def _about(approval_id: UUID) -> Break:
    """Return the break of a correction, locked before anything is decided about it: whoever finds
    the break gone takes the two in this order, too."""
    asked = Approval.objects.filter(pk=approval_id, kind=asking.APPROVAL).first()
    if asked is None:
        raise UnableToApprove("There is nothing to approve.")
    return _locked(int(asked.subject))


def _locked(break_id: int) -> Break:
    row = Break.objects.select_for_update(no_key=True).filter(pk=break_id).first()
    if row is None:
        raise UnableToResolve("There is no such break.")
    return row


def _open(break_id: int) -> Break:
    row = _locked(break_id)
    if not row.is_open:
        raise UnableToResolve("The break is resolved already.")
    return row


def _undecided(break_id: int, now: datetime) -> Break:
    """Return an open break without a correction that waits."""
    row = _open(break_id)
    if asking.waiting(row, now=now) is not None:
        raise UnableToResolve("A correction waits for a second person.")
    _lapses(row, now)
    return row


def _explained(break_id: int) -> Break:
    row = _open(break_id)
    if row.state != State.EXPLAINED:
        raise UnableToResolve("Nobody has explained it.")
    return row


def _explained_by(row: Break) -> str:
    last = row.steps.filter(kind=Kind.EXPLAINED).order_by("-number").first()
    return last.actor if last is not None else ""


def _assign(row: Break, to: User) -> None:
    row.assigned_to = to
    if row.state == State.OPEN:
        row.state = State.ASSIGNED
    row.save(update_fields=["assigned_to", "state"])


def _reopen(row: Break) -> None:
    row.state = State.ASSIGNED if row.assigned_to_id else State.OPEN
    row.save(update_fields=["state"])


def _close(row: Break, rule: str, now: datetime) -> None:
    row.state, row.rule, row.resolved_at = State.RESOLVED, rule, now
    row.save(update_fields=["state", "rule", "resolved_at"])
    log.warning("break_resolved", number=row.pk, source=row.source, rule=rule)


def _said(note: str) -> str:
    said = _clean(note)
    if not said:
        raise UnableToResolve("Say what you have found, or why.")
    return said


def _clean(note: str) -> str:
    return note.strip()[:NOTE_MAX]


def _actor(by: User) -> str:
    return f"operator:{by.pk}"
