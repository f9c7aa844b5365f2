"""Surveillance at work: it reads what every account has done since its mark, and raises alerts.

A part of the program, in one process at a time. An account's activities are gapless and in order,
and are read from the mark on, a bounded number a round; the mark moves in the transaction that
keeps the alerts. So each is looked at exactly once, over restarts and whatever the order of
commits. What is found is decided by the pure `risk.surveillance.habits` and
`risk.surveillance.manipulation`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import orjson
import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from foundation import bulk, charge, wakeups
from foundation.wakeups import Channel
from orders.surveillance import surveyed
from orders.surveillance.surveyed import Read
from risk.findings import Finding, Kind, Severity
from risk.surveillance import alerts, manipulation
from risk.surveillance import habits as surveillance

log = structlog.get_logger(__name__)

JOB: Final = "surveillance"
POLL_SECONDS: Final = 2.0
REST_SECONDS: Final = 0.5
"""Between two rounds at the least, so that a burst is read as one."""
REST_TIMES: Final = 9
REST_SECONDS_MAX: Final = 3.0
"""Whoever works through a flood rests nine times as long as it worked: orders go first."""
ACCOUNTS_MAX: Final = 200
EACH_MAX: Final = 500
"""Activities of one account in a round: a busy one keeps nobody waiting."""
PLACED: Final = frozenset({"order.submitted", "order.held"})
FILLED: Final = frozenset({"order.filled", "order.partially_filled"})
MOVED: Final = frozenset({"money.deposited", "money.withdrawal_requested"})
PEOPLE: Final = ("user:", "api_key:")
AFTER_CLOSE: Final = timedelta(minutes=10)
"""So long after a close its last minutes are looked at, if nobody was there before."""


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Watch until `stop`, while no other process does."""
    try:
        with wakeups.listener.event(Channel.ACTIVITY) as news:
            while not stop.is_set():
                if charge.take(JOB):
                    _go_on(stop, beat, news)
                beat()
                stop.wait(POLL_SECONDS)
    finally:
        charge.give_up(JOB)


def _go_on(stop: threading.Event, beat: Callable[[], None], news: threading.Event) -> None:
    closes = Closes()
    while not stop.is_set():
        news.clear()
        began = time.monotonic()
        while look(now=timezone.now()) and not stop.is_set():
            beat()
            stop.wait(_rest(time.monotonic() - began))
            began = time.monotonic()
        closes.look(now=timezone.now())
        beat()
        news.wait(POLL_SECONDS)


def _rest(worked: float) -> float:
    return min(max(REST_SECONDS, REST_TIMES * worked), REST_SECONDS_MAX)


class _News(NamedTuple):
    """An account with activities after its mark, the first and the last that a round reads."""

    account_id: UUID
    owner: UUID
    after: int
    until: int


def look(*, now: datetime) -> int:
    """Read the next activities of the accounts that have any: one round; return how many.

    When something unexpected fails, the accounts are read one by one, and the one that fails
    alone is passed over with an alert: it keeps nobody else from being watched.
    """
    try:
        return _look(now=now, limit=ACCOUNTS_MAX)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, the others are watched
        log.warning("surveillance_round_failed", error=str(error))
    read = 0
    for news in _news(ACCOUNTS_MAX):
        try:
            with transaction.atomic():
                read += _read([news], now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            log.exception("account_not_surveyed", account=str(news.account_id))
            _pass_over(news, error, now=now)
            read += news.until - news.after
    return read


def _look(*, now: datetime, limit: int) -> int:
    with transaction.atomic():
        return _read(_news(limit), now=now)


def _news(limit: int) -> list[_News]:
    return [_News(*row) for row in bulk.execute(_ACCOUNTS, [EACH_MAX, limit])]


def _read(news: list[_News], *, now: datetime) -> int:
    if not news:
        return 0
    rows = bulk.execute(
        _ACTIVITIES,
        [
            [each.account_id for each in news],
            [each.after for each in news],
            [each.until for each in news],
        ],
    )
    owners = {each.account_id: each.owner for each in news}
    read = [
        Read(owners[account_id], account_id, kind, at, actor, orjson.loads(payload))
        for account_id, kind, at, actor, payload in rows
    ]
    alerts.raise_alerts(_findings(read), now=now)
    bulk.execute(_MARK, [[each.account_id for each in news], [each.until for each in news]])
    return len(read)


def _pass_over(news: _News, error: Exception, *, now: datetime) -> None:
    with transaction.atomic():
        alerts.raise_alert(
            kind="surveillance_failed",
            severity=Severity.SEVERE,
            account_id=news.account_id,
            summary=f"Activities {news.after + 1} to {news.until} could not be looked at",
            evidence={"error": f"{type(error).__name__}: {error}"[:500]},
            key=f"{news.account_id}:{news.until}",
            now=now,
        )
        bulk.execute(_MARK, [[news.account_id], [news.until]])


def _findings(read: list[Read]) -> list[Finding]:
    """Hold what was read against all that surveillance looks for."""
    filled = [each for each in read if each.kind in FILLED]
    placed = [each for each in read if each.kind in PLACED and each.actor.startswith(PEOPLE)]
    cancelled = [each for each in read if each.kind == "order.cancelled"]
    moved = [each for each in read if each.kind in MOVED]
    # A deposit that came back with its cash gone restricts the account in the same transaction.
    owing = {each.account_id for each in read if each.kind == "account.restricted"}
    back = [each for each in read if each.kind == "money.deposit_returned"]
    found = [_returned(each, is_owed=each.account_id in owing) for each in back]
    if filled or placed:
        habits = surveyed.habits({each.account_id for each in filled + placed}, read)
        found += surveillance.large_trades(surveyed.dealt(filled), habits)
        entered = [(UUID(each.payload["order_id"]), each.account_id, each.at) for each in placed]
        found += surveillance.odd_hours(entered, habits)
    if filled or cancelled:
        owners = {each.owner for each in filled + cancelled}
        since = min(each.at for each in filled + cancelled)
        window = max(
            surveillance.SHIPPED.velocity_window,
            manipulation.SHIPPED.wash_window,
            manipulation.SHIPPED.layers_entered + manipulation.SHIPPED.layers_cancelled,
        )
        executions = surveyed.executions(owners, since=since - window)
        # A venue's time of a fill lies before that at which we had booked it.
        oldest = min([since, *surveyed.executed_at(executions, filled)])
        if filled:
            found += surveillance.velocity(executions, habits, since=oldest)
            found += manipulation.wash_trades(executions, since=oldest)
        # An order may be cancelled before the other is executed, and be read before.
        resting = surveyed.resting(owners, since=since - window)
        found += manipulation.layering(executions, resting, since=oldest)
    if moved:
        found += _unusual_transfers(moved)
    return found


def _unusual_transfers(read: Iterable[Read]) -> list[Finding]:
    accounts = {each.account_id for each in read}
    since = min(each.at for each in read)
    known = surveyed.transfers(accounts)
    new = [each for of_one in known.values() for each in of_one if each.at >= since]
    traded = surveyed.traded(accounts, since=since - surveillance.SHIPPED.passing_through)
    return surveillance.unusual_transfers(new, known, traded)


def _returned(read: Read, *, is_owed: bool) -> Finding:
    reference = read.payload["reference"]
    return Finding(
        kind=Kind.DEPOSIT_RETURNED,
        severity=Severity.SEVERE if is_owed else Severity.WARNING,
        account_id=read.account_id,
        summary=f"A deposit of {read.payload['amount']} USD came back from the bank"
        + (", and its cash was gone" if is_owed else ""),
        key=f"returned:{read.account_id}:{reference}",
        happened_at=read.at,
        evidence={"reference": reference, "amount": read.payload["amount"]},
    )


class Closes:
    """The last minutes of each session, looked at once it has closed."""

    def __init__(self) -> None:
        # By calendar. After a new start it is looked at once more, and all is known.
        self._done: dict[str, datetime] = {}

    def look(self, *, now: datetime) -> None:
        """Look at what closed just now."""
        for calendar, close in surveyed.closed_since(now - AFTER_CLOSE, now=now):
            if self._done.get(calendar) != close:
                with transaction.atomic():
                    since = close - manipulation.SHIPPED.close_window
                    executions = surveyed.executions_of(calendar, since=since, until=close)
                    endings = surveyed.endings(
                        {each.instrument_id for each in executions}, since=since, close=close
                    )
                    found = manipulation.marking_the_close(executions, endings)
                    alerts.raise_alerts(found, now=now)
                self._done[calendar] = close


_ACCOUNTS: Final = """
    SELECT a.id, a.user_id, coalesce(s.sequence, 0),
           least(a.activity_sequence, coalesce(s.sequence, 0) + %s)
      FROM accounts_account a LEFT JOIN risk_surveyed s ON s.account_id = a.id
     WHERE a.activity_sequence > coalesce(s.sequence, 0)
     -- By lot, so that no others keep an account waiting by being busy in every round.
     ORDER BY s.sequence IS NOT NULL, random() LIMIT %s
"""
_ACTIVITIES: Final = """
    SELECT a.account_id, a.kind, a.at, a.actor, a.payload
      FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS news(account_id, after, until)
      JOIN accounts_activity a ON a.account_id = news.account_id
                              AND a.sequence > news.after AND a.sequence <= news.until
     ORDER BY a.account_id, a.sequence
"""
_MARK: Final = """
    INSERT INTO risk_surveyed (account_id, sequence)
    SELECT * FROM unnest(%s::uuid[], %s::bigint[])
        ON CONFLICT (account_id) DO UPDATE SET sequence = excluded.sequence
"""
