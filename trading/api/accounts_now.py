"""Accounts as pages, streams and programs show them: what they own, and what risk makes of it.

The one place where the two are joined: the portfolio knows no margin, and risk no pages.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from accounts.models import Account
from portfolio.funding import services as funding
from portfolio.selectors import Snapshot
from risk.margin import book as margin_book
from risk.margin.book import Sheet
from risk.margin.requirements import ZERO
from trading.api import wire


def shown(snapshots: Collection[Snapshot], *, now: datetime) -> dict[UUID, wire.Json]:
    """Return each account as `GET /v2/account` answers.

    How margin accounts stand is read with three statements, however many there are of them, and
    what is on its way to or from a bank with one.
    """
    pending = funding.pending([each.account.pk for each in snapshots])
    sheets = _sheets(snapshots, now)
    found = {}
    for each in snapshots:
        found[each.account.pk] = wire.account(each)
        if under_way := pending.get(each.account.pk):
            found[each.account.pk] |= {
                "pending_transfer_in": wire.decimal(under_way.coming),
                "pending_transfer_out": wire.decimal(under_way.going),
            }
        if sheet := sheets.get(each.account.pk):
            found[each.account.pk] |= _on_margin(each.account, sheet)
    return found


def repriced(snapshots: Collection[Snapshot], *, now: datetime) -> dict[UUID, wire.Json]:
    """Return of each account what new prices can change; without margin, no statement is sent."""
    sheets = _sheets(snapshots, now)
    found = {}
    for each in snapshots:
        found[each.account.pk] = wire.account_prices(each)
        if sheet := sheets.get(each.account.pk):
            found[each.account.pk] |= _on_margin(each.account, sheet)
    return found


def _sheets(snapshots: Collection[Snapshot], now: datetime) -> dict[UUID, Sheet]:
    on_margin = [each.account.pk for each in snapshots if each.account.margin]
    return margin_book.ask_sheets(on_margin, now=now).get() if on_margin else {}


def _on_margin(account: Account, sheet: Sheet) -> wire.Json:
    """Return what is otherwise in a margin account than in one of cash."""
    standing, close = sheet.standing(), sheet.close
    return {
        "multiplier": str(standing.multiplier),
        "buying_power": wire.decimal(standing.buying_power),
        "regt_buying_power": wire.decimal(standing.overnight_buying_power),
        "daytrading_buying_power": wire.decimal(standing.day_buying_power),
        # What nothing is lent on requires all of its price.
        "non_marginable_buying_power": wire.decimal(max(standing.excess, ZERO)),
        "initial_margin": wire.decimal(standing.initial),
        "maintenance_margin": wire.decimal(standing.maintenance),
        "last_maintenance_margin": wire.decimal(close.maintenance if close else ZERO),
        "sma": wire.decimal(standing.sma),
        "pattern_day_trader": standing.is_day_trader,
        "daytrade_count": sheet.day_trades,
        "shorting_enabled": account.allows_shorting and standing.multiplier > 1,
    }
