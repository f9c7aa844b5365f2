"""The limits that hold, read in the transaction that decides by them.

Rows of limits never change, so what one says is kept in the process; the transaction reads only
which of them apply.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings

from foundation import bulk, trips
from foundation.trips import Answer
from risk.checks import Bounds
from risk.limits import precedence as limits
from risk.limits.models import Limits
from risk.limits.precedence import Row

KEPT_MAX: Final = 10_000

_Applying = tuple[int, UUID | None, str, UUID | None]
"""A row's id and its scope: account, tier, instrument."""


@dataclass(frozen=True, slots=True)
class AppliedLimits:
    """The limits of one account in one instrument, and the rows that they come from."""

    bounds: Bounds
    rows: tuple[int, ...]


class LimitBook:
    """The limits that hold at one moment for some accounts and instruments."""

    def __init__(self, applying: Iterable[_Applying] = ()) -> None:
        self._applying = tuple(applying)
        self._with_own = {account for _, account, _, _ in self._applying if account}
        self._found: dict[tuple[UUID | None, str, UUID | None], AppliedLimits | None] = {}

    def of(self, account_id: UUID, tier: str, instrument_id: UUID | None) -> AppliedLimits | None:
        """Return what holds, None when a limit is missing: then nothing may go.

        It is the same for all accounts of a tier that have no limits of their own.
        """
        key = (account_id if account_id in self._with_own else None, tier, instrument_id)
        if key not in self._found:
            rows = tuple(
                row_id
                for row_id, account, of_tier, instrument in self._applying
                if account in (None, account_id)
                and of_tier in ("", tier)
                and instrument in (None, instrument_id)
            )
            self._found[key] = applied(rows)
        return self._found[key]


def ask(
    account_ids: Iterable[UUID],
    *,
    symbols: Iterable[str] = (),
    instrument_ids: Iterable[UUID] = (),
    now: datetime,
) -> Answer[LimitBook]:
    """Ask which limits hold at `now`."""
    rows = trips.send(
        """SELECT DISTINCT ON (account_id, tier, instrument_id, is_override,
                               CASE WHEN is_override THEN id END)
                  id, account_id, tier, instrument_id
             FROM risk_limits
            WHERE (account_id = ANY(%s) OR account_id IS NULL)
              AND (instrument_id IS NULL OR instrument_id IN (
                   SELECT id FROM marketdata_instrument WHERE symbol = ANY(%s) OR id = ANY(%s)))
              AND valid_from <= %s AND (valid_until IS NULL OR valid_until > %s)
            ORDER BY account_id, tier, instrument_id, is_override,
                     CASE WHEN is_override THEN id END, valid_from DESC, id DESC""",
        [list(set(account_ids)), list(symbols), list(instrument_ids), now, now],
    )
    return Answer(lambda: LimitBook(rows.get()))


def applied(row_ids: Sequence[int]) -> AppliedLimits | None:
    """Return what these rows say together; None when a limit is missing."""
    ages = (settings.QUOTE_AGE_SECONDS_MAX, settings.FIRM_EXPOSURE_SECONDS_MAX)
    return _cache.applied(tuple(row_ids), *ages)


def rows_of(row_ids: Iterable[int]) -> list[Row]:
    """Return what these rows say, each on its own."""
    return _cache.rows(tuple(row_ids))


class _Cache:
    """What this process has read of rows that never change, bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[int, Row] = {}
        self._applied: dict[tuple[tuple[int, ...], float, float], AppliedLimits | None] = {}

    def applied(
        self, row_ids: tuple[int, ...], quote_age_max: float, firm_age_max: float
    ) -> AppliedLimits | None:
        key = (row_ids, quote_age_max, firm_age_max)
        with self._lock:
            is_known, known = key in self._applied, self._applied.get(key)
        if not is_known:
            found = limits.resolve(self.rows(row_ids))
            bounds = limits.bounds_of(found, quote_age_max=quote_age_max, firm_age_max=firm_age_max)
            sources = tuple(sorted({each.row for each in found.values()}))
            with self._lock:
                if len(self._applied) >= KEPT_MAX:
                    self._applied.clear()
                self._applied[key] = AppliedLimits(bounds, sources) if bounds else None
            return AppliedLimits(bounds, sources) if bounds else None
        return known

    def rows(self, row_ids: tuple[int, ...]) -> list[Row]:
        with self._lock:  # another thread may clear them
            found = {row_id: self._rows[row_id] for row_id in row_ids if row_id in self._rows}
        missing = [row_id for row_id in row_ids if row_id not in found]
        if missing:
            read = {row.pk: _row(row) for row in bulk.select(Limits, "id = ANY(%s)", [missing])}
            with self._lock:
                if len(self._rows) >= KEPT_MAX:
                    self._rows.clear()
                self._rows |= read
            found |= read
        return [found[row_id] for row_id in row_ids]


def _row(row: Limits) -> Row:
    owner = "account" if row.account_id else "tier" if row.tier else "firm"
    return Row(
        id=row.pk,
        owner=owner,
        is_of_instrument=row.instrument_id is not None,
        is_override=row.is_override,
        valid_from=row.valid_from,
        values=row.values,
    )


_cache: Final = _Cache()
