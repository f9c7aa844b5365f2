"""The queue of alerts in the admin: staff see it and work it, nobody else does."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from risk.findings import Severity
from risk.models import Alert
from risk.surveillance import alerts
from tests import people, staff, world

pytestmark = pytest.mark.django_db
QUEUE = "/admin/risk/alert/"


@pytest.fixture
def operator():
    return staff.operator()


@pytest.fixture
def alert():
    order = uuid.uuid4()
    alerts.raise_alert(
        kind="large_trade",
        severity=Severity.WARNING,
        account_id=world.customer(cash="0").pk,
        instrument_id=world.instrument().pk,
        summary="AAPL for <b>26,000</b> USD",
        evidence={"order": order, "layers": [order, order], "orders_before": 3},
        now=timezone.now(),
    )
    return Alert.objects.get()


def page_of(alert):
    return f"{QUEUE}{alert.pk}/change/"


def test_the_queue_shows_what_waits_and_the_page_what_shows_it(operator, alert):
    browser = people.browser_of(operator)
    queue = browser.get(QUEUE)
    assert queue.status_code == 200
    assert b"AAPL for &lt;b&gt;26,000&lt;/b&gt; USD" in queue.content
    page = browser.get(page_of(alert))
    assert page.status_code == 200
    order = alert.evidence.get().facts["order"]
    assert f'href="/admin/orders/order/{order}/change/"'.encode() in page.content


def test_facts_are_counted_for_the_rows_of_the_page_and_not_to_count_these(operator, alert):
    alerts.raise_alert(
        kind=alert.kind,
        severity=Severity.NOTICE,
        account_id=alert.account_id,
        instrument_id=alert.instrument_id,
        evidence={},
        now=timezone.now(),
    )
    with CaptureQueriesContext(connection) as queries:
        queue = people.browser_of(operator).get(QUEUE)
    assert [row.facts_count for row in queue.context["cl"].result_list] == [2]
    asked = [each["sql"] for each in queries if "risk_alertevidence" in each["sql"]]
    assert len(asked) == 1
    assert "JOIN" not in asked[0].split("risk_alertevidence")[1].split(")")[0]


def test_what_is_closed_is_shown_when_asked_for(operator, alert):
    browser = people.browser_of(operator)
    work(browser, alert, step="closed", ends_as="explained", note="He had sold his house")
    alert.refresh_from_db()
    assert (alert.state, alert.outcome) == ("closed", "explained")
    assert alert.steps.get().by == operator
    summary = b"AAPL for &lt;b&gt;"
    assert summary not in browser.get(QUEUE).content
    assert summary in browser.get(f"{QUEUE}?waiting=closed").content
    assert summary in browser.get(f"{QUEUE}?waiting=all").content


def work(browser, alert, **step):
    inlines = {
        f"{name}-{form}_FORMS": "0"
        for name in ("evidence", "steps", "tellings")
        for form in ("TOTAL", "INITIAL")
    }
    return browser.post(page_of(alert), {**inlines, **step}, follow=True)


def test_one_takes_it_and_finds_it_under_mine(operator, alert):
    browser = people.browser_of(operator)
    work(browser, alert, step="taken", ends_as="", note="")
    alert.refresh_from_db()
    assert (alert.state, alert.assigned_to) == ("assigned", operator)
    assert b"26,000" in browser.get(f"{QUEUE}?waiting=mine").content
    assert b"26,000" not in browser.get(f"{QUEUE}?waiting=nobody").content


def test_a_step_that_is_not_open_says_why_and_changes_nothing(operator, alert):
    answer = work(people.browser_of(operator), alert, step="closed", ends_as="", note="So")
    assert b"An alert is closed with an outcome" in answer.content
    alert.refresh_from_db()
    assert alert.state == "open"
    assert not alert.steps.exists()


def test_alerts_are_neither_made_nor_deleted_by_hand(operator, alert):
    browser = people.browser_of(operator)
    assert browser.get(f"{QUEUE}add/").status_code == 403
    assert browser.post(f"{QUEUE}{alert.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Alert.objects.exists()


def test_a_customer_does_not_see_the_queue(alert):
    user, _ = people.customer()
    assert people.browser_of(user).get(QUEUE).status_code in (302, 403, 404)
