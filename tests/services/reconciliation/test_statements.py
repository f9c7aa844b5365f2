"""Statements say what the ledger said, and say it again to the byte whatever came since."""

from __future__ import annotations

import csv
import io
import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.letters import writing
from accounts.letters.models import Letter
from accounts.models import Account, User
from marketdata import calendars
from marketdata.models import Instrument
from orders.entry import submission
from portfolio import reversals
from portfolio import services as portfolio
from portfolio.actions import entitlements
from portfolio.actions import services as corporate_actions
from portfolio.fees import schedule
from portfolio.models import Balance, Lot, LotClosing, Transfer, WashSale
from reconciliation.day import jobs
from reconciliation.statements import composing, job, ledger, making, periods, rules
from reconciliation.statements.models import Statement
from tests import issuers, world
from venues.messages import ExecutionReport, Side

pytestmark = pytest.mark.django_db

D = Decimal
NOON = "2026-03-10T12:00:00-04:00"


@pytest.fixture(autouse=True)
def noon() -> Iterator[time_machine.Coordinates]:
    schedule.forget()
    with time_machine.travel(NOON, tick=True) as traveller:
        yield traveller
    schedule.forget()


class Life:
    """An account to which things happen, day after day; statements are made every night."""

    def __init__(self, clock: Any, *, margin: bool = False, cash: str = "100000.00") -> None:
        self.clock, self.venue = clock, world.Venue()
        self.listed = {symbol: world.instrument(symbol) for symbol in ("AAPL", "MSFT")}
        self.account = world.customer(cash=cash)
        Account.objects.filter(pk=self.account.pk).update(margin=margin)
        self.fills: list[tuple[Any, ExecutionReport]] = []
        self.then: dict[str, bytes] = {}

    @property
    def today(self) -> date:
        return calendars.date_of(timezone.now())

    def trade(self, quantity: str, price: str, side: Side = Side.BUY, symbol: str = "AAPL") -> None:
        for instrument in self.listed.values():
            world.quote(instrument, bid=price, ask=price)
        far = str(D(price) + (1 if side is Side.BUY else -1))
        ticket = world.limit_ticket(
            self.account, far, symbol=symbol, side=side, quantity=D(quantity)
        )
        [answer] = submission.submit_batch([ticket], now=timezone.now())
        assert answer.order.status == "submitted", answer.order.denial_code
        self.fills.append((answer.order, self.venue.fills(answer.order, quantity, price)))
        world.apply_reports()

    def bust(self, place: int) -> None:
        order, report = self.fills.pop(place)
        self.venue.busts(order, report)
        world.apply_reports()

    def deposit(self, amount: str, reference: str, *, at: datetime | None = None) -> None:
        portfolio.deposit(
            account_id=self.account.pk, amount=D(amount), reference=reference,
            actor="operator:test", now=at or timezone.now(),
        )  # fmt: skip

    def night(self, *, days: int = 1) -> str:
        """Let `days` end, make the statements of the first, and keep what they say."""
        day = self.today
        midnight = calendars.midnight(day + timedelta(days=days))
        self.clock.move_to(midnight + timedelta(hours=1))
        said = job.run(day=day, now=timezone.now(), progress=lambda done, of: None)
        self.keep()
        self.clock.move_to(midnight + timedelta(hours=12))
        return said

    def keep(self) -> None:
        for statement in Statement.objects.order_by("number"):
            if statement.number not in self.then:
                self.then[statement.number] = b"".join(composing.csv(statement))

    def statement(self, kind: str, last: date | None = None) -> Statement:
        found = Statement.objects.filter(account=self.account, kind=kind)
        return found.filter(last=last).get() if last else found.latest("last", "revision")


@pytest.fixture
def life(noon: Any) -> Life:
    return Life(noon)


def rows(data: bytes, section: str) -> list[dict[str, str]]:
    found = csv.DictReader(io.StringIO(data.decode(), newline=""))
    return [row for row in found if row["section"] == section]


def about(data: bytes) -> dict[str, str]:
    return {row["item"]: row["value"] for row in rows(data, "about")}


def held(data: bytes, section: str) -> dict[str, Decimal]:
    """Return cash and positions of the opening or closing, by symbol; nothing is left out."""
    found = {
        row["symbol"]: D(row["amount"] if row["symbol"] == "USD" else row["quantity"])
        for row in rows(data, section)
    }
    return {symbol: units for symbol, units in found.items() if units}


def moved(data: bytes) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for row in rows(data, "movement") + rows(data, "adjustment"):
        units = D(row["amount"] or row["quantity"])
        sums[row["symbol"]] = sums.get(row["symbol"], D(0)) + units
    return sums


def balances(account: Account) -> dict[str, Decimal]:
    return {
        row.asset: row.amount for row in Balance.objects.filter(account=account).exclude(amount=0)
    }


# --- Whatever happens --------------------------------------------------------------------------


def _something(life: Life, chance: random.Random, number: int) -> None:
    """Let something happen that may."""
    what = chance.choice(("buy", "buy", "sell", "bust", "deposit", "withdraw", "reverse", "issuer"))
    price, symbol = f"{chance.randint(9000, 11000) / 100:.2f}", chance.choice(("AAPL", "MSFT"))
    holds = balances(life.account).get(symbol, D(0))
    if what == "buy":
        life.trade(str(chance.randint(1, 30)), price, symbol=symbol)
    elif what == "sell" and holds > 0:
        life.trade(str(chance.randint(1, int(holds))), price, Side.SELL, symbol)
    elif what == "bust" and life.fills:
        life.bust(chance.randrange(len(life.fills)))
        Account.objects.filter(pk=life.account.pk).update(status="active", status_reason="")
    elif what == "deposit":
        # Entered late now and then: for a day whose statement is made already.
        at = timezone.now() - timedelta(days=chance.choice((0, 0, 1)))
        life.deposit(f"{chance.randint(1, 99999) / 100:.2f}", f"deposit {number}", at=at)
    elif what == "withdraw":
        portfolio.request_withdrawal(
            account_id=life.account.pk, amount=D("12.34"), reference=f"withdrawal {number}",
            actor="user:test", now=timezone.now(), payee_id=world.payee(life.account).pk,
        )  # fmt: skip
    elif what == "reverse":
        found = Transfer.objects.filter(
            kind__in=("deposit", "fee"), credit__owner=life.account, reversed_by=None
        ).exclude(amount=D(100_000))
        if transfer := found.order_by("-pk").first():
            reversals.reverse(
                transfer=transfer, reason="=wrong", actor="operator:test", now=timezone.now()
            )
    elif what == "issuer" and holds > 0:
        splits = chance.random() < 0.4
        listed = life.listed[symbol]
        due = issuers.split(listed, 2, 1) if splits else issuers.dividend(listed, "0.24")
        entitlements.entitle(due, now=timezone.now())
        corporate_actions.restate(due, note="", now=timezone.now())
        entitlements.pay(due, now=timezone.now())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_opening_and_movements_are_the_closing_whatever_happens(life, seed):
    chance = random.Random(seed)
    life.night()
    life.clock.move_to(calendars.midnight(date(2026, 3, 27)) + timedelta(hours=12))
    ends: dict[date, dict[str, Decimal]] = {}
    for day in range(7):
        for number in range(chance.randint(1, 4)):
            _something(life, chance, 100 * day + number)
        before = life.today
        life.night()
        ends[before] = balances(life.account)

    daily = list(Statement.objects.filter(kind="daily", last__gt="2026-03-10").order_by("last"))
    assert len(daily) >= 3
    for statement in daily:
        data = life.then[statement.number]
        opening, change = held(data, "opening"), moved(data)
        assert held(data, "closing") == ends[statement.last]
        assert {
            symbol: units
            for symbol in opening.keys() | change.keys()
            if (units := opening.get(symbol, D(0)) + change.get(symbol, D(0)))
        } == ends[statement.last]
    for earlier, later in itertools.pairwise(daily):
        assert held(life.then[earlier.number], "closing") == held(
            life.then[later.number], "opening"
        )
    # Whatever came after it, each says what it said, and on paper too.
    for statement in Statement.objects.order_by("number"):
        assert b"".join(composing.csv(statement)) == life.then[statement.number]
        assert composing.is_as_it_was(statement)
    march = life.statement("monthly", date(2026, 3, 31))
    assert held(life.then[march.number], "closing") == ends[date(2026, 3, 31)]
    in_march = Statement.objects.filter(kind="daily", last__lte=march.last).order_by("last")
    total: dict[str, Decimal] = {}
    for statement in in_march:
        for symbol, units in moved(life.then[statement.number]).items():
            total[symbol] = total.get(symbol, D(0)) + units
    assert total == moved(life.then[march.number])


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


# --- Tax ---------------------------------------------------------------------------------------


def report(life: Life, year: int = 2026) -> bytes:
    """Make the tax report of the year on the day that it is due."""
    due = date(year + 1, 2, 14)
    life.clock.move_to(calendars.midnight(due) + timedelta(hours=25))
    job.run(day=due, now=timezone.now(), progress=lambda done, of: None)
    life.keep()
    return life.then[life.statement("tax").number]


def find_wash_sales(life: Life) -> None:
    jobs.find_wash_sales(day=life.today, now=timezone.now(), progress=lambda done, of: None)


def boxes(data: bytes) -> dict[str, Decimal]:
    return {row["name"]: D(row["amount"]) for row in rows(data, "box")}


def test_a_tax_report_is_the_closings_of_the_year(life):
    for price in ("100.00", "101.00"):
        life.trade("10", price)
    life.trade("15", "103.00", Side.SELL)
    life.trade("2", "99.00", Side.SELL)
    life.bust(3)
    find_wash_sales(life)
    data = report(life)

    sold = rows(data, "sale")
    assert [(r["quantity"], r["proceeds"], r["cost"], r["gain"], r["term"]) for r in sold] == [
        ("10", "1030.00", "1000.00", "30.00", "short"),
        ("5", "515.00", "505.00", "10.00", "short"),
    ]
    assert {(row["acquired"], row["sold"]) for row in sold} == {("2026-03-10", "2026-03-10")}
    standing = LotClosing.objects.filter(undoes=None, undone_by=None, is_correction=False)
    assert sum(D(row["gain"]) for row in sold) == sum(each.realised for each in standing) == 40
    assert boxes(data)["Gain or loss of sales, short term"] == 40
    assert boxes(data)["Commissions and regulatory fees"] == D("0.01")


def test_a_washed_loss_is_disallowed_and_counts_with_the_lot_that_took_its_place(life):
    life.trade("10", "100.00")
    life.trade("10", "90.00", Side.SELL)
    life.trade("10", "91.00")
    life.trade("5", "95.00", Side.SELL)
    find_wash_sales(life)
    assert WashSale.objects.count() == 1
    data = report(life)

    loss, later = rows(data, "sale")
    assert (loss["disallowed"], loss["gain"]) == ("100.00", "0.00")
    # Half of the lot, with half of what was added to it: 455 + 50.
    assert (later["cost"], later["gain"]) == ("505.00", "-30.00")
    assert boxes(data)["Wash sale losses disallowed, short term"] == 100
    # What is found out later changes no report that is there.
    WashSale.objects.create(
        closing=LotClosing.objects.filter(realised__lt=0).first(), replacement=Lot.objects.first(),
        found_at=timezone.now(), quantity=1, disallowed=1, reverses=WashSale.objects.get(),
    )  # fmt: skip
    assert b"".join(composing.csv(life.statement("tax"))) == data


def test_a_bust_after_the_report_makes_a_corrected_one_and_leaves_the_first(life):
    life.trade("10", "100.00")
    life.trade("4", "103.00", Side.SELL)
    first = report(life)
    original = life.statement("tax")
    assert len(rows(first, "sale")) == 1
    life.bust(1)
    life.night()

    corrected = life.statement("tax")
    assert (corrected.revision, corrected.number) == (2, f"{life.account.number}-T20261231-2")
    data = b"".join(composing.csv(corrected))
    assert (rows(data, "sale"), about(data)["corrected"]) == ([], "yes")
    assert b"".join(composing.csv(original)) == first
    life.trade("1", "100.00")
    life.night()
    assert life.statement("tax").revision == 2


def test_dividends_of_the_year_are_in_their_box(life):
    life.trade("10", "100.00")
    life.night()
    due = issuers.dividend(life.listed["AAPL"], "0.24")
    entitlements.entitle(due, now=timezone.now())
    corporate_actions.restate(due, note="", now=timezone.now())
    assert entitlements.pay(due, now=timezone.now()) == 1
    assert boxes(report(life))["Total ordinary dividends"] == D("2.40")


# --- What nobody may do ------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["update", "delete"])
def test_a_statement_stays_as_it_was_made(life, change):
    life.night()
    statements = Statement.objects.all()
    refused = pytest.raises(DatabaseError, match=r"permission denied|seven years")
    with refused, transaction.atomic():
        statements.update(size=1) if change == "update" else statements.delete()
    assert Statement.objects.count() == 1
