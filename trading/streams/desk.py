"""What happens in the accounts that have a socket in this process, and what they are worth.

A hint names an account in which something happened; its sockets then read their own next
events. Hints may be lost, so the heads of all accounts are also compared every few seconds,
in one query. What the accounts are worth is kept in `portfolio.worth.live` and shown by a face
each, of which every socket is sent what is newer than it has.

The desk's own thread alone works with the model. The others, the hub's with its prices and those
of the sockets, leave something here under the lock and take something with them.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone

from accounts.models import Account
from foundation import wakeups
from marketdata.models import Quote
from portfolio import selectors as portfolio
from portfolio.selectors import Snapshot
from portfolio.worth.live import ReadModel
from trading.api import accounts_now, wire
from trading.streams import encoding
from trading.streams.faces import Face, Seen
from trading.streams.mailbox import Mailbox, on_loop

ROUND_SECONDS: Final = 0.2
PRICED_EVERY_SECONDS: Final = 1.0  # at most; an event in the account does not wait for it
COMPARED_EVERY_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 60.0  # that a face waits for a socket which comes back
KEPT_MAX: Final = 1_000
READ_TOGETHER: Final = 200  # accounts in one statement
FRAMES_MAX: Final = 20  # of one account, kept for sockets that have seen as much as another


@dataclass(eq=False)
class _Watched:
    """An account with at least one socket here, or with one a moment ago."""

    face: Face = field(default_factory=lambda: Face(uuid.uuid4().hex[:12]))
    mailboxes: set[Mailbox] = field(default_factory=set)
    has_event: bool = True  # so that a new socket is told what the account is worth
    left_at: float = 0.0
    frames: dict[Seen | None, tuple[str, Seen]] = field(default_factory=dict)

    @property
    def is_shown(self) -> bool:
        """Tell whether any of the sockets shows what the account is worth."""
        return any(mailbox.shows_worth for mailbox in self.mailboxes)

    def tell_of_worth(self) -> None:
        """Wake the sockets that have not been sent what the face shows."""
        for mailbox in self.mailboxes:
            if mailbox.shows_worth and mailbox.seen != self.face.seen:
                on_loop(mailbox.loop, mailbox.put_portfolio)


class Desk:
    """The accounts with sockets in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[UUID, _Watched] = {}
        self._quotes: dict[UUID, Quote] = {}
        self._model = ReadModel()
        self._days_closed = 0

    @property
    def watched(self) -> set[UUID]:
        """Return the accounts that have a socket."""
        with self._lock:
            return {key for key, each in self._watched.items() if each.mailboxes}

    # --- From the sockets, the listener and the hub ------------------------------------------

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
            watched.left_at = time.monotonic()

    def hear(self, payload: str) -> None:
        """Take a hint: the id of an account, or nothing, which means any of them."""
        with self._lock:
            heard = [self._watched.get(UUID(payload))] if payload else list(self._watched.values())
            for watched in filter(None, heard):
                watched.has_event = True
                _tell_of_activity(watched.mailboxes)

    def prices_moved(self, quotes: Iterable[Quote]) -> None:
        """Note the new prices; of two of an instrument the latest counts."""
        with self._lock:
            self._quotes |= {quote.instrument_id: quote for quote in quotes}

    def news(self, account_id: UUID, seen: Seen | None) -> tuple[str, Seen] | None:
        """Return the frame for a socket that was sent this so far, and what it has seen then."""
        with self._lock:
            watched = self._watched.get(account_id)
            if watched is None:
                return None
            if seen not in watched.frames:
                difference = watched.face.news(seen)
                if difference is None:
                    return None
                if len(watched.frames) >= FRAMES_MAX:
                    watched.frames.clear()
                # Most sockets of an account have seen the same.
                watched.frames[seen] = encoding.portfolio(difference), watched.face.seen
            return watched.frames[seen]

    # --- On the desk's own thread ------------------------------------------------------------

    def read_books(self, beat: Callable[[], None]) -> None:
        """Show what is owned in the accounts in which something happened."""
        self._let_go()
        due = self._due()
        for first in range(0, len(due), READ_TOGETHER):
            page = due[first : first + READ_TOGETHER]
            with self._due_again_if_it_fails(page):
                self._begin_to_read(page)
                self._show_books(self._model.refresh(page))
            beat()

    def take_prices(self) -> None:
        """Show what the new prices make of those who hold what they are of."""
        with self._lock:
            quotes, self._quotes = self._quotes, {}
        touched = self._model.reprice(quotes.values())
        with self._due_again_if_it_fails(touched):
            self._show_prices(touched)

    def compare(self) -> None:
        """Catch up with what no hint told of: activities, and the end of a day."""
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
        days_closed = portfolio.days_closed()
        if days_closed != self._days_closed:
            self._days_closed = days_closed
            with self._lock:
                for watched in self._watched.values():
                    watched.has_event = True

    def _let_go(self) -> None:
        """Forget the accounts without a socket; their faces wait a while for one to come back."""
        oldest = time.monotonic() - KEPT_SECONDS
        with self._lock:
            left = [(key, each) for key, each in self._watched.items() if not each.mailboxes]
            left.sort(key=lambda item: item[1].left_at)
            for place, (account_id, watched) in enumerate(left):
                if watched.left_at < oldest or len(left) - place > KEPT_MAX:
                    del self._watched[account_id]
        for account_id, _ in left:
            self._model.drop(account_id)

    def _due(self) -> list[UUID]:
        with self._lock:
            return [key for key, each in self._watched.items() if each.has_event and each.is_shown]

    def _begin_to_read(self, account_ids: Collection[UUID]) -> None:
        with self._lock:
            for account_id in account_ids:
                if watched := self._watched.get(account_id):
                    # Before and not after: what happens meanwhile is another reason to read it.
                    watched.has_event = False

    @contextmanager
    def _due_again_if_it_fails(self, account_ids: Collection[UUID]) -> Iterator[None]:
        is_done = False
        try:
            yield
            is_done = True
        finally:
            if not is_done:
                with self._lock:
                    for account_id in account_ids:
                        if watched := self._watched.get(account_id):
                            watched.has_event = True

    def _show_books(self, account_ids: Collection[UUID]) -> None:
        """Let faces show all that the model says of these accounts."""
        snapshots, now = self._snapshots(account_ids)
        accounts = accounts_now.shown(snapshots.values(), now=now)
        for account_id, snapshot in snapshots.items():
            positions = {view.instrument.symbol: wire.position(view) for view in snapshot.positions}
            self._show(account_id, snapshot, accounts[account_id], positions)

    def _show_prices(self, touched: Mapping[UUID, Collection[UUID]]) -> None:
        """Let faces show what new prices of these instruments can change of their holders."""
        snapshots, now = self._snapshots(touched)
        accounts = accounts_now.repriced(snapshots.values(), now=now)
        for account_id, snapshot in snapshots.items():
            positions = {
                view.instrument.symbol: wire.position_prices(view)
                for view in snapshot.positions
                if view.instrument.pk in touched[account_id]
            }
            self._show(account_id, snapshot, accounts[account_id], positions)

    def _snapshots(self, account_ids: Iterable[UUID]) -> tuple[dict[UUID, Snapshot], datetime]:
        now = timezone.now()
        known = (each for each in account_ids if each in self._model)
        return {each: self._model.snapshot(each, now=now) for each in known}, now

    def _show(
        self,
        account_id: UUID,
        snapshot: Snapshot,
        account: wire.Json,
        positions: Mapping[str, wire.Json],
    ) -> None:
        symbols = {view.instrument.symbol for view in snapshot.positions}
        with self._lock:
            watched = self._watched.get(account_id)
            if watched is not None:
                if watched.face.show(account, positions, symbols=symbols):
                    watched.frames.clear()
                watched.tell_of_worth()


def _tell_of_activity(mailboxes: set[Mailbox]) -> None:
    for mailbox in mailboxes:
        on_loop(mailbox.loop, mailbox.put_activity)


desk = Desk()
wakeups.listener.subscribe(wakeups.Channel.ACTIVITY, desk.hear)


def run(stop: threading.Event, beat: Callable[[], None]) -> None:
    """Keep the sockets of this process's accounts up to date until `stop`."""
    compared_at = priced_at = 0.0
    while not stop.is_set():
        begun = time.monotonic()
        if begun - compared_at >= COMPARED_EVERY_SECONDS:
            desk.compare()
            compared_at = begun
        desk.read_books(beat)
        if begun - priced_at >= PRICED_EVERY_SECONDS:
            desk.take_prices()
            priced_at = begun
        beat()
        stop.wait(max(0.0, begun + ROUND_SECONDS - time.monotonic()))
