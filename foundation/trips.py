"""Statements that travel to the database together, and answers that are read when needed.

A round trip costs more than most statements do. Inside `together()` statements are collected and
go to the server when the first answer is needed, all in one trip (libpq's pipeline mode); BEGIN
rides with the first ones and COMMIT with the last. A transaction that asks everything before it
reads the first answer, and then writes, takes two trips.

The server still carries the statements out one by one, each on its own snapshot: what is asked
behind a lock sees what the lock waited for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final, Generic, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, DataError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus

from foundation import prepared
from foundation.prepared import Call, Row, Statement

T = TypeVar("T")

# What travels together finds its rows by key, and there is one way to do so. Left to itself the
# planner plans such statements anew each time, which costs more than they do, or reads a table
# from end to end for as long as it has not noticed that it grew.
_PLANNING: Final = """SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
                             set_config('enable_seqscan', 'off', true)"""
_IDLE: Final = int(TransactionStatus.IDLE)


class NotCommitted(RuntimeError):
    """The transaction had failed before its COMMIT, so that the server rolled it back."""


class Unanswered(RuntimeError):
    """The statement was never carried out: one that travelled with it had failed."""


class Answer(Generic[T]):
    """What a statement will be answered with; `get` waits for it."""

    __slots__ = ("get",)

    def __init__(self, get: Callable[[], T]) -> None:
        self.get: Final = get


@contextmanager
def together() -> Iterator[None]:
    """Run the block in a transaction whose statements travel together.

    As with Django's `atomic`, the block is a savepoint within a transaction that is open already,
    and only when it has ended without an exception is anything durable. A statement that fails
    raises where its trip is taken: at the first answer that is read after it, or at the end.
    Statements of the ORM are carried out at once, after what was sent before them.
    """
    if _open.trip is not None:
        with transaction.atomic():
            yield
            _open.trip.take()
        return
    database = connections[DEFAULT_DB_ALIAS]  # each look through `connection` finds it anew
    is_outermost = not database.in_atomic_block
    with transaction.atomic():
        trip = _open.trip = _Trip(database)
        try:
            with database.execute_wrapper(trip.take_before), trip.brought_home():
                yield
                if not database.needs_rollback:
                    # Django then finds nothing left to commit; all else of its `atomic` holds.
                    trip.finish(commits=is_outermost)
        finally:
            _open.trip = None


def send(statement: Statement, parameters: Sequence[Any] = ()) -> Answer[list[Row]]:
    """Send a statement, prepared on the server (see `prepared.Call`); its rows are the answer.

    Outside `together` it is carried out at once, and raises here if it fails. Raises DataError for
    a text that PostgreSQL cannot hold.
    """
    try:
        call = Call(statement, parameters)
    except psycopg.DataError as error:
        raise DataError(str(error)) from error
    if _open.trip is None:
        _carry_out(connections[DEFAULT_DB_ALIAS], [call], [])
    else:
        _open.trip.waiting.append(call)
    return Answer(lambda: _rows_of(call))


def set_out() -> None:
    """Let what waits set out already, while the rest is made: the server begins with it.

    Where the transaction of `together` has not begun, it begins with this. Outside `together`
    nothing ever waits, so that there is nothing to do.
    """
    if _open.trip is not None:
        _open.trip.set_out()


def gather(statement: Statement, rows: Iterable[Row]) -> None:
    """Send a statement once for all that is gathered for it until `together` ends.

    Its parameters are the columns of the rows, each row once. For what may be said although the
    block that says it within another one fails. Outside `together` it is sent at once.
    """
    if _open.trip is None:
        send(statement, _columns(rows))
    else:
        _open.trip.gathered.setdefault(statement, {}).update(dict.fromkeys(rows))


def _columns(rows: Iterable[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*dict.fromkeys(rows), strict=True)]


def _rows_of(call: Call) -> list[Row]:
    if call.rows is None and _open.trip is not None:
        _open.trip.take()
    if call.rows is None:
        raise Unanswered(call.text.decode())
    return call.rows


class _Trip:
    """What was sent inside one `together` and has not travelled yet."""

    def __init__(self, database: BaseDatabaseWrapper) -> None:
        self._database = database
        self.waiting: list[Call] = []
        self.ahead: prepared.Sent = []
        self.gathered: dict[Statement, dict[Row, None]] = {}
        self._is_first = False  # nothing was done before what is ahead

    def take(self) -> None:
        """Carry out what waits, in one round trip. Raises what the first failure raises."""
        calls, self.waiting = self.waiting, []
        is_first, self._is_first = self._is_first, False
        if calls or self.ahead:
            _carry_out(self._database, calls, self.ahead, begins=_beginning, is_first=is_first)

    def set_out(self) -> None:
        """Let what waits set out; where the transaction has not begun, it begins with it."""
        if not self.waiting:
            return
        raw = _raw(self._database)
        calls, self.waiting = self.waiting, []
        if raw.pgconn.transaction_status == _IDLE and not raw.autocommit:
            self._is_first = True
            calls = [*_beginning(), *calls]
        with self._database.wrap_database_errors:
            prepared.set_out(raw, calls, self.ahead)

    @contextmanager
    def brought_home(self) -> Iterator[None]:
        """Wait for what is still on its way when the block has ended without its commit.

        Only then can the connection be used again, and be rolled back.
        """
        try:
            yield
        finally:
            if self.ahead:
                with suppress(psycopg.Error):  # the block's own failure is the one to hear of
                    prepared.carry_out(_raw(self._database), [], self.ahead)

    def finish(self, *, commits: bool) -> None:
        """Carry out all that is left, and commit with it."""
        self.waiting += [Call(each, _columns(rows)) for each, rows in self.gathered.items()]
        is_begun = _raw(self._database).pgconn.transaction_status != _IDLE
        if not commits or not (self.waiting or is_begun):
            self.take()
            return
        commit = Call("COMMIT")
        self.waiting.append(commit)
        self.take()
        # A server asked to commit what has failed before rolls back, and does not call it an error.
        if commit.tag != b"COMMIT":
            raise NotCommitted("the transaction was rolled back: a statement in it had failed")

    def take_before(
        self, execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any
    ) -> Any:
        """Keep the order when the ORM comes between (Django calls this around its statements)."""
        self.take()
        return execute(statement, parameters, many, context)


def _beginning() -> list[Call]:
    return [Call("BEGIN"), Call(_PLANNING)]


def _raw(database: BaseDatabaseWrapper) -> prepared.Raw:
    database.ensure_connection()
    raw: prepared.Raw = database.connection
    return raw


def _carry_out(
    database: BaseDatabaseWrapper,
    calls: Sequence[Call],
    ahead: prepared.Sent,
    *,
    begins: Callable[[], Sequence[Call]] = lambda: [Call("BEGIN")],
    is_first: bool = False,
) -> None:
    """Carry out the calls behind those `ahead`; a transaction that they need begins with them so.

    Where we are mistaken about what is prepared, and nothing was done yet, it is done over. It
    `is_first` what is ahead, or what goes now, that is done at all.
    """
    raw = _raw(database)
    database.validate_no_broken_transaction()
    before = [call for call in ahead if isinstance(call, Call)]
    if raw.pgconn.transaction_status == _IDLE:
        is_first = True
        if not raw.autocommit:
            calls = [*begins(), *calls]
    with database.wrap_database_errors:
        try:
            prepared.carry_out(raw, calls, ahead)
        except prepared.Mistaken:
            if not is_first:
                raise
            raw.rollback()
            prepared.start_over(raw)
            prepared.carry_out(raw, [*before, *calls], [])


class _Open(threading.local):
    """The trip of this thread, inside `together`; a Django connection is its thread's, too."""

    trip: _Trip | None = None


_open = _Open()
