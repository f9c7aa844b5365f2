"""What a customer watches: named lists of symbols, the oldest first, each in the customer's order.

Every change is made under the account's lock, so that two at once leave neither out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import locks
from accounts.models import Watchlist

LISTS_MAX: Final = 50
SYMBOLS_MAX: Final = 200
NAME_LENGTH_MAX: Final = 64


class UnknownWatchlist(LookupError):
    """The account has no such list."""


class NotWatched(LookupError):
    """The symbol is not on the list."""


class UnableToWatch(ValueError):
    """There can be no such list; `code` is a stable word for why."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


def of(account_id: UUID) -> list[Watchlist]:
    """Return the account's lists in their order; none while the customer has made none."""
    return list(Watchlist.objects.filter(account_id=account_id).order_by("created_at", "pk"))


def listed(account_id: UUID, list_id: UUID) -> Watchlist:
    """Return a list of the account. Raises UnknownWatchlist."""
    return _only(Watchlist.objects.filter(account_id=account_id, pk=list_id).first())


def named(account_id: UUID, name: str) -> Watchlist:
    """Return the account's list of this name. Raises UnknownWatchlist."""
    return _only(Watchlist.objects.filter(account_id=account_id, name=name.strip()).first())


def create(*, account_id: UUID, name: str, symbols: Sequence[str], now: datetime) -> Watchlist:
    """Make a list behind those that there are. Raises UnableToWatch."""
    with transaction.atomic():
        locks.lock(account_id)
        others = of(account_id)
        if len(others) >= LISTS_MAX:
            raise UnableToWatch(
                f"There are at most {LISTS_MAX} watchlists: delete one first.",
                code="too_many_watchlists",
            )
        return Watchlist.objects.create(
            account_id=account_id,
            name=_free(name, others),
            symbols=_bounded(symbols),
            created_at=now,
            updated_at=now,
        )


def change(
    *,
    account_id: UUID,
    list_id: UUID,
    name: str | None = None,
    symbols: Sequence[str] | None = None,
    now: datetime,
) -> Watchlist:
    """Give the list another name, other symbols or both. Raises UnknownWatchlist, UnableToWatch."""
    with transaction.atomic():
        locks.lock(account_id)
        found = listed(account_id, list_id)
        if name is not None:
            others = [each for each in of(account_id) if each.pk != list_id]
            found.name = _free(name, others)
        if symbols is not None:
            found.symbols = _bounded(symbols)
        found.updated_at = now
        found.save(update_fields=["name", "symbols", "updated_at"])
    return found


def add(*, account_id: UUID, list_id: UUID, symbol: str, now: datetime) -> Watchlist:
    """Watch `symbol` at the end of the list. Raises UnknownWatchlist, UnableToWatch."""

    def added(symbols: list[str]) -> list[str]:
        if symbol in symbols:
            raise UnableToWatch(f"{symbol} is on this watchlist already.", code="watched_already")
        return [*symbols, symbol]

    return _resymbol(account_id, list_id, added, now=now)


def remove(*, account_id: UUID, list_id: UUID, symbol: str, now: datetime) -> Watchlist:
    """Watch `symbol` on this list no longer. Raises UnknownWatchlist, NotWatched."""

    def removed(symbols: list[str]) -> list[str]:
        if symbol not in symbols:
            raise NotWatched(symbol)
        return [each for each in symbols if each != symbol]

    return _resymbol(account_id, list_id, removed, now=now)


def delete(*, account_id: UUID, list_id: UUID) -> None:
    """Delete the list for good. Raises UnknownWatchlist."""
    deleted, _ = Watchlist.objects.filter(account_id=account_id, pk=list_id).delete()
    if not deleted:
        raise UnknownWatchlist


def rename(former: str, symbol: str, *, now: datetime) -> int:
    """Watch `symbol` wherever `former` was watched, in its place; return in how many lists."""
    lists = list(Watchlist.objects.filter(symbols__contains=[former]))
    for each in lists:
        renamed = [symbol if name == former else name for name in each.symbols]
        each.symbols, each.updated_at = list(dict.fromkeys(renamed)), now
    return Watchlist.objects.bulk_update(lists, ["symbols", "updated_at"])


def _resymbol(
    account_id: UUID, list_id: UUID, changed: Callable[[list[str]], list[str]], *, now: datetime
) -> Watchlist:
    with transaction.atomic():
        locks.lock(account_id)
        found = listed(account_id, list_id)
        found.symbols, found.updated_at = _bounded(changed(found.symbols)), now
        found.save(update_fields=["symbols", "updated_at"])
    return found


def _only(found: Watchlist | None) -> Watchlist:
    if found is None:
        raise UnknownWatchlist
    return found


def _free(name: str, others: Sequence[Watchlist]) -> str:
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        raise UnableToWatch(
            f"The name of a watchlist has 1 to {NAME_LENGTH_MAX} characters that can be read.",
            code="invalid_name",
        )
    if any(each.name == name for each in others):
        raise UnableToWatch(f"There is a watchlist {name!r} already.", code="name_taken")
    return name


def _bounded(symbols: Sequence[str]) -> list[str]:
    if len(symbols) > SYMBOLS_MAX:
        raise UnableToWatch(
            f"A watchlist has at most {SYMBOLS_MAX} symbols.", code="too_many_symbols"
        )
    return list(symbols)
