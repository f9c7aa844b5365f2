"""Paying out coins: what people have approved is sent by the custodian, and followed until it
has arrived or come back.

A payment is taken out of the customer's reach first (it is *sent*, in the ledger too), and told to
the custodian then, outside any transaction: so nobody cancels what may be on its way. What was not
heard of is told again under the same id. Nothing is lost by a kill, and nothing is sent twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog
from django.conf import settings
from django.db.models import F
from django.utils.module_loading import import_string

from foundation.decimals import CASH
from portfolio.custody.custodian import Custodian, OutOfReach, Payment, Refused
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.funding.passage import Direction, State, Step
from portfolio.payees.networks import Terms

log = structlog.get_logger(__name__)

ACTOR: Final = "rule:custodian"
BATCH: Final = 100


def custodian() -> Custodian | None:
    """Return who sends coins; None where people do it by hand and take the steps themselves."""
    if not settings.COIN_CUSTODIAN:
        return None
    made: Custodian = import_string(settings.COIN_CUSTODIAN)()
    return made


def pay_out(*, now: datetime) -> int:
    """Send what was approved and carry on what was sent; return how many steps were taken."""
    by = custodian()
    if by is None:
        return 0
    taken = 0
    for each in _next(State.APPROVED, now):
        taken += _take(each, Step.SEND, "Handed to the custodian", now)
    for each in _next(State.SENT, now):
        try:
            taken += _follow(each, by, now)
        except OutOfReach as error:
            log.warning("custodian_out_of_reach", withdrawal=str(each.pk), error=str(error))
    return taken


def _next(state: State, now: datetime) -> list[Funding]:
    """Return those whose turn it is: the new ones, then those that were not looked at for longest,
    so that however many are stuck, every other one is reached."""
    of = Funding.objects.filter(direction=Direction.WITHDRAWAL, state=state)
    of = of.exclude(asset=CASH).exclude(payee=None).select_related("payee")
    found = list(of.order_by(F("followed_at").asc(nulls_first=True), "changed_at", "pk")[:BATCH])
    Funding.objects.filter(pk__in=[each.pk for each in found]).update(followed_at=now)
    return found


def _follow(found: Funding, by: Custodian, now: datetime) -> int:
    payment = _payment(found)
    if not found.transaction:
        try:
            found.transaction = by.send(payment)
        except Refused as error:
            return _take(found, Step.RETURN, f"The custodian refused it: {error}", now)
        found.save(update_fields=["transaction"])
    standing = by.standing(payment, found.transaction, now=now)
    if standing.returned:
        return _take(found, Step.RETURN, f"It came back: {standing.returned}", now)
    if standing.confirmations >= _terms(found).confirmations:
        return _take(found, Step.SETTLE, f"{standing.confirmations} confirmations", now)
    return 0


def _take(found: Funding, step: Step, why: str, now: datetime) -> int:
    """Take a step, unless somebody was faster: it was cancelled, or another process took it."""
    try:
        return funding.take(found.pk, step, actor=ACTOR, reason=why[:200], now=now)
    except funding.UnableToCarryOn as error:
        log.info("withdrawal_not_carried_on", withdrawal=str(found.pk), why=str(error))
        return 0


def _terms(found: Funding) -> Terms:
    if found.payee is None:
        raise ValueError(f"{found} goes nowhere")  # `_next` leaves such out
    return found.payee.destination.network


def _payment(found: Funding) -> Payment:
    if found.payee is None:
        raise ValueError(f"{found} goes nowhere")
    numbers = found.payee.numbers
    return Payment(
        id=found.pk,
        coin=found.coin,
        network=numbers["network"],
        address=numbers["address"],
        memo=numbers["memo"],
        amount=found.amount,
        fee=found.fee,
        beneficiary=found.payee.holder,
        provider=numbers["provider"],
        sent_at=found.changed_at,
    )
