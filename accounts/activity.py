"""The activity log of an account: its audit stream, its feed and what a socket resumes from.

Gapless per account and hash-chained (see `accounts.chain`). Written in the transaction that
it tells of, under the account's lock, which is what makes it gapless.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from accounts import chain
from accounts.chain import Event
from accounts.locks import LockedAccount
from accounts.models import Activity
from foundation import bulk, wakeups

PAGE_MAX = 1_000
SEARCHED_MAX = 20_000

_WRITTEN: Final = (
    "account_id",
    "sequence",
    "kind",
    "at",
    "actor",
    "payload",
    "previous_digest",
    "digest",
)


@dataclass(frozen=True, slots=True)
class Page:
    """Activities, the newest first; the next page has those before `older`, None: there is none."""

    entries: tuple[Activity, ...]
    older: int | None


def record(entries: Sequence[tuple[LockedAccount, Event]]) -> None:
    """Append these events, each to its account's chain, and hint at them on commit."""
    if not entries:
        return
    rows: list[tuple[object, ...]] = []
    heads: dict[str, LockedAccount] = {}
    for account, event in entries:
        account_id = str(account.pk)
        heads[account_id] = account
        sequence, previous = account.activity_sequence + 1, account.activity_digest
        found = chain.digest(event, account_id=account_id, sequence=sequence, previous=previous)
        rows.append(
            (
                account_id,
                sequence,
                event.kind,
                event.at,
                event.actor,
                event.payload,
                previous,
                found,
            )
        )
        account.activity_sequence, account.activity_digest = sequence, found
    bulk.insert_values(Activity, _WRITTEN, rows)
    bulk.update(list(heads.values()), fields=("activity_sequence", "activity_digest"))
    wakeups.send(wakeups.Channel.ACTIVITY, heads)


def page(account_id: UUID, *, before: int | None, areas: Sequence[str], size: int) -> Page:
    """Return up to `size` activities with a sequence below `before` (None: from the newest on).

    `areas` are what a kind begins with, such as "order" of "order.filled"; none of them means all.
    A rare kind may be far back: SEARCHED_MAX rows are looked through for a page and no more, so
    that one may be short, or empty, and yet lead on.
    """
    found = Activity.objects.filter(account_id=account_id)
    newest = found.order_by("-sequence").values_list("sequence", flat=True).first() or 0
    end = newest + 1 if before is None else min(before, newest + 1)
    floor = max(0, end - 1 - SEARCHED_MAX)
    found = found.filter(sequence__gt=floor, sequence__lt=end)
    if areas:
        found = found.filter(kind__regex=rf"^({'|'.join(map(re.escape, areas))})\.")
    entries = found.order_by("-sequence")[: min(size, PAGE_MAX) + 1]
    shown = tuple(entries[:size])
    if len(entries) > len(shown):
        return Page(shown, older=shown[-1].sequence)
    return Page(shown, older=floor + 1 if floor else None)


def since(account_id: UUID, sequence: int, limit: int = PAGE_MAX) -> list[Activity]:
    """Return the account's activities after `sequence`, oldest first, at most `limit`."""
    return list(
        Activity.objects.filter(account_id=account_id, sequence__gt=sequence).order_by("sequence")[
            : min(limit, PAGE_MAX)
        ]
    )
