"""People work alerts: each step is kept, the wrong one is refused and changes nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core import mail

from accounts.models import User
from risk.findings import Severity
from risk.models import Alert, AlertStep
from risk.surveillance import alerts, telling
from risk.surveillance import work as alert_work
from risk.surveillance.work import UnableToWork
from tests import world

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
Kind = AlertStep.Kind


def staff(name):
    return User.objects.create(email=f"{name}@example.com", is_staff=True)


@pytest.fixture
def alert():
    return raised("wash_trade", Severity.WARNING)


def raised(kind, severity):
    alerts.raise_alert(
        kind=kind,
        severity=severity,
        account_id=world.customer(cash="0").pk,
        evidence={"value": Decimal(1)},
        summary="Sold to himself",
        now=NOW,
    )
    return Alert.objects.order_by("-pk").first()


def step(alert, kind, by, **more):
    given = {"note": "Looked at it", **more}
    alert_work.take_step(alert.pk, kind=kind, by=by, now=NOW, **given)
    alert.refresh_from_db()


def test_an_alert_is_taken_noted_handed_upwards_and_closed_by_another(alert):
    ann, bob = staff("ann"), staff("bob")
    step(alert, Kind.TAKEN, ann, note="")
    assert (alert.state, alert.assigned_to) == ("assigned", ann)
    step(alert, Kind.NOTED, ann)
    step(alert, Kind.ESCALATED, ann)
    assert (alert.state, alert.assigned_to) == ("escalated", None)
    step(alert, Kind.TAKEN, bob)
    assert (alert.state, alert.assigned_to) == ("escalated", bob)
    step(alert, Kind.CLOSED, bob, outcome=Alert.Outcome.REPORTED)
    assert (alert.state, alert.outcome, alert.closed_at) == ("closed", "reported", NOW)
    assert list(alert.steps.order_by("pk").values_list("kind", "by__email", "at")) == [
        ("taken", "ann@example.com", NOW),
        ("noted", "ann@example.com", NOW),
        ("escalated", "ann@example.com", NOW),
        ("taken", "bob@example.com", NOW),
        ("closed", "bob@example.com", NOW),
    ]


def refused(alert, kind, by, match, **more):
    before = Alert.objects.filter(pk=alert.pk).values().get(), AlertStep.objects.count()
    with pytest.raises(UnableToWork, match=match):
        step(alert, kind, by, **more)
    assert (Alert.objects.filter(pk=alert.pk).values().get(), AlertStep.objects.count()) == before


def test_who_handed_it_upwards_does_not_close_it(alert):
    ann = staff("ann")
    step(alert, Kind.ESCALATED, ann)
    refused(alert, Kind.CLOSED, ann, "Another person", outcome=Alert.Outcome.EXPLAINED)


def test_customers_do_not_work_alerts(alert):
    refused(alert, Kind.NOTED, alert.account.user, "by staff")


def test_a_step_says_why_and_an_end_how(alert):
    refused(alert, Kind.NOTED, staff("ann"), "Say what", note="  ")
    refused(alert, Kind.CLOSED, staff("bob"), "with an outcome")
    refused(alert, Kind.NOTED, staff("cat"), "with an outcome", outcome=Alert.Outcome.EXPLAINED)


def test_what_is_closed_is_only_written_about(alert):
    ann = staff("ann")
    step(alert, Kind.CLOSED, ann, outcome=Alert.Outcome.EXPLAINED)
    for kind in (Kind.TAKEN, Kind.ESCALATED):
        refused(alert, kind, ann, "closed already")
    step(alert, Kind.NOTED, ann)
    assert alert.state == "closed"
    assert alert_work.open_to(alert) == [Kind.NOTED]


# --- Telling -------------------------------------------------------------------------------------


def test_severe_alerts_are_told_once_in_one_mail():
    first, second = (raised(kind, Severity.SEVERE) for kind in ("wash_trade", "clock_drift"))
    raised("odd_hours", Severity.WARNING)
    assert telling.tell(telling.by_mail, now=NOW) == 2
    assert telling.tell(telling.by_mail, now=NOW) == 0
    [letter] = mail.outbox
    assert letter.subject == "Severe alert: wash trade and 1 more"
    assert "Sold to himself" in letter.body
    assert f"/admin/risk/alert/{second.pk}/change/" in letter.body
    first.refresh_from_db()
    assert first.told_at == NOW


def test_what_could_not_be_sent_is_tried_again():
    raised("wash_trade", Severity.SEVERE)

    def down(_alerts):
        raise ConnectionRefusedError

    assert telling.tell(down, now=NOW) == 0
    assert telling.tell(telling.by_mail, now=NOW) == 1


def test_what_comes_while_one_is_told_is_told_the_next_time():
    told = []

    def slow(untold):
        told.append([each.summary for each in untold])
        if len(told) == 1:
            alerts.raise_alert(
                kind="switch_engaged",
                severity=Severity.SEVERE,
                account_id=None,
                evidence={},
                now=NOW,
                summary="The firm",
            )

    alerts.raise_alert(
        kind="switch_engaged",
        severity=Severity.SEVERE,
        account_id=None,
        evidence={},
        now=NOW,
        summary="One order",
    )
    assert [telling.tell(slow, now=NOW) for _ in range(3)] == [1, 1, 0]
    assert told == [["One order"], ["The firm"]]
