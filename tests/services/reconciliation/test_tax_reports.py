"""Tax reports: closings of the year, washed losses, corrections, dividends."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata import calendars
from portfolio.actions import entitlements
from portfolio.actions import services as corporate_actions
from portfolio.models import Lot, LotClosing, WashSale
from reconciliation.day import jobs
from reconciliation.statements import composing, job
from tests import issuers
from tests.services.reconciliation.lived import Life, about, rows
from venues.messages import Side

pytestmark = pytest.mark.django_db
D = Decimal


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
