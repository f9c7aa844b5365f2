"""What operations sees and sets: limits, switches, and why an order was denied."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import approvals
from accounts.models import Approval
from orders.entry import submission
from risk.controls import switches
from risk.controls.models import Switch
from risk.controls.switches import Scope
from risk.limits import services as limiting
from risk.limits.models import Limits
from risk.models import Decision
from tests import people, world
from tests.staff import at_work

pytestmark = pytest.mark.django_db

D = Decimal


def order(account, **wanted):
    [answer] = submission.submit_batch(
        [world.limit_ticket(account, "90.00", **wanted)], now=timezone.now()
    )
    return answer.order


def values_of_firm(**changed):
    firm = Limits.objects.get(account=None, tier="", instrument=None)
    return {name: str(value) for name, value in {**firm.values, **changed}.items()}


def test_a_tighter_limit_is_set_at_once():
    user, browser = at_work()
    assert browser.get("/admin/risk/limits/add/").status_code == 200
    given = values_of_firm(order_quantity_max=D(9)) | {"reason": "Too wide"}
    answer = browser.post("/admin/risk/limits/add/", given)
    assert answer.status_code == 302, answer.content
    row = Limits.objects.latest("pk")
    assert (row.order_quantity_max, row.set_by) == (D(9), f"operator:{user.pk}")
    assert browser.get(f"/admin/risk/limits/{row.pk}/change/").status_code == 200
    assert b"Too wide" in browser.get("/admin/risk/limits/").content


@pytest.mark.parametrize("of", ["²", "٣", "x", "0"])
def test_the_form_opens_whatever_row_is_asked_for(of):
    _, browser = at_work()
    assert browser.get("/admin/risk/limits/add/", {"of": of}).status_code == 200


def test_a_looser_limit_waits_for_another_person():
    _, browser = at_work()
    before = Limits.objects.count()
    given = values_of_firm(order_quantity_max=D(10**6)) | {"reason": "Too narrow"}
    assert browser.post("/admin/risk/limits/add/", given).status_code == 302
    assert Limits.objects.count() == before
    assert Approval.objects.get().kind == limiting.LOOSEN


def test_limits_that_make_no_sense_are_shown_why():
    _, browser = at_work()
    given = {"tier": "gold", "order_value_max": "-1", "reason": "Wrong"}
    answer = browser.post("/admin/risk/limits/add/", given)
    assert answer.status_code == 200
    assert b"not below zero" in answer.content
    assert not Limits.objects.filter(tier="gold").exists()


def told_of(answer) -> str:
    """Return what the form remembers of the terms whose effect it has just told."""
    assert answer.status_code == 200, answer
    assert b"Not thrown yet." in answer.content
    assert not Switch.objects.exists()
    form = answer.context["adminform"].form
    assert form["reason"].value() == "Runs wild"  # what was filled in stays
    return str(form["told"].value())


def test_a_switch_says_what_it_would_meet_before_it_is_thrown():
    world.instrument()
    account, other = world.customer(), world.customer()
    for each in (account, account, other):
        order(each)
    _, browser = at_work()
    given = {"effect": "kill", "reason": "Runs wild"}
    answer = browser.post("/admin/risk/switch/add/", given)
    words = "For the firm: no new order is taken, and what is open is cancelled"
    assert f"{words} (orders: 3, accounts: 2)." in answer.content.decode()
    given["told"] = told_of(answer)
    one = given | {"effect": "halt", "account": str(account.pk)}
    answer = browser.post("/admin/risk/switch/add/", one)  # other terms are told anew
    assert b"what is open stays (orders: 2, accounts: 1)." in answer.content
    assert told_of(answer) != given["told"]


def test_a_switch_is_thrown_and_its_release_asked_for():
    world.instrument()
    account = world.customer()
    user, browser = at_work()
    assert browser.get("/admin/risk/switch/add/").status_code == 200
    given = {"effect": "kill", "account": str(account.pk), "venue": "", "reason": "Runs wild"}
    given["told"] = told_of(browser.post("/admin/risk/switch/add/", given))
    assert browser.post("/admin/risk/switch/add/", given).status_code == 302
    switch = Switch.objects.get()
    assert switch.engaged_by == f"operator:{user.pk}"
    assert order(account).denial_code == "kill_switch"
    page = f"/admin/risk/switch/{switch.pk}/change/"
    assert b"Runs wild" in browser.get(page).content
    assert browser.post(page, {"why_release": "Mended"}).status_code == 302
    waiting = approvals.waiting(now=timezone.now(), kind=switches.RELEASE)
    assert [(each.subject, each.asked_by) for each in waiting] == [(str(switch.pk), user)]
    assert b"release asked for" in browser.get("/admin/risk/switch/").content
    assert order(account).denial_code == "kill_switch"


def test_the_list_of_switches_asks_once_for_the_releases_that_are_waited_for():
    world.instrument()
    _, browser = at_work()
    asks = people.person(is_staff=True)
    counts = []
    for number in (1, 6):
        for _ in range(number):
            switch = switches.engage(
                scope=Scope(account_id=world.customer().pk),
                effect=Switch.Effect.HALT,
                reason="A test",
                actor="operator:1",
                now=timezone.now(),
            )
        switches.ask_release(switch, reason="Mended", by=asks, now=timezone.now())
        with CaptureQueriesContext(connection) as queries:
            page = browser.get("/admin/risk/switch/").content.decode()
        counts.append(sum("accounts_approval" in query["sql"] for query in queries))
    assert page.count(f"release asked for by {asks.email}") == 2
    assert counts == [1, 1]


def test_a_single_order_cannot_be_halted():
    _, browser = at_work()
    given = {"effect": "halt", "order_id": "3f1f7bd6-4d1c-4b51-9a57-2f6d38b4a3ab", "reason": "?"}
    assert b"only be killed" in browser.post("/admin/risk/switch/add/", given).content
    assert not Switch.objects.exists()


@pytest.mark.parametrize("by", ["order_id", "number"])
def test_decisions_are_found_by_order_and_by_account_without_reading_all(by):
    world.instrument()
    account, other = world.customer(), world.customer()
    mine, _ = order(account), order(other)
    _, browser = at_work()
    wanted = {"order_id": str(mine.pk), "number": account.number}[by]
    with CaptureQueriesContext(connection) as queries:
        page = browser.get("/admin/risk/decision/", {"q": wanted})
    assert [row.account_id for row in page.context["cl"].result_list] == [account.pk]
    asked = [query["sql"] for query in queries if "risk_decision" in query["sql"]]
    assert not any("UPPER" in each or " OR " in each for each in asked)
    nothing = browser.get("/admin/risk/decision/", {"q": "OF1"}).context["cl"].result_list
    assert list(nothing) == []


def test_the_page_of_a_decision_says_check_by_check_why():
    world.instrument()
    account = world.customer()
    clerk = people.person(is_staff=True)
    limiting.put(
        limiting.Wanted(
            values={"order_value_max": D("500.00")}, reason="New here", account_id=account.pk
        ),
        by=clerk,
        now=timezone.now(),
    )
    denied = order(account)
    _, browser = at_work()
    page = f"/admin/risk/decision/{Decision.objects.get(order_id=denied.pk).pk}/change/"
    text = browser.get(page).content.decode()
    for shown in (
        "the same comes out",
        "denied: order_value_limit",
        "value is allowed",
        f"{account.number}, set ",
        f"by operator:{clerk.pk}",
        "cash available = 100,000",
        "firm, set ",
    ):
        assert shown in text, shown
    for raw in ("Decimal(", "&#x27;", "{&quot;"):
        assert raw not in text, raw


def test_what_a_former_version_decided_is_shown_without_being_made_again():
    account = world.customer()
    former = Decision.objects.create(
        order_id=account.pk, account=account, at=timezone.now(), allowed=True, inputs={"limits": {}}
    )
    _, browser = at_work()
    assert b"former version" in browser.get(f"/admin/risk/decision/{former.pk}/change/").content
