"""The jobs of a day that belong to no room of their own. Each may be done again at any time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from accounts import retention as accounts
from foundation import decimals
from marketdata import calendars
from marketdata.history import retention as marketdata
from orders.held import expiry
from portfolio import interest, settling
from portfolio.actions import entitlements
from portfolio.actions import services as corporate_actions
from portfolio.lots import tax
from portfolio.worth import closing
from risk.findings import Finding, Kind, Severity
from risk.surveillance import alerts

Progress = Callable[[int, int], None]

NAMED_MAX: Final = 10


class StillOpen(RuntimeError):
    """Orders are open that should have expired."""


def pay_dividends(*, day: date, now: datetime, progress: Progress) -> str:
    """Pay what is payable on `day` or was before, to everybody who is entitled."""
    due = entitlements.payable(day, now=now)
    paid = 0
    for number, dividend in enumerate(due, start=1):
        paid += entitlements.pay_out(dividend, now=now)
        progress(number, len(due))
    return f"{paid} paid, of {len(due)} dividends"


def look_for_corporate_actions(*, day: date, now: datetime, progress: Progress) -> str:
    """Raise an alert for each action that should be carried out before the next market opens.

    A person carries it out: it halts an instrument, and waits for what venues answer.
    """
    overdue = corporate_actions.unfinished(day + timedelta(days=1), paying_on=day)
    findings = [
        Finding(
            kind=Kind.CORPORATE_ACTION_DUE,
            severity=Severity.WARNING,
            account_id=None,
            instrument_id=action.instrument_id,
            summary=f"{action.reference} of {action.ex_date} is {action.state}",
            key=f"corporate_action:{action.pk}:{day}",
            happened_at=now,
            evidence={"action": action.reference, "state": action.state},
        )
        for action in overdue
    ]
    alerts.raise_alerts(findings, now=now)
    progress(len(findings), len(findings))
    return f"{len(findings)} wait for a person"


def look_for_expired_orders(*, day: date, now: datetime, progress: Progress) -> str:
    """See that no order is open that should have expired by the end of `day`.

    What we hold ends by itself, and venues end theirs. Raises StillOpen, so that it is looked at
    again: after an outage their word may be on its way.
    """
    overdue = expiry.overdue(by=calendars.midnight(day + timedelta(days=1)))
    if overdue:
        named = ", ".join(map(str, overdue[:NAMED_MAX]))
        raise StillOpen(f"{len(overdue)} orders should have expired: {named}")
    progress(1, 1)
    return "none is open"


def snapshot_equity(*, day: date, now: datetime, progress: Progress) -> str:
    """Write down what every account was worth at the end of `day`."""
    written = closing.snapshot_equity(day=day, now=now)
    progress(written, written)
    return f"{written} accounts"


def charge_interest(*, day: date, now: datetime, progress: Progress) -> str:
    """Accrue what debits cost up to `day`, and charge the months that are over with it."""
    accrued = interest.accrue(through=day, now=now)
    due = interest.due()
    charged = Decimal(0)
    for number, charge in enumerate(due, start=1):
        if interest.charge(charge, now=now):
            charged += charge.amount
        progress(number, len(due))
    return f"{accrued} days accrued, {decimals.text(charged)} USD charged"


def settle(*, day: date, now: datetime, progress: Progress) -> str:
    """Take the proceeds that settle on `day` or did before out of what is not final."""
    waiting = settling.waiting(day)
    settled = Decimal(0)
    for number, account_id in enumerate(waiting, start=1):
        settled += settling.settle(account_id, day=day)
        progress(number, len(waiting))
    return f"{len(waiting)} accounts, {decimals.text(settled)} USD"


def find_wash_sales(*, day: date, now: datetime, progress: Progress) -> str:
    """Write down the wash sales that the purchases up to now have made."""
    found = tax.reverse_overtaken(now=now)
    pairs = tax.pairs(now=now)
    for number, pair in enumerate(pairs, start=1):
        found += tax.find(*pair, now=now)
        progress(number, len(pairs))
    return f"{found} found or taken back, among {len(pairs)} instruments of accounts"


def archive(*, day: date, now: datetime, progress: Progress) -> str:
    """Put ticks that are past their time into files, and drop the files that are."""
    days = marketdata.put_aside(now=now)
    progress(days, days)
    return f"{days} days of trades or quotes put aside"


def drop_what_is_past_its_time(*, day: date, now: datetime, progress: Progress) -> str:
    """Drop sessions, links, points of the curve, bars and suspects of long ago."""
    drops = (accounts.drop, closing.thin_points, marketdata.drop)
    dropped = 0
    for number, drop in enumerate(drops, start=1):
        dropped += drop(now=now)
        progress(number, len(drops))
    return f"{dropped} rows"
