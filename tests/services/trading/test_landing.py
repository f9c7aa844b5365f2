"""The page that operations begins with: what needs a person, how it goes, what is at stake."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import approvals
from accounts.models import User, Viewing
from foundation import safekeeping
from foundation.models import Heartbeat
from portfolio.funding import services as funding
from portfolio.funding import waiting
from portfolio.funding.models import Funding
from reconciliation import checked
from reconciliation.day import selectors as days
from reconciliation.invariants import Breach, Finding
from reconciliation.models import DayRun, JobRun
from risk import firm_measured
from risk.controls import switches
from risk.findings import Severity
from risk.limits import services as limiting
from risk.margin import rates as margin_rates
from risk.models import Switch
from risk.surveillance import alerts
from tests import crowd, people, world
from tests.staff import member, operator, text_of
from trading.operations.landing import lines, page
from trading.operations.landing.lines import Level, Line
from trading.operations.staff_roles import StaffRole
from venues.models import InboxReport, OutboxMessage, Venue, VenueLink

pytestmark = pytest.mark.django_db
D = Decimal
HOUR = timedelta(hours=1)
A_WHILE = timedelta(hours=3, minutes=30)
"""Also after a machine that stood still for a minute it is three hours ago."""


def shown(user: User, page: str = "/admin/now/") -> str:
    return text_of(people.browser_of(user).get(page))


def withdrawal(amount: str, reference: str = "W1", state: str = "", ago=timedelta(0)) -> Funding:
    account = world.customer(cash="900000.00")
    made = funding.request_withdrawal(
        account_id=account.pk,
        payee_id=world.payee(account, daily_limit="1000000.00").pk,
        amount=D(amount),
        reference=reference,
        actor=f"user:{account.user_id}",
        now=timezone.now(),
    )
    then = timezone.now() - ago
    Funding.objects.filter(pk=made.pk).update(
        state=state or made.state, changed_at=then, asked_at=then
    )
    return made


def report(number: int, venue: str = "V", state: str = "new", ago=HOUR) -> None:
    InboxReport.objects.create(
        venue=venue, execution_id=f"{state}{number}", sequence=number, client_order_id="x",
        report={}, received_at=timezone.now() - ago, state=state,
    )  # fmt: skip


# --- What needs a person -------------------------------------------------------------------------


def test_withdrawals_that_wait_and_those_that_are_overdue_are_counted():
    withdrawal("100")
    withdrawal("100", ago=timedelta(hours=25))
    withdrawal("100", state="approved", ago=timedelta(hours=25))
    withdrawal("100", state="sent", ago=timedelta(days=4))
    oldest = withdrawal("100", state="sent", ago=timedelta(days=6))
    withdrawal("100", state="settled", ago=timedelta(days=60))
    found = waiting.withdrawals(now=timezone.now())
    oldest.refresh_from_db()
    assert (found.asked, found.overdue, found.oldest_at) == (2, 3, oldest.asked_at)
    page = shown(operator())
    assert "Withdrawals 2 asked for, none for a second person" in page
    assert "Overdue withdrawals 3 the oldest asked 6 days ago" in page


def test_a_large_withdrawal_waits_for_a_second_person_and_for_nobody_who_was_the_first():
    ann, bob = operator(), operator()
    funding.approve(withdrawal("800000").pk, by=ann, reason="Known", now=timezone.now())
    assert "Withdrawals 1 asked for, 1 for a second person" in shown(bob)
    assert "Approvals 1 wait for you, of 1 in all" in shown(bob)
    assert "Approvals 0 wait for you, of 1 in all" in shown(ann)


def test_approvals_that_a_role_does_not_decide_on_wait_for_others():
    risk, operations = member(StaffRole.RISK), member(StaffRole.OPERATIONS)
    approvals.ask(
        kind=margin_rates.APPROVAL, subject="AAPL", content={}, reason="Calm", by=operator(),
        now=timezone.now(),
    )  # fmt: skip
    assert "Approvals 1 wait for you, of 1 in all" in shown(User.objects.get(pk=risk.pk))
    assert "Approvals 0 wait for you, of 1 in all" in shown(User.objects.get(pk=operations.pk))


def test_jobs_that_failed_and_jobs_that_are_late_are_told_apart():
    now = timezone.now()
    today = DayRun.objects.create(day=now.date(), begun_at=now)
    before = DayRun.objects.create(day=now.date() - timedelta(days=9), begun_at=now)
    JobRun.objects.create(day=before, job="interest", state="failed")
    JobRun.objects.create(day=before, job="statements", state="waiting")
    JobRun.objects.create(day=before, job="seal", state="running")
    JobRun.objects.create(day=before, job="snapshot", state="done")
    JobRun.objects.create(day=before, job="of another version", state="waiting")
    JobRun.objects.create(day=today, job="statements", state="waiting")
    assert days.late(now=now) == 2
    assert "Close of day 3 1 job failed, 2 late" in shown(operator())


def test_calls_switches_and_parked_reports_are_counted_with_their_age():
    switches.engage(
        scope=switches.Scope(), effect=Switch.Effect.HALT, reason="Odd", actor="operator:ann",
        now=timezone.now(),
    )  # fmt: skip
    report(1, state="parked", ago=A_WHILE)
    report(2, state="parked")
    page = shown(operator())
    assert "Switches and halts 1 stop something" in page
    assert "Parked reports 2 the oldest for 3 h" in page
    assert "Margin calls 0 not met yet, none overdue" in page


# --- How it goes ---------------------------------------------------------------------------------


def test_venues_and_the_wire_say_what_is_down_and_what_waits(settings):
    settings.VENUE_SILENCE_SECONDS_MAX = 600
    now = timezone.now()
    for name, is_up, ago in (("NORTH", True, 0), ("SOUTH", False, 7200), ("EAST", True, 3600)):
        venue = Venue.objects.create(name=name, kind="embedded")
        VenueLink.objects.update_or_create(
            venue=venue,
            defaults={
                "is_up": is_up, "since": now - timedelta(hours=5),
                "heard_at": now - timedelta(seconds=ago),
                "detail": "" if is_up else "cannot be reached",
            },
        )  # fmt: skip
    OutboxMessage.objects.create(
        venue="SOUTH", order_id="00000000-0000-4000-8000-000000000000", kind="new", message={},
        created_at=now - A_WHILE,
    )  # fmt: skip
    report(1, venue="EAST", ago=A_WHILE)
    page = shown(operator())
    assert "SOUTH down for 5 h cannot be reached" in page
    assert re.search(r"EAST down for 5 h silent for \d+ min", page)
    assert "NORTH up for 5 h heard" in page
    assert "Outbox the oldest waits for 3 h 1 wait, first SOUTH" in page
    assert "Inbox the oldest waits for 3 h 1 wait, first EAST" in page
    assert "Ahead of us nothing waits" in page


def test_stale_instruments_are_counted_by_their_source(settings):
    settings.QUOTE_AGE_SECONDS_MAX = 600
    world.instrument("AAPL", at=timezone.now() - timedelta(days=1))
    world.instrument("MSFT")
    assert "1 of 2 instruments stale" in shown(operator())


def test_the_last_check_of_the_invariants_is_told_with_its_age():
    boss, now = operator(), timezone.now()
    assert "Invariants not checked yet" in shown(boss)
    fine, wrong = Finding(1, "One", ()), Finding(7, "Seven", (Breach(None, "It is off"),))
    checked.keep([fine, wrong], now=now - A_WHILE)
    assert "Invariants 1 of 2 broken 7; checked 3 h ago" in shown(boss)
    checked.keep([fine, Finding(7, "Seven", ())], now=now - A_WHILE)
    assert "Invariants all 2 hold checked 3 h ago" in shown(boss)


def test_the_backup_and_the_archived_log_are_told_with_their_age():
    boss, now = operator(), timezone.now()
    assert "Backup none that we know of" in shown(boss)
    safekeeping.note(now=now - timedelta(days=2))
    assert "Backup none yet" in shown(boss)
    safekeeping.note(
        now=now, backup_at=now - timedelta(hours=30, minutes=30), log_until=now - A_WHILE
    )
    page = shown(boss)
    assert "Backup 30 h old" in page
    assert "Archived log up to 3 h ago" in page


def test_parts_that_are_silent_are_named():
    Heartbeat.objects.create(part="gateway", at=timezone.now() - timedelta(hours=2, minutes=10))
    page = shown(operator())
    assert "Part gateway silent for 2 h" in page
    assert "Part executions never seen" in page


def test_of_many_the_worst_are_shown():
    found = lines.group(
        "Venues",
        [Line(f"V{n}", Level.BAD if n > 97 else Level.GOOD, "says", "/") for n in range(100)],
    )
    assert [line.name for line in found.lines] == ["V98", "V99", "V0", "V1", "V2", "V3"]
    assert found.more == 94


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0.0 s"), (0.44, "0.4 s"), (59, "59 s"), (119, "119 s"), (120, "2 min"),
     (7_199, "119 min"), (7_200, "2 h"), (172_799, "47 h"), (172_800, "2 days")],
)  # fmt: skip
def test_a_span_is_said_in_one_unit(seconds, said):
    assert lines.spoken(timedelta(seconds=seconds)) == said


# --- What is at stake ----------------------------------------------------------------------------


def test_what_was_measured_is_shown_with_its_age_and_noted_as_seen():
    boss = operator()
    assert "It was not added up yet" in shown(boss)
    assert not Viewing.objects.filter(by=boss).exists()
    made = crowd.accounts(12, crowd.instruments(4), each=2)
    firm_measured.measure(now=timezone.now() - A_WHILE)
    found = firm_measured.last()
    page = shown(boss)
    assert "added up 3 h ago" in page
    assert found.largest[0].number in page
    assert f"Gross {found.gross:,.0f}" in page
    seen = Viewing.objects.get(by=boss)
    owners = {each.pk: each.user_id for each in made}
    assert set(seen.people) == {owners[each.account_id] for each in found.largest}
    shown(boss)
    assert Viewing.objects.filter(by=boss).count() == 1  # nobody is on it who was not before


# --- Who sees what, and what it costs ------------------------------------------------------------


def test_each_person_sees_what_their_role_may_and_nothing_of_the_rest():
    firm_measured.measure(now=timezone.now())
    few = shown(operator("view_alert"))
    assert "Alerts 0" in few
    for other in ("Approvals", "Withdrawals", "Breaks", "Outbox", "Invariants", "Backup", "Gross"):
        assert other not in few
    assert "Approvals" not in shown(operator("view_heartbeat"))
    page = shown(member(StaffRole.SUPPORT))
    assert ("Alerts" in page, "Gross" in page) == (True, True)
    for other in ("Approvals", "Breaks", "Outbox", "Invariants", "Backup", "Parked reports"):
        assert other not in page


def test_customers_find_nothing():
    customer, _ = people.customer()
    assert people.browser_of(customer).get("/admin/now/").status_code == 404


def test_the_page_renews_itself_and_every_link_opens():
    world.instrument("AAPL")
    report(1, state="parked")
    safekeeping.note(now=timezone.now())
    browser = people.browser_of(operator())
    page = browser.get("/admin/").content.decode()
    assert 'data-source="/admin/now/"' in page
    part = browser.get("/admin/now/").content.decode()
    links = set(re.findall(r'href="([^"]+)"', part))
    assert len(links) > 15
    for link in sorted(links):
        assert browser.get(link.replace("&amp;", "&")).status_code == 200, link


def test_it_costs_as_many_queries_however_much_there_is():
    boss = operator()
    listed = crowd.instruments(12)
    crowd.accounts(3, listed[:2], each=1)
    firm_measured.measure(now=timezone.now())
    few = queries(boss)
    ann = operator()
    crowd.accounts(60, listed, each=3, seed=2)
    firm_measured.measure(now=timezone.now())
    for number in range(40):
        report(number, venue=f"V{number % 9}", state="parked")
        report(number, venue=f"V{number % 9}")
        Heartbeat.objects.create(part=f"p{number}", at=timezone.now())
        alerts.raise_alert(
            kind=f"kind{number}", severity=Severity.SEVERE, account_id=None, evidence={},
            now=timezone.now(),
        )  # fmt: skip
        limiting_of(ann, number)
    assert queries(boss) == few
    assert few <= 30


def limiting_of(by: User, number: int) -> None:
    approvals.ask(
        kind=limiting.LOOSEN, subject=str(number), content={}, reason="Known", by=by,
        now=timezone.now(),
    )  # fmt: skip


def queries(user: User) -> int:
    """Count what the page itself asks: sessions are written now and then, by the clock."""
    request = RequestFactory().get("/admin/now/")
    request.user = user
    with CaptureQueriesContext(connection) as asked:
        assert page.now(request).status_code == 200
    return len(asked)
