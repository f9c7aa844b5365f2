"""The accounts of the ledger: found by owner, kind and asset, opened with their first use."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from foundation import bulk
from portfolio.models import LedgerAccount

LedgerKey = tuple[UUID | None, str, str]
"""Owner (None for the house), kind, asset."""


def ids_of(found: Iterable[LedgerAccount]) -> dict[LedgerKey, int]:
    return {(row.owner_id, row.kind, row.asset): row.pk for row in found}


def opened(keys: set[LedgerKey]) -> dict[LedgerKey, int]:
    """Return the ids of these ledger accounts, and open those that do not exist."""
    owners = {owner for owner, _, _ in keys if owner is not None}
    assets = {asset for _, _, asset in keys}
    known = _known(owners, assets)
    missing = keys - known.keys()
    if not missing:
        return known
    # In order, so that two processes that open the same house account cannot deadlock.
    ordered = sorted(missing, key=lambda key: (str(key[0] or ""), key[1], key[2]))
    LedgerAccount.objects.bulk_create(
        [LedgerAccount(owner_id=owner, kind=kind, asset=asset) for owner, kind, asset in ordered],
        ignore_conflicts=True,
    )
    return _known(owners, assets)


def _known(owners: set[UUID], assets: set[str]) -> dict[LedgerKey, int]:
    """Return those of these owners and of the house, in these assets."""
    found = bulk.select(
        LedgerAccount,
        "asset = ANY(%s) AND (owner_id = ANY(%s) OR owner_id IS NULL)",
        [list(assets), list(owners)],
    )
    return ids_of(found)
