"""Statements go over by name, values arrive as they were sent, and nothing prepared is mistaken."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

import psycopg
import pytest
from django.db import DataError, OperationalError, ProgrammingError, connection, transaction

from foundation import prepared, trips
from foundation.prepared import Call
from tests.wire import trips_noted

pytestmark = pytest.mark.usefixtures("committed")


class Word(StrEnum):
    BUY = "buy"


AT = datetime(2026, 3, 1, 12, 30, 15, 123457, tzinfo=UTC)
SOME_ID = uuid.UUID("00000000-0000-4000-8000-00000000000a")


def ask(statement, *parameters):
    [row] = trips.send(statement, parameters).get()
    return row


def test_values_of_every_kind_arrive_as_they_were_sent():
    values = {
        "text": ("ü 'x' \\ \"y\"", "", "%s", None),
        "bool": (True, False),
        "bigint": (-(2**63), 0),
        "numeric": (Decimal("-1E-9"), Decimal("100.50")),
        "uuid": (SOME_ID,),
        "timestamptz": (AT,),
        "date": (date(2026, 3, 1),),
    }
    for kind, each in values.items():
        asked = "SELECT " + ", ".join([f"%s::{kind}"] * len(each))
        assert ask(asked, *each) == each


def test_lists_arrive_as_they_were_sent():
    texts = ["", "a,b", 'say "x"', "back\\slash", "{}", "NULL", "  ", "ü", None]
    lists = {
        "text": texts,
        "uuid": [SOME_ID, uuid.UUID(int=0)],
        "numeric": [Decimal("1.50"), Decimal("1E-9"), None],
        "timestamptz": [AT, AT - timedelta(days=400)],
        "bigint": [1, -2],
        "bool": [True, False, None],
    }
    for kind, values in lists.items():
        for given in (values, values[:1], []):
            assert ask(f"SELECT %s::{kind}[]", given) == (given,)


def test_a_word_is_its_text_and_bytes_are_text_already():
    assert ask("SELECT %s::text, %s::json", Word.BUY, b'{"a": [1]}') == ("buy", '{"a": [1]}')


def test_times_are_utc_wherever_they_were_written():
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    [read] = ask("SELECT %s::timestamptz", there)
    assert read == AT
    assert read.tzinfo is UTC


def test_a_percent_sign_is_written_twice():
    assert ask("SELECT 7 %% %s::int, 'a%%s' LIKE '%%s'", 4) == (3, True)


def test_text_that_would_be_cut_short_is_refused():
    with pytest.raises(DataError, match="NUL"):
        trips.send("SELECT %s::text", ["a\0b"])
    with pytest.raises(DataError, match="NUL"):
        trips.send("SELECT %s::text[]", [["a", "b\0"]])


def test_what_nobody_knows_to_write_is_refused():
    with pytest.raises(TypeError, match="float"):
        trips.send("SELECT %s::numeric", [0.1])


def test_columns_are_read_by_statement_and_not_by_what_came_before():
    for _ in range(2):
        assert ask("SELECT 1, 'a'::text, true") == (1, "a", True)
        assert ask("SELECT 'b'::text, 2.50, NULL::int") == ("b", Decimal("2.50"), None)
        assert trips.send("SELECT 1 WHERE false").get() == []


def test_the_same_statement_twice_in_its_first_trip_is_prepared_once():
    asked = "SELECT %s::int + 1000"
    with trips_noted() as noted, trips.together():
        answers = [trips.send(asked, [number]) for number in (1, 2)]
        assert [answer.get() for answer in answers] == [[(1001,)], [(1002,)]]
    assert sum(trip.count("Parse") for trip in noted if "Execute" in trip) <= 3  # with BEGIN, plans


def test_a_name_never_means_another_statement():
    """Two programs behind a pooling proxy prepare statements on one connection to the server."""
    one, other = Call("SELECT 'one'"), Call("SELECT 'other'")
    assert one.name != other.name
    assert one.name == Call(b"SELECT 'one'").name


def two_trips(between=lambda: None) -> list[object]:
    with trips.together():
        assert trips.send("SELECT 'first'").get() == [("first",)]
        between()
        return trips.send("SELECT 'second'").get()


def server_forgets() -> None:
    connection.connection.pgconn.exec_(b"DEALLOCATE ALL")


def we_forget() -> None:
    prepared._known_to.pop(connection.connection)


@pytest.mark.parametrize("forget", [server_forgets, we_forget])
def test_what_one_side_has_forgotten_is_prepared_again(forget):
    two_trips()
    forget()
    assert two_trips() == [("second",)]
    forget()
    assert ask("SELECT 'alone'") == ("alone",)
    with transaction.atomic():
        forget()
        assert ask("SELECT 'alone'") == ("alone",)
    assert not connection.in_atomic_block


@pytest.mark.parametrize("forget", [server_forgets, we_forget])
def test_what_is_forgotten_once_something_was_done_fails_that_transaction_alone(forget):
    two_trips()
    with pytest.raises(ProgrammingError, match="prepared statement"):
        two_trips(between=forget)
    for _ in range(2):
        assert two_trips() == [("second",)]


def test_much_goes_both_ways_at_once():
    """Neither side may wait for the other to read while it wants to write."""
    much = "x" * 1_000_000
    with trips.together():
        answers = [trips.send("SELECT %s::text || %s::text", [much, "y"]) for _ in range(20)]
        for answer in answers:
            assert answer.get() == [(much + "y",)]


def test_hints_that_come_with_an_answer_are_passed_on():
    connection.ensure_connection()
    raw = connection.connection
    heard: list[str] = []

    def hear(hint: psycopg.Notify) -> None:
        heard.append(hint.payload)

    raw.add_notify_handler(hear)
    raw.execute("LISTEN here")
    try:
        ask("SELECT pg_notify('here', %s)", "news")
        ask("SELECT 1")
        assert heard == ["news"]
    finally:
        raw.execute("UNLISTEN here")
        raw.remove_notify_handler(hear)


def test_an_error_is_of_djangos_kinds_and_leaves_the_connection_good():
    with pytest.raises(DataError):
        ask("SELECT 1 / %s::int", 0)
    with pytest.raises(ProgrammingError):
        ask("SELECT FROM WHERE")
    assert ask("SELECT 1") == (1,)


def test_a_statement_inside_djangos_transaction_is_part_of_it():
    with transaction.atomic():
        [first] = ask("SELECT pg_current_xact_id()::text")
        [second] = ask("SELECT pg_current_xact_id()::text")
        assert first == second
    assert ask("SELECT pg_current_xact_id()::text") != (first,)


def test_a_lost_connection_is_closed_and_what_it_had_prepared_is_forgotten(owner_conninfo):
    [pid] = ask("SELECT pg_backend_pid()")
    raw = connection.connection
    with psycopg.connect(owner_conninfo, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    with pytest.raises(OperationalError, match="terminating connection"):
        ask("SELECT pg_backend_pid()")
    assert raw.closed
    connection.close()
    assert ask("SELECT pg_backend_pid()") != (pid,)
