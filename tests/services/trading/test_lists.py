"""Lists of the admin with a million rows: never counted, paged by key, found by an index."""

from __future__ import annotations

import uuid
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db import connection
from django.db.models import Field, Model, UniqueConstraint
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Activity, User
from foundation.admin import Found, Many, Undeletable, figure
from foundation.paging import PAGES_MAX, Uncounted
from marketdata.models import Bar, SuspectTick
from orders.admin import OrderAdmin
from orders.entry import submission
from orders.models import Order, Trade
from portfolio.models import Transfer
from risk.models import Alert, Decision
from tests import people, world
from tests.everything import active_customer
from tests.staff import Unread, operator
from venues import links
from venues.models import InboxReport, OutboxMessage

pytestmark = pytest.mark.django_db

OTHERS = "django_celery_beat"  # schedules: a handful, shown by a package's own pages


def ours() -> list[ModelAdmin]:
    found = [each for each in admin.site._registry.values() if each.opts.app_label != OTHERS]
    return sorted(found, key=lambda each: each.opts.label)


def is_indexed(model: type[Model], name: str, *, first: bool) -> bool:
    """Tell whether an index has the field: in front, or behind what says less than a row."""
    field = model._meta.get_field(name)
    if not isinstance(field, Field) or field.primary_key or field.unique or field.db_index:
        return isinstance(field, Field)
    unique = [each for each in model._meta.constraints if isinstance(each, UniqueConstraint)]
    held = [each.fields for each in (*model._meta.indexes, *unique)]
    names = {name, field.attname}
    return any(names & {each.lstrip("-") for each in (of[:1] if first else of)} for of in held)


def queries(shown: ModelAdmin, by: User) -> list[str]:
    """Return what showing the list asks of the database."""
    request = RequestFactory().get("/admin/")
    request.user, request._messages, request.session = by, Unread(request), {}
    links.forget()  # which are remembered for a second
    with CaptureQueriesContext(connection) as asked:
        answer = shown.changelist_view(request)
        answer.render()
    assert answer.status_code == 200, shown
    return [each["sql"] for each in asked if each["sql"].startswith("SELECT")]


def test_no_list_is_counted_and_none_asks_more_of_more_rows(monkeypatch):
    monkeypatch.setattr(admin.site, "each_context", lambda _: {})  # the frame, the same each time
    by = operator()
    active_customer("AAPL")
    few = {shown: queries(shown, by) for shown in ours()}
    for symbol in ("MSFT", "IBM"):
        active_customer(symbol)
    for shown in ours():
        if not shown.model._default_manager.exists():
            continue
        more = queries(shown, by)
        assert len(more) <= len(few[shown]), (shown, more)  # fewer where it is remembered
        assert not [each for each in more if "COUNT(*)" in each], shown
        if isinstance(shown, Many):
            assert not [each for each in more if "DISTINCT" in each], shown


def test_every_list_of_ours_is_one_that_does_not_count():
    counted = [shown for shown in ours() if not isinstance(shown, Undeletable)]
    assert counted == []
    assert all(shown.get_paginator(None, [], 1).__class__ is Uncounted for shown in ours())


def test_what_is_many_is_paged_by_its_key():
    lists = admin.site._registry
    for model in (
        Order, Trade, Transfer, Decision, Activity, OutboxMessage, InboxReport, SuspectTick,
    ):  # fmt: skip
        assert isinstance(lists[model], Many), model
    assert not isinstance(lists[Bar], Many)  # no index has all of their keys
    assert not isinstance(lists[Alert], Many)  # the gravest come first


def test_what_is_searched_for_has_an_index():
    for shown in ours():
        if not isinstance(shown, Found):
            continue
        for told in shown.search_fields:
            assert told[0] == "=", (shown, told)
            relation, _, rest = told[1:].partition("__")
            assert is_indexed(shown.model, relation, first=bool(rest)), (shown, told)


def test_autocomplete_does_not_count_either():
    active_customer("AAPL")
    browser = people.browser_of(operator())
    asked = {"app_label": "portfolio", "model_name": "funding", "field_name": "account", "term": ""}
    with CaptureQueriesContext(connection) as queried:
        answer = browser.get(reverse("admin:autocomplete"), asked)
    assert answer.json()["pagination"] == {"more": False}
    assert len(answer.json()["results"]) == Account.objects.count()
    assert not [each for each in queried if "COUNT(*)" in each["sql"]]


# --- Pages ---------------------------------------------------------------------------------------

ORDERS = "/admin/orders/order/"


def orders_of(account: Account, count: int) -> list[uuid.UUID]:
    """Place so many, and return all there are as they are listed: the last one first."""
    tickets = [
        world.limit_ticket(account, f"{90 + n}", client_order_id=f"mine {n}") for n in range(count)
    ]
    submission.submit_batch(tickets, now=timezone.now())
    return list(Order.objects.order_by("-pk").values_list("pk", flat=True))


def listed(browser: Client, link: str) -> tuple[list[uuid.UUID], str, str]:
    page = browser.get(f"{ORDERS}{link}").context["cl"]
    return [row.pk for row in page.result_list], page.newer, page.older


@pytest.fixture
def threes(monkeypatch: pytest.MonkeyPatch) -> Client:
    """A browser in which pages have three rows."""
    monkeypatch.setattr(OrderAdmin, "list_per_page", 3)
    return people.browser_of(operator())


def test_one_goes_through_all_pages_and_back(threes):
    world.instrument()
    every = orders_of(world.customer(), 7)
    assert len(every) == 7
    first, newer, second_link = listed(threes, "")
    second, first_link, third_link = listed(threes, second_link)
    third, back_link, end = listed(threes, third_link)
    assert (first, second, third) == (every[:3], every[3:6], every[6:])
    assert (newer, end) == ("", "")
    assert listed(threes, back_link)[0] == second
    again, newer, _ = listed(threes, first_link)
    assert (again, newer) == (first, "")
    assert listed(threes, f"?before={every[4]}")[0] == every[1:4]


def test_what_comes_in_meanwhile_moves_nothing_to_another_page(threes):
    world.instrument()
    account = world.customer()
    before = orders_of(account, 6)
    _, _, older = listed(threes, "")
    submission.submit_batch([world.limit_ticket(account, "80")], now=timezone.now())
    assert listed(threes, older)[0] == before[3:]


def test_a_page_keeps_what_was_searched_and_filtered_for(threes):
    world.instrument()
    mine, other = world.customer(), world.customer()
    orders_of(other, 2)
    orders_of(mine, 5)
    found, _, older = listed(threes, f"?q={mine.number}&side__exact=buy")
    assert len(found) == 3
    assert parse_qs(urlsplit(older).query) == {
        "q": [mine.number], "side__exact": ["buy"], "after": [str(found[-1])],
    }  # fmt: skip
    rest, _, end = listed(threes, older)
    assert len(rest) == 2
    assert end == ""
    assert set(Order.objects.filter(account=mine).values_list("pk", flat=True)) == {*found, *rest}


@pytest.mark.parametrize("place", ["after=nobody", "before=1", "p=201", "p=0"])
def test_a_page_that_there_is_not_is_none(threes, place):
    answer = threes.get(f"{ORDERS if place[0] != 'p' else '/admin/risk/alert/'}?{place}")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("?e=1")
    assert PAGES_MAX == 200


def test_other_lists_are_paged_by_number(monkeypatch):
    users = [operator() for _ in range(5)]
    monkeypatch.setattr(admin.site._registry[User], "list_per_page", 2)
    browser = people.browser_of(users[0])
    seen, link = [], ""
    for _ in range(3):
        page = browser.get(f"/admin/accounts/user/{link}").context["cl"]
        seen += [row.pk for row in page.result_list]
        link = page.older
    assert (len(seen), set(seen), link) == (5, {user.pk for user in users}, "")


# --- Finding -------------------------------------------------------------------------------------


def test_orders_are_found_by_whole_words_and_by_nothing_less():
    world.instrument()
    mine, other = world.customer(), world.customer()
    for account in (mine, other):
        orders_of(account, 2)
    order = Order.objects.get(account=mine, client_order_id="mine 1")
    both = set(Order.objects.filter(account=mine).values_list("pk", flat=True))
    browser = people.browser_of(operator())
    for word, found in {
        str(order.pk): {order.pk},
        mine.number: both,
        mine.user.email: both,
        "aapl": set(Order.objects.values_list("pk", flat=True)),
        f'{mine.number} "mine 1"': {order.pk},
        f"{mine.number} {other.number}": set(),
        mine.number[:-1]: set(),
        "mine": set(),
        "\0": set(Order.objects.values_list("pk", flat=True)),
    }.items():
        page = browser.get(ORDERS, {"q": word}).context
        assert {row.pk for row in page["cl"].result_list} == found, word


def test_transfers_are_found_by_either_side():
    account, other = world.customer(cash="100.00"), world.customer(cash="7.00")
    browser = people.browser_of(operator())
    page = browser.get("/admin/portfolio/transfer/", {"q": account.number}).context["cl"]
    assert [row.amount for row in page.result_list] == [100]
    [transfer] = page.result_list
    page = browser.get("/admin/portfolio/transfer/", {"q": transfer.reference}).context["cl"]
    assert list(page.result_list) == [transfer]
    assert Transfer.objects.filter(credit__owner=other).count() == 1


def test_a_filter_names_what_the_latest_rows_say():
    active_customer("AAPL")
    browser = people.browser_of(operator())
    kinds = set(Activity.objects.values_list("kind", flat=True))
    page = browser.get("/admin/accounts/activity/").context["cl"]
    [spec] = page.filter_specs
    assert {key for key, _ in spec.lookup_choices} == kinds
    kind = min(kinds)
    page = browser.get("/admin/accounts/activity/", {"kind": kind}).context["cl"]
    assert {row.kind for row in page.result_list} == {kind}


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("1000.000000000", "1,000"), ("12345.670000000", "12,345.67"), ("0.500000000", "0.50"),
        ("-0.000125000", "\N{MINUS SIGN}0.000125"), ("0E-9", "0"),
        ("-1204.5", "\N{MINUS SIGN}1,204.50"),
    ],
)  # fmt: skip
def test_a_number_is_shown_as_people_read_it(number, read):
    assert figure(Decimal(number)) == read


def test_lists_and_pages_show_numbers_as_people_read_them():
    account = active_customer("AAPL")
    order = account.orders.earliest("pk")
    Order.objects.filter(pk=order.pk).update(quantity=Decimal(1000), limit_price=Decimal("90.5"))
    browser = people.browser_of(operator())
    listed = browser.get(reverse("admin:orders_order_changelist")).content.decode()
    page = browser.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    for shown in (listed, page):
        assert "1,000<" in shown.replace("\n", "").replace(" ", "")
        assert ".000000000" not in shown
        assert "90.50" in shown


def test_an_orders_page_leaves_out_what_the_order_says_nothing_of():
    order = active_customer("AAPL").orders.filter(type="limit").earliest("pk")
    page = people.browser_of(operator()).get(f"/admin/orders/order/{order.pk}/change/")
    shown = page.context["adminform"].fieldsets[0][1]["fields"]
    assert {"status", "quantity", "limit_price"} <= set(shown)
    assert not {"stop_price", "trail_percent", "is_post_only", "content_digest"} & set(shown)
