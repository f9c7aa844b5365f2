"""Calls that the trades of a day have made: for what they opened overnight, and for day trades.

A Regulation T call is for the deficiency that the day's trades have made, and due after a payment
period; overdue, positions are closed for it, as for every call. A day-trading call is for what day
trades required beyond their buying power, and due after five business days; it is met by a deposit
alone. Until then the account may buy for twice its excess, and once it is overdue for its cash, for
90 days (`risk.margin.book`). An account has one of each at a time: what another day makes is added
to the one, is the larger of the two for the other, and neither is due any later for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db import transaction

from accounts import locks
from accounts.locks import LockedAccount
from foundation import decimals
from marketdata import calendars
from risk.margin import book as margin_book
from risk.margin import calls, day_end
from risk.margin import requirements as margin
from risk.margin.book import Market, Sheet
from risk.margin.day_end import Fill
from risk.margin.models import MarginCall, MarginStatus
from risk.margin.requirements import Holding, Standing

ZERO: Final = Decimal(0)
KINDS: Final = (MarginCall.Kind.REG_T, MarginCall.Kind.DAY_TRADE)
PAYMENT_DAYS: Final = 3
"""A payment period: the day on which trades settle, and two business days (12 CFR 220.2)."""
DAY_TRADE_DAYS: Final = 5
CASH_ALONE: Final = timedelta(days=90)
STAY_DAYS: Final = 2
"""So many business days a deposit stays that has met a day-trading call (FINRA 4210(f)(8)(B))."""


@dataclass(frozen=True, slots=True)
class TradeDay:
    """A day and its fills, in order of execution, of one account; `later` are those since."""

    day: date
    fills: Sequence[Fill]
    later: Sequence[Fill] = ()


# --- The end of a day --------------------------------------------------------------------------


def judge(account_id: UUID, *, traded: TradeDay, now: datetime) -> bool:
    """Look at a day that is over, once; return whether it is done with.

    It is not yet while something has no price that counts, or nobody has seen the account yet.
    """
    with transaction.atomic():
        account = locks.lock(account_id)
        sheet = margin_book.sheet(account_id, now=now)
        status = MarginStatus.objects.filter(account_id=account_id).first()
        if sheet is None:
            return True
        if status is None:
            return False
        if status.judged_day is not None and status.judged_day >= traded.day:
            return True
        markets = {each.code: each.market for each in sheet.positions}
        codes = {each.code for each in (*traded.fills, *traded.later)}
        markets |= margin_book.markets(codes, now=now)
        found = _standings(sheet, traded, markets)
        if found is None:
            return False
        before, after = found
        _call_for_deficiency(account, sheet, traded, before, after, now)
        _call_for_day_trades(account, sheet, traded, status, markets, after, now)
        MarginStatus.objects.filter(account_id=account_id).update(judged_day=traded.day)
        return True


def _standings(
    sheet: Sheet, traded: TradeDay, markets: Mapping[str, Market]
) -> tuple[Standing, Standing] | None:
    """Return how the account would stand without the day's trades, and how with them.

    None while what it has then has no price that counts.
    """
    held = {each.code: each.quantity for each in sheet.positions}
    after = _less(held, traded.later)
    before = _less(after, traded.fills)
    prices = day_end.costs(traded.fills)
    for code in {*before, *after} - prices.keys():
        market = markets.get(code)
        if market is None or market.price is None or not market.counts:
            return None
        prices[code] = market.price
    cash = sheet.cash + day_end.paid(traded.later)
    return (
        _standing(before, cash + day_end.paid(traded.fills), prices, markets),
        _standing(after, cash, prices, markets),
    )


def _less(held: Mapping[str, Decimal], fills: Sequence[Fill]) -> dict[str, Decimal]:
    """Return the positions as they were before these fills."""
    moved = day_end.moved(fills)
    found = {code: held.get(code, ZERO) - moved.get(code, ZERO) for code in {*held, *moved}}
    return {code: quantity for code, quantity in found.items() if quantity}


def _standing(
    held: Mapping[str, Decimal],
    cash: Decimal,
    prices: Mapping[str, Decimal],
    markets: Mapping[str, Market],
) -> Standing:
    holdings = [Holding(held[code], prices[code], markets[code].rates) for code in sorted(held)]
    return margin.standing(holdings, cash=cash, held=ZERO)


def _call_for_deficiency(
    account: LockedAccount,
    sheet: Sheet,
    traded: TradeDay,
    before: Standing,
    after: Standing,
    now: datetime,
) -> None:
    made = day_end.created(before=before, after=after)
    if not made:
        return
    call = _open(account.pk, MarginCall.Kind.REG_T)
    if call is not None:
        call.amount += made
        call.amount_max = max(call.amount_max, call.amount)
    else:
        due_at = _due_at(traded.day, PAYMENT_DAYS, sheet, now)
        call = _new(account, sheet, MarginCall.Kind.REG_T, made, after, due_at, now)
    calls.keep(call, f"The trades of {traded.day} opened more than equity bears overnight", now)
    calls.tell(account, call, "margin.called", now)


def _call_for_day_trades(
    account: LockedAccount,
    sheet: Sheet,
    traded: TradeDay,
    status: MarginStatus,
    markets: Mapping[str, Market],
    after: Standing,
    now: datetime,
) -> None:
    excess = _excess_before(status, traded.day)
    since = status.day_trader_since
    if excess is None or since is None or since >= traded.day:
        return
    held = {each.code: each.quantity for each in sheet.positions}
    positions = _less(_less(held, traded.later), traded.fills)
    rates = {code: market.rates for code, market in markets.items()}
    required = day_end.peak(traded.fills, positions=positions, rates=rates)
    missing = day_end.exceeded(required, excess=excess)
    if not missing:
        return
    call = _open(account.pk, MarginCall.Kind.DAY_TRADE)
    if call is None:
        due_at = _due_at(traded.day, DAY_TRADE_DAYS, sheet, now)
        call = _new(account, sheet, MarginCall.Kind.DAY_TRADE, missing, after, due_at, now)
    elif missing > call.amount:
        call.amount = missing
        call.amount_max = max(call.amount_max, missing)
    else:
        return
    calls.keep(call, f"The day trades of {traded.day} were beyond their buying power", now)
    calls.tell(account, call, "margin.called", now)


def _excess_before(status: MarginStatus, day: date) -> Decimal | None:
    """Return what there was over maintenance at the close before `day`, None if nobody knows."""
    if status.close_day == day:
        prior: Decimal | None = status.prior_excess
        return prior
    if status.day == day and status.close_equity is not None:
        excess: Decimal = status.close_equity - status.close_maintenance
        return excess
    return None


def _due_at(day: date, days: int, sheet: Sheet, now: datetime) -> datetime:
    """Return when it is due: counted from the day, or where we were down, from yesterday.

    Nobody is liquidated for a call that he was never told of.
    """
    counted_from = max(day, calendars.date_of(now) - timedelta(days=1))
    return calls.due_after(counted_from, days=days, calendar=sheet.calendar)


def _new(
    account: LockedAccount,
    sheet: Sheet,
    kind: MarginCall.Kind,
    amount: Decimal,
    found: Standing,
    due_at: datetime,
    now: datetime,
) -> MarginCall:
    return MarginCall(
        account_id=account.pk,
        kind=kind,
        amount=amount,
        amount_max=amount,
        equity=found.equity,
        maintenance=found.maintenance,
        positions={each.code: decimals.text(each.quantity) for each in sheet.positions},
        made_at=now,
        due_at=due_at,
    )


def _open(account_id: UUID, kind: MarginCall.Kind) -> MarginCall | None:
    return calls.unmet().filter(account_id=account_id, kind=kind).first()


# --- What becomes of it ------------------------------------------------------------------------


def missing(call: MarginCall, found: Standing) -> Decimal:
    """Return what is missing to meet the call, however it was made; zero when it is met.

    Of a deficiency the part that was called for and not paid in, and never more than there is.
    """
    if call.kind in calls.EQUITY:
        return found.deficit
    unpaid: Decimal = call.amount - calls.paid_in(call.account_id, call.made_at)
    if call.kind == MarginCall.Kind.REG_T:
        unpaid = min(unpaid, day_end.deficiency(found) - call.spared)
    return max(unpaid, ZERO)


def is_news(call: MarginCall, found: Standing, *, is_touched: bool, now: datetime) -> bool:
    """Tell whether the call may be over: money may have come in, or nothing is missing."""
    if is_touched:
        return True
    if call.kind == MarginCall.Kind.REG_T:
        return bool(day_end.deficiency(found) <= call.spared)
    return bool(call.due_at + CASH_ALONE <= now)


def review(account_id: UUID, *, now: datetime) -> None:
    """End the account's calls of this kind that are met, behind its lock."""
    with transaction.atomic():
        account = locks.lock(account_id)
        sheet = margin_book.sheet(account_id, now=now)
        for call in calls.unmet().filter(account_id=account_id, kind__in=KINDS):
            met_by = None if sheet is None else _met_by(account, sheet, call, now)
            if met_by is not None:
                calls.end(account, call, met_by, now)


def _met_by(
    account: LockedAccount, sheet: Sheet, call: MarginCall, now: datetime
) -> MarginCall.MetBy | None:
    if calls.paid_in(account.pk, call.made_at) >= call.amount:
        return MarginCall.MetBy.DEPOSIT
    if call.kind == MarginCall.Kind.DAY_TRADE:
        return MarginCall.MetBy.TIME if call.due_at + CASH_ALONE <= now else None
    found = sheet.standing()
    if found.unpriced or missing(call, found):
        return None
    return calls.met_by(account, sheet, call)


def kept_back(sheet: Sheet, *, now: datetime) -> Decimal:
    """Return what may not be withdrawn yet: deposits that have met a day-trading call."""
    met = MarginCall.objects.filter(
        account_id=sheet.account_id,
        kind=MarginCall.Kind.DAY_TRADE,
        met_by=MarginCall.MetBy.DEPOSIT,
        met_at__gt=now - timedelta(days=15),
    )
    return sum((call.amount for call in met if _stays(call, sheet, now)), ZERO)


def _stays(call: MarginCall, sheet: Sheet, now: datetime) -> bool:
    if call.met_at is None:
        return False
    day = calendars.date_of(call.met_at)
    stays_until = calls.due_after(day, days=STAY_DAYS, calendar=sheet.calendar)
    return now < stays_until
