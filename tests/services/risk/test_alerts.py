"""The queue of alerts: what is found is told once, and people work it to an end."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from foundation import trips
from risk.findings import Finding, Severity
from risk.models import Alert, AlertEvidence
from risk.surveillance import alerts
from tests import world

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture
def account():
    return world.customer(cash="0")


def raised(account, **wanted):
    given = {
        "kind": "large_trade",
        "severity": Severity.NOTICE,
        "account_id": account and account.pk,
        "evidence": {"order": uuid.UUID(int=1), "value": Decimal("12.50"), "count": 3},
        "now": NOW,
        **wanted,
    }
    alerts.raise_alert(**given)
    return Alert.objects.order_by("-id").first()


def test_an_alert_is_raised_with_what_shows_it(account):
    alert = raised(account, summary="Twelve times the usual", key="order:1")
    assert (alert.kind, alert.severity, alert.state) == ("large_trade", Severity.NOTICE, "open")
    assert (alert.account_id, alert.summary) == (account.pk, "Twelve times the usual")
    assert (alert.first_at, alert.last_at, alert.raised_at) == (NOW, NOW, NOW)
    [evidence] = alert.evidence.all()
    assert evidence.facts == {"order": str(uuid.UUID(int=1)), "value": "12.5", "count": 3}
    assert (evidence.key, evidence.found_at) == ("order:1", NOW)


def test_found_again_it_adds_evidence_to_the_open_one(account):
    first = raised(account)
    again = raised(account, now=NOW + timedelta(minutes=1), severity=Severity.WARNING)
    assert first.pk == again.pk
    assert (again.severity, again.first_at, again.last_at) == (
        Severity.WARNING,
        NOW,
        NOW + timedelta(minutes=1),
    )
    assert again.evidence.count() == 2


def test_one_fact_is_told_once_even_when_its_alert_is_closed(account):
    alert = raised(account, key="order:1")
    raised(account, key="order:1")
    assert AlertEvidence.objects.count() == 1
    Alert.objects.filter(pk=alert.pk).update(state="closed", closed_at=NOW, outcome="explained")
    raised(account, key="order:1")
    assert Alert.objects.count() == 1
    raised(account, key="order:2")
    assert Alert.objects.count() == 2


def test_accounts_instruments_and_kinds_are_matters_of_their_own(account):
    listed = world.instrument()
    raised(account)
    raised(None)
    raised(None)
    raised(account, instrument_id=listed.pk)
    raised(account, kind="odd_hours")
    raised(world.customer(cash="0"))
    assert Alert.objects.count() == 5
    assert AlertEvidence.objects.count() == 6


def test_many_are_raised_with_one_statement_inside_a_trip(account):
    findings = [
        Finding("velocity", Severity.NOTICE, account.pk, f"fact {n}", f"k:{n % 40}", NOW)
        for n in range(100)
    ]
    with trips.together():
        alerts.raise_alerts(findings, now=NOW)
    [alert] = Alert.objects.all()
    assert alert.evidence.count() == 40


def test_severe_news_of_a_known_matter_is_to_be_told(account):
    alert = raised(account, severity=Severity.WARNING)
    Alert.objects.filter(pk=alert.pk).update(told_at=NOW)
    assert raised(account).told_at == NOW
    assert raised(account, severity=Severity.SEVERE).told_at is None


def test_every_severe_fact_of_a_known_matter_is_to_be_told(account):
    first = raised(account, severity=Severity.SEVERE, summary="An order was stopped")
    Alert.objects.filter(pk=first.pk).update(told_at=NOW)
    noticed = raised(account, summary="Nothing much")
    assert (noticed.told_at, noticed.summary) == (NOW, "An order was stopped")
    again = raised(account, severity=Severity.SEVERE, summary="The firm was stopped")
    assert (again.pk, again.told_at, again.summary) == (first.pk, None, "The firm was stopped")


def test_a_summary_is_cut_to_its_length(account):
    assert len(raised(account, summary="x" * 500).summary) == alerts.SUMMARY_MAX
