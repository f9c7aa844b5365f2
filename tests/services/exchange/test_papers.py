"""What the exchange keeps of its own: executions, statuses, busts, statements, phases of a day."""

from __future__ import annotations

import csv
import io
from dataclasses import replace as changed
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from marketdata import calendars
from marketdata.models import Instrument
from tests.services.exchange.running import cancel, listed, order
from venues.exchange import busts, records, service, standing, statement
from venues.exchange.commands import OURSELVES, Enter
from venues.exchange.floor import Floor
from venues.exchange.models import BustRequest, Execution, MemberReplace
from venues.exchange.recent import RecentIds
from venues.messages import ReplaceOrder

NEW_YEAR = datetime(2026, 1, 2, 15, 0, tzinfo=UTC)


class House:
    """A floor whose cycles are committed, by a clock that the test sets."""

    def __init__(self, now: datetime = NEW_YEAR) -> None:
        self.floor = Floor(records.recover(), seed=1)
        self.now = now

    def __call__(self, *requests, member: str = OURSELVES, after: float = 1.0):
        self.now += timedelta(seconds=after)
        self.floor._looks_at = 0.0
        done = self.floor.decide(
            [Enter(member, request) for request in requests], now=self.now, is_market_due=True
        )
        if done.commands:
            records.commit(
                sequence=done.sequence, at=done.at, commands=done.commands, events=done.events
            )
        return [
            (event.report.client_order_id, event.report.kind.value)
            for event in done.events
            if hasattr(event, "report")
        ]


@pytest.fixture
def house(committed, without_participants):
    listed()
    return House()


def replace(name, new, quantity="10", price=None):
    return ReplaceOrder(name, new, Decimal(quantity), None if price is None else Decimal(price))


def test_a_replacement_is_written_down_reported_and_entered_once(house):
    house(order("a", "sell"), replace("a", "b", "5", "101.00"))
    (told,) = [each for each in service.reports(0, 100) if each.kind == "replaced"]
    assert (told.client_order_id, told.reference, told.leaves_quantity) == ("b", "a", 5)
    assert MemberReplace.objects.get().client_order_id == "a"
    house.floor.engine._state.seen = RecentIds(generation=1)
    house(*[order(name, price="50.00") for name in "xyz"])
    assert not house.floor.engine.seen.is_complete
    assert house(replace("a", "b", "5", "101.00"), order("b")) == []


def test_the_journal_brings_back_every_kind_of_order(house):
    house(
        changed(order("ice", "sell"), display_quantity=Decimal(3)),
        changed(order("hidden", "sell"), display_quantity=Decimal(0), party="p"),
        changed(order("cash", price="99.00"), cash_max=Decimal(500), extended_hours=True),
        order("cls", tif="cls"),
        replace("ice", "ice2", "7"),
        order("b", "buy", "2"),
    )
    state = house.floor.engine.snapshot()
    assert records.recover().engine.snapshot() == state
    house.floor.save_snapshot()
    assert records.recover().engine.snapshot() == state


# --- Status and drop copy -----------------------------------------------------------------------


def test_a_status_is_right_for_what_is_open_replaced_ended_and_unknown(house):
    house(order("open", "sell"), order("old", "sell", price="101.00"), order("gone", "sell"))
    house(replace("old", "new", "8"), cancel("gone"), order("b", "buy", "4"), cancel("b"))
    told = {
        each.client_order_id: (each.cumulative_quantity, each.leaves_quantity)
        for each in standing.statuses(["open", "old", "new", "gone", "b", "never"])
    }
    assert told == {
        "open": (4, 6),
        "old": (0, 0),
        "new": (0, 8),
        "gone": (0, 0),
        "b": (4, 0),
    }
    assert standing.statuses(["open"], member="OTHER") == []


def test_the_drop_copy_has_every_execution_of_every_member_in_sequence(house):
    house(order("s", "sell", "10"), member="OTHER")
    house(order("b", "buy", "4"))
    house(order("c", "buy", "3"))
    copy = service.drop_copy(0, 100)
    assert [each.sequence for each in copy] == [1, 2, 3, 4]
    assert [(e.member, e.client_order_id, e.side, e.quantity) for e in copy[:2]] == [
        (OURSELVES, "b", "buy", 4),
        ("OTHER", "s", "sell", 4),
    ]
    assert [each.sequence for each in service.drop_copy(2, 1)] == [3]
    for statement_ in ("UPDATE exchange_execution SET price = 1", "DELETE FROM exchange_execution"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement_)


# --- Busts --------------------------------------------------------------------------------------


def test_a_bust_reaches_both_members_once(house):
    house(order("s", "sell", "10"), member="OTHER")
    house(order("b", "buy", "4"))
    busts.ask(trade_number=1, reason="erroneous", requested_by="operator", now=house.now)
    with pytest.raises(busts.AlreadyBusted):
        busts.ask(trade_number=1, reason="again", requested_by="operator", now=house.now)
    assert house() == [("b", "busted"), ("s", "busted")]
    assert BustRequest.objects.get().state == "requested"
    # As after a crash before it was noted: it is not done again.
    house.floor = Floor(records.recover(), seed=1)
    assert house() == []
    assert BustRequest.objects.get().state == "busted"
    (ours,) = [each for each in service.reports(0, 100) if each.kind == "busted"]
    assert (ours.reference, ours.quantity, ours.price) == ("T1B", 4, Decimal("100.00"))
    assert (ours.cumulative_quantity, ours.leaves_quantity) == (0, 0)
    (status,) = standing.statuses(["s"], member="OTHER")
    assert (status.cumulative_quantity, status.leaves_quantity) == (0, 6)


def test_several_busts_of_one_order_in_one_cycle_count_down(house):
    house(order("s", "sell", "3"), order("t", "sell", "4"), order("u", "sell", "9"), member="OTHER")
    house(order("b", "buy", "12"))
    for number in (1, 2, 3):
        busts.ask(trade_number=number, reason="erroneous", requested_by="operator", now=house.now)
    house()
    ours = [each for each in service.reports(0, 100) if each.kind == "busted"]
    assert [(each.reference, each.cumulative_quantity) for each in ours] == [
        ("T1B", 9),
        ("T2B", 5),
        ("T3B", 0),
    ]
    assert standing.executed(OURSELVES, "b") == 0
    theirs = {s.client_order_id: s for s in standing.statuses(["s", "t", "u"], member="OTHER")}
    assert {name: (s.cumulative_quantity, s.leaves_quantity) for name, s in theirs.items()} == {
        "s": (0, 0),
        "t": (0, 0),
        "u": (0, 4),
    }


def test_a_bust_counts_from_before_what_an_auction_of_the_same_cycle_executes(house):
    house(order("s", "sell", "3"), member="OTHER")
    house(order("b", "buy", "10"))
    Instrument.objects.update(halted=True)
    house()
    Instrument.objects.update(halted=False)
    house()
    house(order("t", "sell", "7"), member="OTHER")
    busts.ask(trade_number=1, reason="erroneous", requested_by="operator", now=house.now)
    house(after=10)
    ours = [r for r in service.reports(0, 100) if r.client_order_id == "b"]
    assert [(r.kind, r.cumulative_quantity, r.leaves_quantity) for r in ours[-2:]] == [
        ("busted", 0, 7),
        ("fill", 7, 0),
    ]


def test_a_bust_of_no_trade_is_refused(house):
    busts.ask(trade_number=7, reason="erroneous", requested_by="operator", now=house.now)
    house()
    assert BustRequest.objects.get().state == "refused"
    busts.ask(trade_number=8, reason="x", requested_by="x", now=house.now)
    with pytest.raises(CommandError, match="Trade 8"):
        call_command("exchange_bust", "T8S", reason="twice")  # as a member calls it


# --- Statements ---------------------------------------------------------------------------------


def test_a_statement_lists_trades_busts_open_orders_and_totals(house, tmp_path):
    house(order("s", "sell", "10"), member="OTHER")
    house(order("b", "buy", "4"), order("c", "buy", "3"), order("rest", price="90.00"))
    house(replace("rest", "rest2", "6"))
    busts.ask(trade_number=1, reason="erroneous", requested_by="operator", now=house.now)
    house()
    # What happens on the next day is not on this one's.
    house(cancel("rest2"), after=86_400)
    call_command("exchange_statement", "2026-01-02", to=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "OPENFLOOR_2026-01-02.csv",
        "OTHER_2026-01-02.csv",
    ]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "OPENFLOOR_2026-01-02.csv").read_text())))
    assert [
        (r["record"], r["execution_id"], r["reference"], r["side"], r["quantity"], r["value"])
        for r in rows
    ] == [
        ("trade", "T1B", "", "buy", "4", "400"),
        ("trade", "T2B", "", "buy", "3", "300"),
        ("bust", "X1B", "T1B", "buy", "-4", "-400"),
        ("open_order", "", "", "buy", "0", ""),
        ("total", "", "", "buy", "3", "300"),
    ]
    assert rows[3]["client_order_id"] == "rest2"
    assert rows[3]["leaves_quantity"] == "6"
    assert statement.members_on(date(2025, 12, 31)) == []


# --- The day of New York ------------------------------------------------------------------------


def test_a_day_in_new_york_goes_through_its_phases(committed, without_participants):
    listed(calendar="XNYS")
    house = House(datetime(2026, 1, 2, 8, 0, tzinfo=UTC))
    phases = []
    for _ in range(2 * 18):
        house()
        phases.append(house.floor.engine.listings["AAPL"].phase.value)
        assert phases[-1] == calendars.phase("XNYS", house.now)
        house.now += timedelta(minutes=30, seconds=-1)
    assert list(dict.fromkeys(phases)) == ["closed", "early", "regular", "late"]


def test_an_order_of_the_night_is_executed_at_the_open(committed, without_participants):
    listed(calendar="XNYS")
    house = House(datetime(2026, 1, 2, 6, 0, tzinfo=UTC))
    assert house(order("b"), order("s", "sell", price="99.00", tif="opg")) == [
        ("b", "accepted"),
        ("s", "accepted"),
    ]
    house.now = datetime(2026, 1, 2, 14, 29, 50, tzinfo=UTC)
    assert house() == []
    house.now = datetime(2026, 1, 2, 14, 30, tzinfo=UTC)
    assert house() == [("b", "fill"), ("s", "fill")]
    assert {each.date for each in Execution.objects.all()} == {date(2026, 1, 2)}


def test_a_halt_of_the_instrument_ends_with_an_auction(house):
    house(order("a", "sell"))
    Instrument.objects.update(halted=True)
    assert house(order("x")) == [("x", "rejected")]
    Instrument.objects.update(halted=False)
    house()
    assert house(order("b", "buy", "4", "100.50")) == [("b", "accepted")]
    assert house(after=10) == [("b", "fill"), ("a", "fill")]
