"""The page of an account's activity: newest first, by pages and by kinds, one's own alone."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import activity, locks
from accounts.chain import Event
from accounts.models import Account
from tests import people, world
from trading.pages.activity import PAGE

pytestmark = pytest.mark.django_db


def record(account: Account, *kinds: str) -> None:
    with transaction.atomic():
        locked = locks.lock(account.pk)
        for kind in kinds:
            payload = {"amount": "1", "symbol": "AAPL"}
            activity.record([(locked, Event(kind, timezone.now(), "rule:test", payload))])


def start_of(text: str) -> dict[str, Any]:
    """Return what the page hands its script."""
    found = re.search(r'<script id="activity-start"[^>]*>(.*?)</script>', text, re.DOTALL)
    assert found is not None
    start: dict[str, Any] = json.loads(found[1])
    return start


def shown(browser: Client, query: str = "") -> tuple[list[dict[str, Any]], str]:
    """Return the events of a page, and where the older ones are: empty, when there are none."""
    answer = browser.get(f"/activity{query}")
    assert answer.status_code == 200
    text = answer.content.decode()
    older = re.search(r'href="/activity(\?[^"]*)">Older<', text)
    return start_of(text)["events"], older[1].replace("&amp;", "&") if older else ""


def test_pages_lead_from_the_newest_to_the_first_without_a_gap():
    account = world.customer(cash="0")
    record(account, *["order.submitted"] * (PAGE + 3))
    record(world.customer(cash="0"), "order.filled")
    browser = people.browser_of(account.user)
    newest, older = shown(browser)
    rest, end = shown(browser, older)
    sequences = [event["sequence"] for event in newest + rest]
    account.refresh_from_db()
    assert len(newest) == PAGE
    assert sequences == list(range(account.activity_sequence, 0, -1))
    assert end == ""


def test_a_kind_is_found_among_all_others():
    account = world.customer(cash="0")
    record(account, "money.dividend", "orderly.else", *["order.filled"] * PAGE, "margin.called")
    browser = people.browser_of(account.user)
    kinds = [event["kind"] for event in shown(browser, "?area=money")[0]]
    assert [kind for kind in kinds if kind != "money.deposited"] == [
        "margin.called",
        "money.dividend",
    ]
    orders, older = shown(browser, "?area=orders")
    assert {event["kind"] for event in orders} == {"order.filled"}
    assert older == ""


def test_a_rare_kind_is_looked_for_a_bounded_way_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(activity, "SEARCHED_MAX", 4)
    account = world.customer(cash="0")
    record(account, "key.created", *["order.filled"] * 6)
    browser = people.browser_of(account.user)
    found, seen, query = [], 0, "?area=account"
    while query:
        events, query = shown(browser, query)
        found += [event["kind"] for event in events]
        seen += 1
    account.refresh_from_db()
    assert "key.created" in found
    assert seen == -(-account.activity_sequence // 4)


def test_a_page_brings_the_price_steps_of_its_own_symbols_alone():
    account = world.customer(cash="0")
    world.instrument("AAPL")
    world.instrument("MSFT")
    record(account, "order.filled")
    answer = people.browser_of(account.user).get("/activity")
    assert start_of(answer.content.decode())["price_steps"] == {
        "AAPL": {"price_increment": "0.01", "fine_increment": "0.0001", "fine_below": "1"}
    }


@pytest.mark.parametrize("query", ["?area=nothing", "?before=x", "?before=-1", "?before=%00"])
def test_what_makes_no_sense_is_as_if_it_were_not_there(query: str):
    account = world.customer(cash="0")
    record(account, "order.filled")
    assert shown(people.browser_of(account.user), query)[0][0]["kind"] == "order.filled"


def test_staff_without_an_account_have_no_activity():
    assert people.browser_of(people.person(is_staff=True)).get("/activity").status_code == 404
