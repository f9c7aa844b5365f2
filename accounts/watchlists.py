"""What a customer watches: one list of symbols for each account, in the customer's order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.models import Watchlist

SYMBOLS_MAX: Final = 100


def symbols(account_id: UUID) -> list[str] | None:
    """Return the symbols that are watched, None while the customer has chosen none."""
    return Watchlist.objects.filter(pk=account_id).values_list("symbols", flat=True).first()


def watch(*, account_id: UUID, symbols: Sequence[str], now: datetime) -> None:
    """Watch exactly these symbols from now on, in this order."""
    Watchlist.objects.update_or_create(
        pk=account_id, defaults={"symbols": list(symbols), "updated_at": now}
    )


def rename(former: str, symbol: str, *, now: datetime) -> int:
    """Watch `symbol` wherever `former` was watched, in its place; return in how many lists."""
    lists = list(Watchlist.objects.filter(symbols__contains=[former]))
    for each in lists:
        renamed = [symbol if name == former else name for name in each.symbols]
        each.symbols, each.updated_at = list(dict.fromkeys(renamed)), now
    return Watchlist.objects.bulk_update(lists, ["symbols", "updated_at"])
