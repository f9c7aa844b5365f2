"""Statements that the server knows by name, and the trip on which many of them travel.

psycopg makes a cursor for each statement, looks up its query and the types of its parameters anew,
and reads answers the way that Django has registered, which takes four times as long for a time or
a number. A statement of the order path is sent thousands of times on a connection: here it is
prepared on the trip that first needs it, and then costs what libpq takes to send its name and what
its parameters take to become text.

A statement's name is made of its text, so that no name ever means another statement, whoever else
has prepared some behind a proxy. What a connection has prepared is forgotten with the connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg import abc, errors
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.types.string import TextLoader
from psycopg.waiting import Ready, Wait

Row = tuple[Any, ...]
Statement = LiteralString | bytes
Raw = psycopg.Connection[Any]
"""A connection as psycopg makes it, below Django's."""

Mistaken: Final = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
"""The server knows fewer statements than we believed, or more: `start_over` and send them again."""


class Call:
    """A statement with its parameters; once it has travelled, also what came of it.

    `%s` stands for a parameter and `%%` for a percent sign. Of what type a parameter is, the server
    tells from its place; where it cannot, the statement has to say (`%s::uuid[]`). Parameters are
    text, ids, numbers, bools, times, None, lists of these, or bytes: text in UTF-8 already.

    `rows` stays None while the statement has not been carried out; `tag` is what the server says
    that it did, such as `b"COMMIT"`.
    """

    __slots__ = ("name", "parameters", "rows", "tag", "text")

    def __init__(self, statement: Statement, parameters: Sequence[Any] = ()) -> None:
        self.name, self.text = _named(statement)
        self.parameters = [_written(value) for value in parameters]
        self.rows: list[Row] | None = None
        self.tag: bytes | None = None


Sent = list["Call | bytes"]
"""What is on its way, in order: calls, and the names of those that are prepared first."""


def set_out(raw: Raw, calls: Sequence[Call], ahead: Sent) -> None:
    """Let the calls set out behind those that are `ahead`, and add them to these.

    The server carries them out as they come. Nothing else may use the connection until `carry_out`
    has waited for their answers.
    """
    with raw.lock:
        try:
            ahead += _send(raw.pgconn, calls, _known_to.setdefault(raw, {}), ahead)
            raw.pgconn.flush()  # what does not fit goes with the rest
        except BaseException:
            raw.pgconn.finish()
            raise


def carry_out(raw: Raw, calls: Sequence[Call], ahead: Sent) -> None:
    """Let the calls travel together, in order. Raises psycopg's error for the first that fails.

    Those before it are answered, those behind it were dropped. Those `ahead`, which have set out
    before, come home with them. A connection on which an answer might still come, and be taken for
    another's, is closed.
    """
    known = _known_to.setdefault(raw, {})
    answers: list[PGresult] = []
    with raw.lock:
        try:
            sent = ahead + _send(raw.pgconn, calls, known, ahead)
            ahead.clear()
            raw.pgconn.pipeline_sync()
            raw.wait(_receive(raw.pgconn, answers))
            raw.pgconn.exit_pipeline_mode()
        except BaseException as error:
            raw.pgconn.finish()
            is_explained = any(answer.status == _HAS_FAILED for answer in answers)
            if not (is_explained and isinstance(error, psycopg.OperationalError)):
                raise
    try:
        for each, answer in zip(sent, answers, strict=False):
            _take_in(each, answer, known)
    except Mistaken:
        known.clear()
        raise


def start_over(raw: Raw) -> None:
    """Let both sides forget what the connection has prepared. Not for inside a transaction."""
    _known_to.pop(raw, None)
    raw.pgconn.exec_(b"DEALLOCATE ALL")


# Each look at a member of an enumeration costs more than the answer that it is compared with.
_HAS_ROWS: Final = int(ExecStatus.TUPLES_OK)
_IS_DONE: Final = int(ExecStatus.COMMAND_OK)
_HAS_FAILED: Final = int(ExecStatus.FATAL_ERROR)
_SUCCEEDS: Final = frozenset({_HAS_ROWS, _IS_DONE})
_ENDS_TRIP: Final = int(ExecStatus.PIPELINE_SYNC)

_Known = dict[bytes, abc.Transformer | None]
"""The statements that a connection has prepared: what reads their rows, once there were any."""

_known_to: WeakKeyDictionary[Raw, _Known] = WeakKeyDictionary()


def _send(pgconn: PGconn, calls: Sequence[Call], known: _Known, ahead: Sent) -> Sent:
    """Hand the calls to libpq, which gathers them."""
    sent: Sent = []
    coming = {name for name in ahead if isinstance(name, bytes)}
    pgconn.enter_pipeline_mode()
    for call in calls:
        if call.name not in known and call.name not in coming:
            pgconn.send_prepare(call.name, call.text)
            coming.add(call.name)
            sent.append(call.name)
        pgconn.send_query_prepared(call.name, call.parameters)
        sent.append(call)
    return sent


def _receive(pgconn: PGconn, answers: list[PGresult]) -> abc.PQGen[None]:
    """Wait for one answer to all that was sent (psycopg drives this)."""
    while pgconn.flush():
        # The server may stop to listen while we do not: what it says is taken in meanwhile.
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()
    is_silent = False
    while True:
        while pgconn.is_busy():
            while not (yield Wait.R):
                pass  # woken up for a signal
            pgconn.consume_input()
        answer = pgconn.get_result()
        if answer is not None and answer.status == _ENDS_TRIP:
            break
        if answer is not None:
            answers.append(answer)
        elif is_silent:  # once is what it is between two answers
            raise psycopg.OperationalError("the server's answers have come to an end too early")
        is_silent = answer is None
    _pass_on_hints(pgconn)


def _pass_on_hints(pgconn: PGconn) -> None:
    while hint := pgconn.notifies():
        if pgconn.notify_handler:
            pgconn.notify_handler(hint)


def _take_in(each: Call | bytes, answer: PGresult, known: _Known) -> None:
    status = answer.status
    if status not in _SUCCEEDS:
        raise errors.error_from_result(answer)
    if isinstance(each, bytes):
        known[each] = None
        return
    each.tag = answer.command_status
    each.rows = []
    if status == _HAS_ROWS and (count := answer.ntuples):
        reader = known[each.name]
        if reader is None:
            reader = known[each.name] = Transformer(_READING)
            reader.set_pgresult(answer)
        else:
            # A statement that is prepared keeps the types of its columns.
            reader.set_pgresult(answer, set_loaders=False)
        each.rows = reader.load_rows(0, count, tuple)
        reader.set_pgresult(None, set_loaders=False)


class _Reading:
    """How answers are read: as psycopg does, but that JSON and addresses stay text.

    Without a connection, so that times are in UTC; a reader would keep the connection alive.
    """

    def __init__(self) -> None:
        self.adapters = AdaptersMap(psycopg.adapters)
        self.connection = None
        for kind in ("json", "jsonb", "inet", "cidr"):
            self.adapters.register_loader(kind, TextLoader)


_READING: Final = _Reading()


class _Named(NamedTuple):
    name: bytes
    text: bytes


@lru_cache(maxsize=4096)
def _named(statement: Statement) -> _Named:
    """Return the statement as PostgreSQL has its parameters (`$1`), and its name."""
    given = statement.decode() if isinstance(statement, bytes) else statement
    count = 0

    def numbered(found: re.Match[str]) -> str:
        nonlocal count
        if found[0] == "%%":
            return "%"
        count += 1
        return f"${count}"

    text = re.sub("%[s%]", numbered, given).encode()
    return _Named(b"openfloor_" + blake2b(text, digest_size=16).hexdigest().encode(), text)


def _written(value: object) -> bytes | None:
    """Return a parameter as PostgreSQL reads it."""
    if value is None:
        return None
    write = _WRITERS.get(type(value))
    if write is None:
        write = next((w for kind, w in _WRITERS.items() if isinstance(value, kind)), None)
        if write is None:
            raise TypeError(f"{type(value).__name__} cannot be a parameter")
    return write(value)


def _text(value: str) -> bytes:
    if "\0" in value:
        raise psycopg.DataError("PostgreSQL's text has no NUL in it")  # where libpq would end it
    return value.encode()


def _list(values: list[Any]) -> bytes:
    if set(map(type, values)) == {UUID}:
        return b"{" + b",".join([b"%032x" % value.int for value in values]) + b"}"
    return b"{" + b",".join(map(_element, values)) + b"}"


def _element(value: object) -> bytes:
    written = _written(value)
    if written is None:
        return b"NULL"
    return b'"' + written.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


_WRITERS: Final[Mapping[type, Callable[[Any], bytes]]] = {
    bytes: bytes,
    list: _list,
    UUID: lambda value: b"%032x" % value.int,
    str: _text,
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"%d" % value,
    datetime: lambda value: value.isoformat().encode(),
    date: lambda value: value.isoformat().encode(),
    Decimal: lambda value: str(value).encode(),
}
