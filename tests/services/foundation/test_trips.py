# ruff: noqa: PT012  a failure belongs to a block of statements, not to one of them
"""Statements that travel together: one trip, the order kept, and no failure that goes unseen."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from accounts.models import Account, User, Watchlist
from foundation import bulk, trips, wakeups
from foundation.wakeups import Channel
from tests import world
from tests.patience import DEADLINE_SECONDS
from tests.wire import trips_noted

pytestmark = pytest.mark.usefixtures("committed")
NOW = timezone.now()


def rename(account: Account, number: str) -> None:
    account.number = number
    bulk.update([account], fields=("number",))


def numbers() -> set[str]:
    return set(Account.objects.values_list("number", flat=True))


def test_what_reads_first_and_then_writes_takes_two_trips():
    account = world.customer()
    reading, writing = 2 + 2, 2 + 1  # BEGIN, how to plan and two questions; two writes and COMMIT
    for is_prepared in (False, True):
        with trips_noted() as noted, trips.together():
            accounts = bulk.ask(Account, "id = ANY(%s) FOR NO KEY UPDATE", [[account.pk]])
            users = bulk.ask(User, "id = ANY(%s)", [[account.user_id]])
            assert [each.pk for each in users.get()] == [account.user_id]
            [locked] = accounts.get()
            rename(locked, "first")
            rename(locked, "second")
        assert [trip.count("Execute") for trip in noted] == [reading, writing]
        if is_prepared:
            assert not any("Parse" in trip for trip in noted)
        assert numbers() == {"second"}


def test_what_is_asked_behind_a_lock_sees_what_the_lock_waited_for(owner_conninfo):
    account = world.customer()
    with psycopg.connect(owner_conninfo) as other:
        other.execute("SELECT 1 FROM accounts_account WHERE id = %s FOR UPDATE", [account.pk])
        other.execute("UPDATE accounts_user SET name = 'New' WHERE id = %s", [account.user_id])

        def release_once_waited_for() -> None:
            with psycopg.connect(owner_conninfo, autocommit=True) as watching:
                while not watching.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                ).fetchall():
                    pass
            other.commit()

        with in_thread(release_once_waited_for), trips.together():
            bulk.ask(Account, "id = ANY(%s) FOR NO KEY UPDATE", [[account.pk]])
            users = bulk.ask(User, "id = ANY(%s)", [[account.user_id]])
            assert users.get()[0].name == "New"


@contextmanager
def in_thread(work) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(DEADLINE_SECONDS)
    assert not thread.is_alive()


def test_a_broken_constraint_raises_and_nothing_is_written():
    first, second = world.customer(), world.customer()
    before = numbers()
    with pytest.raises(IntegrityError, match="accounts_account_number"), trips.together():
        rename(first, "same")
        rename(second, "same")
    assert numbers() == before
    assert not connection.in_atomic_block
    with trips.together():  # and the connection is as good as before
        rename(first, "other")
    assert "other" in numbers()


def test_a_constraint_that_is_checked_at_the_commit_raises_too():
    """Django's foreign keys are deferred: their violation is COMMIT's own failure."""
    done = []
    with pytest.raises(IntegrityError, match="foreign key"), trips.together():
        transaction.on_commit(lambda: done.append("committed"))
        nobodys = Watchlist(
            account_id=uuid.uuid4(), name="W", symbols=["AAPL"], created_at=NOW, updated_at=NOW
        )
        bulk.insert([nobodys])
    assert not Watchlist.objects.exists()
    assert not done


def test_a_failure_is_raised_where_the_next_answer_is_read():
    first, second = world.customer(), world.customer()
    with pytest.raises(IntegrityError), trips.together():
        rename(first, second.number)
        answer = bulk.ask(Account, "id = ANY(%s)", [[first.pk]])
        answer.get()
        pytest.fail("the answer came although what travelled before it failed")


def test_who_swallows_a_failure_commits_nothing_and_is_told():
    """The server would answer COMMIT with a ROLLBACK and call it a success."""
    first, second = world.customer(), world.customer()
    before = numbers()
    with pytest.raises(trips.NotCommitted), trips.together():
        rename(first, second.number)
        with suppress(IntegrityError):
            bulk.execute("SELECT 1")
    assert numbers() == before


def test_an_answer_that_never_came_is_not_an_empty_one():
    first, second = world.customer(), world.customer()
    with pytest.raises(IntegrityError), trips.together():
        rename(first, second.number)
        answer = trips.send("SELECT 1")
        with pytest.raises(IntegrityError):
            answer.get()
        with pytest.raises(trips.Unanswered):
            answer.get()
        raise IntegrityError


def test_an_exception_in_the_block_sends_nothing_more():
    account = world.customer()
    before = numbers()
    with pytest.raises(ZeroDivisionError), trips.together():
        rename(account, "new")
        raise ZeroDivisionError
    assert numbers() == before


def test_a_connection_that_is_lost_at_the_commit_raises(owner_conninfo):
    account = world.customer()
    before = numbers()
    with pytest.raises(OperationalError), trips.together():
        [[pid]] = bulk.execute("SELECT pg_backend_pid()")
        rename(account, "new")
        with psycopg.connect(owner_conninfo, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connection.close()
    assert numbers() == before


def test_the_orm_may_come_between_and_sees_what_was_sent_before_it():
    account = world.customer()
    with trips.together():
        rename(account, "sent")
        assert Account.objects.get().number == "sent"
        Account.objects.update(number="updated")
        [read] = bulk.select(Account, "id = ANY(%s)", [[account.pk]])
        assert read.number == "updated"
        read.number = "saved"
        read.save()
    assert numbers() == {"saved"}


def test_it_is_a_savepoint_within_a_transaction():
    account = world.customer()
    with transaction.atomic():
        with trips.together():
            rename(account, "kept")
        with pytest.raises(IntegrityError), trips.together():
            rename(account, "x" * 8)
            bulk.insert([Account(user_id=account.user_id, number="x" * 8)])
    assert numbers() == {"kept"}


def test_one_within_another_travels_with_it_and_fails_alone():
    account = world.customer()
    with trips.together():
        rename(account, "kept")
        with pytest.raises(IntegrityError), trips.together():
            bulk.insert([Account(user_id=account.user_id, number="kept")])
        assert bulk.select(Account, "id = ANY(%s)", [[account.pk]])[0].number == "kept"
    assert numbers() == {"kept"}


def test_what_hangs_on_the_commit_runs_after_it():
    account = world.customer()
    seen = []
    with trips.together():
        transaction.on_commit(lambda: seen.append(numbers()))
        rename(account, "durable")
        assert not seen
    assert seen == [{"durable"}]


def test_a_pooled_connection_goes_back_as_it_came():
    account = world.customer()
    for number in ("one", "two", "three"):
        with trips.together():
            rename(account, number)
        raw = connection.connection
        assert raw.autocommit
        assert raw.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert raw.info.pipeline_status == psycopg.pq.PipelineStatus.OFF
        connection.close()
    assert numbers() == {"three"}


def test_statements_stay_prepared_from_one_trip_to_the_next_and_survive_a_failure():
    account, other = world.customer(), world.customer()
    for _ in range(3):
        with trips.together():
            rename(account, "mine")
    with pytest.raises(IntegrityError), trips.together():
        rename(other, "mine")
    with trips_noted() as noted, trips.together():
        rename(account, "still")
    assert "Parse" not in noted[0]
    assert "still" in numbers()


def test_a_statement_that_was_dropped_with_a_failed_trip_can_be_sent_again():
    account, other = world.customer(), world.customer()
    with trips.together():
        with pytest.raises(IntegrityError), trips.together():
            rename(account, other.number)
            trips.send("SELECT 'never sent before'")
        assert trips.send("SELECT 'never sent before'").get() == [("never sent before",)]


@pytest.mark.parametrize("behind", [0, 1, 50])
def test_the_failure_that_is_raised_is_the_first_however_much_was_behind_it(behind):
    account, other = world.customer(), world.customer()
    for _ in range(10):
        with pytest.raises(IntegrityError), trips.together():
            rename(account, other.number)
            for number in range(behind):
                trips.send("SELECT pg_sleep(0), %s", ["x" * 200 * number])


def test_what_sets_out_is_begun_with_before_the_trip_ends(owner_conninfo):
    account = world.customer()
    claim = "SELECT 1 FROM accounts_account WHERE id = %s FOR UPDATE NOWAIT"
    with psycopg.connect(owner_conninfo, autocommit=True) as other:
        with trips.together():
            trips.send("SELECT 1").get()
            rename(account, "early")
            trips.set_out()
            trips.send("SELECT 2")
            deadline = time.monotonic() + DEADLINE_SECONDS
            with pytest.raises(psycopg.errors.LockNotAvailable):
                while time.monotonic() < deadline:
                    other.execute(claim, [account.pk])
            rename(account, "later")
        assert other.execute(claim, [account.pk]).fetchall() == [(1,)]
    assert numbers() == {"later"}


def test_what_sets_out_before_the_transaction_has_begun_begins_it_with_the_rest():
    account = world.customer()
    with trips_noted() as noted, trips.together():
        rename(account, "first")
        trips.set_out()
        trips.send("SELECT 1")
    assert [trip.count("Execute") for trip in noted] == [2 + 2 + 1]
    assert numbers() == {"first"}


def test_where_nothing_waits_nothing_sets_out():
    account = world.customer()
    with trips.together():
        trips.set_out()
        assert account.number in numbers()
        trips.set_out()
    with transaction.atomic(), trips.together():
        trips.set_out()
    assert account.number in numbers()


def test_what_has_set_out_is_gone_when_the_block_fails_and_the_connection_is_there():
    account = world.customer()
    before = numbers()
    with pytest.raises(ZeroDivisionError), trips.together():
        trips.send("SELECT 1").get()
        rename(account, "never")
        trips.set_out()
        raise ZeroDivisionError
    assert numbers() == before
    with trips.together():
        trips.send("SELECT 1").get()
        rename(account, "never")
        trips.set_out()
        transaction.set_rollback(True)
    with pytest.raises(transaction.TransactionManagementError), trips.together():
        trips.send("SELECT 1").get()
        rename(account, "never")
        trips.set_out()
        transaction.set_rollback(True)
        trips.send("SELECT 2").get()
    assert numbers() == before


def test_a_failure_of_what_has_set_out_is_that_of_its_trip():
    account, other = world.customer(), world.customer()
    before = numbers()
    with pytest.raises(IntegrityError), trips.together():
        trips.send("SELECT 1").get()
        rename(account, other.number)
        trips.set_out()
        rename(other, "behind")
    assert numbers() == before
    with pytest.raises(ZeroDivisionError), trips.together():
        trips.send("SELECT 1").get()
        rename(account, other.number)
        trips.set_out()
        raise ZeroDivisionError
    assert numbers() == before


def test_statements_of_the_orm_see_what_has_set_out():
    account = world.customer()
    with trips.together():
        trips.send("SELECT 1").get()
        rename(account, "seen")
        trips.set_out()
        assert numbers() == {"seen"}
        answer = trips.send("SELECT number FROM accounts_account")
        trips.set_out()
        trips.set_out()
        assert answer.get() == [("seen",)]


def heard(listening: psycopg.Connection) -> list[tuple[str, str]]:
    """Return what has been hinted at; hints come in the order of the commits."""
    listening.execute(f"NOTIFY {Channel.ACTIVITY.value}, 'all'")
    hints = []
    for hint in listening.notifies(timeout=DEADLINE_SECONDS):
        if hint.payload == "all":
            return hints
        hints.append((hint.channel, hint.payload))
    pytest.fail("our own hint has not come")


def test_hints_go_out_with_the_commit_in_one_statement_each_once(owner_conninfo):
    account = world.customer()
    with psycopg.connect(owner_conninfo, autocommit=True) as listening:
        for channel in (Channel.ACTIVITY, Channel.OUTBOX):
            listening.execute(f"LISTEN {channel.value}")
        with trips_noted() as noted, trips.together():
            wakeups.send(Channel.ACTIVITY, ["a", "b"])
            rename(account, "new")
            wakeups.send(Channel.OUTBOX)
            wakeups.send(Channel.ACTIVITY, ["b", "c"])
        assert [trip.count("Execute") for trip in noted] == [2 + 1 + 1 + 1]
        assert sorted(heard(listening)) == [
            (Channel.ACTIVITY, "a"),
            (Channel.ACTIVITY, "b"),
            (Channel.ACTIVITY, "c"),
            (Channel.OUTBOX, ""),
        ]
        wakeups.send(Channel.OUTBOX)
        assert heard(listening) == [(Channel.OUTBOX, "")]


def test_no_hint_goes_out_of_what_was_not_committed(owner_conninfo):
    account, other = world.customer(), world.customer()
    with psycopg.connect(owner_conninfo, autocommit=True) as listening:
        listening.execute(f"LISTEN {Channel.ACTIVITY.value}")
        with pytest.raises(IntegrityError), trips.together():
            wakeups.send(Channel.ACTIVITY, ["broken"])
            rename(account, other.number)
        with pytest.raises(ZeroDivisionError), trips.together():
            wakeups.send(Channel.ACTIVITY, ["left"])
            raise ZeroDivisionError
        with transaction.atomic():
            with trips.together():
                wakeups.send(Channel.ACTIVITY, ["of the whole"])
            assert heard(listening) == []
        assert heard(listening) == [(Channel.ACTIVITY, "of the whole")]
