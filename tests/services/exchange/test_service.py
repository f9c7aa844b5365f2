import threading
import zlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from marketdata.arrival import tape as tapes
from marketdata.ticks import QuoteTick, TradeTick
from tests.patience import DEADLINE_SECONDS
from tests.services.exchange.running import cancel, exchange, listed, order, wait_for
from venues.exchange import journal as codec
from venues.exchange import records, service
from venues.exchange.commands import OURSELVES, Enter, Report
from venues.exchange.engine import Engine
from venues.exchange.floor import Floor
from venues.exchange.models import JournalEntry, MemberOrder, MemberReport, Snapshot
from venues.exchange.recent import RecentIds


def kinds(after=0):
    return [(r.client_order_id, r.kind.value) for r in service.reports(after, 1000)]


def a_floor():
    return Floor(records.recover(), seed=1)


def cycle(floor, requests, now, *, is_market_due=True):
    done = floor.decide(
        [Enter(OURSELVES, request) for request in requests], now=now, is_market_due=is_market_due
    )
    if done.commands:
        records.commit(
            sequence=done.sequence, at=done.at, commands=done.commands, events=done.events
        )
    return done


def test_nothing_can_be_entered_while_the_exchange_is_not_running(committed):
    with pytest.raises(service.ExchangeUnavailable):
        service.enter([order("a")])
    assert not MemberOrder.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal("NaN")},
        {"quantity": Decimal("1e-10")},
        {"limit_price": Decimal("1e11")},
        {"client_order_id": ""},
        {"client_order_id": "x" * 65},
        {"symbol": "x" * 25},
    ],
)
def test_what_does_not_fit_the_wire_is_refused_at_the_door(changes):
    with pytest.raises(service.MalformedRequest):
        service.enter([replace(order("a"), **changes)])


def test_what_is_entered_is_durable_and_reported_without_a_gap(committed, without_participants):
    listed()
    with exchange():
        service.enter([order("sell", "sell", "10", "100.00")])
        assert MemberOrder.objects.get().client_order_id == "sell"
        service.enter([order("buy", "buy", "4", "100.50"), cancel("sell"), cancel("none")])
        assert kinds() == [
            ("sell", "accepted"),
            ("buy", "accepted"),
            ("buy", "fill"),
            ("sell", "fill"),
            ("sell", "cancelled"),
            ("none", "cancel_rejected"),
        ]
        found = service.reports(2, 2)
        assert [report.sequence for report in found] == [3, 4]
        assert (found[0].price, found[0].quantity) == (Decimal("100.00"), Decimal(4))


def test_a_repeat_is_dropped_now_and_after_a_restart(committed, without_participants):
    listed()
    with exchange():
        service.enter([order("a"), order("a"), cancel("x"), cancel("x")])
        service.enter([order("a"), cancel("x")])
        assert kinds() == [("a", "accepted"), ("x", "cancel_rejected")]
    with exchange():
        service.enter([order("a"), cancel("x")])
        assert kinds() == [("a", "accepted"), ("x", "cancel_rejected")]


def test_a_repeat_is_dropped_long_after_memory_has_forgotten_it(
    committed, without_participants, now
):
    listed()
    floor = a_floor()
    floor.engine._state.seen = RecentIds(generation=1)
    cycle(floor, [order("a"), cancel("y")], now)
    cycle(floor, [order(name) for name in "bcd"], now)
    assert not floor.engine.seen.is_complete
    assert cycle(floor, [order("a"), cancel("y")], now, is_market_due=False).commands == []


def test_the_tape_gets_every_trade_and_the_changed_quotes(committed, without_participants):
    listed()
    tapes.tape.take(wait_seconds=0, ticks_max=10**6)
    with exchange():
        service.enter([order("s", "sell", "10", "100.00"), order("b", "buy", "4", "100.00")])
        told: list = []
        wait_for(lambda: told.extend(tapes.tape.take(wait_seconds=0.1)) or len(told) > 3)
    assert {source for source, _ in told} == {"simulated"}
    (trade,) = [tick for _, tick in told if isinstance(tick, TradeTick)]
    assert (trade.price, trade.size, trade.trade_id) == (Decimal("100.00"), 4, "1")
    quotes = [tick for _, tick in told if isinstance(tick, QuoteTick)]
    assert any((q.bid, q.ask, q.ask_size) == (None, Decimal("100.00"), 6) for q in quotes)


def test_a_book_that_rests_is_not_told_again_with_its_quote(committed, now):
    listed(halted=True)
    floor = a_floor()
    cycles = [cycle(floor, [], now + timedelta(milliseconds=100 * step)) for step in range(40)]
    assert sum(len(ticks) for each in cycles for ticks in each.ticks.values()) == 10
    assert sum(len(books) for each in cycles for books in each.books.values()) == 1


# --- Recovery -----------------------------------------------------------------------------------


def test_after_a_clean_stop_books_and_trade_numbers_are_what_they_were(committed):
    listed()
    with exchange() as running:
        service.enter([order("rest", "buy", "10", "50.00")])
        wait_for(lambda: running.beats > 10)
    state = zlib.decompress(Snapshot.objects.first().state)
    recovered = records.recover()
    assert recovered.engine.snapshot() == state
    assert recovered.engine.trade_number > 0
    assert (OURSELVES, "rest") in recovered.engine.open_orders
    with exchange():
        service.enter([cancel("rest")])
    assert kinds() == [("rest", "accepted"), ("rest", "cancelled")]


def test_the_journal_alone_gives_the_same_state_at_every_step(committed, now):
    listed()
    listed("BTC/USD", asset_class="crypto", quantity_increment=Decimal("0.0001"), price="65000")
    floor = a_floor()
    states = {}
    for step in range(60):
        requests = [order(f"o{step}", "buy" if step % 2 else "sell", "300", "100.00")]
        cycle(floor, requests if step % 3 == 0 else [], now + timedelta(milliseconds=100 * step))
        states[floor.sequence] = floor.engine.snapshot()
        if step == 20:
            floor.save_snapshot()
            saved = floor.sequence
    assert floor.engine.trade_number > 5
    assert floor.sequence > saved + 5
    # As if it had been killed after each of these commits: what came later was never written.
    for sequence in sorted((each for each in states if each >= saved), reverse=True):
        with transaction.atomic():
            JournalEntry.objects.filter(sequence__gt=sequence).delete()
            recovered = records.recover()
            assert (recovered.sequence, recovered.engine.snapshot()) == (sequence, states[sequence])


def test_reports_written_are_those_that_the_journal_leads_to(committed, now):
    listed()
    floor = a_floor()
    for step in range(30):
        at = now + timedelta(milliseconds=100 * step)
        cycle(floor, [order(f"o{step}", "buy", "500", "100.05", "ioc")], at)
    engine = Engine()
    again = [
        event.report
        for entry in JournalEntry.objects.order_by("sequence")
        for command in codec.decode(entry.commands)
        for event in engine.apply(command, entry.at)
        if isinstance(event, Report)
    ]
    assert service.reports(0, 5000) == again
    assert any(report.kind == "fill" for report in again)


def test_a_gap_in_the_journal_stops_the_exchange(committed, now):
    listed()
    floor = a_floor()
    for step in range(5):
        cycle(floor, [order(f"o{step}")], now)
    JournalEntry.objects.filter(sequence=3).delete()
    with pytest.raises(records.JournalBroken):
        records.recover()
    with exchange() as running:
        assert isinstance(running.error, records.JournalBroken)


def test_killed_between_commit_and_answer_the_order_lives_once(
    committed, without_participants, failing
):
    listed()
    with exchange() as running:
        wait_for(lambda: running.beats > 2)
        failing("exchange.journaled")
        with pytest.raises(service.ExchangeUnavailable):
            service.enter([order("a")])
        running.thread.join(DEADLINE_SECONDS)
        assert "exchange.journaled" in str(running.error)
    with exchange():
        service.enter([order("a")])
        assert kinds() == [("a", "accepted")]
        assert (OURSELVES, "a") in records.recover().engine.open_orders


def test_a_commit_that_fails_leaves_nothing_and_the_exchange_starts_from_the_records(
    committed, without_participants, monkeypatch
):
    listed()
    commit = records.commit

    def failing_commit(**cycle):
        with transaction.atomic():
            commit(**cycle)
            raise DatabaseError("the disk is full")

    with exchange() as running:
        wait_for(lambda: running.beats > 2)
        monkeypatch.setattr(records, "commit", failing_commit)
        with pytest.raises(service.ExchangeUnavailable):
            service.enter([order("a")])
        running.thread.join(DEADLINE_SECONDS)
        assert isinstance(running.error, DatabaseError)
    assert not MemberOrder.objects.exists()
    assert not MemberReport.objects.exists()
    monkeypatch.setattr(records, "commit", commit)
    with exchange():
        service.enter([order("a")])
        assert kinds() == [("a", "accepted")]


def test_a_second_process_waits_with_the_exchange_until_the_first_is_gone(
    committed, without_participants
):
    listed()
    with exchange() as first, exchange() as second:
        service.enter([order("a")])
        assert kinds() == [("a", "accepted")]
        first.stop.set()
        first.thread.join(DEADLINE_SECONDS)
        wait_for(service.is_open)
        service.enter([order("b")])
        assert kinds() == [("a", "accepted"), ("b", "accepted")]
        assert second.error is None


# --- What is kept -------------------------------------------------------------------------------


def test_journal_behind_the_second_last_snapshot_goes_and_members_papers_stay(
    committed, without_participants, now
):
    listed()
    floor = a_floor()
    for step in range(9):
        cycle(floor, [order(f"o{step}")], now)
        if step % 3 == 2:
            floor.save_snapshot()
    assert list(Snapshot.objects.values_list("sequence", flat=True)) == [9, 6]
    assert sorted(JournalEntry.objects.values_list("sequence", flat=True)) == [7, 8, 9]
    assert MemberOrder.objects.count() == 9
    assert MemberReport.objects.count() == 9


@pytest.mark.parametrize(
    "table", ["exchange_memberorder", "exchange_membercancel", "exchange_memberreport"]
)
def test_members_papers_cannot_be_changed(committed, without_participants, now, table):
    listed()
    cycle(a_floor(), [order("a"), cancel("a")], now)
    for statement in (f"UPDATE {table} SET member = 'X'", f"DELETE FROM {table}"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


# --- Sessions -----------------------------------------------------------------------------------


def test_day_orders_expire_at_midnight_in_new_york_also_after_a_night_off(
    committed, without_participants, now
):
    listed()
    at = now.replace(hour=16, minute=0)
    floor = a_floor()
    cycle(floor, [order("day", tif="day"), order("gtc", price="99.00")], at)
    floor = a_floor()
    done = cycle(floor, [], at + timedelta(hours=24))
    assert [(e.report.client_order_id, e.report.kind.value) for e in done.events] == [
        ("day", "expired")
    ]
    cycle(floor, [order("next", tif="day")], at + timedelta(hours=24))
    assert kinds() == [
        *(("day", "accepted"), ("gtc", "accepted")),
        *(("day", "expired"), ("next", "accepted")),
    ]


def test_a_halted_instrument_takes_no_orders(committed, without_participants, now):
    listed(halted=True)
    cycle(a_floor(), [order("a")], now)
    (report,) = service.reports(0, 10)
    assert (report.kind, report.reason) == ("rejected", "halted")


def test_many_threads_with_the_same_requests_make_each_order_once(committed, without_participants):
    listed()
    failed: list[BaseException] = []

    def customer() -> None:
        try:
            for number in range(20):
                service.enter([order(f"o{number}", "buy", "1", "1.00"), cancel(f"o{number}")])
        except BaseException as error:  # noqa: BLE001  # shown by the assertion below
            failed.append(error)

    with exchange():
        threads = [threading.Thread(target=customer) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_SECONDS)
    assert failed == []
    assert MemberOrder.objects.count() == 20
    told = service.reports(0, 1000)
    assert [report.sequence for report in told] == list(range(1, 41))
    assert sorted(kind for _, kind in kinds()) == ["accepted"] * 20 + ["cancelled"] * 20
