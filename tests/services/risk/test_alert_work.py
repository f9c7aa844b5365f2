"""People work alerts: each step is kept, the wrong one is refused and changes nothing."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from accounts.models import User
from risk.findings import Severity
from risk.models import Alert, AlertStep
from risk.surveillance import alerts
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


def test_whoever_takes_a_step_has_acknowledged_it_and_nobody_else_is_told(alert):
    Alert.objects.filter(pk=alert.pk).update(steps_told=1, next_step_at=NOW)
    step(alert, Kind.ACKNOWLEDGED, staff("ann"), note="")
    assert (alert.state, alert.acknowledged_at, alert.next_step_at) == ("open", NOW, None)


def test_handed_upwards_it_goes_to_the_next_on_its_path_at_once(alert):
    Alert.objects.filter(pk=alert.pk).update(steps_told=1)
    step(alert, Kind.TAKEN, staff("ann"), note="")
    step(alert, Kind.ESCALATED, staff("bob"))
    assert (alert.acknowledged_at, alert.next_step_at) == (None, NOW)


def test_one_of_which_nobody_was_told_has_no_path_to_go_on(alert):
    step(alert, Kind.ESCALATED, staff("bob"))
    assert (alert.steps_told, alert.next_step_at) == (0, None)
