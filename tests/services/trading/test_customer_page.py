"""One page with everything about a customer: for those who may see it, and noted."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import approvals
from accounts.models import Account, Viewing
from accounts.sessions import authentication
from marketdata.models import Instrument
from orders.entry import submission
from risk.findings import Severity
from risk.surveillance import alerts
from tests import people, world
from tests.everything import active_customer
from tests.staff import member, operator, text_of
from trading.operations.customer import page
from trading.operations.staff_roles import StaffRole

pytestmark = pytest.mark.django_db


def place(account: Account) -> str:
    return reverse("operations:customer", args=[account.pk])


def test_everything_about_a_customer_is_on_one_page():
    account = active_customer("AAPL")
    now = timezone.now()
    alerts.raise_alert(
        kind="wash_trade", severity=Severity.SEVERE, account_id=account.pk, evidence={}, now=now
    )
    approvals.ask(
        kind="portfolio.withdrawal", subject="1", content={"account": str(account.pk)},
        reason="Very large", by=people.person(), now=now,
    )  # fmt: skip
    answer = people.browser_of(member(StaffRole.COMPLIANCE)).get(place(account))
    shown = text_of(answer)
    for told in (
        account.number, account.user.email, "Pat Person",  # who it is
        "Equity", "Cash 49,", "Held for orders",  # what it is worth
        "AAPL", "buy 10 AAPL",  # a position, and an order that is open
        "Pay out a large withdrawal", "Very large", "severe", "Signed in",
    ):  # fmt: skip
        assert told in shown, told
    [tables] = [answer.context["tables"]]
    rows = {table.place: len(table.rows) for table in tables}
    assert len(rows) == len(page.TABLES)
    with_rows = {
        "alerts", "approvals", "positions", "open-orders", "orders", "holds", "money", "payees",
        "sign-ins", "security-log", "keys", "activity",
    }  # fmt: skip
    assert {name for name, count in rows.items() if count} == with_rows


def test_another_customers_rows_are_not_on_it():
    mine, other = active_customer("AAPL"), active_customer("MSFT")
    shown = text_of(people.browser_of(member(StaffRole.COMPLIANCE)).get(place(mine)))
    for told in (other.number, other.user.email, "MSFT"):
        assert told not in shown


@pytest.mark.parametrize(
    ("role", "hidden"),
    [
        (StaffRole.SUPPORT, {"approvals", "breaks", "legal-holds", "viewings"}),
        (StaffRole.OPERATIONS, {"viewings"}),
        (StaffRole.RISK, {"breaks", "legal-holds", "statements", "viewings"}),
        (StaffRole.COMPLIANCE, set()),
        (StaffRole.ADMINISTRATOR, set()),
    ],
)
def test_each_role_sees_of_it_what_it_may_list(role, hidden):
    account = active_customer("AAPL")
    every = {made(of).place for of in [_customer(account)] for _, made in page.TABLES}
    answer = people.browser_of(member(role)).get(place(account))
    assert every - {table.place for table in answer.context["tables"]} == hidden
    may_know = role in (StaffRole.COMPLIANCE, StaffRole.ADMINISTRATOR)
    assert ("Legal name" in text_of(answer)) is may_know


def _customer(account: Account) -> page.Customer:
    now = timezone.now()
    return page.Customer(account, page.portfolio.snapshot(account.pk, now=now), now)


def test_every_way_from_it_leads_to_the_whole_list_with_the_same_rows():
    account = active_customer("AAPL")
    browser = people.browser_of(member(StaffRole.ADMINISTRATOR))
    tables = browser.get(place(account)).context["tables"]
    followed = 0
    for table in tables:
        for link in filter(None, [table.link, *(cell.link for cell in next(iter(table.rows), ()))]):
            answer = browser.get(link)
            assert answer.status_code == 200, (table.place, link)
            followed += 1
            listed = answer.context.get("cl")
            assert listed is None or len(listed.result_list) >= len(table.rows), table.place
    assert followed > len(tables)


def test_looking_is_noted_with_whose_page_it_was():
    account = active_customer("AAPL")
    helper = member(StaffRole.SUPPORT)
    assert people.browser_of(helper).get(place(account)).status_code == 200
    noted = Viewing.objects.latest("pk")
    assert (noted.by_id, noted.page, noted.path, noted.people) == (
        helper.pk, "operations:customer", place(account), [account.user_id],
    )  # fmt: skip


def test_who_may_not_see_accounts_finds_nothing_and_nothing_is_noted():
    account = active_customer("AAPL")
    clerk = operator("view_heartbeat")
    assert people.browser_of(clerk).get(place(account)).status_code == 403
    customer = people.browser_of(people.customer()[0])
    assert customer.get(place(account)).status_code == 404
    nobody = reverse("operations:customer", args=[uuid.uuid4()])
    assert people.browser_of(member(StaffRole.SUPPORT)).get(nobody).status_code == 404
    assert not Viewing.objects.exists()


def test_it_is_read_with_as_many_queries_however_much_there_is():
    account = active_customer("AAPL")
    alerts.raise_alert(
        kind="wash_trade", severity=Severity.SEVERE, account_id=account.pk, evidence={},
        now=timezone.now(),
    )  # fmt: skip
    browser = people.browser_of(member(StaffRole.ADMINISTRATOR))
    now = timezone.now() + timedelta(seconds=1)
    with time_machine.travel(now, tick=False):  # that somebody is there is noted each second
        browser.get(place(account))
        authentication.forget()  # who somebody is is known for some seconds
        with CaptureQueriesContext(connection) as few:
            browser.get(place(account))
    aapl = Instrument.objects.get(symbol="AAPL")
    tickets = [world.limit_ticket(account, f"{price}", symbol="AAPL") for price in range(50, 65)]
    submission.submit_batch(tickets, now=now)
    for severity in Severity:
        alerts.raise_alert(
            kind=f"kind_{severity.name}", severity=severity, account_id=account.pk,
            instrument_id=aapl.pk, evidence={}, now=now,
        )  # fmt: skip
    authentication.forget()
    with time_machine.travel(now, tick=False), CaptureQueriesContext(connection) as more:
        answer = browser.get(place(account))
    tables = {table.place: table for table in answer.context["tables"]}
    assert len(tables["open-orders"].rows) == 10
    assert len(more) == len(few)


def test_it_reads_nothing_of_the_past_but_the_latest_rows():
    """What an account was ever paid, or has ever traded, is summed where it is written."""
    account = active_customer("AAPL")
    browser = people.browser_of(member(StaffRole.ADMINISTRATOR))
    asked: list[str] = []

    def listens(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        asked.append(sql if isinstance(sql, str) else sql.as_string(None))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listens):
        assert browser.get(place(account)).status_code == 200
    long = ("portfolio_transfer", "orders_trade", "orders_order", "accounts_activity")
    reading = [sql for sql in asked if any(table in sql for table in long)]
    assert len(reading) == 3  # orders that are open, the latest orders, the latest activities
    assert all(re.search(r"ORDER BY .* LIMIT \d+$", sql) for sql in reading)
