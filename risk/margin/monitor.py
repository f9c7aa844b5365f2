"""Watching margin accounts: how each stands now, kept in one row, and who is to be called.

A look goes over the accounts that something has touched: of whom an activity was recorded, who have
a position whose price has moved, and all when the day turns. It takes so many of them and leaves
the others to the next looks, so that a round takes the same time however many customers there are;
those whom something has happened to and those near a call go first. Each look reads their sheets
with three statements, and writes the rows that have changed with two more. It decides nothing
itself: an account whose figures speak for a call, or for the end of one, is reviewed behind its
lock (`risk.margin.calls`).
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from foundation import bulk
from marketdata import calendars
from risk.margin import book as margin_book
from risk.margin import calls, day_trades, trade_calls
from risk.margin.book import Market, Sheet
from risk.margin.models import MarginCall, MarginStatus
from risk.margin.requirements import Standing

LOOKS_MAX: Final = 2_000
NEAR: Final = Decimal("0.25")
"""An account is near a call while its excess is less than this part of its positions' value: so is
one that has just borrowed all that it may."""

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
)
_CLOSE: Final = ("day", "close_day", "close_equity", "close_maintenance", "prior_excess")
_UNPRICED_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Counted:
    """So many day trades an account has made within five business days, `since` it was last
    cleared, if ever: for whom that is no more true, the count is of before."""

    count: int
    since: datetime | None = None


class Monitor:
    """Margin accounts, what they hold, and which of them are to be looked at."""

    def __init__(self) -> None:
        self._round = 0
        self._day: date | None = None
        self._watched: dict[UUID, _Watched] = {}
        self._holders: defaultdict[str, set[UUID]] = defaultdict(set)
        self._figures: dict[str, _Figures] = {}
        self._touched: set[UUID] = set()
        self._due: set[UUID] = set()

    def look(
        self,
        *,
        now: datetime,
        touched: Collection[UUID] | None = None,
        counted: Mapping[UUID, Counted] | None = None,
    ) -> list[MarginCall]:
        """Look at the accounts that are to be looked at, once; return the calls that are not met.

        `touched` are accounts whom something may have happened to, None all there are; others than
        margin accounts do no harm. `counted` are the day trades of those accounts whose number may
        have changed.
        """
        self._round += 1
        counted = counted or {}
        self._note(touched, counted, now)
        known = _by_account(calls.unmet())
        chosen = heapq.nsmallest(LOOKS_MAX, self._due, key=self._turn)
        sheets = margin_book.sheets(chosen, now=now) if chosen else {}
        standings = {account_id: sheet.standing() for account_id, sheet in sheets.items()}
        _keep(sheets, standings, now)
        _count(counted, now)
        told = self._touched & sheets.keys()
        for account_id in chosen:
            self._looked_at(account_id, sheets.get(account_id), standings.get(account_id))
        for account_id, sheet in sheets.items():
            found, theirs = standings[account_id], known.get(account_id, [])
            of_equity = next((call for call in theirs if call.kind in calls.EQUITY), None)
            if sheet.is_live and calls.is_news(of_equity, found):
                calls.review(account_id, now=now)
            of_trades = [call for call in theirs if call.kind in trade_calls.KINDS]
            is_touched = touched is None or account_id in told
            if any(
                trade_calls.is_news(call, found, is_touched=is_touched, now=now)
                for call in of_trades
            ):
                trade_calls.review(account_id, now=now)
        return list(calls.unmet())

    def _note(
        self, touched: Collection[UUID] | None, counted: Collection[UUID], now: datetime
    ) -> None:
        """Note who is to be looked at."""
        today = calendars.date_of(now)
        if touched is None or today != self._day:
            self._day = today
            self._due.update(margin_book.all_accounts())
        self._touched.update(margin_book.margin_accounts(touched or ()), counted)
        self._due |= self._touched
        for code, market in margin_book.markets(self._holders, now=now).items():
            figures = _figures(market)
            if self._figures.get(code) != figures:
                self._figures[code] = figures
                self._due |= self._holders[code]

    def _turn(self, account_id: UUID) -> tuple[int, int]:
        """Return where in the row the account stands, the smallest first."""
        watched = self._watched.get(account_id, _UNKNOWN)
        is_first = account_id in self._touched or watched.is_near
        return (0 if is_first else 1, watched.looked_in)

    def _looked_at(self, account_id: UUID, sheet: Sheet | None, found: Standing | None) -> None:
        self._due.discard(account_id)
        self._touched.discard(account_id)
        before = self._watched.pop(account_id, _UNKNOWN)
        if sheet is None or found is None:  # no margin account, or closed
            self._let_go(account_id, before.codes)
            return
        codes = frozenset(each.code for each in sheet.positions)
        self._let_go(account_id, before.codes - codes)
        for each in sheet.positions:
            self._holders[each.code].add(account_id)
            self._figures.setdefault(each.code, _figures(each.market))
        self._watched[account_id] = _Watched(
            codes=codes,
            looked_in=self._round,
            is_near=found.equity - found.maintenance < NEAR * found.gross,
        )

    def _let_go(self, account_id: UUID, codes: Iterable[str]) -> None:
        for code in codes:
            holders = self._holders[code]
            holders.discard(account_id)
            if not holders:
                del self._holders[code], self._figures[code]


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is known of an account since the round in which it was looked at last."""

    codes: frozenset[str] = frozenset()
    looked_in: int = 0
    is_near: bool = False


_UNKNOWN: Final = _Watched()

_Figures = tuple[object, ...]


def _figures(market: Market) -> _Figures:
    """Return all of a market that an account's standing follows from."""
    return market.price, market.rates, market.live, market.counts


def _by_account(known: Iterable[MarginCall]) -> Mapping[UUID, list[MarginCall]]:
    found: defaultdict[UUID, list[MarginCall]] = defaultdict(list)
    for call in known:
        found[call.account_id].append(call)
    return found


def _keep(sheets: Mapping[UUID, Sheet], standings: Mapping[UUID, Standing], now: datetime) -> None:
    """Write how these accounts stand, where that has changed."""
    rows = bulk.select(MarginStatus, "account_id = ANY(%s)", [list(sheets)])
    known = {row.account_id: row for row in rows}
    new: list[MarginStatus] = []
    changed: list[MarginStatus] = []
    for account_id, sheet in sheets.items():
        row = known.get(account_id)
        is_new = row is None
        if row is None:
            row = bulk.new(MarginStatus, account_id=account_id, at=now)
        standing = standings[account_id]
        if _carry_on(row, sheet, standing, now) or is_new:
            row.at = now
            (new if is_new else changed).append(row)
    bulk.insert(new)
    bulk.update(changed, fields=("at", *_FIGURES, *_CLOSE))


def _carry_on(row: MarginStatus, sheet: Sheet, found: Standing, now: datetime) -> bool:
    """Bring the row up to date; return whether anything of it has changed."""
    before = [getattr(row, name) for name in (*_FIGURES, *_CLOSE)]
    today = calendars.date_of(now)
    if row.day is not None and row.day < today:
        if row.close_equity is not None and row.close_maintenance is not None:
            row.prior_excess = row.close_equity - row.close_maintenance
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
    return before != [getattr(row, name) for name in (*_FIGURES, *_CLOSE)]


def _count(counted: Mapping[UUID, Counted], now: datetime) -> None:
    """Write down how many day trades there were, and who is a pattern day trader by them.

    Not of whom people have cleared since the count was made.
    """
    if counted:
        today = calendars.date_of(now)
        each = [(owner, found.count, found.since) for owner, found in counted.items()]
        bulk.execute(_COUNT, [today, day_trades.ALLOWED, *map(list, zip(*each, strict=True))])


_COUNT: Final = """
    UPDATE risk_marginstatus AS s
       SET day_trades = c.count,
           day_trader_since = CASE WHEN s.day_trader_since IS NULL AND c.count > w.allowed
                                   THEN w.today ELSE s.day_trader_since END
      FROM (SELECT %s::date AS today, %s::int AS allowed) w,
           unnest(%s::uuid[], %s::int[], %s::timestamptz[]) AS c(account_id, count, since)
     WHERE s.account_id = c.account_id AND s.cleared_at IS NOT DISTINCT FROM c.since
    RETURNING s.account_id
"""
