"""Portfolio history: what the account was worth, window by window, as the ledger has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from marketdata import calendars
from marketdata.models import Instrument
from portfolio import selectors
from portfolio.models import EquityPoint, EquitySnapshot
from portfolio.worth import closing
from tests import holdings, world
from tests.services.api.conftest import Api, Customer

D = Decimal
ADDRESS = "/v2/account/portfolio/history"
ARRAYS = ("timestamp", "equity", "profit_loss", "profit_loss_pct")


def history(api: Api, **query: str) -> dict[str, Any]:
    answer = api("GET", ADDRESS + "?" + "&".join(f"{k}={v}" for k, v in query.items()))
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    assert len({len(body[name]) for name in ARRAYS}) == 1
    return body


def opened(account: Account, at: datetime) -> None:
    Account.objects.filter(pk=account.pk).update(opened_at=at)


def point(account: Account, at: datetime, equity: str, paid_in: str) -> None:
    EquityPoint.objects.create(account=account, at=at, equity=D(equity), paid_in=D(paid_in))


def close(account: Account, day: datetime, equity: str, paid_in: str) -> None:
    EquitySnapshot.objects.create(
        account=account, day=day.date(), at=day, cash=D(0), equity=D(equity), paid_in=D(paid_in)
    )


def test_a_day_in_windows_of_five_minutes(api: Api, customer: Customer) -> None:
    """All days of the test market are the same: it never closes. New York is at UTC-5."""
    account = customer.account
    opened(account, datetime(2026, 1, 5, 15, 2, tzinfo=UTC))
    day = datetime(2026, 1, 6, 5, tzinfo=UTC)
    close(account, day - timedelta(days=1, hours=5), "1000.00", "1000.00")
    point(account, day + timedelta(minutes=5), "1010.00", "1000.00")
    point(account, day + timedelta(minutes=11), "1110.00", "1100.00")
    point(account, day + timedelta(minutes=29), "1099.00", "1100.00")
    body = history(api, start="2026-01-06T05:00:00Z", end="2026-01-06T05:30:00Z", timeframe="5Min")
    minutes = [0, 5, 10, 15, 20, 25, 30]
    assert body["timestamp"] == [int(day.timestamp()) + 60 * each for each in minutes]
    assert body["equity"] == [1010, 1010, 1110, 1110, 1110, 1099, 1099]
    assert body["profit_loss"] == [10, 10, 10, 10, 10, -1, -1]
    assert body["profit_loss_pct"][0] == 0.01
    assert body["profit_loss_pct"][2] == 0.009091  # of what was paid in as well
    assert (body["base_value"], body["base_value_asof"]) == (1000, "2026-01-06")
    assert body["timeframe"] == "5Min"
    assert "cashflow" not in body


def test_days_are_those_that_were_closed_and_today(api: Api, customer: Customer) -> None:
    account, now = customer.account, timezone.now().astimezone(calendars.NEW_YORK)
    opened(account, now - timedelta(days=3))
    for age, equity in ((3, "1000.00"), (2, "99000.00"), (1, "101000.00")):
        close(account, now - timedelta(days=age, hours=0), equity, "100000.00")
    body = history(api, period="1W", timeframe="1D")
    snapshot = selectors.snapshot(account.pk)
    assert body["equity"][-3:] == [99000, 101000, float(snapshot.equity)]
    assert body["profit_loss"][-2:] == [1000, 0]
    assert body["base_value"] == 100000  # what was paid in first, of an account that was new


def test_it_agrees_with_the_ledger(api: Api, customer: Customer) -> None:
    account = customer.account
    aapl = Instrument.objects.get(symbol="AAPL")
    world.quote(aapl, bid="10", ask="12")
    holdings.hold(account, aapl, D(100), cost=D("1000.00"))
    closing.mark_equity(now=timezone.now())
    world.quote(aapl, bid="13", ask="15")
    holdings.deposit(account, "50.00")
    body = history(api, period="1D", timeframe="5Min", pnl_reset="no_reset")
    snapshot = selectors.snapshot(account.pk)
    assert body["equity"][-1] == float(snapshot.equity)
    assert body["profit_loss"][-1] == float(snapshot.profit) == 1400
    account_now = api("GET", "/v2/account").json()
    assert (account_now["total_pl"], account_now["equity"]) == ("1400", "101450")


def test_cash_flows_by_type(api: Api, customer: Customer) -> None:
    holdings.deposit(customer.account, "25.00")
    body = history(api, period="1D", timeframe="1H", cashflow_types="CSD,DIV")
    assert set(body["cashflow"]) == {"CSD", "DIV"}
    assert sum(body["cashflow"]["CSD"]) == 100025
    assert sum(body["cashflow"]["DIV"]) == 0
    assert set(history(api, period="1D", cashflow_types="ALL")["cashflow"]) == {
        "CIL", "CSD", "CSW", "DIV", "FEE", "INT", "JNLC", "MA",
    }  # fmt: skip
    assert "cashflow" not in history(api, period="1D", cashflow_types="NONE")


def test_flows_are_asked_for_by_any_activity_that_clients_know(
    api: Api, customer: Customer
) -> None:
    """JNLC,CSD,CSW is the example of the API that ours is compatible with."""
    body = history(api, period="1D", timeframe="1H", cashflow_types="JNLC,CSD,CSW")
    assert {name: sum(flow) for name, flow in body["cashflow"].items()} == {
        "CSD": 100000, "CSW": 0, "JNLC": 0,
    }  # fmt: skip
    body = history(api, period="1D", timeframe="1H", cashflow_types="ACATS")
    assert body["cashflow"] == {"ACATS": [0] * len(body["timestamp"])}  # coins, and no cash


@pytest.mark.parametrize(
    ("days", "timeframe"), [(0, "1Min"), (5, "1Min"), (6, "15Min"), (28, "15Min"), (29, "1D")]
)
def test_the_usual_timeframe_follows_the_period(
    api: Api, customer: Customer, days: int, timeframe: str
) -> None:
    opened(customer.account, timezone.now() - timedelta(days=400))
    assert history(api, period=f"{days + 1}D")["timeframe"] == timeframe


@pytest.mark.parametrize("day", ["2026-02-28", "2026-03-15", "2028-03-01", "2026-12-31"])
def test_the_usual_timeframe_of_a_month_is_a_day_however_short_the_month(
    api: Api, customer: Customer, day: str
) -> None:
    with time_machine.travel(f"{day}T17:00Z", tick=False):
        opened(customer.account, timezone.now() - timedelta(days=400))
        assert history(api)["timeframe"] == history(api, period="1M")["timeframe"] == "1D"


def test_what_was_before_the_account_is_not_told(api: Api, customer: Customer) -> None:
    body = history(api, period="10A")
    assert len(body["timestamp"]) in (1, 2)  # around midnight in New York the test sees two days
    assert history(api, period="all", timeframe="1D")["timestamp"] == body["timestamp"]


@pytest.mark.parametrize(
    "query",
    [
        "period=1", "period=0D", "period=1Y", "period=D", "period=-1D", "period=12345D",
        "timeframe=2Min", "timeframe=1Week", "period=9999A",
        "period=1M&timeframe=1Min", "period=2M&timeframe=5Min", "period=2M&timeframe=1H",
        "period=1D&start=2026-01-01&end=2026-01-02", "start=2090-01-01",
        "start=2026-01-05&end=2026-01-04", "start=yesterday",
        "intraday_reporting=always", "pnl_reset=weekly", "extended_hours=maybe",
        "cashflow_types=FILL",
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused(api: Api, query: str) -> None:
    answer = api("GET", f"{ADDRESS}?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid_request"), query


def test_a_page_that_misspells_a_parameter_is_told(browser: Client) -> None:
    assert browser.get("/api/v1/account/portfolio/history?period=1D").status_code == 200
    answer = browser.get("/api/v1/account/portfolio/history?perod=1D")
    assert (answer.status_code, answer.json()["reason"]) == (400, "unknown_field")
