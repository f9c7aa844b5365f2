"""Watching margin accounts: how each stands now, kept in one row, and who is to be called.

One look reads every margin account with three statements, and writes the rows that have changed
with two more. It decides nothing itself: an account whose figures speak for a call, or for the
end of one, is reviewed behind its lock (`risk.margin.calls`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from foundation import bulk
from marketdata import calendars
from risk.margin import book as margin_book
from risk.margin import calls, day_trades
from risk.margin.book import Sheet
from risk.margin.models import MarginCall, MarginStatus
from risk.margin.requirements import Standing

_FIGURES: Final = (
    "cash",
    "held",
    "long_value",
    "short_value",
    "equity",
    "initial",
    "maintenance",
    "excess",
    "counts",
    "unpriced",
    "day_trades",
    "day_trader_since",
)
_CLOSE: Final = ("day", "close_day", "close_equity", "close_maintenance")
_UNPRICED_MAX: Final = 200


def look(*, now: datetime, counted: Mapping[UUID, int] | None = None) -> dict[UUID, MarginCall]:
    """Look at every margin account once; return the calls that are not met.

    `counted` are the day trades of those accounts whose number may have changed.
    """
    sheets = margin_book.all_sheets(now=now)
    standings = {account_id: sheet.standing() for account_id, sheet in sheets.items()}
    _keep(sheets, standings, counted or {}, now)
    known = {call.account_id: call for call in calls.unmet()}
    for account_id, sheet in sheets.items():
        if sheet.is_live and calls.is_news(known.get(account_id), standings[account_id]):
            calls.review(account_id, now=now)
    return {call.account_id: call for call in calls.unmet()}


def _keep(
    sheets: Mapping[UUID, Sheet],
    standings: Mapping[UUID, Standing],
    counted: Mapping[UUID, int],
    now: datetime,
) -> None:
    """Write how these accounts stand, where that has changed."""
    known = {row.account_id: row for row in bulk.select(MarginStatus, "true", [])}
    new: list[MarginStatus] = []
    changed: list[MarginStatus] = []
    for account_id, sheet in sheets.items():
        row = known.get(account_id)
        is_new = row is None
        if row is None:
            row = bulk.new(MarginStatus, account_id=account_id, at=now)
        standing = standings[account_id]
        if _carry_on(row, sheet, standing, counted.get(account_id), now) or is_new:
            row.at = now
            (new if is_new else changed).append(row)
    bulk.insert(new)
    bulk.update(changed, fields=("at", *_FIGURES, *_CLOSE))


def _carry_on(
    row: MarginStatus, sheet: Sheet, found: Standing, count: int | None, now: datetime
) -> bool:
    """Bring the row up to date; return whether anything of it has changed."""
    before = [getattr(row, name) for name in (*_FIGURES, *_CLOSE)]
    today = calendars.date_of(now)
    if row.day is not None and row.day < today:
        row.close_day, row.close_equity = row.day, row.equity
        row.close_maintenance = row.maintenance
    row.day = today
    row.cash, row.held = found.cash, found.held
    row.long_value, row.short_value = found.long_value, found.short_value
    row.equity, row.initial, row.maintenance = found.equity, found.initial, found.maintenance
    row.excess = found.equity - found.maintenance
    row.counts = sheet.is_live
    silent = [each.symbol for each in sheet.positions if not each.market.live]
    row.unpriced = ", ".join(silent)[:_UNPRICED_MAX]
    if count is not None:
        row.day_trades = count
        if count > day_trades.ALLOWED and row.day_trader_since is None:
            row.day_trader_since = today
    return before != [getattr(row, name) for name in (*_FIGURES, *_CLOSE)]
