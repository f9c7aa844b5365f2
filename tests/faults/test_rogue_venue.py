"""Faults 5 to 8: a venue that says things twice, in the wrong order, too late, and too much.

The whole program runs as a process of its own, over this worker's database; orders come in by
its HTTP API and go, across a line, to a venue that says whatever a test tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from math import ceil

import httpx
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.utils import timezone

from accounts.keys import issuing
from marketdata.models import Quote
from orders.models import Trade
from portfolio import services as portfolio
from portfolio.models import Hold, Transfer
from reconciliation.invariants import check_invariants
from risk.models import Alert
from tests import database, world
from tests.faults.customers import ROGUE, Operator, Trader
from tests.faults.rogue_venue import MEMBER, SECRET, RogueVenue, rogue_venue
from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until
from venues import inbox, links
from venues.messages import ExecutionReport, ReportKind
from venues.models import InboxReport, ParkedStep, Route, Venue

Breach = tuple[int, str]


@pytest.fixture(scope="module")
def rogue(django_db_setup) -> Iterator[RogueVenue]:
    with rogue_venue() as venue:
        yield venue


@pytest.fixture(scope="module")
def program(rogue, django_db_blocker, tmp_path_factory) -> Iterator[LiveServer]:
    """The program over this worker's database, all its orders routed to the rogue."""
    owner = settings.DATABASES["owner"]
    where = f"host={owner['HOST']} port={owner['PORT']} user={owner['USER']}"
    server = LiveServer(
        home=tmp_path_factory.mktemp("rogue") / "home",
        environment={
            "DATABASE_URL": f"postgresql:///{owner['NAME']}?{where.replace(' ', '&')}",
            "SECRET_KEY": settings.SECRET_KEY,
            "VENUE_SECRETS": f"{ROGUE}={SECRET}",
        },
    )
    server.home.mkdir()
    with django_db_blocker.unblock():
        try:
            _route_everything_to(rogue)
            server.start()
            until(lambda: any(link.is_up for link in links.current() if link.venue == ROGUE))
            until(lambda: Quote.objects.filter(instrument__symbol="AAPL", ask__gt=0).exists())
            yield server
        finally:
            server.dispose()
            connections.close_all()
            cache.clear()
            database.wipe(f"{where} dbname={owner['NAME']}")


def _route_everything_to(rogue: RogueVenue) -> None:
    address = f"127.0.0.1:{rogue.port}"
    line = Venue.objects.create(name=ROGUE, kind="line", address=address, member=MEMBER)
    until_tomorrow = timezone.now() + timedelta(days=1)
    Route.objects.create(venue=line, is_override=True, until=until_tomorrow, reason="A test")


def breaches() -> set[Breach]:
    found = check_invariants(now=timezone.now())
    return {(finding.number, breach.what) for finding in found for breach in finding.breaches}


@pytest.fixture
def broken(program) -> Callable[[], set[Breach]]:
    """What speaks against the invariants since the test has begun."""
    before = breaches()
    return lambda: breaches() - before


@pytest.fixture
def traders(program, rogue) -> Iterator[Callable[[], Trader]]:
    clients: list[httpx.Client] = []

    def make() -> Trader:
        account = world.customer(cash=str(Trader.CASH))
        key, secret = issuing.create(account)
        headers = {"APCA-API-KEY-ID": key.key_id, "APCA-API-SECRET-KEY": secret}
        clients.append(
            httpx.Client(
                base_url=program.base_url, headers=headers, timeout=DEADLINE_SECONDS, verify=False
            )
        )
        price = Quote.objects.get(instrument__symbol="AAPL").ask.quantize(Decimal("0.01"))
        return Trader(account=account, client=clients[-1], rogue=rogue, price=price)

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def trader(traders) -> Trader:
    return traders()


def becomes(report: ExecutionReport, state: str) -> InboxReport:
    """Wait until the program has put the report into that state; return it."""
    found = InboxReport.objects.filter(venue=ROGUE, execution_id=report.execution_id)
    until(lambda: found.filter(state=state).exists())
    return found.get()


def executions(order: str) -> list[tuple[int, Decimal, bool]]:
    """Return quantity, price and whether it takes one back, of each trade of the order."""
    trades = Trade.objects.filter(order=order).order_by("booked_at")
    return [(int(t.quantity), t.price, t.busts_id is not None) for t in trades]


# --- Fault 5: the same execution twice ------------------------------------------------------


def test_fault_5_an_execution_said_again_with_its_sequence_is_booked_once(trader, rogue, broken):
    order = trader.places()
    rogue.says(ReportKind.ACCEPTED, order, leaves=10)
    fill = rogue.fills(order, 4, trader.price, cumulative=4, leaves=6)
    becomes(fill, "applied")

    rogue.hang_up(and_says_again=2)
    until(rogue.has_said_again)
    rest = rogue.fills(order, 6, trader.price, cumulative=10)

    becomes(rest, "applied")
    assert trader.shown(order) == ("filled", 10)
    assert executions(order) == [(4, trader.price, False), (6, trader.price, False)]
    assert (trader.owns(), trader.spent(), trader.held()) == (10, 10 * trader.price, 0)
    assert broken() == set()


def test_fault_5_an_execution_said_again_with_a_new_sequence_is_booked_once(trader, rogue, broken):
    order = trader.places()
    fill = rogue.fills(order, 4, trader.price, cumulative=4, leaves=6)
    again = rogue.fills(
        order, 4, trader.price, cumulative=4, leaves=6, execution_id=fill.execution_id
    )
    becomes(fill, "applied")
    rogue.hang_up(and_says_again=0)  # the last that we have stored has an older sequence
    rest = rogue.fills(order, 6, trader.price, cumulative=10)

    becomes(rest, "applied")
    assert trader.shown(order) == ("filled", 10)
    assert executions(order) == [(4, trader.price, False), (6, trader.price, False)]
    assert (trader.owns(), trader.spent(), trader.held()) == (10, 10 * trader.price, 0)
    assert inbox.last_sequence(ROGUE) == again.sequence + 1
    assert broken() == set()


# --- Fault 6: out of order ------------------------------------------------------------------


def test_fault_6_a_fill_before_the_acknowledgement_is_booked(trader, rogue, broken):
    order = trader.places()
    fill = rogue.fills(order, 4, trader.price, cumulative=4, leaves=6)
    becomes(fill, "applied")
    assert trader.shown(order) == ("partially_filled", 4)

    # It was overtaken: what it counts is how the order stood when it was acknowledged.
    acknowledgement = rogue.says(ReportKind.ACCEPTED, order, leaves=10)

    becomes(acknowledgement, "applied")
    assert trader.shown(order) == ("partially_filled", 4)
    assert (trader.owns(), trader.spent(), trader.held()) == (4, 4 * trader.price, 6 * trader.price)
    assert broken() == set()


def test_fault_6_fills_in_the_wrong_order_wait_for_each_other(trader, rogue, broken):
    order = trader.places()
    second = rogue.fills(order, 6, trader.price, cumulative=10)
    becomes(second, "early")
    assert (trader.owns(), trader.spent(), trader.held()) == (0, 0, 10 * trader.price)

    first = rogue.fills(order, 4, trader.price, cumulative=4, leaves=6)

    becomes(first, "applied")
    becomes(second, "applied")
    assert trader.shown(order) == ("filled", 10)
    assert (trader.owns(), trader.spent(), trader.held()) == (10, 10 * trader.price, 0)
    assert broken() == set()


def test_fault_6_a_cancel_acknowledged_before_the_fill_that_it_counts_waits(trader, rogue, broken):
    order = trader.places()
    rogue.says(ReportKind.ACCEPTED, order, leaves=10)
    trader.cancels(order)
    cancelled = rogue.says(ReportKind.CANCELLED, order, cumulative=4)
    waits = becomes(cancelled, "early")
    assert waits.reason == f"the venue counts 4 of order {order} filled, we 0"
    assert trader.shown(order) == ("pending_cancel", 0)
    assert trader.held() == 10 * trader.price

    fill = rogue.fills(order, 4, trader.price, cumulative=4)

    becomes(fill, "applied")
    becomes(cancelled, "applied")
    assert trader.shown(order) == ("canceled", 4)
    assert (trader.owns(), trader.spent(), trader.held()) == (4, 4 * trader.price, 0)
    assert broken() == set()


def test_fault_6_a_replace_accepted_before_the_fill_that_it_counts_waits(trader, rogue, broken):
    old = trader.places()
    becomes(rogue.says(ReportKind.ACCEPTED, old, leaves=10), "applied")
    new = trader.replaces(old, quantity=15)
    replaced = rogue.says(ReportKind.REPLACED, new, cumulative=4, leaves=11, reference=old)
    becomes(replaced, "early")
    assert trader.shown(old) == ("pending_replace", 0)
    assert trader.held() >= 15 * trader.price  # each is rounded up to whole cents

    fill = rogue.fills(old, 4, trader.price, cumulative=4, leaves=6)

    becomes(fill, "applied")
    becomes(replaced, "applied")
    assert trader.shown(old) == ("replaced", 4)
    assert trader.held() == 11 * trader.price
    last = rogue.fills(new, 11, trader.price, cumulative=11)
    becomes(last, "applied")
    assert trader.shown(new) == ("filled", 11)
    assert (trader.owns(), trader.spent(), trader.held()) == (15, 15 * trader.price, 0)
    assert broken() == set()


# --- Fault 7: too late, and taken back ------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "shown"), [(ReportKind.CANCELLED, "canceled"), (ReportKind.EXPIRED, "expired")]
)
def test_fault_7_a_fill_after_the_end_is_booked(trader, rogue, broken, end, shown):
    order = trader.places()
    rogue.says(ReportKind.ACCEPTED, order, leaves=10)
    becomes(rogue.says(end, order), "applied")
    assert trader.shown(order) == (shown, 0)
    assert trader.held() == 0

    fill = rogue.fills(order, 4, trader.price, cumulative=4)

    becomes(fill, "applied")
    assert trader.shown(order) == (shown, 4)
    assert (trader.owns(), trader.spent(), trader.held()) == (4, 4 * trader.price, 0)
    assert broken() == set()


def test_fault_7_a_bust_before_the_fill_that_it_takes_back_waits(trader, rogue, broken):
    order = trader.places()
    rogue.says(ReportKind.ACCEPTED, order, leaves=10)
    bust = rogue.says(
        ReportKind.BUSTED, order, leaves=6, quantity=4, price=trader.price, reference=f"{order}-1"
    )
    becomes(bust, "early")

    fill = rogue.fills(order, 4, trader.price, cumulative=4, leaves=6, execution_id=f"{order}-1")

    becomes(fill, "applied")
    becomes(bust, "applied")
    assert trader.shown(order) == ("new", 0)
    assert executions(order) == [(4, trader.price, False), (4, trader.price, True)]
    assert (trader.owns(), trader.spent(), trader.held()) == (0, 0, 6 * trader.price)
    rest = rogue.fills(order, 6, trader.price, cumulative=6)
    becomes(rest, "applied")
    assert trader.shown(order) == ("filled", 6)
    assert broken() == set()


def test_fault_7_a_bust_is_reversed_and_the_right_fill_is_booked(trader, rogue, broken):
    order, wrong = trader.places(), trader.price - 1
    rogue.says(ReportKind.ACCEPTED, order, leaves=10)
    fill = rogue.fills(order, 10, wrong, cumulative=10)
    becomes(fill, "applied")
    assert trader.spent() == 10 * wrong

    bust = rogue.busts(fill)
    becomes(bust, "applied")
    assert (trader.owns(), trader.spent(), trader.held()) == (0, 0, 0)
    reversal = Trade.objects.get(execution_id=bust.execution_id, venue=ROGUE)
    assert reversal.busts.execution_id == fill.execution_id
    rows = Transfer.objects.filter(reference=f"bust:{reversal.pk}")
    assert sorted(row.amount for row in rows) == [10, 10 * wrong]

    right = rogue.fills(order, 10, trader.price, cumulative=10)

    becomes(right, "applied")
    assert trader.shown(order) == ("filled", 10)
    assert executions(order) == [(10, wrong, False), (10, wrong, True), (10, trader.price, False)]
    assert (trader.owns(), trader.spent(), trader.held()) == (10, 10 * trader.price, 0)
    assert broken() == set()


def test_fault_7_a_bust_of_what_was_sold_meanwhile_is_owed(trader, rogue, broken):
    bought = trader.places()
    fill = rogue.fills(bought, 10, trader.price, cumulative=10)
    becomes(fill, "applied")
    sold = trader.places("sell")
    becomes(rogue.fills(sold, 10, trader.price, cumulative=10), "applied")
    bust = rogue.busts(fill)
    becomes(bust, "applied")
    # The sale's: section 31, and a cent of TAF.
    fees = Decimal(ceil(10 * trader.price * Decimal("20.60") / 10_000) + 1) / 100
    assert trader.shown(bought) == ("canceled", 0)
    assert executions(bought) == [(10, trader.price, False), (10, trader.price, True)]
    assert (trader.owns(), trader.spent(), trader.held()) == (-10, fees - 10 * trader.price, 0)
    account = Trade.objects.get(execution_id=bust.execution_id, venue=ROGUE).account
    assert account.status == "restricted"
    assert Alert.objects.filter(account=account, kind="bust_owed").count() == 1
    assert broken() == set()


# --- Fault 8: more than was asked for --------------------------------------------------------


def test_fault_8_a_fill_that_the_account_cannot_pay_waits_for_two_people(
    trader, rogue, program, broken
):
    order, dear = trader.places(), Decimal(10_500)
    fill = rogue.fills(order, 10, dear, cumulative=10)
    parked = becomes(fill, "parked")
    assert parked.reason == "it takes 105000 USD, 100000 is available"
    assert (trader.owns(), trader.spent(), trader.held()) == (0, 0, 10 * trader.price)
    assert {number for number, _ in broken()} == {9}

    portfolio.deposit(
        account_id=trader.account.pk,
        amount=Decimal(5000),
        reference="what is missing",
        actor="operator:test",
        now=timezone.now(),
    )
    ann, bob = Operator(program.base_url), Operator(program.base_url)
    ann.takes("retry", parked)
    assert "Another person has to approve" in ann.takes("approve", parked)
    assert InboxReport.objects.get(pk=parked.pk).state == "parked"
    bob.takes("approve", parked)

    becomes(fill, "applied")
    steps = ParkedStep.objects.filter(report_id=parked.pk).order_by("pk")
    assert [step.kind for step in steps] == ["proposed", "approved"]
    assert len({step.actor for step in steps}) == 2
    assert trader.shown(order) == ("filled", 10)
    assert (trader.owns(), trader.spent(), trader.held()) == (10, 100_000, 0)
    assert broken() == set()


@pytest.mark.parametrize("filled", [6, 10], ids=["while it works", "once it is filled"])
def test_fault_8_an_overfill_is_parked_and_alerted_and_stops_nobody(
    traders, rogue, program, broken, filled
):
    trader, other = traders(), traders()
    order, next_order = trader.places(), other.places()
    left = 10 - filled
    fill = rogue.fills(order, filled, trader.price, cumulative=filled, leaves=left)
    becomes(fill, "applied")
    before = trader.shown(order), trader.owns(), trader.spent(), trader.held()

    overfill = rogue.fills(order, left + 2, trader.price, cumulative=12)
    next_fill = rogue.fills(next_order, 10, other.price, cumulative=10)

    becomes(next_fill, "applied")
    assert other.shown(next_order) == ("filled", 10)
    parked = becomes(overfill, "parked")
    assert parked.reason == f"overfill: {left + 2} reported, {left} of the order is left"
    assert before == (trader.shown(order), trader.owns(), trader.spent(), trader.held())
    assert trader.owns() == filled
    assert Hold.objects.get(order_id=order).remaining == left * trader.price
    alert = next(line for line in program.log.splitlines() if overfill.execution_id in line)
    assert "error" in alert
    assert "report_parked" in alert
    assert broken() == {
        (9, f"the venue has filled 12 of order {order}, we have booked {filled}.000000000"),
        (9, f"report {overfill.execution_id} of {ROGUE} is parked: {parked.reason}"),
    }
