"""Surveillance at work: it reads what every account has done since its mark, and raises alerts.

A part of the program, in one process at a time. An account's activities are gapless and in order,
and are read from the mark on, a bounded number a round; the mark moves in the transaction that
keeps the alerts. So each is looked at exactly once, over restarts and whatever the order of
commits. What is found is decided by the pure modules of `risk.surveillance`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

import orjson
import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from foundation import bulk, charge, wakeups
from foundation.wakeups import Channel, News
from orders.surveillance import surveyed
from orders.surveillance.surveyed import Read
from risk.findings import Finding, Kind, Severity
from risk.surveillance import alerts, ignition, manipulation, transfers
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
ALL_SECONDS: Final = 60.0
"""Between two looks for news of every account, should a hint have been lost."""
EACH_MAX: Final = 500
"""Activities of one account in a round: a busy one keeps nobody waiting."""
PLACED: Final = frozenset({"order.submitted", "order.held"})
FILLED: Final = frozenset({"order.filled", "order.partially_filled"})
MOVED: Final = frozenset(
    {"money.deposited", "money.withdrawal_requested", "holding.withdrawal_requested"}
)
PEOPLE: Final = ("user:", "api_key:")
AFTER_CLOSE: Final = timedelta(minutes=10)
"""So long after a close its last minutes are looked at, if nobody was there before."""


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Watch until `stop`, while no other process does."""
    try:
        with wakeups.listener.news(Channel.ACTIVITY, all_seconds=ALL_SECONDS) as news:
            while not stop.is_set():
                if charge.take(JOB):
                    _go_on(stop, beat, news)
                beat()
                stop.wait(POLL_SECONDS)
    finally:
        charge.give_up(JOB)


def _go_on(stop: threading.Event, beat: Callable[[], None], news: News) -> None:
    watch, closes = Watch(), Closes()
    news.start_over()
    while not stop.is_set():
        began = time.monotonic()
        while watch.look(now=timezone.now(), named=_ids(news.take())) and not stop.is_set():
            beat()
            stop.wait(_rest(time.monotonic() - began))
            began = time.monotonic()
        closes.look(now=timezone.now())
        beat()
        news.came.wait(POLL_SECONDS)


def _ids(named: set[str] | None) -> set[UUID] | None:
    return None if named is None else {UUID(each) for each in named}


def _rest(worked: float) -> float:
    return min(max(REST_SECONDS, REST_TIMES * worked), REST_SECONDS_MAX)


class _Unread(NamedTuple):
    """An account with activities after its mark, the first and the last that a round reads."""

    account_id: UUID
    owner: UUID
    after: int
    until: int


class Watch:
    """Rounds over the accounts that may have activities after their mark."""

    def __init__(self) -> None:
        self._waiting: set[UUID] | None = None

    def look(self, *, now: datetime, named: Collection[UUID] | None = None) -> int:
        """Read the next activities of the accounts that have any: one round; return how many.

        `named` are the accounts that may have some since the last round, None all there are.

        When something unexpected fails, the accounts are read one by one, and the one that fails
        alone is passed over with an alert: it keeps nobody else from being watched.
        """
        unread = self._unread(named)
        try:
            with transaction.atomic():
                return _read(unread, now=now)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the others are watched
            log.warning("surveillance_round_failed", error=str(error))
        return sum(_read_alone(each, now=now) for each in unread)

    def _unread(self, named: Collection[UUID] | None) -> list[_Unread]:
        """Return what the next round reads, and keep in mind who may have more."""
        if named is None:
            self._waiting = None
        elif self._waiting is not None:
            self._waiting.update(named)
        if self._waiting is None:
            rows = bulk.execute(_ACCOUNTS, [EACH_MAX, ACCOUNTS_MAX])
        elif self._waiting:
            rows = bulk.execute(_WAITING, [EACH_MAX, list(self._waiting), ACCOUNTS_MAX])
        else:
            return []
        unread = [_Unread(*row) for row in rows]
        if len(unread) < ACCOUNTS_MAX:
            self._waiting = {each.account_id for each in unread}
        return unread


def _read(unread: list[_Unread], *, now: datetime) -> int:
    if not unread:
        return 0
    rows = bulk.execute(
        _ACTIVITIES,
        [
            [each.account_id for each in unread],
            [each.after for each in unread],
            [each.until for each in unread],
        ],
    )
    owners = {each.account_id: each.owner for each in unread}
    read = [
        Read(owners[account_id], account_id, kind, at, actor, orjson.loads(payload))
        for account_id, kind, at, actor, payload in rows
    ]
    alerts.raise_alerts(_findings(read), now=now)
    bulk.execute(_MARK, [[each.account_id for each in unread], [each.until for each in unread]])
    return len(read)


def _read_alone(unread: _Unread, *, now: datetime) -> int:
    try:
        with transaction.atomic():
            return _read([unread], now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("account_not_surveyed", account=str(unread.account_id))
        _pass_over(unread, error, now=now)
        return unread.until - unread.after


def _pass_over(unread: _Unread, error: Exception, *, now: datetime) -> None:
    with transaction.atomic():
        alerts.raise_alert(
            kind="surveillance_failed",
            severity=Severity.SEVERE,
            account_id=unread.account_id,
            summary=f"Activities {unread.after + 1} to {unread.until} could not be looked at",
            evidence={"error": f"{type(error).__name__}: {error}"[:500]},
            key=f"{unread.account_id}:{unread.until}",
            now=now,
        )
        bulk.execute(_MARK, [[unread.account_id], [unread.until]])


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
    found += [_failed(each) for each in read if each.kind == "money.deposit_failed"]
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
            ignition.SHIPPED.window + ignition.SHIPPED.used_within,
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
        if filled:
            pushes = ignition.pushes(executions, resting, since=oldest)
            found += ignition.momentum_ignition(pushes, surveyed.volumes(pushes))
    if moved:
        found += _unusual_transfers(moved)
    named = [each for each in read if each.kind == "money.payee_added"]
    if named:
        found += transfers.shared_payees(surveyed.same_payees(named))
    return found


def _unusual_transfers(read: Iterable[Read]) -> list[Finding]:
    accounts = {each.account_id for each in read}
    since = min(each.at for each in read)
    known = surveyed.transfers(accounts)
    new = [each for of_one in known.values() for each in of_one if each.at >= since]
    traded = surveyed.traded(accounts, since=since - transfers.SHIPPED.passing_through)
    return transfers.unusual_transfers(new, known, traded)


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


def _failed(read: Read) -> Finding:
    """Return a deposit that never came: no cash is gone, and the customer counted on it."""
    reference = read.payload["reference"]
    return Finding(
        kind=Kind.DEPOSIT_FAILED,
        severity=Severity.WARNING,
        account_id=read.account_id,
        summary=f"A deposit of {read.payload['amount']} USD was refused by the bank",
        key=f"failed:{read.account_id}:{reference}",
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


_UNREAD: Final = """
    SELECT a.id, a.user_id, coalesce(s.sequence, 0),
           least(a.activity_sequence, coalesce(s.sequence, 0) + %s)
      FROM accounts_account a LEFT JOIN risk_surveyed s ON s.account_id = a.id
     WHERE a.activity_sequence > coalesce(s.sequence, 0)
"""
# By lot, so that no others keep an account waiting by being busy in every round.
_BY_LOT: Final = " ORDER BY s.sequence IS NOT NULL, random() LIMIT %s"
_ACCOUNTS: Final = _UNREAD + _BY_LOT
_WAITING: Final = _UNREAD + " AND a.id = ANY(%s)" + _BY_LOT
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
