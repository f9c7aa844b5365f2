"""Statements by the pages and the calls of those who are signed in."""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.sessions import authentication
from marketdata import calendars
from reconciliation.statements import composing, job
from reconciliation.statements.models import Statement
from tests import people, world

pytestmark = pytest.mark.django_db

D = Decimal
LAST = date(2026, 3, 31)


@pytest.fixture(autouse=True)
def april() -> Iterator[None]:
    """The statements of March are made on the first of April."""
    authentication.forget()
    with time_machine.travel("2026-03-31T12:00:00-04:00", tick=True):
        yield


@pytest.fixture
def account(april: None) -> Any:
    """Somebody who bought on the last day of March."""
    world.instrument()
    found = world.customer()
    world.own(found, "AAPL", "10", world.Venue(), price="100.00")
    return found


@pytest.fixture
def browser(account: Any) -> Client:
    return people.browser_of(account.user)


@pytest.fixture
def stated(account: Any) -> dict[str, Statement]:
    now = calendars.midnight(LAST + timedelta(days=1)) + timedelta(hours=1)
    with time_machine.travel(now, tick=True):
        job.run(day=LAST, now=timezone.now(), progress=lambda done, of: None)
    return {each.kind: each for each in Statement.objects.filter(account=account)}


def body(response: Any) -> bytes:
    return response.getvalue()


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_without_statements_the_page_says_when_the_first_comes(browser):
    page = browser.get("/account/statements")
    text = page.content.decode()
    assert page.status_code == 200
    assert "There are no statements yet." in text
    assert "The statement of March 2026 comes on 1 April 2026" in text
    assert "The tax report of 2026 comes on 15 February 2027" in text


def test_the_page_lists_them_by_year_and_kind(browser, stated):
    text = browser.get("/account/statements").content.decode()
    for statement in stated.values():
        assert statement.number in text
        assert f"/account/statements/{statement.pk}.pdf" in text
    only = browser.get("/account/statements?year=2026&kind=monthly").content.decode()
    assert stated["monthly"].number in only
    assert stated["daily"].number not in only
    none = browser.get("/account/statements?year=2026&kind=tax").content.decode()
    assert "There is none of this kind in 2026." in none
    odd = browser.get("/account/statements?year=abc&kind=%3Cb%3E")
    assert stated["daily"].number in odd.content.decode()


@pytest.mark.parametrize("root", ["/account/statements", "/api/v1/statements"])
def test_a_statement_is_handed_out_as_it_was_made(browser, stated, root):
    for statement in stated.values():
        sheet = browser.get(f"{root}/{statement.pk}.csv")
        assert sheet["Content-Type"] == "text/csv; charset=utf-8"
        assert f'filename="{statement.number}.csv"' in sheet["Content-Disposition"]
        data = body(sheet)
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (statement.digest, statement.size)
        paper = browser.get(f"{root}/{statement.pk}.pdf")
        assert paper["Content-Type"] == "application/pdf"
        assert paper.content == composing.pdf(statement)


@pytest.mark.parametrize("root", ["/account/statements", "/api/v1/statements"])
@pytest.mark.parametrize("form", ["csv", "pdf"])
def test_nobody_reads_the_statement_of_another(stated, root, form):
    other = people.browser_of(world.customer().user)
    assert other.get(f"{root}/{stated['daily'].pk}.{form}").status_code == 404
    assert other.get(f"{root}/{uuid.uuid4()}.{form}").status_code == 404


def test_the_call_lists_them_with_their_digests(browser, stated):
    told = browser.get("/api/v1/statements?year=2026&kind=monthly").json()
    month = stated["monthly"]
    assert told["next_month"] == {"last": "2026-03-31", "on": "2026-04-01"}
    [found] = told["statements"]
    assert (found["number"], found["sha256"], found["first"], found["last"]) == (
        month.number, month.digest, "2026-03-01", "2026-03-31",
    )  # fmt: skip
    assert len(browser.get("/api/v1/statements").json()["statements"]) == 3
    assert browser.get("/api/v1/statements?kind=weekly").status_code == 422
    assert browser.get("/api/v1/statements?yaer=2026").status_code == 400


HISTORY = {
    "orders": ("status", ["filled"]),
    "executions": ("quantity", ["10"]),
    "ledger": ("amount", ["100000", "-1000", "10"]),
    "positions": ("quantity", ["10", "99000"]),
}


@pytest.mark.parametrize("root", ["/account/history.csv", "/api/v1/history.csv"])
@pytest.mark.parametrize("what", HISTORY)
def test_a_history_of_any_period_is_a_file(browser, root, what):
    column, values = HISTORY[what]
    wanted = f"{root}?what={what}&first=2026-03-31&last=2026-03-31"
    response = browser.get(wanted)
    assert f'filename="{what}-2026-03-31-2026-03-31.csv"' in response["Content-Disposition"]
    assert [row[column] for row in rows(body(response))] == values
    before = browser.get(f"{root}?what={what}&first=2026-03-30&last=2026-03-30")
    assert rows(body(before)) == []


def test_the_history_of_another_is_not_in_the_file(browser, account):
    stranger = world.customer(cash="77.00")
    data = body(browser.get("/account/history.csv?what=ledger&first=2026-01-01&last=2026-12-31"))
    assert b"77" not in b",".join(line.split(b",")[4] for line in data.splitlines())
    assert stranger.number.encode() not in data


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("what=ledger&first=2026-03-31&last=2026-03-30", "The first day is after the last."),
        ("what=ledger&first=1990-01-01&last=2026-03-30", "At most 3660 days"),
        ("what=gold&first=2026-03-30&last=2026-03-30", "what"),
        ("what=ledger&first=x&last=2026-03-30", "first"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(browser, query, said):
    page = browser.get(f"/account/history.csv?{query}")
    assert page.status_code == 422
    assert page["Content-Type"].startswith("text/html")
    call = browser.get(f"/api/v1/history.csv?{query}")
    assert call.status_code == 422
    assert said in call.json()["message"]


def test_account_and_activity_lead_to_the_statements(browser):
    for page in ("/account", "/activity"):
        assert 'href="/account/statements"' in browser.get(page).content.decode()
