"""People decide about parked reports: alone where no money moves, two where it does."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from tests import staff
from venues import inbox, outbox, parked, routing
from venues.messages import ExecutionReport, ReportKind
from venues.models import InboxReport, ParkedStep, Route, Venue
from venues.parked import Remedy, UnableToDecide

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


def parked_report(kind: ReportKind = ReportKind.FILL) -> InboxReport:
    is_fill = kind is ReportKind.FILL
    report = ExecutionReport(
        sequence=1,
        execution_id="E1",
        kind=kind,
        client_order_id="O1",
        venue_order_id="V1",
        at=NOW,
        quantity=Decimal(5) if is_fill else None,
        price=Decimal("99.98") if is_fill else None,
        cumulative_quantity=Decimal(5),
        leaves_quantity=Decimal(0),
    )
    inbox.store(outbox.EMBEDDED, [report], now=timezone.now())
    row = InboxReport.objects.get(execution_id="E1")
    inbox.park(row, reason="overfill: 5 reported, 3 of the order is left", now=NOW)
    row.refresh_from_db()
    return row


def propose(report, remedy=Remedy.RETRY, actor="operator:ann", reason="The split is booked now"):
    parked.propose(report.pk, remedy=remedy, actor=actor, reason=reason, now=NOW)


def approve(report, actor="operator:bob", reason="I have looked at it too"):
    parked.approve(report.pk, actor=actor, reason=reason, now=NOW)


def state(report) -> str:
    report.refresh_from_db()
    return report.state


def steps(report) -> list[tuple[str, str, str]]:
    return list(
        ParkedStep.objects.filter(report_id=report.pk).values_list("kind", "remedy", "actor")
    )


@pytest.mark.parametrize(
    ("remedy", "becomes"), [(Remedy.RETRY, "new"), (Remedy.DISMISS, "dismissed")]
)
def test_where_no_money_moves_one_person_is_enough(remedy, becomes):
    report = parked_report(ReportKind.CANCELLED)
    propose(report, remedy)
    assert state(report) == becomes
    assert steps(report) == [("proposed", remedy, "operator:ann")]


@pytest.mark.parametrize("kind", [ReportKind.FILL, ReportKind.BUSTED])
@pytest.mark.parametrize(
    ("remedy", "becomes"), [(Remedy.RETRY, "new"), (Remedy.DISMISS, "dismissed")]
)
def test_where_money_moves_a_second_person_approves(kind, remedy, becomes):
    report = parked_report(kind)
    propose(report, remedy)
    assert state(report) == "parked"
    approve(report)
    assert state(report) == becomes
    assert steps(report) == [
        ("proposed", remedy, "operator:ann"),
        ("approved", remedy, "operator:bob"),
    ]


def test_nobody_approves_what_they_have_proposed():
    report = parked_report()
    propose(report)
    with pytest.raises(UnableToDecide, match="Another person"):
        approve(report, actor="operator:ann")
    assert state(report) == "parked"
    assert len(steps(report)) == 1


def test_a_proposal_that_was_withdrawn_cannot_be_approved_and_another_can_be_made():
    report = parked_report()
    propose(report)
    with pytest.raises(UnableToDecide, match="a proposal already"):
        propose(report, Remedy.DISMISS, actor="operator:bob")
    parked.withdraw(report.pk, actor="operator:ann", reason="Wrong report", now=NOW)
    with pytest.raises(UnableToDecide, match="Nothing is proposed"):
        approve(report)
    propose(report, Remedy.DISMISS, actor="operator:bob")
    approve(report, actor="operator:ann")
    assert state(report) == "dismissed"
    assert [kind for kind, *_ in steps(report)] == [
        "proposed",
        "withdrawn",
        "proposed",
        "approved",
    ]


def test_a_step_says_why():
    report = parked_report(ReportKind.CANCELLED)
    with pytest.raises(UnableToDecide, match="Say why"):
        propose(report, reason="  ")
    assert state(report) == "parked"
    assert steps(report) == []


def test_what_is_not_parked_any_more_is_not_decided_about():
    report = parked_report(ReportKind.CANCELLED)
    propose(report)
    with pytest.raises(UnableToDecide, match="not parked any more"):
        propose(report, Remedy.DISMISS)


def test_what_was_retried_and_parked_again_needs_two_people_again():
    report = parked_report()
    propose(report)
    approve(report)
    inbox.park(report, reason="overfill again", now=NOW)
    report.refresh_from_db()
    assert parked.proposal(report) is None
    propose(report, Remedy.DISMISS)
    assert state(report) == "parked"


def test_steps_are_never_changed():
    report = parked_report()
    propose(report)
    with pytest.raises(DatabaseError), transaction.atomic():
        ParkedStep.objects.update(actor="operator:nobody")


# --- The operations page -------------------------------------------------------------------


def operator() -> Client:
    return staff.at_work()[1]


def take(browser: Client, report, step: str, why: str = "Because I say so"):
    empty = {f"steps-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    answer = browser.post(
        f"/admin/venues/parkedreport/{report.pk}/change/",
        {"step": step, "why": why, **empty},
        follow=True,
    )
    assert answer.status_code == 200
    return answer.content.decode()


def test_two_operators_retry_a_fill_and_one_alone_cannot():
    report, ann, bob = parked_report(), operator(), operator()
    listed = ann.get("/admin/venues/parkedreport/").content.decode()
    assert "overfill: 5 reported" in listed
    assert "two people" in listed
    assert (
        "Propose: try the report again"
        in ann.get(f"/admin/venues/parkedreport/{report.pk}/change/").content.decode()
    )

    take(ann, report, "retry")
    assert "a second person" in bob.get("/admin/venues/parkedreport/").content.decode()
    assert "Another person has to approve" in take(ann, report, "approve")
    assert state(report) == "parked"
    take(bob, report, "approve")
    assert state(report) == "new"
    assert [kind for kind, *_ in steps(report)] == ["proposed", "approved"]


def test_what_was_decided_can_be_looked_at_and_not_decided_again():
    report, ann = parked_report(ReportKind.CANCELLED), operator()
    take(ann, report, "dismiss", why="The order was booked by hand")
    page = ann.get(f"/admin/venues/parkedreport/{report.pk}/change/").content.decode()
    assert "The order was booked by hand" in page
    assert 'name="step"' not in page


def test_no_step_is_taken_without_a_reason():
    report, ann = parked_report(ReportKind.CANCELLED), operator()
    take(ann, report, "retry", why="")
    assert state(report) == "parked"


def test_operations_override_a_route_with_a_reason_that_is_kept():
    ann = operator()
    spare = Venue.objects.create(name="SPARE", kind="line", address="192.0.2.1:7", member="US")
    routing.routes()
    fields = {"venue": spare.pk, "is_enabled": "on", "is_override": "on", "asset_class": "",
              "instrument": "", "reason": "The exchange is silent", "until_0": "2099-01-01",
              "until_1": "00:00:00", "why": "Incident 17"}  # fmt: skip
    refused = ann.post("/admin/venues/route/add/", {**fields, "reason": ""})
    assert refused.status_code == 200
    assert Route.objects.count() == 1
    assert ann.post("/admin/venues/route/add/", fields).status_code == 302
    made = Route.objects.get(is_override=True)
    assert made.history.latest().history_change_reason == "Incident 17"
    assert routing.routes().overrides == {(None, None): "SPARE"}
    routing.forget()


@pytest.mark.parametrize(
    "page", ["venue/", "route/", "outboxmessage/", "inboxreport/", "parkedreport/", "venue/add/"]
)
def test_every_page_opens(page):
    assert operator().get(f"/admin/venues/{page}").status_code == 200


def test_a_venue_shows_its_link_and_is_changed_with_a_reason():
    ann, venue = operator(), Venue.objects.get()
    address = f"/admin/venues/venue/{venue.pk}/change/"
    assert ann.get(address).status_code == 200
    empty = {f"link-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    assert ann.post(address, {**empty, "address": "", "member": ""}).status_code == 200
    assert Venue.objects.get().is_enabled
    done = ann.post(address, {**empty, "address": "", "member": "", "why": "Closed for today"})
    assert done.status_code == 302
    assert not Venue.objects.get().is_enabled
    routing.forget()
