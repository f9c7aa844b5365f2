"""What lies on the tape is booked, also beside what nobody can book."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata import selectors
from marketdata.arrival import tape
from marketdata.ticks import QuoteTick
from tests import world

pytestmark = pytest.mark.usefixtures("committed")
D = Decimal


def quoted(symbol: str, bid: str) -> QuoteTick:
    return QuoteTick(symbol, timezone.now(), D(bid), D(1), D("100.10"), D(1))


def test_a_tick_that_the_database_cannot_hold_fails_alone() -> None:
    apple, ibm = world.instrument("AAPL"), world.instrument("IBM")
    told = [quoted("AAPL", "99.97"), quoted("AA\0PL", "99.97"), quoted("IBM", "99.98")]
    tape.publish(told, "test")
    stop = threading.Event()
    tape.run(stop, stop.set)
    quotes = selectors.latest_quotes([apple.pk, ibm.pk])
    assert [quotes[each.pk].bid for each in (apple, ibm)] == [D("99.97"), D("99.98")]
