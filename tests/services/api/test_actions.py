"""Corporate actions, as the real client reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from alpaca.data.models.corporate_actions import CorporateActionsSet
from alpaca.trading.models import CorporateActionAnnouncement
from django.utils import timezone

from marketdata.models import Instrument
from portfolio.actions import services as corporate_actions
from tests import issuers, world
from tests.services.api.conftest import Api

D = issuers.D
ADDRESS = "/v1/corporate-actions"
ANNOUNCED = "/v2/corporate_actions/announcements"


@pytest.fixture
def aapl(api: Api) -> Instrument:
    world.instrument("MSFT")
    return Instrument.objects.get(symbol="AAPL")


def listed(api: Api, **query: object) -> dict[str, Any]:
    answer = api("GET", ADDRESS, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def everything(aapl: Instrument) -> None:
    """Have one action of every kind approved for today."""
    into = {"into": "MSFT", "new_shares": 1, "old_shares": 2, "price": D(40)}
    issuers.dividend(aapl, "0.25", pay_date=issuers.today() + timedelta(days=5))
    issuers.split(aapl, 4, 1)
    issuers.split(aapl, 1, 10)
    issuers.due(issuers.said(aapl, "spin_off", cost_share=D("0.25"), **into))
    issuers.due(issuers.said(aapl, "merger", cash=D(7)))
    issuers.due(issuers.said(aapl, "merger", **into))
    issuers.due(issuers.said(aapl, "merger", cash=D(7), **into))
    issuers.due(issuers.said(aapl, "symbol_change", symbol="APPL"))


def test_actions_come_by_kind_in_shapes_that_the_client_knows(api: Api, aapl: Instrument) -> None:
    everything(aapl)
    day = issuers.today().isoformat()
    found = listed(api, end=str(issuers.today() + timedelta(days=5)))
    assert found["next_page_token"] is None
    actions = found["corporate_actions"]
    parsed = CorporateActionsSet(actions).data
    assert {kind: len(rows) for kind, rows in parsed.items()} == {
        "cash_dividends": 1, "forward_splits": 1, "reverse_splits": 1, "spin_offs": 1,
        "cash_mergers": 1, "stock_mergers": 1, "stock_and_cash_mergers": 1, "name_changes": 1,
    }  # fmt: skip
    [dividend] = actions["cash_dividends"]
    assert (dividend["symbol"], dividend["rate"], dividend["ex_date"]) == ("AAPL", 0.25, day)
    assert dividend["process_date"] == (issuers.today() + timedelta(days=5)).isoformat()
    [split] = actions["reverse_splits"]
    assert (split["new_rate"], split["old_rate"]) == (1, 10)
    [merger] = actions["stock_and_cash_mergers"]
    assert (merger["acquirer_symbol"], merger["acquirer_rate"], merger["acquiree_rate"]) == (
        "MSFT", 1, 2,
    )  # fmt: skip
    assert merger["cash_rate"] == 7
    [renamed] = actions["name_changes"]
    assert (renamed["old_symbol"], renamed["new_symbol"]) == ("AAPL", "APPL")


def test_actions_are_filtered_and_come_in_pages(api: Api, aapl: Instrument) -> None:
    everything(aapl)
    first = listed(api, limit=2)
    assert sum(map(len, first["corporate_actions"].values())) == 2
    rest = listed(api, page_token=first["next_page_token"])
    assert sum(map(len, rest["corporate_actions"].values())) == 5  # all but what is paid later
    assert rest["next_page_token"] is None
    assert list(listed(api, types="forward_split")["corporate_actions"]) == ["forward_splits"]
    assert list(listed(api, symbols="APPL")["corporate_actions"]) == ["name_changes"]
    [split] = listed(api, types="forward_split")["corporate_actions"]["forward_splits"]
    assert listed(api, ids=split["id"])["corporate_actions"] == {"forward_splits": [split]}
    assert listed(api, symbols="MSFT", types="cash_merger")["corporate_actions"] == {}
    assert listed(api, cusips="037833100")["corporate_actions"] == {}
    for wrong in ({"types": "dance"}, {"page_token": "x"}, {"sort": "up"}):
        assert api("GET", ADDRESS, params=wrong).status_code == 422


def test_what_one_person_has_announced_is_not_told(api: Api, aapl: Instrument) -> None:
    said = issuers.said(aapl, "cash_dividend", cash=D(1))
    action = corporate_actions.announce(said, by=issuers.person(), now=timezone.now())
    assert listed(api)["corporate_actions"] == {}
    assert api("GET", f"{ANNOUNCED}/{action.pk}").status_code == 404


def test_announcements_are_told_to_clients_of_before(api: Api, aapl: Instrument) -> None:
    everything(aapl)
    today = issuers.today().isoformat()
    asked = {"ca_types": "dividend,split,merger,spinoff", "since": today, "until": today}
    answer = api("GET", ANNOUNCED, params=asked)
    assert answer.status_code == 200, answer.text
    parsed = [CorporateActionAnnouncement(**each) for each in answer.json()]
    assert sorted((each.ca_type.value, each.ca_sub_type.value) for each in parsed) == [
        ("dividend", "cash"), ("merger", "merger_completion"), ("merger", "merger_completion"),
        ("merger", "merger_completion"), ("spinoff", "spinoff"), ("split", "reverse_split"),
        ("split", "stock_split"),
    ]  # fmt: skip
    [dividend] = [each for each in answer.json() if each["ca_type"] == "dividend"]
    assert (dividend["cash"], dividend["initiating_symbol"]) == ("0.25", "AAPL")
    assert api("GET", f"{ANNOUNCED}/{dividend['id']}").json() == dividend
    later = asked | {"date_type": "payable_date", "ca_types": "Dividend"}
    assert api("GET", ANNOUNCED, params=later).json() == []
    declared = asked | {"date_type": "declaration_date", "symbol": "aapl"}
    assert len(api("GET", ANNOUNCED, params=declared).json()) == 7
    assert api("GET", ANNOUNCED, params=asked | {"symbol": "MSFT"}).json() == []
    for wrong in ({"ca_types": "dance"}, {"until": "2090-01-01"}, {"since": ""}):
        refused = api("GET", ANNOUNCED, params=asked | wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, 40010001)
