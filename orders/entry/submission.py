"""Carrying out a batch of tickets in one transaction.

Set-based from end to end: the accounts are locked in order, what the batch needs is read in one
trip, each ticket is then decided in memory in the order of arrival, on what the tickets before it
have left, and all of it is written with one statement a table, in the trip that commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from foundation import failpoints, trips
from orders import flaws
from orders.entry import changing, desk, placing, releasing
from orders.entry.answers import Answer, refused
from orders.entry.desk import Desk
from orders.tickets import (
    CancelTicket,
    OrderTicket,
    Refusal,
    ReplaceTicket,
    ResumeTicket,
    Ticket,
    TriggerTicket,
)

__all__ = ["Answer", "submit_batch"]


def submit_batch(batch: Sequence[Ticket], *, now: datetime | None = None) -> list[Answer]:
    """Decide and write the tickets in one transaction; answer them in order.

    Without `now` it is the time at which the accounts were locked.

    A denial or refusal is an answer. Anything unexpected raises, and nothing was written.
    """
    flaws = [_flaw(ticket) for ticket in batch]
    sound = [ticket for ticket, flaw in zip(batch, flaws, strict=True) if flaw is None]
    with trips.together():
        opened = desk.open_desk(sound, now=now)
        answers = [
            _carry_out(opened, ticket) if flaw is None else Answer(refusal=flaw)
            for ticket, flaw in zip(batch, flaws, strict=True)
        ]
        opened.batch.write()
        failpoints.reach("intake.before_commit")
    failpoints.reach("intake.committed")
    return answers


def _flaw(ticket: Ticket) -> Refusal | None:
    return flaws.of_order(ticket) if isinstance(ticket, OrderTicket) else None


def _carry_out(opened: Desk, ticket: Ticket) -> Answer:
    account = opened.batch.accounts.get(ticket.account_id)
    if account is None:
        return refused("unknown_account", "There is no such account.")
    match ticket:
        case OrderTicket():
            return placing.place(opened, account, ticket)
        case CancelTicket():
            return changing.cancel(opened, account, ticket)
        case ReplaceTicket():
            return changing.change(opened, account, ticket)
        case TriggerTicket():
            return releasing.trigger(opened, account, ticket)
        case ResumeTicket():
            return releasing.resume(opened, account, ticket)
        case _:
            return changing.expire(opened, account, ticket)
