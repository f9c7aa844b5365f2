"""A report that cannot be applied is told of: in one alert for each venue, at once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from foundation import trips
from orders import parking
from orders.entry import submission
from risk.findings import Severity
from risk.models import Alert, AlertEvidence
from risk.surveillance import runbooks, work
from risk.surveillance.models import AlertStep
from tests import people, world
from venues import inbox
from venues.messages import ReportKind
from venues.models import InboxReport

pytestmark = pytest.mark.django_db


def stored(number: int, *, venue: str = "NORTH", kind: str = "fill") -> InboxReport:
    return InboxReport.objects.create(
        venue=venue, execution_id=f"E{number}", sequence=number, client_order_id=f"O{number}",
        report={"kind": kind}, received_at=timezone.now(),
    )  # fmt: skip


def park(*reports: InboxReport) -> None:
    with trips.together():
        parking.park([(each, "overfill: 5 reported, 3 left") for each in reports])


def raised() -> list[tuple[str, int, int]]:
    """Return of each alert its venue, its severity and how many facts it has."""
    return [
        (each.subject, each.severity, each.evidence.count())
        for each in Alert.objects.filter(kind="report_parked").order_by("subject", "pk")
    ]


def test_reports_of_one_venue_are_one_alert_and_those_of_another_are_another():
    park(stored(1, kind="accepted"), stored(2, kind="cancelled"))
    park(stored(3, venue="SOUTH", kind="accepted"))
    assert raised() == [("NORTH", Severity.WARNING, 2), ("SOUTH", Severity.WARNING, 1)]
    park(stored(4, kind="busted"))  # money that has not moved makes it graver
    assert raised() == [("NORTH", Severity.SEVERE, 3), ("SOUTH", Severity.WARNING, 1)]
    assert set(InboxReport.objects.values_list("state", flat=True)) == {"parked"}


def test_what_is_put_aside_again_is_news_also_after_the_alert_was_closed():
    report = stored(1)
    park(report)
    [alert] = Alert.objects.all()
    ann, now = people.person(is_staff=True), timezone.now()
    work.take_step(alert.pk, kind=AlertStep.Kind.ACKNOWLEDGED, by=ann, now=now)
    work.take_step(
        alert.pk, kind=AlertStep.Kind.CLOSED, by=ann, now=now, note="Tried again",
        outcome=Alert.Outcome.RESOLVED,
    )  # fmt: skip
    inbox.retry(report)
    park(report)
    assert raised() == [("NORTH", Severity.SEVERE, 1), ("NORTH", Severity.SEVERE, 1)]


def test_what_is_rolled_back_is_not_told():
    def park_and_fail() -> None:
        with trips.together():
            parking.park([(stored(1), "overfill")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        park_and_fail()
    assert (raised(), AlertEvidence.objects.count()) == ([], 0)


def test_a_fill_that_overfills_an_order_is_told_with_what_leads_to_it():
    world.instrument()
    account, venue = world.customer(), world.Venue()
    [answer] = submission.submit_batch([world.ticket(account)], now=timezone.now())
    venue.fills(answer.order, "11", "100.00")
    world.apply_reports()
    [alert] = Alert.objects.filter(kind="report_parked")
    report = InboxReport.objects.get(state="parked")
    facts = alert.evidence.get().facts
    assert (alert.severity, alert.subject) == (Severity.SEVERE, report.venue)
    assert "overfill" in alert.summary
    assert (facts["order"], facts["report"]) == (str(answer.order.pk), ReportKind.FILL.value)
    assert runbooks.path(alert.kind) == "/admin/runbooks/venue-link/#parked-reports"
