"""A day on the real exchange, held against its own file by the jobs of the day that is over."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from orders.models import Order, Trade
from portfolio.models import LedgerAccount, Transfer
from reconciliation import comparing
from reconciliation.breaks import jobs, working
from reconciliation.breaks.models import Break, Comparison
from reconciliation.venue_statements import services as taking
from reconciliation.venue_statements.models import StatementFile
from risk.models import Alert
from tests import invariants, people, world
from tests.stepwise import Exchange
from venues import outbox, statements
from venues.exchange.models import Execution
from venues.messages import Side, TimeInForce

pytestmark = pytest.mark.django_db
D = Decimal
DAY = date(2026, 3, 4)  # a Wednesday
FOLLOWING = DAY + timedelta(days=1)
MORNING = datetime.fromisoformat("2026-03-04T10:00:00-05:00")
GTC = {"time_in_force": TimeInForce.GTC}


@pytest.fixture
def clock(db):
    with time_machine.travel(MORNING, tick=False) as traveller:
        yield traveller


@pytest.fixture
def exchange(clock):
    """A day of trades, fills in parts, a replacement, a bust, and orders that stay open."""
    world.instrument()
    venue = Exchange()
    one, other = world.customer(), world.customer()

    def later(**much: float) -> None:
        clock.shift(timedelta(**much))
        world.quote(Order.objects.first().instrument, bid="99.99", ask="100.00")

    venue.offers("30", "100.00")
    bought = venue.place(world.limit_ticket(one, "100.00", quantity=D(20)))
    later(minutes=5)
    in_parts = venue.place(world.limit_ticket(other, "100.00", quantity=D(14), **GTC))
    assert (bought.status, in_parts.filled_quantity) == ("filled", 10)
    later(minutes=5)
    dearer = venue.place(world.replace_ticket(in_parts, quantity=D(16), limit_price=D("100.01")))
    venue.offers("2", "100.01")
    later(minutes=5)
    venue.takes_back(2)
    venue.place(world.limit_ticket(one, "100.02", side=Side.SELL, quantity=D(5), **GTC))
    ended = venue.place(world.limit_ticket(one, "99.98", quantity=D(3), **GTC))
    later(minutes=5)
    venue.place(world.cancel_ticket(ended))
    venue.place(world.limit_ticket(one, "99.99", quantity=D(1), **GTC))
    told = [(each.execution_id, each.quantity) for each in venue.executions()]
    assert told == [("T1B", 20), ("T2B", 10), ("T3B", 2), ("X2B", 10)]
    assert Order.objects.get(pk=dearer.pk).leaves_quantity == 4
    return venue


def close(day: date = DAY) -> list[str]:
    """Do what reconciliation does of a day that is over, in the order of its jobs."""
    every = (jobs.fetch_venue_files, jobs.reconcile, jobs.reconcile_banks)
    return [job(day=day, now=timezone.now(), progress=lambda done, of: None) for job in every]


def after_midnight(clock, *, days: int = 1) -> None:
    clock.move_to(MORNING.replace(hour=0, minute=20) + timedelta(days=days))


def counts() -> dict[str, tuple[int, int, int]]:
    told = Comparison.objects.get(source=outbox.EMBEDDED, day=DAY).counts
    return {matter: (each["ours"], each["theirs"], each["agreed"]) for matter, each in told.items()}


def test_a_day_on_the_exchange_agrees_with_its_file(exchange, clock):
    after_midnight(clock)
    assert close() == [
        "1 fetched, 8 lines", "1 compared, 0 missing, 0 breaks open",
        "0 compared, 0 missing, 0 breaks open",
    ]  # fmt: skip
    assert not Break.objects.exists()
    assert counts()["execution"] == (4, 4, 4)
    assert counts()["order"][1:] == (3, 3)
    assert close()[0] == "1 fetched, 8 lines"
    assert StatementFile.objects.count() == Comparison.objects.count() == 1
    invariants.assert_hold()


def test_the_day_agrees_so_far_at_any_moment(exchange, clock):
    for seconds in (0, 30, 3600):
        clock.shift(timedelta(seconds=seconds))
        made = comparing.compare_so_far(outbox.EMBEDDED, now=timezone.now())
        assert (made.is_final, made.new, made.counts["execution"]["agreed"]) == (False, 0, 4)
    assert not Break.objects.exists()


def test_what_happens_after_midnight_is_of_the_next_day(exchange, clock):
    """Also what the exchange still counts to the day, because it turns it at its next look."""
    clock.move_to(MORNING.replace(hour=0) + timedelta(days=1, milliseconds=400))
    resting = Order.objects.filter(status="submitted", side="buy").order_by("-limit_price").first()
    world.quote(resting.instrument, bid="99.99", ask="100.00")
    exchange.offers("4", "99.99")
    late = exchange.executions()[-1]
    assert (late.date, late.at) == (DAY, timezone.now())
    exchange.turn()
    exchange.place(world.cancel_ticket(Order.objects.get(side="sell")))
    after_midnight(clock)
    close()
    assert not Break.objects.exists()
    assert counts()["execution"] == (5, 5, 5)
    after_midnight(clock, days=2)
    assert close(FOLLOWING)[1] == "1 compared, 0 missing, 0 breaks open"
    assert not Break.objects.exists()


def test_what_the_exchange_told_with_the_day_before_is_not_missed_so_far(exchange, clock):
    clock.move_to(MORNING.replace(hour=0) + timedelta(days=1, milliseconds=400))
    resting = Order.objects.filter(status="submitted", side="buy").order_by("-limit_price").first()
    world.quote(resting.instrument, bid="99.99", ask="100.00")
    exchange.offers("4", "99.99")
    exchange.turn()
    after_midnight(clock)
    jobs.fetch_venue_files(day=DAY, now=timezone.now(), progress=lambda done, of: None)
    made = so_far()
    assert (made.day, made.new) == (FOLLOWING, 0)
    assert not Break.objects.exists()


def another_file(*edits: tuple[str, str]) -> None:
    """Let the exchange have sent another file of the day, the later of the two."""
    content = statements.fetch(day=DAY).decode()
    for before, after in edits:
        assert content.count(before) == 1, before
        content = content.replace(before, after)
    taking.take(
        name=outbox.EMBEDDED, day=DAY, content=content.encode(), file_name="again.csv",
        actor="operator:test", now=timezone.now(),
    )  # fmt: skip


def row_of(name: str) -> str:
    [row] = [
        each
        for each in statements.fetch(day=DAY).decode().splitlines(keepends=True)
        if f",{name}," in each
    ]
    return row


def they_miss_a_fill(exchange: Exchange) -> None:
    another_file((row_of("T3B"), ""), ("AAPL,buy,22,", "AAPL,buy,20,"))


def they_say_another_price(exchange: Exchange) -> None:
    told = row_of("T1B")
    another_file((told, told.replace(",buy,20,100,", ",buy,20,101,")))


def they_say_another_quantity(exchange: Exchange) -> None:
    told = row_of("T1B")
    another_file((told, told.replace(",buy,20,", ",buy,21,")), ("AAPL,buy,22,", "AAPL,buy,23,"))


def they_miss_a_bust(exchange: Exchange) -> None:
    another_file((row_of("X2B"), ""), ("AAPL,buy,22,", "AAPL,buy,32,"))


@pytest.mark.parametrize(
    ("touch", "kind", "about", "difference", "value"),
    [
        (they_miss_a_fill, "missing_there", "T3B", -2, D("200.02")),
        (they_say_another_price, "price", "T1B", 0, D(20)),
        (they_say_another_quantity, "quantity", "T1B", 1, D(100)),
        (they_miss_a_bust, "missing_there", "X2B", 10, D(1000)),
    ],
)
def test_one_row_that_they_tell_otherwise_is_one_break_until_two_have_resolved_it(
    exchange, clock, touch, kind, about, difference, value
):
    after_midnight(clock)
    close()
    touch(exchange)
    jobs.reconcile(day=DAY, now=timezone.now(), progress=lambda done, of: None)
    [row] = Break.objects.all()
    assert (row.type, row.subject, row.difference, row.value) == (kind, about, difference, value)
    assert (row.day, row.found_on, row.state) == (DAY, DAY, "open")
    trade = Trade.objects.get(execution_id=about)
    assert (row.account, row.order_id) == (trade.order.account, trade.order_id)
    [alert] = Alert.objects.filter(kind="break_found")
    assert (alert.account, alert.severity) == (trade.order.account, row.severity)

    after_midnight(clock, days=2)
    assert close(FOLLOWING)[1] == "1 compared, 0 missing, 1 breaks open"
    [aged] = Break.objects.all()
    assert (aged.pk, aged.day, aged.found_on, aged.state) == (row.pk, DAY, FOLLOWING, "open")
    assert aged.steps.count() == 1
    resolve_by_two(aged)

    after_midnight(clock, days=3)
    assert close(FOLLOWING + timedelta(days=1))[1] == "1 compared, 0 missing, 0 breaks open"
    assert Break.objects.count() == 1
    assert not Transfer.objects.filter(kind="correction").exists()


def resolve_by_two(row: Break) -> None:
    one, another = (people.person(is_staff=True) for _ in range(2))
    working.explain(row.pk, by=one, reason="Their file was cut", now=timezone.now())
    with pytest.raises(working.UnableToResolve):
        working.accept(row.pk, by=one, reason="", now=timezone.now())
    working.accept(row.pk, by=another, reason="They have said so", now=timezone.now())
    row.refresh_from_db()
    assert (row.state, row.rule) == ("resolved", "accepted")


def test_a_fill_that_we_have_not_heard_of_is_one_break_and_gone_when_we_have(exchange, clock):
    exchange.offers("4", "100.01", is_heard=False)
    after_midnight(clock)
    assert close()[1] == "1 compared, 0 missing, 1 breaks open"
    [row] = Break.objects.all()
    assert (row.type, row.subject, row.difference) == ("missing_here", "T4B", 4)
    assert counts()["order"][1:] == (2, 2), "the order that it ended is not told again"
    exchange.carry_on()
    after_midnight(clock, days=2)
    close(FOLLOWING)
    row.refresh_from_db()
    assert (row.state, row.rule) == ("auto_resolved", "gone")
    assert Break.objects.count() == 1


def test_an_order_that_only_we_have_open_is_one_break_that_one_may_explain(exchange, clock):
    resting = Order.objects.get(side="sell")
    after_midnight(clock)
    close()
    another_file((row_of(str(resting.pk)), ""))
    jobs.reconcile(day=DAY, now=timezone.now(), progress=lambda done, of: None)
    [row] = Break.objects.all()
    assert (row.type, row.key) == ("missing_there", f"order:{resting.pk}")
    one = people.person(is_staff=True)
    working.explain(row.pk, by=one, reason="Asked: it is there", now=timezone.now())
    row.refresh_from_db()
    assert row.state == "resolved"


def test_a_job_that_is_done_again_by_another_process_changes_nothing(exchange, clock):
    after_midnight(clock)
    close()
    they_miss_a_fill(exchange)
    for _ in range(3):
        jobs.reconcile(day=DAY, now=timezone.now(), progress=lambda done, of: None)
    [row] = Break.objects.all()
    assert [step.kind for step in row.steps.all()] == ["found"]
    assert Alert.objects.filter(kind="break_found").count() == 1
    assert Execution.objects.filter(member="OPENFLOOR").count() == 4


def book_otherwise(trade: Trade, quantity: int) -> None:
    """Let the ledger have moved more of the trade's shares than were executed, or less."""
    of_trade = Transfer.objects.filter(reference=f"trade:{trade.pk}", asset="AAPL")
    bought = of_trade.earliest("pk")
    suspense, _ = LedgerAccount.objects.get_or_create(
        kind=LedgerAccount.Kind.SUSPENSE, asset="AAPL", owner=None
    )
    taker = bought.credit if bought.credit.owner_id else bought.debit
    debit, credit = (suspense, taker) if quantity > 0 else (taker, suspense)
    Transfer.objects.create(
        debit=debit, credit=credit, amount=abs(quantity), asset="AAPL", kind=bought.kind,
        reference=bought.reference, at=bought.at,
    )  # fmt: skip


def so_far() -> Comparison:
    return comparing.compare_so_far(outbox.EMBEDDED, now=timezone.now())


def test_a_position_that_is_wrong_during_the_day_goes_on_until_it_is_right(exchange, clock):
    """It is the same break in the evening, ages from day to day, and hides no other."""
    trade = Trade.objects.get(execution_id="T1B")
    book_otherwise(trade, 1)
    clock.shift(timedelta(hours=1))
    assert so_far().new == 1
    [row] = Break.objects.all()
    assert (row.type, row.key, row.difference) == ("position", f"position:AAPL:{DAY}", -1)

    after_midnight(clock)
    assert close()[1] == "1 compared, 0 missing, 1 breaks open"
    so_far()
    after_midnight(clock, days=2)
    close(FOLLOWING)
    [aged] = Break.objects.all()
    assert (aged.pk, aged.day, aged.found_on, aged.state) == (row.pk, DAY, FOLLOWING, "open")
    assert [step.kind for step in aged.steps.all()] == ["found"]

    # Beyond the days that are compared again anyway.
    later = DAY + timedelta(days=comparing.DAYS_BACK + 2)
    clock.move_to(MORNING.replace(hour=0, minute=20) + timedelta(days=comparing.DAYS_BACK + 3))
    close(later)
    aged.refresh_from_db()
    assert (aged.found_on, aged.state, aged.severity) == (later, "open", 3)

    book_otherwise(trade, -1)
    close(later)
    aged.refresh_from_db()
    assert (aged.state, aged.rule) == ("auto_resolved", "gone")
    assert [step.kind for step in aged.steps.all()] == ["found", "resolved"]


def test_a_position_that_is_right_by_the_evening_is_gone_then(exchange, clock):
    trade = Trade.objects.get(execution_id="T1B")
    book_otherwise(trade, 1)
    so_far()
    book_otherwise(trade, -1)
    after_midnight(clock)
    close()
    [row] = Break.objects.all()
    assert (row.day, row.state, row.rule) == (DAY, "auto_resolved", "gone")


def test_what_is_wrong_on_the_next_day_is_another_break(exchange, clock):
    book_otherwise(Trade.objects.get(execution_id="T1B"), 1)
    so_far()
    after_midnight(clock)
    close()
    clock.move_to(MORNING + timedelta(days=1))
    exchange.turn()
    resting = Order.objects.filter(status="submitted", side="buy").order_by("-limit_price").first()
    world.quote(resting.instrument, bid="99.99", ask="100.00")
    exchange.offers("4", "99.99")
    exchange.carry_on()
    book_otherwise(Trade.objects.latest("executed_at"), 1)
    clock.shift(timedelta(hours=1))
    assert so_far().new == 1
    after_midnight(clock, days=2)
    close(FOLLOWING)
    keys = Break.objects.filter(state="open").order_by("key").values_list("key", flat=True)
    assert list(keys) == [f"position:AAPL:{DAY}", f"position:AAPL:{FOLLOWING}"]
