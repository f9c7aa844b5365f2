"""What waits for a second person reads in names, and says what was and what is to be."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import approvals
from accounts.models import Approval
from accounts.oversight import actors
from risk.controls import switches
from risk.controls.models import Switch
from risk.limits import services as limits
from risk.limits.services import Wanted
from tests import people, world
from tests.staff import operator, text_of
from trading.operations import asked_for
from trading.operations.asked_for import Fact

pytestmark = pytest.mark.django_db


def ask(content: dict[str, object]) -> Approval:
    return approvals.ask(
        kind="risk.limits", subject="1", content=content, reason="Why not",
        by=people.person(is_staff=True), now=timezone.now(),
    )  # fmt: skip


def read(content: dict[str, object]) -> list[tuple[str, str]]:
    [found] = asked_for.facts([ask(content)])
    return [(fact.name, fact.text) for fact in found]


def test_ids_read_as_what_they_are_called_and_lead_there():
    account, instrument = world.customer(), world.instrument()
    nobody = "00000000-0000-4000-8000-000000000000"
    [found] = asked_for.facts([
        ask({"account": str(account.pk), "instrument": str(instrument.pk), "other": nobody})
    ])  # fmt: skip
    assert found == [
        Fact("account", f"{account.number} of {account.user.email}",
             f"/admin/customers/{account.pk}/"),
        Fact("instrument", "AAPL", f"/admin/marketdata/instrument/{instrument.pk}/change/"),
        Fact("other", nobody),
    ]  # fmt: skip


def test_as_many_queries_for_many_as_for_one():
    accounts = [world.customer() for _ in range(3)]
    asked = [ask({"account": str(account.pk)}) for account in accounts]
    with CaptureQueriesContext(connection) as one:
        asked_for.facts(asked[:1])
    with CaptureQueriesContext(connection) as all_:
        asked_for.facts(asked)
    assert len(all_) == len(one) == 3


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ({"values": {"open_orders_max": "5"}}, [("open orders max", "5")]),
        (
            {
                "before": {"open_orders_max": "5", "order_value_max": "100"},
                "values": {"open_orders_max": "9", "order_value_max": "100"},
            },
            [("open orders max", "5 → 9")],
        ),
        (
            {"before": {"open_orders_max": "5"}, "values": {}},
            [("open orders max", "5 → not limited")],
        ),
        ({"before": {}, "values": {"a_max": "1"}}, [("a max", "not limited → 1")]),
        (
            {"valid_until": "2026-11-22T10:00:00.123456+00:00", "day": "2026-11-22"},
            [("valid until", "2026-11-22 10:00:00 UTC"), ("day", "2026-11-22")],
        ),
        ({"rates": {"initial": "0.5"}, "latest_row": 7, "tier": ""}, [("rates: initial", "0.5")]),
    ],
)
def test_what_is_asked_for_reads_as_before_and_after(content, wanted):
    assert read(content) == wanted


def test_a_loosened_limit_says_what_it_was():
    account, by = world.customer(), people.person(is_staff=True)
    world.limits(account=account, order_value_max=Decimal(1000))
    wanted = Wanted(
        values={"order_value_max": Decimal(5000)}, reason="Large", account_id=account.pk
    )
    asked = limits.put(wanted, by=by, now=timezone.now())
    assert isinstance(asked, Approval)
    [found] = asked_for.facts([asked])
    assert ("order value max", "1000 → 5000") in [(fact.name, fact.text) for fact in found]


def test_a_list_of_switches_names_who_threw_and_released_them():
    by, other = people.person(is_staff=True), people.person(is_staff=True)
    account, now = world.customer(), timezone.now()
    thrown = switches.engage(
        scope=switches.Scope(account_id=account.pk), effect=Switch.Effect.KILL, reason="Asked",
        actor=f"operator:{by.pk}", now=now,
    )  # fmt: skip
    asked = switches.ask_release(thrown, reason="Over", by=by, now=now)
    switches.release(asked.pk, by=other, now=now)
    page = people.browser_of(operator()).get("/admin/risk/switch/")
    assert f"{by.email} and {other.email}" in text_of(page)
    assert str(by.pk) not in text_of(page)


def test_actors_are_named_and_what_is_nobody_stays():
    first, second = people.person(), people.person()
    texts = {
        f"operator:{first.pk} and operator:{second.pk}": f"{first.email} and {second.email}",
        f"user:{second.pk}": second.email,
        "rule:liquidation": "rule:liquidation",
        "user:00000000-0000-4000-8000-000000000000": "user:00000000-0000-4000-8000-000000000000",
        "": "",
    }
    assert actors.named(texts) == texts
    with CaptureQueriesContext(connection) as none:
        assert actors.named(["rule:liquidation"]) == {"rule:liquidation": "rule:liquidation"}
    assert len(none) == 0
