"""What members of staff note about an account: calls, complaints, instructions.

A note is never changed and never deleted, and customers never see one. What matters to whoever
looks next is pinned: it stands first until somebody takes it down, and both are kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import BooleanField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts import locks
from accounts.customers.models import AccountNote, NotePin
from accounts.models import Account, User

TEXT_LENGTH_MAX: Final = 2_000


class UnableToNote(ValueError):
    """Nothing was written; the message says why."""


def write(
    account_id: UUID,
    *,
    kind: AccountNote.Kind,
    text: str,
    is_pinned: bool = False,
    by: User,
    now: datetime,
) -> AccountNote:
    """Write a note about the account. Raises UnableToNote, Account.DoesNotExist."""
    said = text.strip()
    if not 0 < len(said) <= TEXT_LENGTH_MAX:
        raise UnableToNote(f"Say something, in {TEXT_LENGTH_MAX:,} characters at most.")
    with transaction.atomic():
        account = Account.objects.get(pk=account_id)
        _check(account, by)
        note = AccountNote.objects.create(account=account, kind=kind, text=said, by=by, at=now)
        if is_pinned:
            NotePin.objects.create(note=note, is_pinned=True, by=by, at=now)
    return note


def pin(account_id: UUID, note_id: int, *, is_pinned: bool, by: User, now: datetime) -> bool:
    """Pin a note of the account, or take it down; tell whether it was otherwise before.

    Raises UnableToNote, UnknownAccount, AccountNote.DoesNotExist.
    """
    with transaction.atomic():
        locks.lock(account_id)  # of two who do it at once the second finds it done
        note = AccountNote.objects.select_related("account").get(pk=note_id, account_id=account_id)
        _check(note.account, by)
        last = NotePin.objects.filter(note=note).order_by("-pk").first()
        if is_pinned == (last is not None and last.is_pinned):
            return False
        NotePin.objects.create(note=note, is_pinned=is_pinned, by=by, at=now)
    return True


def of(account: Account) -> QuerySet[AccountNote]:
    """Return the notes about the account, pinned ones first, then the newest.

    Each says in `is_pinned` whether it is; who wrote it comes along.
    """
    pins = NotePin.objects.filter(note=OuterRef("pk")).order_by("-pk").values("is_pinned")[:1]
    rows = AccountNote.objects.filter(account=account).select_related("by")
    told = rows.annotate(is_pinned=Coalesce(Subquery(pins), False, output_field=BooleanField()))
    return told.order_by("-is_pinned", "-pk")


def _check(account: Account, by: User) -> None:
    if not (by.is_staff and by.is_active):
        raise UnableToNote("Notes are written by staff.")
    if account.user_id == by.pk:
        raise UnableToNote("Nobody writes notes about an account of their own.")
