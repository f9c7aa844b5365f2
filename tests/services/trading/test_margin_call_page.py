"""What the pages say of an account's margin calls: each of its own kind, on every page."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from risk.margin.models import MarginCall
from tests import people, world

pytestmark = pytest.mark.django_db


def called(account: Account, kind: MarginCall.Kind, amount: str) -> MarginCall:
    now = timezone.now()
    return MarginCall.objects.create(
        account=account,
        kind=kind,
        amount=Decimal(amount),
        amount_max=Decimal(amount),
        equity=Decimal(900),
        maintenance=Decimal(2100),
        positions={},
        made_at=now,
        due_at=now + timedelta(days=2),
    )


def test_each_call_says_what_it_wants_and_what_follows():
    account = world.customer(cash="900.00")
    kinds = MarginCall.Kind
    made = [
        called(account, kinds.MAINTENANCE, "1200"),
        called(account, kinds.REG_T, "3000"),
        called(account, kinds.DAY_TRADE, "450.5"),
    ]
    page = people.browser_of(account.user).get("/account").content.decode()
    titles = [re.sub(r"<[^>]+>", "", each) for each in re.findall(r"<h2 id=\"call-.*?</h2>", page)]
    assert titles == [
        "Margin call: 1,200.00 USD missing",
        "Regulation T call: 3,000.00 USD to deposit",
        "Day-trading call: 450.50 USD to deposit",
    ]
    assert page.count("positions are closed without asking again") == 2
    assert "No position is closed for it" in page
    assert f'data-calls="{made[0].pk} {made[1].pk} {made[2].pk}"' in page


def test_a_call_is_said_on_every_page_until_it_is_met():
    account = world.customer(cash="900.00")
    call = called(account, MarginCall.Kind.HOUSE, "1200")
    browser = people.browser_of(account.user)
    for address in ("/orders", "/activity", "/account"):
        assert strip_of(browser.get(address)).endswith('positions or trades require.">')
    call.status, call.met_at = MarginCall.Status.MET, timezone.now()
    call.save()
    assert strip_of(browser.get("/orders")).endswith(" hidden>")


def strip_of(answer) -> str:
    found = re.search(r'<a class="strip__call"[^>]*>', answer.content.decode())
    assert found is not None
    return found[0]
