"""What happens in the accounts that have a socket in this process.

A hint names an account in which something happened; its sockets then read their own next
events. Hints may be lost, so the heads of all accounts are also compared every few seconds,
in one query. What an account is worth is computed here, once for all of its sockets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from accounts.models import Account
from foundation import wakeups
from portfolio import selectors as portfolio
from trading.streams import encoding
from trading.streams.mailbox import Mailbox, on_loop

ROUND_SECONDS: Final = 0.2
VALUED_EVERY_SECONDS: Final = 1.0  # at most; an event in the account does not wait for it
COMPARED_EVERY_SECONDS: Final = 5.0


@dataclass(eq=False)
class _Watched:
    """An account with at least one socket here."""

    mailboxes: set[Mailbox] = field(default_factory=set)
    symbols: frozenset[str] = frozenset()
    has_event: bool = True  # so that a new socket is told what the account is worth
    has_moved: bool = False
    valued_at: float = 0.0

    def is_due(self, at: float) -> bool:
        return self.has_event or (self.has_moved and at - self.valued_at >= VALUED_EVERY_SECONDS)


class Desk:
    """The accounts with sockets in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[UUID, _Watched] = {}

    def join(self, account_id: UUID, mailbox: Mailbox) -> None:
        with self._lock:
            watched = self._watched.setdefault(account_id, _Watched())
            watched.mailboxes.add(mailbox)
            watched.has_event = True

    def leave(self, account_id: UUID, mailbox: Mailbox) -> None:
        with self._lock:
            watched = self._watched.get(account_id)
            if watched is None:
                return
            watched.mailboxes.discard(mailbox)
            if not watched.mailboxes:
                del self._watched[account_id]

    def hear(self, payload: str) -> None:
        """Take a hint: the id of an account, or nothing, which means any of them."""
        with self._lock:
            heard = [self._watched.get(UUID(payload))] if payload else list(self._watched.values())
            for watched in filter(None, heard):
                watched.has_event = True
                _tell_of_activity(watched.mailboxes)

    def prices_moved(self, symbols: set[str]) -> None:
        """Note that whoever holds one of `symbols` is worth something else now."""
        with self._lock:
            for watched in self._watched.values():
                if not watched.symbols.isdisjoint(symbols):
                    watched.has_moved = True

    def value_who_is_due(self, beat: Callable[[], None]) -> None:
        """Tell the sockets of each account that is due what it is worth."""
        for account_id in self._due():
            with self._valued(account_id):
                snapshot = portfolio.snapshot(account_id)
                self._tell_of_value(
                    account_id,
                    symbols=frozenset(view.instrument.symbol for view in snapshot.positions),
                    frame=encoding.portfolio(snapshot),
                )
            beat()

    def compare_heads(self) -> None:
        """Wake the sockets that have not been sent their account's latest activity."""
        with self._lock:
            ids = list(self._watched)
        heads = Account.objects.filter(pk__in=ids).values_list("pk", "activity_sequence")
        for account_id, head in heads.iterator():
            with self._lock:
                watched = self._watched.get(account_id)
                behind = (
                    {box for box in watched.mailboxes if box.sequence < head} if watched else set()
                )
                if watched is not None and behind:
                    watched.has_event = True
                _tell_of_activity(behind)

    def _due(self) -> list[UUID]:
        """Return the accounts to value, who waited longest first."""
        at = time.monotonic()
        with self._lock:
            due = [item for item in self._watched.items() if item[1].is_due(at)]
            due.sort(key=lambda item: item[1].valued_at)
        return [account_id for account_id, _ in due]

    @contextmanager
    def _valued(self, account_id: UUID) -> Iterator[None]:
        """Count the account as valued; where that fails it stays due, behind the others."""
        with self._lock:
            watched = self._watched.get(account_id) or _Watched()
            # Before and not after: what happens meanwhile is another reason to value it.
            watched.has_event = watched.has_moved = False
            watched.valued_at = time.monotonic()
        is_told = False
        try:
            yield
            is_told = True
        finally:
            if not is_told:
                with self._lock:
                    watched.has_event = True

    def _tell_of_value(self, account_id: UUID, *, symbols: frozenset[str], frame: str) -> None:
        with self._lock:
            watched = self._watched.get(account_id)
            if watched is None:
                return
            watched.symbols = symbols
            for mailbox in watched.mailboxes:
                on_loop(mailbox.loop, mailbox.put_portfolio, frame)


def _tell_of_activity(mailboxes: set[Mailbox]) -> None:
    for mailbox in mailboxes:
        on_loop(mailbox.loop, mailbox.put_activity)


desk = Desk()
wakeups.listener.subscribe(wakeups.Channel.ACTIVITY, desk.hear)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Keep the sockets of this process's accounts up to date until `stop`."""
    compared_at = 0.0
    while not stop.is_set():
        begun = time.monotonic()
        if begun - compared_at >= COMPARED_EVERY_SECONDS:
            desk.compare_heads()
            compared_at = begun
        desk.value_who_is_due(beat)
        beat()
        stop.wait(max(0.0, begun + ROUND_SECONDS - time.monotonic()))
