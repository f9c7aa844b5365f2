"""The part `margin` at work in a thread of its own: one does it, others stand by."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.utils import timezone

from marketdata.models import Quote
from orders.safeguards import liquidation
from risk.margin import rates as margin_rates
from risk.models import MarginCall, MarginStatus
from tests import held, on_margin, world
from tests.patience import DEADLINE_SECONDS, until

pytestmark = pytest.mark.usefixtures("committed")


def test_two_of_them_watch_as_one():
    margin_rates.forget()
    aapl = on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    world.own(account, "AAPL", "200", world.Venue(), price="100.00")
    stop, beats = threading.Event(), []

    def run(name):
        try:
            liquidation.serve(stop, lambda: beats.append(name), enter=held.at_once)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(name,), daemon=True) for name in "ab"]
    for thread in threads:
        thread.start()
    try:
        until(lambda: MarginStatus.objects.filter(account=account).exists())

        def called():
            world.quote(aapl, bid="60.00", ask="60.00")
            Quote.objects.update(last=60, received_at=timezone.now())
            return MarginCall.objects.filter(account=account).first()

        until(called)
        until(lambda: {"a", "b"} <= set(beats))
    finally:
        stop.set()
        for thread in threads:
            thread.join(DEADLINE_SECONDS)
    assert MarginCall.objects.count() == 1
    assert not any(thread.is_alive() for thread in threads)
