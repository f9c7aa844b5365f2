"""Letting money go out of an account, by what it has to keep: the portfolio knows no margin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from accounts import locks
from foundation.decimals import CASH
from marketdata import calendars
from portfolio import particulars
from portfolio import selectors as portfolio
from portfolio.funding import amounts, passage
from portfolio.funding import services as funding
from portfolio.funding.models import Funding
from portfolio.payees import networks
from risk.margin import book as margin_book
from risk.margin import trade_calls


@dataclass(frozen=True, slots=True)
class Withdrawable:
    """How much of a coin can leave beside the `fee` of its `network`."""

    coin: str
    amount: Decimal
    fee: Decimal
    network: str


def request_withdrawal(
    *,
    account_id: UUID,
    payee_id: UUID,
    amount: Decimal,
    reference: str,
    actor: str,
    now: datetime,
    coin: str = CASH,
) -> Funding:
    """Set cash or coins aside that the customer wants sent to a payee, as
    `portfolio.funding.services` does.

    What a margin account may withdraw is decided behind its lock, so that no order takes the same
    equity at the same time. Raises funding.UnableToWithdraw.
    """
    with transaction.atomic():
        locks.lock(account_id)
        return funding.request_withdrawal(
            account_id=account_id,
            payee_id=payee_id,
            amount=amount,
            reference=reference,
            actor=actor,
            now=now,
            coin=coin,
            lendable=_lendable(account_id, now)
            if coin == CASH
            else _lendable_coins(account_id, coin, amount, now),
        )


def withdrawable(account_id: UUID, *, now: datetime) -> Decimal:
    """Return what could leave the account now, in USD, whatever its payees and limits say."""
    unsettled = particulars.settled_cash(account_id, calendars.date_of(now)).unsettled
    return passage.withdrawable(
        available=portfolio.snapshot(account_id).available,
        unsettled=sum(unsettled.values(), Decimal(0)),
        lendable=_lendable(account_id, now),
    )


def withdrawable_coins(account_id: UUID, *, now: datetime) -> list[Withdrawable]:
    """Return the coins of the account that have a network to leave by, in the order of their
    names; what is on open sell orders, or bought with money that has not settled, is left out."""
    found = []
    for terms in networks.TERMS.values():
        instrument = amounts.instrument_of(terms.coin)
        if instrument is None:
            continue
        free = particulars.free_to_leave(account_id, instrument, calendars.date_of(now))
        if free > 0:
            beside = max(free - terms.fee, Decimal(0))
            found.append(Withdrawable(terms.coin, beside, terms.fee, terms.name))
    return sorted(found, key=lambda each: each.coin)


def _lendable_coins(account_id: UUID, coin: str, amount: Decimal, now: datetime) -> Decimal | None:
    """Return so much of the coin as a margin account wants to part with if it still has what it
    must, nothing if not; None for a cash account.

    That the coins go lowers what the account must have, so it is asked how it would stand.
    """
    sheet = margin_book.sheet(account_id, now=now)
    if sheet is None:
        return None
    terms, instrument = amounts.network_of(coin), amounts.instrument_of(coin)
    held = [each for each in sheet.positions if instrument and each.code == instrument.code]
    if terms is None or not held or (price := held[0].market.price) is None:
        return Decimal(0)
    total = amount + terms.fee
    after = sheet.after(
        held[0].code, quantity=-total, cash=Decimal(0), price=price, rates=held[0].market.rates
    )
    return total if after.may_part(trade_calls.kept_back(sheet, now=now)) else Decimal(0)


def _lendable(account_id: UUID, now: datetime) -> Decimal | None:
    """Return what a margin account has beyond what it must keep; None for a cash account."""
    sheet = margin_book.sheet(account_id, now=now)
    if sheet is None:
        return None
    kept_back = trade_calls.kept_back(sheet, now=now)
    return max(sheet.standing().withdrawable - kept_back, Decimal(0))
