"""Stops and trailing stops that are watched: what triggers them, what does not, and once each."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import UTC, datetime
from decimal import Decimal
from unittest import mock

import pytest
import time_machine
from django.utils import timezone
from structlog.testing import capture_logs

from marketdata import store
from marketdata.models import Instrument, Quote
from orders.entry import submission
from orders.entry.answers import Answer
from orders.entry.intake import IntakeFull
from orders.held import triggers
from orders.held.triggers import Lookout
from orders.models import Order, Watch
from tests import invariants, world
from tests.held import Market, at_once, held, look, sent, status, trailing
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture(autouse=True)
def _invariants_hold_afterwards(db):
    """All but that requests are sent soon, as no gateway is at work and time is moved."""
    yield
    invariants.assert_hold(has_gateway=False)


@pytest.fixture
def market(db) -> Market:
    return Market()


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


class TestPricesBetweenLooks:
    """A trade that another one follows before anybody looks has been made all the same."""

    def test_a_stop_that_is_reached_within_a_batch(self, market):
        order, lookout = held(), Lookout(at_once)
        look(lookout)
        market.batch("104", "105.50", "104")
        look(lookout)

        after = Order.objects.get(pk=order.pk)
        assert (after.status, sent(order)) == ("submitted", 1)

    def test_a_stop_that_is_reached_between_two_looks(self, market):
        order, lookout = held(), Lookout(at_once)
        look(lookout)
        market.trades("105.50")
        market.trades("104")
        look(lookout)

        assert (status(order), sent(order)) == ("submitted", 1)

    def test_a_trailing_stop_follows_the_whole_way_in_its_order(self, market):
        market.trades("102")
        near, far = trailing(trail_amount=D(3)), trailing(trail_amount=D(5))
        lookout = Lookout(at_once)
        look(lookout)
        market.batch("100", "104")
        look(lookout)
        assert (status(near), status(far)) == ("submitted", "held")
        assert Order.objects.get(pk=near.pk).high_water_mark == D(100)
        assert Watch.objects.get(pk=far.pk).mark == D(100)

    def test_a_low_before_the_high_does_not_count_from_the_high(self, market):
        market.trades("104")
        account = world.customer()
        world.own(account, "AAPL", "10", world.Venue(), price="100.00")
        order = trailing(account=account, side=Side.SELL, trail_amount=D(3))
        lookout = Lookout(at_once)
        look(lookout)
        market.batch("102", "106", "104")
        look(lookout)
        look(lookout)
        other = held(stop_price=D(120))  # the instrument is looked at again for this one
        look(lookout)

        assert (status(order), status(other)) == ("held", "held")
        assert Watch.objects.get(pk=order.pk).mark == D(106)

    def test_a_restart_does_not_hold_an_old_low_against_a_mark_that_came_later(self, market):
        market.trades("104")
        account = world.customer()
        world.own(account, "AAPL", "10", world.Venue(), price="100.00")
        order = trailing(account=account, side=Side.SELL, trail_amount=D(3))
        look(lookout := Lookout(at_once))
        market.batch("102", "106", "104")
        look(lookout)
        look(Lookout(at_once))

        assert status(order) == "held"

    def test_a_stop_is_reached_while_no_lookout_is_at_work(self, market):
        order = held()
        market.batch("105.50", "104")
        look(Lookout(at_once))

        assert status(order) == "submitted"

    def test_what_passed_before_we_had_read_of_the_order(self, market):
        other, lookout = held(stop_price=D("200")), Lookout(at_once)
        look(lookout)
        market.trades("105.20")
        market.trades("104")
        order = held()
        with mock.patch.object(lookout, "_follow", return_value=set()):  # it is not committed yet
            market.batch("103", "104")
            look(lookout)
            market.batch("105.50", "104.50")
            look(lookout)
        assert status(order) == "held"
        look(lookout)

        assert (status(order), status(other)) == ("submitted", "held")

    def test_what_passed_before_the_order_was_placed_does_not_count(self, market):
        other, lookout = held(stop_price=D("200")), Lookout(at_once)
        look(lookout)
        market.batch("105.50", "104")
        order = held()
        look(lookout)
        market.trades("104.10")
        look(lookout)

        assert (status(order), status(other)) == ("held", "held")

    def test_what_another_source_told_before_does_not_count(self, market):
        order, lookout = held(), Lookout(at_once)
        look(lookout)
        market.batch("105.50", "104")
        market.quotes("99.99", "100.01", source="replay")
        market.trades("100", source="replay")
        look(lookout)

        assert status(order) == "held"

    def test_more_than_is_kept_is_told_of_and_the_rest_counts(self, market):
        order, lookout = held(), Lookout(at_once)
        market.trades("103")
        look(lookout)
        market.trades("105.50")
        for _ in range(store.PATHS_KEPT):
            market.trades("104")
        with capture_logs() as logs:
            look(lookout)
        missed = [each for each in logs if each["event"] == "prices_missed"]
        assert [(each["symbol"], each["batches"]) for each in missed] == [("AAPL", 1)]
        assert status(order) == "held"
        market.trades("105")
        look(lookout)
        assert status(order) == "submitted"


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
        meanwhile = iter([True, False])

        def halted_meanwhile(ticket):
            Instrument.objects.update(halted=next(meanwhile))
            return at_once(ticket)

        lookout = Lookout(halted_meanwhile)
        market.trades("106")
        look(lookout)
        assert (status(order), len(lookout)) == ("held", 1)

        Instrument.objects.update(halted=False)
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
        monkeypatch.setattr("orders.entry.asking.PAUSE_SECONDS_MIN", 0.0)
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
        monkeypatch.setattr("orders.entry.asking.PAUSE_SECONDS_MIN", 0.0)
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
