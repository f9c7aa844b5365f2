"""Alerts raised by many at once and closed meanwhile; surveillance at work in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from foundation import wakeups
from marketdata.models import Instrument
from orders.entry import submission
from orders.surveillance import survey as surveillance
from risk.findings import Finding, Severity
from risk.models import Alert, AlertEvidence, AlertStep, Surveyed
from risk.surveillance import alerts
from risk.surveillance import work as alert_work
from tests import parts, world
from tests.patience import until
from tests.racing import at_once

pytestmark = pytest.mark.usefixtures("committed")


def finding(account, kind, key):
    return Finding(kind, Severity.NOTICE, account.pk, "Found", key, timezone.now())


def test_what_many_find_at_once_is_one_alert_with_each_fact_once():
    """Each raises all matters, in an order of its own: nobody waits for another in a circle."""
    accounts = [world.customer(cash="0") for _ in range(4)]

    def raise_all(number):
        found = [
            finding(account, kind, f"{account.pk}:{kind}:{fact}")
            for account in accounts[number % 4 :] + accounts[: number % 4]
            for kind in ("a", "b", "c")
            for fact in range(3)
        ]
        alerts.raise_alerts(found[::-1] if number % 2 else found, now=timezone.now())

    at_once(*[lambda n=n: raise_all(n) for n in range(16)])
    assert Alert.objects.count() == 12
    assert AlertEvidence.objects.count() == 36
    assert all(alert.evidence.count() == 3 for alert in Alert.objects.all())


def test_no_fact_is_lost_when_its_alert_is_closed_in_that_moment():
    staff = User.objects.create(email="ann@example.com", is_staff=True)
    account = world.customer(cash="0")

    def close_what_is_open():
        for alert in Alert.objects.exclude(state="closed"):
            alert_work.take_step(
                alert.pk,
                kind=AlertStep.Kind.CLOSED,
                by=staff,
                note="Seen",
                outcome=Alert.Outcome.EXPLAINED,
                now=timezone.now(),
            )

    def find(number):
        for each in range(10):
            alerts.raise_alerts([finding(account, "a", f"{number}:{each}")], now=timezone.now())

    at_once(*[lambda n=n: find(n) for n in range(7)], close_what_is_open)
    assert AlertEvidence.objects.count() == 70
    assert Alert.objects.exclude(state="closed").count() <= 1


def test_surveillance_at_work_finds_what_is_done_and_goes_on_after_a_stop():
    world.instrument()
    account = world.customer(cash="900000.00")
    venue = world.Venue()
    for _ in range(10):
        bought(account, venue, "10")
    with at_work():
        large = bought(account, venue, "300")
        until(lambda: AlertEvidence.objects.filter(key=f"order:{large.pk}").exists())
        account.refresh_from_db()
        until(lambda: Surveyed.objects.get(account=account).sequence == account.activity_sequence)
    missed = bought(account, venue, "310")  # while nobody watches
    with at_work():
        until(lambda: AlertEvidence.objects.filter(key=f"order:{missed.pk}").exists())
    assert AlertEvidence.objects.filter(kind="large_trade").count() == 2
    assert Alert.objects.filter(kind="large_trade").count() == 1


def bought(account, venue, quantity):
    world.quote(Instrument.objects.get(), bid="99.99", ask="100.00")
    wanted = world.limit_ticket(account, "100.00", quantity=Decimal(quantity))
    [answer] = submission.submit_batch([wanted], now=timezone.now())
    assert answer.order.status == "submitted", answer
    venue.fills(answer.order, quantity, "100.00")
    world.apply_reports()
    return answer.order


@contextmanager
def at_work() -> Iterator[None]:
    """Run surveillance in a thread of its own, as the program does."""
    stop = threading.Event()

    def guarded(run):
        try:
            run(stop, lambda: None)
        finally:
            connection.close()

    runs = (wakeups.listener.run, surveillance.run)
    threads = [threading.Thread(target=guarded, args=(run,), daemon=True) for run in runs]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        parts.end(stop, threads)
