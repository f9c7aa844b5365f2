"""Statements say what the ledger said, and say it again to the byte whatever came since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.letters import writing
from accounts.letters.models import Letter
from accounts.models import Account, User
from marketdata import calendars
from marketdata.models import Instrument
from reconciliation.statements import composing, job, ledger, making, periods, rules
from reconciliation.statements.models import Statement
from tests import world
from tests.services.reconciliation.lived import about, balances, held, rows
from venues.messages import Side

pytestmark = pytest.mark.django_db

D = Decimal


# --- What each says ----------------------------------------------------------------------------


def test_a_confirmation_has_every_execution_with_its_price_and_fees(life):
    life.trade("10", "100.00")
    life.trade("4", "101.00", Side.SELL)
    order = life.fills[1][0]
    day = life.today
    life.night()

    statement = life.statement("confirmation", day)
    data = life.then[statement.number]
    bought, sold = rows(data, "execution")
    assert (bought["action"], bought["symbol"], bought["quantity"], bought["price"]) == (
        "buy", "AAPL", "10", "100",
    )  # fmt: skip
    assert (bought["gross"], bought["commission"], bought["regulatory"], bought["net"]) == (
        "-1000.00", "0.00", "0.00", "-1000.00",
    )  # fmt: skip
    assert (sold["gross"], sold["regulatory"], sold["net"]) == ("404.00", "-0.01", "403.99")
    assert (sold["settles_on"], sold["capacity"], sold["order"]) == (
        "2026-03-11", "agent", str(order.pk),
    )  # fmt: skip
    assert sold["venue"] == order.venue
    assert statement.number == f"{life.account.number}-C20260310"
    assert about(data)["holder"] == "A Customer"


def test_a_bust_of_another_day_is_in_the_later_statements_alone(life):
    life.trade("10", "100.00")
    monday = life.today
    life.night()
    before = dict(life.then)
    life.bust(0)
    tuesday = life.today
    life.night()

    [bust] = rows(life.then[life.statement("confirmation", tuesday).number], "execution")
    assert (bust["action"], bust["net"]) == ("bust buy", "1000.00")
    daily = life.then[life.statement("daily", tuesday).number]
    assert {row["kind"] for row in rows(daily, "movement")} == {"bust"}
    assert held(daily, "opening")["AAPL"] == 10
    assert "AAPL" not in held(daily, "closing")
    for number, data in before.items():
        assert b"".join(composing.csv(Statement.objects.get(number=number))) == data
    assert held(before[life.statement("daily", monday).number], "closing")["AAPL"] == 10


def test_what_is_booked_late_is_an_adjustment_of_the_next_statement(life):
    life.deposit("1.00", "on time")
    monday = life.today
    life.night()
    before = life.then[life.statement("daily", monday).number]
    life.deposit("250.00", "late", at=calendars.midnight(monday) + timedelta(hours=3))
    tuesday = life.today
    life.night()

    after = life.then[life.statement("daily", tuesday).number]
    [late] = rows(after, "adjustment")
    assert (late["amount"], late["kind"], rows(after, "movement")) == ("250.00", "deposit", [])
    assert held(after, "opening") == held(before, "closing")
    assert held(after, "closing")["USD"] == balances(life.account)["USD"]
    assert b"".join(composing.csv(life.statement("daily", monday))) == before


def test_what_comes_after_the_day_and_before_its_statement_waits_for_its_own(life):
    """The job may run hours after midnight: what happened meanwhile is of the next day."""
    monday = life.today
    life.clock.move_to(calendars.midnight(monday + timedelta(days=1)) + timedelta(hours=5))
    life.deposit("7.00", "of the next day")
    job.run(day=monday, now=timezone.now(), progress=lambda done, of: None)
    life.keep()
    data = life.then[life.statement("daily", monday).number]
    assert held(data, "closing") == {"USD": D("100000")}

    life.night()
    data = life.then[life.statement("daily").number]
    assert (held(data, "opening")["USD"], held(data, "closing")["USD"]) == (100000, 100007)
    assert [row["amount"] for row in rows(data, "movement")] == ["7.00"]
    assert rows(data, "adjustment") == []


def test_a_month_has_sums_by_kind_value_and_cash_that_settles_later(life):
    life.night()
    life.clock.move_to(calendars.midnight(date(2026, 3, 31)) + timedelta(hours=12))
    life.trade("10", "100.00")
    life.trade("4", "101.00", Side.SELL)
    world.quote(life.listed["AAPL"], bid="104.00", ask="106.00")
    said = life.night()
    assert said == "3 statements of 1 accounts"

    data = life.then[life.statement("monthly").number]
    assert [(row["kind"], row["quantity"], row["amount"]) for row in rows(data, "summary")] == [
        ("Deposits", "1", "100000.00"),
        ("Trades", "2", "-596.00"),
        ("Commissions and regulatory fees", "1", "-0.01"),
    ]
    cash, shares = rows(data, "closing")
    assert cash["amount"] == "99403.99"
    assert (shares["quantity"], shares["price"], shares["amount"]) == ("6", "105", "630.00")
    assert about(data)["closing_value"] == "100033.99"
    assert about(data)["opening_value"] == "0.00"
    assert [(row["settles_on"], row["amount"]) for row in rows(data, "unsettled")] == [
        ("2026-04-01", "-596.01")
    ]


def test_names_and_prices_stay_as_they_were(life):
    life.trade("10", "100.00")
    life.night()
    before = dict(life.then)
    Instrument.objects.filter(code="AAPL").update(symbol="APPL", name="Renamed")
    User.objects.filter(pk=life.account.user_id).update(name="Another Name")
    Account.objects.filter(pk=life.account.pk).update(margin=True)
    world.quote(life.listed["AAPL"], bid="1.00", ask="2.00")
    for number, data in before.items():
        assert b"".join(composing.csv(Statement.objects.get(number=number))) == data


def test_made_twice_statements_are_made_once_and_of_the_same_books(life):
    life.trade("10", "100.00")
    day = life.today
    life.night()
    made = list(Statement.objects.order_by("number").values_list())
    life.deposit("5.00", "later", at=calendars.midnight(day) + timedelta(hours=1))
    again = job.run(day=day, now=timezone.now(), progress=lambda done, of: None)
    assert again == "0 statements of 1 accounts"
    assert list(Statement.objects.order_by("number").values_list()) == made


def test_a_run_that_died_goes_on_with_the_same_books(life):
    """Of two statements of one day the second is of the books of the first."""
    life.clock.move_to(calendars.midnight(date(2026, 3, 31)) + timedelta(hours=12))
    life.trade("10", "100.00")
    day = life.today
    life.clock.move_to(calendars.midnight(day) + timedelta(hours=25))
    wanted = periods.due(day)
    making.make([life.account.pk], wanted[:2], day=day, now=timezone.now())
    life.deposit("5.00", "between", at=calendars.midnight(day) + timedelta(hours=1))
    making.make([life.account.pk], wanted, day=day, now=timezone.now())
    throughs = set(Statement.objects.values_list("through", flat=True))
    assert len(throughs) == 1
    data = b"".join(composing.csv(life.statement("monthly")))
    assert held(data, "closing")["USD"] == 99_000


def test_a_day_that_is_not_over_is_not_stated(life):
    with pytest.raises(making.NotOver):
        job.run(day=life.today, now=timezone.now(), progress=lambda done, of: None)
    assert not Statement.objects.exists()


def test_a_day_without_movement_has_no_statement(life):
    life.night()
    assert life.night() == "0 statements of 1 accounts"
    assert life.night() == "0 statements of 0 accounts"


def test_a_statement_that_does_not_add_up_is_not_made(life, monkeypatch):
    real = ledger.figures
    monkeypatch.setattr(
        ledger, "figures", lambda cut: replace(real(cut), closing={"USD": D("1.00")})
    )
    with pytest.raises(rules.DoesNotAddUp, match=r"USD: 100000\S* is not 1.00"):
        life.night()
    assert not Statement.objects.filter(kind="daily").exists()


def test_a_letter_says_that_a_monthly_statement_is_there(life):
    life.clock.move_to(calendars.midnight(date(2026, 3, 31)) + timedelta(hours=12))
    life.deposit("5.00", "one")
    life.night()
    [letter] = Letter.objects.filter(kind="statement_ready")
    assert letter.subject == "Your statement is there: March 2026"
    assert f"{life.account.number}-M20260331" in writing.read(letter)


# --- What nobody may do ------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["update", "delete"])
def test_a_statement_stays_as_it_was_made(life, change):
    life.night()
    statements = Statement.objects.all()
    refused = pytest.raises(DatabaseError, match=r"permission denied|seven years")
    with refused, transaction.atomic():
        statements.update(size=1) if change == "update" else statements.delete()
    assert Statement.objects.count() == 1
