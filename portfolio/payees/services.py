"""Payees and limits: added, removed, chosen, and asked whether money may leave now.

What precautions there are is in `portfolio.payees.precautions`; here they are held against what
the tables say, under the account's lock. That the customer has just proved a strong second factor
is for the edge to have seen to.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from accounts import activity, locks, selectors
from accounts.chain import Event
from accounts.letters import writing
from accounts.locks import LockedAccount
from accounts.models import Account
from foundation import decimals
from foundation.decimals import CASH
from marketdata import calendars
from portfolio.funding.models import Funding
from portfolio.funding.passage import Direction, State
from portfolio.payees import cancel_links, destinations, precautions
from portfolio.payees.models import DailyLimit, Payee
from portfolio.payees.precautions import Code, Objection

PAYEES_MAX: Final = 10
LABEL_LENGTH_MAX: Final = 60
ZERO: Final = Decimal(0)
_NOT_OUT: Final = (State.CANCELLED, State.RETURNED)


class UnableToAdd(ValueError):
    """There is no such payee to be had; `field` is what was wrong, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnableToLimit(ValueError):
    """The limit cannot be chosen; the message says why."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What may leave on a day, in USD; `next` is what was chosen and holds from `next_from` on."""

    amount: Decimal
    next: Decimal | None = None
    next_from: datetime | None = None


# --- Payees ------------------------------------------------------------------------------------


def add(
    *,
    account_id: UUID,
    kind: str,
    holder: str,
    numbers: dict[str, str],
    actor: str,
    now: datetime,
    label: str = "",
) -> Payee:
    """Add a payee, to be paid when its waiting time is over, and write the customer a letter.

    The same bank account or address again is refused. Raises destinations.InvalidDestination,
    UnableToAdd.
    """
    wanted = destinations.destination(kind, holder=holder, numbers=numbers)
    name = " ".join(label.split())
    if len(name) > LABEL_LENGTH_MAX or not name.isprintable():
        raise UnableToAdd("label", f"A name has at most {LABEL_LENGTH_MAX} characters.")
    with transaction.atomic():
        account = locks.lock(account_id)
        if account.status != Account.Status.ACTIVE:
            raise UnableToAdd("kind", f"The account is {account.status}.")
        if not destinations.is_of(wanted.holder, account.user.name):
            raise UnableToAdd(
                "holder", f"Money goes to accounts of your own: {account.user.name} must hold it."
            )
        known = payees(account_id)
        if len(known) >= PAYEES_MAX:
            raise UnableToAdd("kind", f"An account has at most {PAYEES_MAX} payees: remove one.")
        fingerprint = Payee.fingerprint_of(wanted)
        if any(each.fingerprint == fingerprint for each in known):
            raise UnableToAdd(destinations.NUMBER[wanted.kind], "You have this payee already.")
        payee = Payee.objects.create(
            account=account,
            kind=wanted.kind,
            holder=wanted.holder,
            numbers=dict(wanted.numbers),
            fingerprint=fingerprint,
            label=name,
            added_at=now,
            added_by=actor,
            usable_at=precautions.usable_at(
                now, is_first=all(each.waits(now=now) for each in known)
            ),
        )
        _record(account, "money.payee_added", payee, actor, now)
        writing.write(
            account.user,
            "payee_added",
            now=now,
            payee=payee.destination.text,
            usable_at=payee.usable_at,
            link=cancel_links.address(payee=payee, now=now),
        )
    return payee


def remove(*, account_id: UUID, payee_id: UUID, actor: str, now: datetime) -> bool:
    """Remove a payee at once; False if the account has none of this id (any more).

    What is on its way there goes on its way.
    """
    with transaction.atomic():
        account = locks.lock(account_id)
        payee = Payee.objects.filter(pk=payee_id, account=account, removed_at=None).first()
        if payee is None:
            return False
        payee.removed_at, payee.removed_by = now, actor
        payee.save(update_fields=["removed_at", "removed_by"])
        _record(account, "money.payee_removed", payee, actor, now)
    return True


def payees(account_id: UUID) -> list[Payee]:
    """Return the payees of an account, in the order they were added."""
    found = Payee.objects.filter(account_id=account_id, removed_at=None)
    return list(found.order_by("added_at", "pk"))


# --- The limit of a day ------------------------------------------------------------------------


def set_limit(*, account_id: UUID, amount: Decimal, actor: str, now: datetime) -> Limit:
    """Choose what may leave on a day: less at once, more a day later. Raises UnableToLimit."""
    if not ZERO <= amount <= precautions.DAILY_LIMIT_MAX:
        most = f"{precautions.DAILY_LIMIT_MAX:,}"
        raise UnableToLimit(f"A day's limit lies between 0 and {most} USD.")
    if amount != decimals.quantize(amount, asset=CASH, rounding=decimals.DOWN):
        raise UnableToLimit("A limit is in whole cents.")
    with transaction.atomic():
        account = locks.lock(account_id)
        held = limit(account_id, now=now).amount
        chosen = DailyLimit.objects.create(
            account=account,
            amount=amount,
            holds_from=precautions.limit_holds_from(amount, now_held=held, set_at=now),
            set_at=now,
            set_by=actor,
        )
        payload = {"amount": decimals.text(amount), "from": chosen.holds_from.isoformat()}
        activity.record([(account, Event("money.limit_set", now, actor, payload))])
        if chosen.holds_from > now:
            writing.write(
                account.user,
                "limit_raised",
                now=now,
                amount=f"{amount:,.2f}",
                holds_from=chosen.holds_from,
            )
        return limit(account_id, now=now)


def limit(account_id: UUID, *, now: datetime) -> Limit:
    """Return the limit of a day that holds now, and the one that was chosen after it, if any.

    A later choice takes the place of one that still waits.
    """
    chosen = DailyLimit.objects.filter(account_id=account_id).order_by("-id")
    last = chosen.first()
    holding = chosen.filter(holds_from__lte=now).first()
    amount = holding.amount if holding else precautions.DAILY_LIMIT
    if last is None or last.holds_from <= now:
        return Limit(amount)
    return Limit(amount, last.amount, last.holds_from)


def left_today(account_id: UUID, *, now: datetime) -> Decimal:
    """Return what of the day's limit was not asked for yet, in USD; a day is New York's.

    Coins count with what they were worth when they were asked for.
    """
    today = calendars.date_of(now)
    asked = Funding.objects.filter(
        account_id=account_id,
        direction=Direction.WITHDRAWAL,
        asked_at__gte=calendars.midnight(today),
        asked_at__lt=calendars.midnight(today + timedelta(days=1)),
    ).exclude(state__in=_NOT_OUT)
    spent = asked.aggregate(sum=Sum("value"))["sum"] or ZERO
    return limit(account_id, now=now).amount - spent


# --- May it leave? -----------------------------------------------------------------------------


def ready(
    account: LockedAccount, payee_id: UUID, *, coin: str, value: Decimal, now: datetime
) -> Payee | Objection:
    """Return the payee that may be sent `coin` (or USD) worth `value` now, or why it may not."""
    payee = Payee.objects.filter(pk=payee_id, account=account, removed_at=None).first()
    if payee is None:
        return Objection(Code.UNKNOWN_PAYEE, "You have no such payee.")
    takes = payee.destination.coin
    if coin != takes:
        return Objection(Code.OTHER_ASSET, f"This payee takes {takes} alone.")
    found = precautions.objection(
        amount=value,
        usable_at=payee.usable_at,
        held_until=selectors.withdrawals_held_until(account.user),
        left_today=left_today(account.pk, now=now),
        limit=limit(account.pk, now=now).amount,
        now=now,
    )
    return found or payee


def _record(account: LockedAccount, kind: str, payee: Payee, actor: str, now: datetime) -> None:
    payload: dict[str, str | UUID | None] = {
        "payee": payee.pk,
        "to": payee.destination.masked,
        "label": payee.label,
        "usable_at": payee.usable_at.isoformat(),
    }
    activity.record([(account, Event(kind, now, actor, payload))])
