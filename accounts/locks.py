"""The account lock: whoever changes what an account has holds its row first.

`LockedAccount` is made here alone, so that a function which asks for one proves to the type
checker that the lock is held, or that the transaction cannot write. Locks are taken in ascending
order, so that no two takers can wait for each other; `FOR NO KEY UPDATE` lets rows that merely
refer to the account be written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NewType
from uuid import UUID

from django.db import transaction

from accounts.models import Account
from foundation import bulk, trips
from foundation.trips import Answer

LockedAccount = NewType("LockedAccount", Account)


class UnknownAccount(LookupError):
    """There is no account with this id."""


class NotInTransaction(RuntimeError):
    """A lock outside a transaction would be gone before it is of use."""


def ask_all(account_ids: Iterable[UUID]) -> Answer[dict[UUID, LockedAccount]]:
    """Ask for these accounts, locked in order until the transaction ends.

    Unknown ids are left out. What is asked after this, in the same trip, is read behind the locks.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NotInTransaction("accounts are locked inside a transaction")
    accounts = bulk.ask(
        Account, "id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(set(account_ids))]
    )
    return Answer(lambda: {account.pk: LockedAccount(account) for account in accounts.get()})


def ask_unlocked(account_ids: Iterable[UUID]) -> Answer[dict[UUID, LockedAccount]]:
    """Ask for these accounts in a transaction that can write nothing from here on.

    Whoever only looks at what would happen needs no lock, and the database refuses the rest: nobody
    waits for such a look. Unknown ids are left out.
    """
    if not transaction.get_connection().in_atomic_block:
        raise NotInTransaction("accounts are looked at inside a transaction")
    trips.send("SELECT set_config('transaction_read_only', 'on', true)")
    accounts = bulk.ask(Account, "id = ANY(%s)", [list(set(account_ids))])
    return Answer(lambda: {account.pk: LockedAccount(account) for account in accounts.get()})


def lock_all(account_ids: Iterable[UUID]) -> dict[UUID, LockedAccount]:
    """Lock these accounts, in order, until the transaction ends. Unknown ids are left out."""
    return ask_all(account_ids).get()


def lock(account_id: UUID) -> LockedAccount:
    """Lock one account until the transaction ends. Raises UnknownAccount."""
    try:
        return lock_all([account_id])[account_id]
    except KeyError:
        raise UnknownAccount(str(account_id)) from None
