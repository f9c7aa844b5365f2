"""Stops and trailing stops that are watched: what triggers them, what does not, and once each."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from marketdata import services as marketdata
from marketdata.models import Instrument, Quote
from marketdata.ticks import QuoteTick, TradeTick
from orders import submission, triggers
from orders.answers import Answer
from orders.intake import IntakeFull
from orders.models import Order, Watch
from orders.tickets import TriggerTicket
from orders.triggers import Lookout
from reconciliation.invariants import check_invariants
from tests import parts, world
from venues.messages import OrderType, Side
from venues.models import OutboxMessage

D = Decimal
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _invariants_hold_afterwards(request, db):
    yield
    assert [f for f in check_invariants(now=timezone.now()) if not f.holds] == []


def at_once(ticket: TriggerTicket) -> Future[Answer]:
    """Carry a ticket out here and now, as the intake does in its thread."""
    answer: Future[Answer] = Future()
    answer.set_result(submission.submit_batch([ticket], now=timezone.now())[0])
    return answer


class Market:
    """Tells prices of AAPL through the same door as every feed, a moment later each time."""

    def __init__(self) -> None:
        self.aapl = world.instrument(bid=None, ask=None)
        Quote.objects.all().delete()
        self.numbers = itertools.count(1)
        self.quotes("99.99", "100.01")

    def trades(self, price: str, *, source: str = "feed", sets_last: bool = True) -> None:
        now = timezone.now()
        tick = TradeTick("AAPL", now, D(price), D(10), str(next(self.numbers)), sets_last)
        marketdata.accept([tick], source=source, now=now)

    def quotes(self, bid: str, ask: str, *, source: str = "feed") -> None:
        now = timezone.now()
        tick = QuoteTick("AAPL", now, D(bid), D(1000), D(ask), D(1000))
        marketdata.accept([tick], source=source, now=now)

    def set(self, **values: object) -> None:
        Quote.objects.filter(instrument=self.aapl).update(**values)


@pytest.fixture
def market(db) -> Market:
    return Market()


def held(**wanted: object) -> Order:
    """Have a stop order to buy ten at 105 accepted and held, or another one that is wanted."""
    terms = {"type": OrderType.STOP, "stop_price": D("105"), **wanted}
    account = wanted.pop("account", None) or world.customer()
    terms.pop("account", None)
    [answer] = submission.submit_batch([world.ticket(account, **terms)], now=timezone.now())
    assert answer.order.status == "held", answer
    return answer.order


def trailing(**wanted: object) -> Order:
    return held(type=OrderType.TRAILING_STOP, stop_price=None, **wanted)


def look(lookout: Lookout) -> None:
    lookout.look(now=timezone.now())
    lookout.look(now=timezone.now())  # takes the answers


def status(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def sent(order: Order) -> int:
    return OutboxMessage.objects.filter(order_id=order.pk).count()


class TestWhatTriggers:
    def test_a_trade_at_the_stop_price_sends_the_order_to_the_market_once(self, market):
        order, lookout = held(), Lookout(at_once)
        market.trades("104.99")
        look(lookout)
        assert status(order) == "held"
        market.trades("105.00")
        look(lookout)
        market.trades("105.10")
        look(lookout)

        after = Order.objects.get(pk=order.pk)
        assert (after.status, sent(order)) == ("submitted", 1)
        assert after.triggered_at is not None
        assert not Watch.objects.exists()
        assert len(lookout) == 0

    def test_a_price_that_is_through_the_stop_already_triggers_at_the_next_trade(self, market):
        market.trades("108")
        order, lookout = held(), Lookout(at_once)
        look(lookout)
        market.quotes("107.99", "108.01")
        look(lookout)
        assert status(order) == "held"
        market.trades("108")
        look(lookout)

        assert status(order) == "submitted"

    def test_a_trade_before_we_have_read_of_the_order_counts_all_the_same(self, market):
        other, lookout = held(stop_price=D("200")), Lookout(at_once)
        look(lookout)
        order = held()
        market.trades("106")
        market.quotes("105.99", "106.01")
        look(lookout)

        assert (status(order), status(other)) == ("submitted", "held")

    def test_a_trailing_stop_follows_the_price_and_keeps_its_mark_over_a_restart(self, market):
        market.trades("100")
        order, lookout = trailing(trail_percent=D(5)), Lookout(at_once)
        for price in ("99", "96", "97"):
            market.trades(price)
            look(lookout)
        assert Watch.objects.get(order_id=order.pk).mark == D("96")

        restarted = Lookout(at_once)
        market.trades("100.79")
        look(restarted)
        assert status(order) == "held"
        market.trades("100.80")
        look(restarted)

        after = Order.objects.get(pk=order.pk)
        assert (after.status, after.high_water_mark) == ("submitted", D("96"))

    def test_a_mark_that_is_written_never_goes_back(self, market):
        market.trades("100")
        order, lookout = trailing(trail_amount=D(9)), Lookout(at_once)
        look(lookout)
        Watch.objects.filter(pk=order.pk).update(mark=D("90"))
        market.trades("95")
        look(lookout)

        assert Watch.objects.get(pk=order.pk).mark == D("90")


class TestWhatDoesNot:
    """Nothing but a fresh price that is believed, of an instrument that trades, now."""

    @pytest.fixture
    def order(self, market):
        return held()

    @pytest.mark.parametrize(
        "fault",
        [
            {"received_at": datetime(2026, 1, 2, tzinfo=UTC)},
            {"doubts": 1, "doubted": D("500")},
            {"bid": D("106"), "ask": D("105")},
        ],
        ids=["stale", "doubted", "crossed"],
    )
    def test_a_price_that_is_not_to_be_relied_on(self, market, order, fault, monkeypatch):
        monkeypatch.setattr(triggers, "LOOK_AGAIN_SECONDS", 0.0)
        lookout = Lookout(at_once)
        market.trades("106")
        before = Quote.objects.filter(instrument=market.aapl).values(*fault).get()
        market.set(**fault)
        look(lookout)
        assert status(order) == "held"

        market.set(**before)  # without a new trade: the price is looked at again
        look(lookout)
        assert status(order) == "submitted"

    @pytest.mark.parametrize("fault", [{"halted": True}, {"tradable": False}])
    def test_an_instrument_that_does_not_trade(self, market, order, fault):
        lookout = Lookout(at_once)
        Instrument.objects.update(**fault)
        market.trades("106")
        look(lookout)

        assert (status(order), sent(order)) == ("held", 0)

    def test_a_halt_that_comes_between_the_price_and_the_order(self, market, order):
        def halted_meanwhile(ticket):
            Instrument.objects.update(halted=True)
            return at_once(ticket)

        lookout = Lookout(halted_meanwhile)
        market.trades("106")
        look(lookout)
        assert (status(order), len(lookout)) == ("held", 1)

        Instrument.objects.update(halted=False)
        lookout._asking._enter = at_once
        look(lookout)
        assert status(order) == "held"
        market.trades("106")
        look(lookout)
        assert status(order) == "submitted"

    def test_a_print_that_sets_no_last_price(self, market):
        market.trades("106")
        order, lookout = held(), Lookout(at_once)
        market.trades("100", sets_last=False)
        look(lookout)

        assert status(order) == "held"

    def test_the_last_price_of_another_source(self, market, order):
        lookout = Lookout(at_once)
        market.quotes("110", "110.02", source="replay")
        look(lookout)
        assert status(order) == "held"
        market.trades("110.01", source="replay")
        look(lookout)
        assert status(order) == "submitted"

    def test_an_order_that_was_cancelled(self, market, order):
        lookout = Lookout(at_once)
        look(lookout)
        submission.submit_batch([world.cancel_ticket(order)], now=timezone.now())
        market.trades("106")
        look(lookout)

        assert (status(order), sent(order), len(lookout)) == ("cancelled", 0, 0)


class TestSessions:
    """New York, Friday 20 November 2026: 09:30 to 16:00, which is 14:30 to 21:00 UTC."""

    @pytest.mark.parametrize(
        ("placed", "traded", "expected"),
        [
            ("12:00", "13:00", "held"),  # early trading
            ("12:00", "14:29:59", "held"),
            ("12:00", "14:30", "submitted"),
            ("16:00", "20:59:59", "submitted"),
            ("16:00", "21:00", "held"),
            ("21:30", "22:00", "held"),  # late trading
        ],
    )
    def test_only_the_regular_session_triggers(self, db, placed, traded, expected):
        with time_machine.travel(at(placed), tick=False):
            market = Market()
            Instrument.objects.update(calendar="XNYS")
            order, lookout = held(time_in_force=world.TimeInForce.GTC), Lookout(at_once)
        with time_machine.travel(at(traded), tick=False):
            market.quotes("105.99", "106.01")
            market.trades("106")
            look(lookout)

            assert status(order) == expected

    def test_what_was_traded_early_does_not_trigger_at_the_open(self, db):
        with time_machine.travel(at("12:00"), tick=False):
            market = Market()
            Instrument.objects.update(calendar="XNYS")
            order, lookout = held(time_in_force=world.TimeInForce.GTC), Lookout(at_once)
        with time_machine.travel(at("14:29:59"), tick=False):
            market.trades("106")
            look(lookout)
        with time_machine.travel(at("14:30:00"), tick=False):
            market.quotes("103.99", "104.01")
            look(lookout)

            assert status(order) == "held"


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-20T{clock}").replace(tzinfo=UTC)


class TestAsking:
    def test_what_was_not_taken_is_asked_again(self, market, monkeypatch):
        monkeypatch.setattr("orders.asking.PAUSE_SECONDS_MIN", 0.0)
        tries = []

        def full_twice(ticket):
            tries.append(ticket)
            if len(tries) < 3:
                raise IntakeFull
            return at_once(ticket)

        order, lookout = held(), Lookout(full_twice)
        market.trades("106")
        look(lookout)
        market.trades("100")  # it was reached, wherever the price goes
        look(lookout)

        assert (status(order), len(tries), sent(order)) == ("submitted", 3, 1)

    def test_what_was_carried_out_without_our_knowing_is_found_done(self, market, monkeypatch):
        monkeypatch.setattr("orders.asking.PAUSE_SECONDS_MIN", 0.0)
        tries = []

        def lost_once(ticket):
            tries.append(ticket)
            answer = at_once(ticket)
            if len(tries) > 1:
                return answer
            lost: Future[Answer] = Future()
            lost.set_exception(ConnectionError("the commit's answer was lost"))
            return lost

        order, lookout = held(), Lookout(lost_once)
        market.trades("106")
        look(lookout)
        look(lookout)

        assert (status(order), len(tries), sent(order)) == ("submitted", 2, 1)


@pytest.mark.usefixtures("committed")
class TestOverConnections:
    """With real commits: what is followed by transactions, and by more than one runner."""

    def test_a_row_committed_late_is_not_missed(self, committed):
        market = Market()
        lookout = Lookout(at_once)
        account, other = world.customer(), world.customer()
        begun, may_commit = threading.Event(), threading.Event()
        made: list[Order] = []

        def place_slowly() -> None:
            with transaction.atomic():
                made.append(held(account=account))
                begun.set()
                may_commit.wait(10)
            connection.close()

        slow = threading.Thread(target=place_slowly)
        slow.start()
        assert begun.wait(10)
        made.append(held(account=other, stop_price=D("150")))  # a later transaction, earlier done
        look(lookout)
        assert len(lookout) == 1
        may_commit.set()
        slow.join(10)
        look(lookout)
        assert len(lookout) == 2

        market.trades("106")
        look(lookout)
        assert [status(order) for order in made] == ["submitted", "held"]

    def test_two_runners_trigger_each_order_once(self, committed):
        market = Market()
        orders = [held(stop_price=D(101) + number) for number in range(8)]
        both = [Lookout(at_once), Lookout(at_once)]
        ready = threading.Barrier(2)

        def look_at(lookout: Lookout) -> None:
            ready.wait(10)
            for _ in range(4):
                look(lookout)
            connection.close()

        look(both[0])
        look(both[1])
        market.trades("106")
        threads = [threading.Thread(target=look_at, args=(each,)) for each in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

        assert [status(order) for order in orders] == ["submitted"] * 6 + ["held"] * 2
        assert [sent(order) for order in orders] == [1] * 6 + [0] * 2

    def test_one_part_is_at_work_and_the_next_takes_over(self, committed, monkeypatch):
        monkeypatch.setattr(triggers, "STANDBY_SECONDS", 0.02)
        market, order = Market(), held()
        stops = [threading.Event(), threading.Event()]
        asked: list[int] = []

        def enter_of(number):
            def enter(ticket):
                asked.append(number)
                return at_once(ticket)

            return enter

        threads = []
        for number, stop in enumerate(stops):
            thread = threading.Thread(
                target=triggers.serve,
                args=(stop, lambda: None),
                kwargs={"enter": enter_of(number)},
                daemon=True,
            )
            threads.append(thread)
        threads[0].start()
        parts.until(lambda: holders() == 1)
        threads[1].start()
        stops[0].set()
        threads[0].join(10)
        parts.until(lambda: holders() == 1)
        market.quotes("105.99", "106.01")
        market.trades("106")
        parts.until(lambda: market.quotes("105.99", "106.01") or status(order) == "submitted")
        stops[1].set()
        threads[1].join(10)

        assert asked == [1]


def holders() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        return cursor.fetchone()[0]
