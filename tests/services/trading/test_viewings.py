"""What members of staff look at is noted: who, whose data, which page. Pages are found by
themselves, so that a new one cannot be forgotten."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from accounts import approvals
from accounts.models import Letter, User, Viewing
from accounts.oversight import belonging, viewings
from accounts.sessions import sign_ins
from tests import people
from tests.everything import active_customer
from tests.staff import member
from trading.operations.staff_roles import StaffRole

pytestmark = pytest.mark.django_db

# What belongs to no customer. Whatever else the admin shows has a way to its owner.
NOBODYS = {
    "accounts.TextMessage", "accounts.Viewing", "django_celery_beat.ClockedSchedule",
    "django_celery_beat.CrontabSchedule", "django_celery_beat.IntervalSchedule",
    "django_celery_beat.PeriodicTask", "django_celery_beat.SolarSchedule", "exchange.BustRequest",
    "exchange.Execution", "exchange.JournalEntry", "exchange.MemberCancel", "exchange.MemberOrder",
    "exchange.MemberReplace", "exchange.MemberReport", "exchange.ReplayRequest",
    "exchange.Snapshot", "foundation.Heartbeat", "foundation.Safekeeping",
    "marketdata.ArchivedTicks",
    "marketdata.Bar",
    "marketdata.FeedHealth", "marketdata.Instrument", "marketdata.PriceAdjustment",
    "marketdata.Quote", "marketdata.SuspectCount", "marketdata.SuspectTick",
    "portfolio.CorporateAction", "portfolio.FeeRule", "portfolio.InterestDay",
    "portfolio.InterestRate", "risk.ClockReading", "risk.FirmExposure", "risk.MarginRate",
    "reconciliation.ArchivedStatements", "reconciliation.StatementDay",
    "reconciliation.StatementFile", "reconciliation.StatementSource",
    "venues.Block", "venues.InboxReport", "venues.OutboxMessage", "venues.ParkedReport",
    "venues.Route", "venues.Venue",
}  # fmt: skip


def of_customers() -> list[type[Model]]:
    shown = [model for model in admin.site._registry if belonging.paths(model)]
    return sorted(shown, key=lambda model: model._meta.label)


def test_whatever_the_admin_shows_has_an_owner_or_is_nobodys():
    found = {model._meta.label for model in admin.site._registry if not belonging.paths(model)}
    assert found == NOBODYS


@pytest.mark.parametrize(
    ("label", "paths"),
    [
        ("accounts.User", {"pk"}),
        ("accounts.Account", {"user_id"}),
        ("orders.Trade", {"account__user_id"}),
        ("portfolio.LedgerAccount", {"owner__user_id"}),
        ("portfolio.Transfer", {"debit__owner__user_id", "credit__owner__user_id"}),
        ("risk.Alert", {"account__user_id"}),
    ],
)
def test_whose_a_row_is(label, paths):
    [model] = [model for model in admin.site._registry if model._meta.label == label]
    assert set(belonging.paths(model)) == paths


def test_every_page_of_a_customers_rows_is_noted_with_whose_they_are():
    active_customer("AAPL")
    active_customer("MSFT")
    administrator = member(StaffRole.ADMINISTRATOR)
    browser = people.browser_of(administrator)
    with_rows = set()
    for model in of_customers():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        pages = [(reverse(f"admin:{name}_changelist"), model._default_manager.order_by("pk"))]
        row = pages[0][1].last()
        if row is not None:
            with_rows.add(model._meta.label)
            one = model._default_manager.filter(pk=row.pk)
            pages += [
                (reverse(f"admin:{name}_{view}", args=[row.pk]), one)
                for view in ("change", "history")
            ]
        for path, rows in pages:
            before = Viewing.objects.count()
            assert browser.get(path).status_code == 200, path
            assert Viewing.objects.count() == before + 1, path
            noted = Viewing.objects.latest("pk")
            assert (noted.by_id, noted.path, noted.address) == (
                administrator.pk, path, "127.0.0.1",
            )  # fmt: skip
            whose = {
                person
                for way in belonging.paths(model)
                for person in rows.values_list(way, flat=True)
                if person is not None
            }
            assert set(noted.people) == whose, path
            assert noted.subject == ("" if rows is pages[0][1] else str(row.pk)), path
    assert with_rows >= {
        "accounts.Account", "accounts.Activity", "accounts.ApiKey", "accounts.KnownDevice",
        "accounts.Letter", "accounts.Profile", "accounts.SecurityEvent",
        "accounts.SignIn", "accounts.TotpDevice", "accounts.User", "orders.Order", "orders.Trade",
        "portfolio.Balance", "portfolio.Funding", "portfolio.Hold", "portfolio.Lot",
        "portfolio.Payee", "portfolio.Position", "portfolio.Transfer", "risk.Decision",
    }  # fmt: skip


def test_what_is_chosen_from_and_what_waits_name_their_people():
    account = active_customer("AAPL")
    clerk = member(StaffRole.OPERATIONS)
    browser = people.browser_of(clerk)
    asked = {
        "app_label": "portfolio", "model_name": "funding", "field_name": "account",
        "term": account.number,
    }  # fmt: skip
    chosen = browser.get("/admin/autocomplete/", asked)
    assert [each["id"] for each in chosen.json()["results"]] == [str(account.pk)]
    noted = Viewing.objects.latest("pk")
    assert (noted.by_id, noted.page, noted.people) == (
        clerk.pk, "admin:autocomplete", [account.user_id],
    )  # fmt: skip
    approvals.ask(
        kind="portfolio.withdrawal", subject="1", content={"account": str(account.pk)},
        reason="Large", by=clerk, now=timezone.now(),
    )  # fmt: skip
    assert browser.get(reverse("operations:approvals")).status_code == 200
    noted = Viewing.objects.latest("pk")
    assert (noted.page, noted.people) == ("operations:approvals", [account.user_id])


def test_nothing_is_noted_of_pages_that_were_not_shown_and_of_the_first_page():
    active_customer("AAPL")
    helper = people.browser_of(member(StaffRole.SUPPORT))
    assert helper.get("/admin/accounts/profile/").status_code == 403
    assert helper.get(f"/admin/orders/order/{uuid.uuid4()}/change/").status_code == 302
    assert helper.get("/admin/").status_code == 200
    customer = people.browser_of(people.customer()[0])
    assert customer.get("/admin/orders/order/").status_code == 404
    assert not Viewing.objects.exists()


def test_a_page_that_renews_itself_is_noted_when_somebody_new_is_on_it():
    first, second = people.person(), people.person()
    risk, now = people.person(), timezone.now()

    def page(*seen: User) -> viewings.Page:
        return viewings.Page("operations:firm", "/admin/firm/", "", {each.pk for each in seen})

    assert not viewings.has_seen(risk, page(first))
    viewings.note(risk, page(first, second), origin=sign_ins.Origin(), now=now)
    assert viewings.has_seen(risk, page(second))
    viewings.note(risk, page(first), origin=sign_ins.Origin(), now=now + timedelta(seconds=1))
    assert not viewings.has_seen(risk, page(second))
    browser = people.browser_of(member(StaffRole.RISK))
    for path, count in (("/admin/firm/", 1), ("/admin/firm/now/", 1), ("/admin/firm/", 2)):
        assert browser.get(path).status_code == 200
        assert Viewing.objects.filter(page="operations:firm").count() == 2 + count


def test_compliance_reads_who_looked_at_a_customer_and_others_do_not():
    account = active_customer("AAPL")
    other = people.person()
    helper = member(StaffRole.SUPPORT)
    looking = people.browser_of(helper)
    looking.get(f"/admin/accounts/account/{account.pk}/change/")
    looking.get(f"/admin/accounts/user/{other.pk}/change/")
    officer = people.browser_of(member(StaffRole.COMPLIANCE))
    for word in (account.user.email, account.number):
        found = officer.get("/admin/accounts/viewing/", {"q": word}).content.decode()
        assert "admin:accounts_account_change" in found
        assert "admin:accounts_user_change" not in found
    noted = Viewing.objects.get(page="admin:accounts_account_change")
    said = officer.get(f"/admin/accounts/viewing/{noted.pk}/change/").content.decode()
    assert account.user.email in said
    assert helper.email in said
    for role in (StaffRole.SUPPORT, StaffRole.OPERATIONS, StaffRole.RISK):
        assert not member(role).has_perm("accounts.view_viewing")


def test_a_letter_to_nobody_we_know_belongs_to_nobody():
    letter = Letter.objects.create(
        to="new@example.com", kind="verify_email", subject="Hello", sealed_text="",
        written_at=timezone.now(), next_at=timezone.now(), useless_at=timezone.now(),
    )  # fmt: skip
    assert belonging.people(Letter, [letter.pk]) == set()
