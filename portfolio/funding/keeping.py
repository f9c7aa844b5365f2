"""Deposits and withdrawals as rows: each step is written beside the one before it, and told."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import Max

from accounts import activity
from accounts.chain import Event
from accounts.locks import LockedAccount
from foundation import decimals, ids
from foundation.decimals import CASH
from portfolio.funding import passage
from portfolio.funding.amounts import Asked
from portfolio.funding.models import Funding, FundingStep
from portfolio.funding.passage import Direction, State, Step
from portfolio.payees.models import Payee

_MOVES_COINS = {"withdrawal_requested": -1, "withdrawal_cancelled": 1, "withdrawal_returned": 1}


def new(
    account: LockedAccount,
    direction: Direction,
    asked: Asked,
    reference: str,
    bank: str,
    actor: str,
    now: datetime,
    *,
    payee: Payee | None = None,
) -> Funding:
    """Write a new one with its first step."""
    found = Funding.objects.create(
        id=ids.new(),  # the lots that it takes are written with it, and sealed by when it came
        account=account,
        direction=direction,
        asset=asked.asset,
        amount=asked.amount,
        fee=asked.fee,
        value=asked.value,
        reference=reference,
        bank=bank,
        payee=payee,
        state=passage.FIRST[direction],
        asked_at=now,
        asked_by=actor,
        changed_at=now,
    )
    FundingStep.objects.create(
        funding=found, number=1, state=found.state, at=now, actor=actor, reason=""
    )
    return found


def note(
    funding: Funding,
    state: State,
    step: Step,
    *,
    actor: str,
    reason: str,
    now: datetime,
    owed: Decimal,
) -> None:
    """Write the next step, and where it led."""
    last = funding.steps.aggregate(last=Max("number"))["last"]
    FundingStep.objects.create(
        funding=funding,
        number=last + 1,
        step=step,
        state=state,
        owed=owed,
        at=now,
        actor=actor,
        reason=reason,
    )
    funding.state, funding.changed_at = state, now
    funding.save(update_fields=["state", "changed_at"])


def record(account: LockedAccount, told: str, funding: Funding, actor: str, now: datetime) -> None:
    """Tell the account of a step; of coins as of a holding, with the quantity that has moved."""
    if funding.asset == CASH:
        kind = f"money.{told}"
        payload = {"amount": decimals.text(funding.amount), "asset": CASH}
    else:
        kind = f"holding.{told}"
        payload = {
            "symbol": f"{funding.coin}/{CASH}",
            "coin": funding.coin,
            "sent": decimals.text(funding.amount),
            "fee": decimals.text(funding.fee),
            "value": decimals.text(funding.value),
        }
        if sign := _MOVES_COINS.get(told):
            payload["quantity"] = decimals.text(sign * funding.total)
    if told != "deposited":
        payload["reference"] = funding.reference
    activity.record([(account, Event(kind, now, actor, payload))])
