"""Deposits and withdrawals: asked for, carried on step by step, undone when they come back.

What may follow what is in `portfolio.funding.passage`. Every step is a row, booked with its
transfers under the account's lock, and taken twice it counts once. A withdrawal goes to a payee
of the account that may be paid now (`portfolio.payees`); that whoever asks has just proved a
strong second factor is for the edge to have seen to.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Q, Sum

from accounts import approvals, locks
from accounts import services as accounts
from accounts.letters import writing
from accounts.locks import LockedAccount
from accounts.models import Account, Approval, User
from foundation import decimals
from foundation.decimals import CASH
from portfolio.funding import amounts, keeping, passage
from portfolio.funding import moves as funding_moves
from portfolio.funding.amounts import Asked
from portfolio.funding.models import Funding
from portfolio.funding.passage import Direction, Movement, State, Step
from portfolio.payees import cancel_links
from portfolio.payees import services as payees
from portfolio.payees.precautions import Objection

log = structlog.get_logger(__name__)

APPROVAL: Final = "portfolio.withdrawal"
REFERENCE_LENGTH_MAX: Final = 32
ZERO: Final = Decimal(0)

_TOLD: Final = {
    (Direction.DEPOSIT, Step.SETTLE): "deposited",
    (Direction.DEPOSIT, Step.RETURN): "deposit_returned",
    (Direction.WITHDRAWAL, Step.APPROVE): "withdrawal_approved",
    (Direction.WITHDRAWAL, Step.SEND): "withdrawal_sent",
    (Direction.WITHDRAWAL, Step.SETTLE): "withdrawal_settled",
    (Direction.WITHDRAWAL, Step.RETURN): "withdrawal_returned",
    (Direction.WITHDRAWAL, Step.CANCEL): "withdrawal_cancelled",
}


class UnableToDeposit(ValueError):
    """The amount cannot be booked; the message says why."""


class UnableToWithdraw(ValueError):
    """The amount cannot leave; the message says why, and `code` in a stable word.

    `until` is when to ask again, where waiting helps.
    """

    def __init__(
        self, message: str, *, code: str = "invalid_amount", until: datetime | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.until = until


class UnableToCarryOn(ValueError):
    """The step is not open; the message says why."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What is on its way, in USD: deposits that have not arrived, withdrawals that have left.

    Coins count with what they were worth when they were asked for.
    """

    coming: Decimal
    going: Decimal


# --- Asking ------------------------------------------------------------------------------------


def expect_deposit(
    *,
    account_id: UUID,
    amount: Decimal,
    reference: str,
    actor: str,
    now: datetime,
    bank: str = "",
) -> Funding:
    """Write down that this money is on its way here; it is the customer's once it settles.

    The same reference again is answered with the same deposit. Raises UnableToDeposit.
    """
    with transaction.atomic():
        account = locks.lock(account_id)
        asked = _cash(amount)
        known = _known(account, Direction.DEPOSIT, CASH, amount, reference, UnableToDeposit)
        if known is not None:
            return known
        found = keeping.new(account, Direction.DEPOSIT, asked, reference, bank, actor, now)
        keeping.record(account, "deposit_pending", found, actor, now)
    return found


def deposit(
    *, account_id: UUID, amount: Decimal, reference: str, actor: str, now: datetime
) -> bool:
    """Credit `amount` of cash that is here already, once for each `reference`.

    Returns False when this reference was booked before with the same amount. Raises
    UnableToDeposit for an amount that is not positive or has parts of a cent, and when the
    reference stands for another amount.
    """
    with transaction.atomic():
        account = locks.lock(account_id)
        asked, of = _cash(amount), Direction.DEPOSIT
        if _known(account, of, CASH, amount, reference, UnableToDeposit) is not None:
            return False
        found = keeping.new(account, of, asked, reference, "", actor, now)
        _carry_on(account, found, Step.SETTLE, actor=actor, reason="", now=now)
    return True


def request_withdrawal(
    *,
    account_id: UUID,
    payee_id: UUID,
    amount: Decimal,
    reference: str,
    actor: str,
    now: datetime,
    coin: str = CASH,
    lendable: Decimal | None = None,
) -> Funding:
    """Set cash or coins aside that the customer wants sent to a payee; they cannot be spent or
    sold from now on.

    `amount` is what is to arrive, of `coin`; the fee of its network is set aside with it.
    `lendable` is what of it a margin account may part with, and needed for one. The same reference
    again is answered with the same withdrawal. Raises UnableToWithdraw.
    """
    with transaction.atomic():
        account = locks.lock(account_id)
        known = _known(account, Direction.WITHDRAWAL, coin, amount, reference, UnableToWithdraw)
        if known is not None:
            return known
        asked = _asked(coin, amount, now)
        if account.status != Account.Status.ACTIVE:
            raise UnableToWithdraw(f"The account is {account.status}.", code="account_not_active")
        if account.margin and lendable is None:
            raise UnableToWithdraw("What the account must keep is not known.", code="not_known")
        payee = payees.ready(account, payee_id, coin=coin, value=asked.value, now=now)
        if isinstance(payee, Objection):
            raise UnableToWithdraw(payee.message, code=payee.code, until=payee.until)
        opened = funding_moves.opened_for(account, asked.asset)
        most = passage.withdrawable(
            available=opened.available(account, asked.asset),
            unsettled=funding_moves.unsettled(account, opened, asked.asset, now=now),
            lendable=lendable if account.margin else None,
        )
        if asked.total > most:
            raise UnableToWithdraw(_too_much(asked, coin, most), code="insufficient_funds")
        found = keeping.new(
            account, Direction.WITHDRAWAL, asked, reference, payee.destination.text, actor, now,
            payee=payee,
        )  # fmt: skip
        funding_moves.set_aside(account, opened, found, now)
        opened.close()
        keeping.record(account, "withdrawal_requested", found, actor, now)
        writing.write(
            account.user,
            "withdrawal_requested",
            now=now,
            amount=found.text,
            payee=payee.destination.text,
            link=cancel_links.address(funding=found, now=now),
        )
    return found


# --- Carrying on -------------------------------------------------------------------------------


def approve(funding_id: UUID, *, by: User, reason: str, now: datetime) -> Funding:
    """Approve a withdrawal. A large one waits for a second person: the first one only asks.

    Who has entered a withdrawal does not approve it. Raises UnableToCarryOn.
    """
    with transaction.atomic():
        account, funding = _locked(funding_id)
        if Step.APPROVE not in _open_steps(funding):
            raise UnableToCarryOn(f"It is {funding.state}.")
        if funding.asked_by == f"operator:{by.pk}":
            raise UnableToCarryOn("Another person has to approve what you have entered.")
        direction = Direction(funding.direction)
        if passage.needs_two_people(direction, funding.value):
            asked = asked_approval(funding, now=now)
            try:
                if asked is None:
                    _ask(funding, by=by, reason=reason, now=now)
                    return funding
                approvals.approve(asked.pk, by=by, reason=reason, now=now)
            except approvals.UnableToApprove as error:
                raise UnableToCarryOn(str(error)) from None
        actor = f"operator:{by.pk}"
        _carry_on(account, funding, Step.APPROVE, actor=actor, reason=reason, now=now)
    return funding


def asked_approval(funding: Funding, *, now: datetime) -> Approval | None:
    """Return what one person has asked for and a second one has not decided yet."""
    waiting = approvals.waiting(now=now, kind=APPROVAL)
    return waiting.filter(subject=str(funding.pk)).first()


def take(funding_id: UUID, step: Step, *, actor: str, reason: str, now: datetime) -> bool:
    """Carry a deposit or withdrawal on by what the bank or a person says; False for a repeat.

    A deposit that comes back is taken from the customer, also when the cash is gone: the account
    then owes it and is restricted, with or without margin. Who has entered a deposit does not say
    that it has settled. Raises UnableToCarryOn. To approve is `approve`.
    """
    if step is Step.APPROVE:
        raise UnableToCarryOn("A person approves.")
    with transaction.atomic():
        account, funding = _locked(funding_id)
        if funding.steps.latest("number").step == step:
            return False
        if passage.is_credit(Direction(funding.direction), step) and funding.asked_by == actor:
            raise UnableToCarryOn("Another person has to see that what you entered has settled.")
        _carry_on(account, funding, step, actor=actor, reason=reason, now=now)
    return True


def _carry_on(
    account: LockedAccount,
    funding: Funding,
    step: Step,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    direction = Direction(funding.direction)
    try:
        there = passage.after(direction, State(funding.state), step)
    except passage.NoSuchStep as error:
        raise UnableToCarryOn(str(error)) from None
    never_came = step is Step.RETURN and funding.state == State.PENDING
    opened = funding_moves.opened_for(account, funding.asset)
    funding_moves.carry_out(there.movement, account, opened, funding, now)
    opened.close()
    has_left = there.movement is Movement.UNDO and direction is Direction.DEPOSIT
    owed = max(-opened.available(account, CASH), ZERO) if has_left else ZERO
    keeping.note(funding, there.state, step, actor=actor, reason=reason, now=now, owed=owed)
    told = "deposit_failed" if never_came else _TOLD[direction, step]
    keeping.record(account, told, funding, actor, now)
    if owed:
        _restrict(account, funding, owed, actor, now)


def _restrict(
    account: LockedAccount, funding: Funding, owed: Decimal, actor: str, now: datetime
) -> None:
    log.error("deposit_returned_unpaid", account=account.number, owed=decimals.text(owed))
    if account.status != Account.Status.ACTIVE:
        return
    accounts.change_status(
        account.pk,
        status=Account.Status.RESTRICTED,
        reason=f"The deposit {funding.reference} came back, {decimals.text(owed)} USD are owed.",
        actor=actor,
        now=now,
    )


# --- What is known -----------------------------------------------------------------------------


def pending(account_ids: Collection[UUID]) -> dict[UUID, Pending]:
    """Return what is on its way to and from each of these accounts, of those that have any."""
    under_way = Q()
    for direction, states in passage.UNDER_WAY.items():
        under_way |= Q(direction=direction, state__in=states)
    rows = (
        Funding.objects.filter(under_way, account_id__in=account_ids)
        .values_list("account_id", "direction")
        .annotate(sum=Sum("value"))
    )
    found: dict[UUID, dict[str, Decimal]] = {}
    for account_id, way, amount in rows:
        found.setdefault(account_id, {})[way] = amount
    return {
        account_id: Pending(
            coming=by_way.get(Direction.DEPOSIT, ZERO), going=by_way.get(Direction.WITHDRAWAL, ZERO)
        )
        for account_id, by_way in found.items()
    }


def _locked(funding_id: UUID) -> tuple[LockedAccount, Funding]:
    """Lock the account of a funding and read it as it then stands. Raises UnableToCarryOn."""
    found = Funding.objects.filter(pk=funding_id).values_list("account_id", flat=True).first()
    if found is None:
        raise UnableToCarryOn("There is no such deposit or withdrawal.")
    account = locks.lock(found)
    return account, Funding.objects.get(pk=funding_id)


def _cash(amount: Decimal) -> Asked:
    try:
        return amounts.cash(amount)
    except amounts.UnableToLeave as error:
        raise UnableToDeposit(str(error)) from None


def _asked(coin: str, amount: Decimal, now: datetime) -> Asked:
    try:
        return amounts.cash(amount) if coin == CASH else amounts.of_coin(coin, amount, now=now)
    except amounts.UnableToLeave as error:
        raise UnableToWithdraw(str(error), code=error.code) from None


def _too_much(asked: Asked, coin: str, most: Decimal) -> str:
    beside = max(most - asked.fee, ZERO)
    if not asked.fee:
        return f"{decimals.text(most)} {coin} can be withdrawn."
    fee = decimals.text(asked.fee)
    return f"{decimals.text(beside)} {coin} can be withdrawn, beside the fee of {fee} {coin}."


def _open_steps(funding: Funding) -> tuple[Step, ...]:
    return passage.steps_from(Direction(funding.direction), State(funding.state))


def _known(
    account: LockedAccount,
    direction: Direction,
    asset: str,
    amount: Decimal,
    reference: str,
    refuse: type[ValueError],
) -> Funding | None:
    """Return what this reference stands for already. Raises `refuse` if that is another amount,
    and for what is no reference."""
    if not 0 < len(reference) <= REFERENCE_LENGTH_MAX or not reference.isprintable():
        raise refuse(f"A reference has 1 to {REFERENCE_LENGTH_MAX} characters.")
    before = Funding.objects.filter(
        account=account, direction=direction, reference=reference
    ).first()
    if before is not None and (before.coin, before.amount) != (asset, amount):
        raise refuse(f"This {direction} was booked before with another amount.")
    return before


def _ask(funding: Funding, *, by: User, reason: str, now: datetime) -> None:
    approvals.ask(
        kind=APPROVAL,
        subject=str(funding.pk),
        content={
            "account": str(funding.account_id),
            "amount": funding.text,
            "value": decimals.text(funding.value),
            "bank": funding.bank,
            "reference": funding.reference,
        },
        reason=reason,
        by=by,
        now=now,
    )
