"""A report that cannot be applied is told of: in one alert for each venue, at once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone

from foundation import trips
from orders import parking
from orders.entry import submission
from portfolio.models import Balance
from reconciliation.invariants import check_invariants
from risk.findings import Severity
from risk.models import Alert, AlertEvidence
from risk.surveillance import runbooks, work
from risk.surveillance.models import AlertStep
from tests import people, world
from venues import inbox, parked
from venues.messages import ReportKind
from venues.models import InboxReport, ParkedStep

pytestmark = pytest.mark.django_db

D = Decimal
DISMISS = ParkedStep.Remedy.DISMISS


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


class Dismissed:
    """An order to buy ten, of which a fill of four is of no price and was dismissed by two."""

    def __init__(self, **wanted: object) -> None:
        world.instrument()
        self.venue, self.account = world.Venue(), world.customer()
        ticket = world.limit_ticket(self.account, "100.00", **wanted)
        [answer] = submission.submit_batch([ticket], now=timezone.now())
        self.order = answer.order
        self.venue.accepts(self.order)
        self.venue.fills(self.order, "4", "0")
        world.apply_reports()

    def dismiss(self) -> None:
        report = InboxReport.objects.get(state="parked", report__kind="fill")
        now = timezone.now()
        parked.propose(report.pk, remedy=DISMISS, actor="ann", reason="no price", now=now)
        parked.approve(report.pk, actor="bob", reason="settled with the venue", now=now)
        world.apply_reports()

    def stands(self) -> tuple[str, Decimal, str]:
        self.order.refresh_from_db()
        found = check_invariants(now=timezone.now())
        assert [each for each in found if not each.holds] == []
        return self.order.status, self.order.filled_quantity, self.order.status_reason


@pytest.fixture
def dismissed(db) -> Dismissed:
    return Dismissed()


def test_what_comes_behind_a_dismissed_fill_counts_it(dismissed):
    dismissed.dismiss()
    dismissed.venue.fills(dismissed.order, "3", "100.00")
    world.apply_reports()
    assert dismissed.stands() == ("partially_filled", 3, "")
    dismissed.venue.cancels(dismissed.order)
    world.apply_reports()
    assert dismissed.stands()[:2] == ("cancelled", 3)
    assert not InboxReport.objects.filter(state__in=("early", "parked")).exists()


def test_what_waits_for_a_fill_goes_on_as_that_is_dismissed(dismissed):
    dismissed.venue.fills(dismissed.order, "3", "100.00")
    world.apply_reports()
    assert InboxReport.objects.filter(state="early").count() == 1
    dismissed.dismiss()
    assert dismissed.stands() == ("partially_filled", 3, "")


def test_an_order_of_which_only_what_was_dismissed_is_left_ends_with_its_last_fill(dismissed):
    dismissed.dismiss()
    dismissed.venue.fills(dismissed.order, "6", "100.00")
    world.apply_reports()
    reason = "The venue has executed the rest of it, and that was dismissed here"
    assert dismissed.stands() == ("cancelled", 6, reason)
    assert Balance.objects.get(account=dismissed.account, asset="USD").held == 0


def test_an_order_whose_last_fill_was_dismissed_ends_as_its_cancel_is_refused(dismissed):
    venue, order = dismissed.venue, dismissed.order
    InboxReport.objects.filter(state="parked").delete()
    venue._filled.clear()
    venue.fills(order, "6", "100.00")
    venue.fills(order, "4", "0")
    world.apply_reports()
    dismissed.dismiss()
    assert dismissed.stands() == ("partially_filled", 6, "")
    submission.submit_batch([world.cancel_ticket(order)], now=timezone.now())
    venue.says(order, ReportKind.CANCEL_REJECTED, reason="order_not_open", leaves=D(0))
    world.apply_reports()
    assert dismissed.stands()[:2] == ("cancelled", 6)


def test_a_replacement_has_what_a_dismissed_fill_has_left(dismissed):
    dismissed.dismiss()
    new = world.replace_ticket(dismissed.order, limit_price=D("99.00"))
    [answer] = submission.submit_batch([new], now=timezone.now())
    dismissed.venue.replaces(dismissed.order, answer.order, total="10")
    world.apply_reports()
    answer.order.refresh_from_db()
    assert (answer.order.status, answer.order.quantity) == ("submitted", 6)
    assert dismissed.stands()[:2] == ("replaced", 0)
