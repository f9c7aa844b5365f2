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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Generic, LiteralString, TypeVar
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from psycopg import adapt
from psycopg.pq import ExecStatus, TransactionStatus

T = TypeVar("T")
Row = tuple[Any, ...]
Statement = LiteralString | bytes


# What travels together finds its rows by key, and there is one way to do so. Left to itself the
# planner plans such statements anew each time, which costs more than they do, or reads a table
# from end to end for as long as it has not noticed that it grew.
_PLANNING: Final = """SELECT set_config('plan_cache_mode', 'force_generic_plan', true),
                             set_config('enable_seqscan', 'off', true)"""


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
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        trip = _open.trip = _Trip()
        try:
            with connection.execute_wrapper(trip.take_before):
                yield
                if not connection.needs_rollback:
                    # Django then finds nothing left to commit; all else of its `atomic` holds.
                    trip.take(commits=is_outermost)
        finally:
            _open.trip = None


def send(statement: Statement, parameters: Sequence[Any] = ()) -> Answer[list[Row]]:
    """Send a statement, prepared on the server; its rows are the answer.

    Outside `together` it is carried out at once, and raises here if it fails.
    """
    sent = _Sent(statement, parameters)
    if _open.trip is None:
        sent.carry_out()
    else:
        _open.trip.waiting.append(sent)
    return Answer(sent.rows)


class _Sent:
    """One statement on its way."""

    __slots__ = ("_cursor", "_parameters", "_statement")

    def __init__(self, statement: Statement, parameters: Sequence[Any]) -> None:
        self._statement = statement
        self._parameters = [_array(p) if type(p) is list else p for p in parameters]
        self._cursor: psycopg.Cursor[Row] | None = None

    def carry_out(self) -> None:
        connection.ensure_connection()
        with connection.wrap_database_errors:
            self._cursor = psycopg.Cursor(connection.connection)
            self._cursor.execute(self._statement, self._parameters, prepare=True)

    def queue(self, raw: psycopg.Connection[Row]) -> None:
        self._cursor = cursor = _QueueingCursor(raw)
        cursor.queue(self._statement, self._parameters, prepare=True)

    def rows(self) -> list[Row]:
        if self._cursor is None and _open.trip is not None:
            _open.trip.take()
        if self._cursor is None or self._cursor.pgresult is None:
            raise Unanswered(str(self._statement))
        return (
            self._cursor.fetchall() if self._cursor.pgresult.status == ExecStatus.TUPLES_OK else []
        )


def _array(values: list[Any]) -> Any:
    """Return a list of ids or texts as PostgreSQL writes an array; it knows of what type.

    psycopg looks at every element for the type first, which costs several times as much.
    """
    if any(not isinstance(value, UUID | str) for value in values):
        return values
    texts = [str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(texts) + '"}' if texts else "{}"


class _Trip:
    """What was sent inside one `together` and has not travelled yet."""

    def __init__(self) -> None:
        self.waiting: list[_Sent] = []

    def take(self, *, commits: bool = False) -> None:
        """Carry out what waits, in one round trip. Raises what the first failure raises."""
        sent, self.waiting = self.waiting, []
        database = connections[DEFAULT_DB_ALIAS]  # each look through `connection` finds it anew
        database.ensure_connection()
        raw = database.connection
        is_begun = raw.info.transaction_status != TransactionStatus.IDLE
        if not sent and not (commits and is_begun):
            return
        database.validate_no_broken_transaction()
        committing = _QueueingCursor(raw)
        with database.wrap_database_errors, _first_failure(), raw.pipeline() as pipeline:
            if not is_begun:
                _QueueingCursor(raw).queue("BEGIN", prepare=False)
                _QueueingCursor(raw).queue(_PLANNING, prepare=True)
            for each in sent:
                each.queue(raw)
            if commits:
                committing.queue("COMMIT", prepare=False)
            _hand_over(pipeline)
        # A server asked to commit what has failed before rolls back, and does not call it an error.
        if commits and committing.statusmessage != "COMMIT":
            raise NotCommitted("the transaction was rolled back: a statement in it had failed")

    def take_before(
        self, execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any
    ) -> Any:
        """Keep the order when the ORM comes between (Django calls this around its statements)."""
        self.take()
        return execute(statement, parameters, many, context)


@contextmanager
def _first_failure() -> Iterator[None]:
    """Raise what made a pipeline fail, where psycopg may tell only that what followed was dropped.

    Which of the two it tells depends on how the answers arrive; the first is the other's context.
    """
    try:
        yield
    except psycopg.errors.PipelineAborted as aborted:
        first: BaseException = aborted
        while isinstance(first, psycopg.errors.PipelineAborted) and first.__context__:
            first = first.__context__
        raise first from None


def _hand_over(pipeline: psycopg.Pipeline) -> None:
    """Let libpq gather what is queued; psycopg's own way waits and sends for each statement."""
    while pipeline.command_queue:
        pipeline.command_queue.popleft()()


class _QueueingCursor(psycopg.Cursor[Row]):
    """Queues its statement with the pipeline and leaves it there.

    psycopg's own sends every statement by itself, a system call each, and starts transactions
    with a trip of their own. Used inside `Connection.pipeline()` alone, where nothing waits.
    """

    def queue(self, query: Statement, params: Sequence[Any] = (), *, prepare: bool) -> None:
        self._tx = adapt.Transformer(self)
        converted = self._convert_query(query, params)
        for steps in (
            self._maybe_prepare_gen(converted, prepare=prepare, binary=None),
            self._conn._prepared.maintain_gen(self._conn),
        ):
            for _ in steps:
                raise RuntimeError("psycopg waits inside a pipeline where it did not before")


class _Open(threading.local):
    """The trip of this thread, inside `together`; a Django connection is its thread's, too."""

    trip: _Trip | None = None


_open = _Open()
