"""Operations carry money and corporate actions on, two people where two are needed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from marketdata.models import Quote
from portfolio.actions.models import CorporateAction
from portfolio.funding import services as funding
from portfolio.funding.models import Funding, InterestRate
from portfolio.models import Balance
from tests import world
from tests.staff import at_work

pytestmark = pytest.mark.django_db

D = Decimal


def enter(client: Client, account: Account, **fields: str) -> object:
    wanted = {
        "account": account.pk, "direction": "withdrawal", "amount": "20000", "reference": "W1",
        "payee": world.payee(account).pk, **fields,
    }  # fmt: skip
    return client.post("/admin/portfolio/funding/add/", {**wanted, **_inline("steps")})


def _inline(prefix: str) -> dict[str, str]:
    return {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}


def step(client: Client, name: str, row: object, step: str, why: str = "Looked at it") -> object:
    address = f"/admin/portfolio/{name}/{row.pk}/change/"
    assert client.get(address).status_code == 200
    return client.post(address, {"step": step, "why": why, **_inline("steps")}, follow=True)


def cash(account: Account) -> Decimal:
    return Balance.objects.get(account=account, asset="USD").amount


def test_the_list_asks_once_for_the_approvals_that_are_waited_for() -> None:
    (_, entering), (first_user, first) = at_work(), at_work()
    for number in range(4):
        enter(entering, world.customer(), reference=f"W{number}")
    found = Funding.objects.filter(direction="withdrawal").order_by("reference")
    step(first, "funding", found[0], "approve")
    with CaptureQueriesContext(connection) as queries:
        page = entering.get("/admin/portfolio/funding/").content.decode()
    assert page.count(f"a second person beside {first_user.email}") == 1
    assert page.count("two people") == 3
    assert sum("accounts_approval" in each["sql"] for each in queries) == 1


def test_a_large_withdrawal_goes_through_three_hands() -> None:
    account = world.customer()
    (_, entering), (_, first), (_, second) = at_work(), at_work(), at_work()
    assert enter(entering, account).status_code == 302
    found = Funding.objects.get(direction="withdrawal")
    assert (found.state, cash(account)) == ("requested", D(80000))

    refused = step(entering, "funding", found, "approve")
    assert "Another person" in refused.content.decode()
    for client, state in ((first, "requested"), (first, "requested"), (second, "approved")):
        step(client, "funding", found, "approve")
        found.refresh_from_db()
        assert found.state == state
    for name, state in (("send", "sent"), ("settle", "settled"), ("return", "returned")):
        step(first, "funding", found, name)
        found.refresh_from_db()
        assert found.state == state
    assert cash(account) == D(100000)
    closed = first.get(f"/admin/portfolio/funding/{found.pk}/change/")
    assert 'name="step"' not in closed.content.decode()


def test_what_cannot_be_entered_is_said_and_changes_nothing() -> None:
    account, (_, client) = world.customer(cash="10.00"), at_work()
    answer = enter(client, account)
    page = client.get(answer.headers["Location"]).content.decode()
    assert "10 USD can be withdrawn" in page
    assert not Funding.objects.filter(direction="withdrawal").exists()
    assert cash(account) == D(10)


def test_a_deposit_that_is_expected_settles_when_another_one_says_so() -> None:
    account, (_, client), (_, other) = world.customer(cash="10.00"), at_work(), at_work()
    enter(client, account, direction="deposit", amount="90.00")
    found = Funding.objects.get(reference="W1")
    assert (found.state, cash(account)) == ("pending", D(10))
    refused = step(client, "funding", found, "settle")
    assert "Another person" in refused.content.decode()
    assert cash(account) == D(10)
    step(other, "funding", found, "settle")
    assert cash(account) == D(100)


def test_an_action_is_announced_by_one_and_approved_by_another() -> None:
    aapl = world.instrument()
    (_, ann), (_, bob) = at_work(), at_work()
    terms = {
        "reference": "AAPL split", "kind": "split", "instrument": aapl.pk, "cash": "0",
        "ex_date": "2026-11-30", "new_shares": "4", "old_shares": "1", "price": "25",
        "cost_share": "0", "source": "Notice 17", **_inline("steps"),
    }  # fmt: skip
    assert ann.post("/admin/portfolio/corporateaction/add/", terms).status_code == 302
    action = CorporateAction.objects.get()
    step(ann, "corporateaction", action, "approve")
    action.refresh_from_db()
    assert action.state == "announced"
    step(bob, "corporateaction", action, "approve")
    action.refresh_from_db()
    assert (action.state, action.new_shares) == ("approved", 4)

    again = ann.post(
        "/admin/portfolio/corporateaction/add/", {**terms, "reference": "x", "price": 0}
    )
    assert "fraction" in ann.get(again.headers["Location"]).content.decode()
    assert CorporateAction.objects.count() == 1


def test_a_rate_is_of_days_to_come() -> None:
    user, client = at_work()
    shipped = InterestRate.objects.count()
    wanted = {"starts_on": "2020-02-02", "rate": "0.07", "reason": "Cheaper"}
    assert client.post("/admin/portfolio/interestrate/add/", wanted).status_code == 200
    assert InterestRate.objects.count() == shipped
    client.post("/admin/portfolio/interestrate/add/", {**wanted, "starts_on": "2100-01-01"})
    assert InterestRate.objects.first().made_by == f"operator:{user.pk}"


@pytest.mark.parametrize(
    "name",
    ["funding", "interestrate", "interestday", "interestaccrual", "corporateaction", "entitlement"],
)
def test_every_list_opens(name: str) -> None:
    _, client = at_work()
    assert client.get(f"/admin/portfolio/{name}/").status_code == 200


def test_coins_are_shown_with_their_network_and_sent_by_the_custodian(settings) -> None:
    _, client = at_work()
    settings.COIN_CUSTODIAN = "portfolio.custody.simulated.SimulatedCustodian"
    world.coin()
    account = world.customer()
    world.own(account, "BTC/USD", "2", world.Venue(), price="90.00")
    found = funding.request_withdrawal(
        account_id=account.pk, payee_id=world.coin_payee(account).pk, coin="BTC",
        amount=D(1), reference="C1", actor="user:test", now=Quote.objects.get().received_at,
    )  # fmt: skip
    page = client.get("/admin/portfolio/funding/").content.decode()
    assert "1 BTC" in page
    assert "Bitcoin" in page
    shown = client.get(f"/admin/portfolio/funding/{found.pk}/change/").content.decode()
    assert "0.0001 BTC" in shown
    Funding.objects.filter(pk=found.pk).update(state="approved")
    shown = client.get(f"/admin/portfolio/funding/{found.pk}/change/").content.decode()
    assert 'value="cancel"' in shown
    assert 'value="send"' not in shown
