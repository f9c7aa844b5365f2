"""Every address there is, tried by each role of staff. The rights come from one table
(`trading.operations.staff_roles`), the addresses from the program, so that neither is forgotten.

Pages of the admin are asked themselves and not drawn: that they are drawn, and that the gate stands
before them, shows `test_gate`. Sockets: `tests/services/streams/test_every_socket.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, resolve, reverse

from accounts.models import User
from accounts.sessions import authentication
from accounts.sessions.gate import Access
from tests import people
from tests.architecture import addresses
from tests.architecture.visitor import Visitor
from tests.everything import active_customer
from tests.staff import Unread, member
from trading.operations import staff_roles
from trading.operations.staff_roles import StaffRole

# What each of the admin's pages of a model asks for.
ASKED = {
    "changelist": "view",
    "add": "add",
    "history": "view",
    "simple_history": "view",
    "delete": "delete",
    "change": "view",
}
# What our own pages in its frame ask for.
OWN = {
    "firm": "risk.view_marginstatus",
    "firm_now": "risk.view_marginstatus",
    "runbooks": "risk.view_alert",
    "runbook": "risk.view_alert",
    "document": "risk.view_alert",
    "approvals": "accounts.view_approval",
    "customer": "accounts.view_account",
    "customer_note": "accounts.add_accountnote",
    "customer_note_pin": "accounts.add_accountnote",
    "approval": "accounts.add_approvaldecision",
    "lost_factors": "accounts.add_reenrolment",
    "names": "accounts.add_profile",
    "days": "reconciliation.view_dayrun",
    "day": "reconciliation.view_dayrun",
    "day_now": "reconciliation.view_dayrun",
    "day_rerun": "reconciliation.change_jobrun",
    "reconciliation": "reconciliation.view_break",
    "reconciliation_day": "reconciliation.view_break",
    "reconciliation_pack": "reconciliation.view_break",
    "proofs": "reconciliation.view_seal",
    "proofs_now": "reconciliation.view_seal",
    "seal": "reconciliation.view_seal",
    "proof_verify": "reconciliation.add_proofrun",
    "statement_csv": "reconciliation.view_statement",
    "statement_pdf": "reconciliation.view_statement",
}
POSTED = {"approval", "customer_note", "customer_note_pin", "day_rerun", "proof_verify"}
# What is everybody's who works here, or no page: the first one, words, ways that lead nowhere.
# `search` is the frame's: the names of pages.
EVERYBODYS = {
    "index", "index_now", "jsi18n", "login", "logout", "search", "view_on_site", None,
}  # fmt: skip
ELSEWHERE = {"password_change", "password_change_done"}
"""The gate sends them to our own page of that: see below."""


@dataclass(frozen=True)
class Page:
    path: str
    permission: str
    method: str = "get"


def pages() -> Iterator[Page]:
    """Return every page of the admin that asks for a permission, of a row where there is one."""
    for model, shown in admin.site._registry.items():
        meta = model._meta
        for pattern in shown.get_urls():
            view = (pattern.name or "").removeprefix(f"{meta.app_label}_{meta.model_name}_")
            if not pattern.name:
                continue  # the way from an address of before to the page of a row
            if "history" in view and not _has_history(shown):
                continue  # of what is not there nothing is said, to nobody
            path = reverse(f"admin:{pattern.name}", **_values(shown, pattern))
            yield Page(path, f"{meta.app_label}.{ASKED[view]}_{meta.model_name}")
    for route in addresses.routes():
        if route.is_admin and route.name in OWN:
            method = "post" if route.name in POSTED else "get"
            yield Page(route.path, OWN[route.name], method)


def _has_history(shown: ModelAdmin[Any]) -> bool:
    versions = getattr(shown.model._meta, "simple_history_manager_attribute", None)
    rows = getattr(shown.model, versions) if versions else _rows(shown)
    return bool(rows.exists())


def _values(shown: ModelAdmin[Any], pattern: URLPattern) -> dict[str, Any]:
    """Return what the address of a page names: the first row there is, and its first version."""
    if names := pattern.pattern.converters:
        row = _rows(shown).first()
        return {"kwargs": dict.fromkeys(names, row.pk if row is not None else 1)}
    if "([^/]+)" not in str(pattern.pattern):
        return {}
    version = shown.model.history.order_by("history_id").first()
    return {"args": [version.instance.pk, version.pk]}


def _rows(shown: ModelAdmin[Any]) -> QuerySet[Any]:
    return shown.get_queryset(RequestFactory().get("/admin/")).order_by("pk")


def opens(page: Page, user: User) -> bool:
    """Tell whether the page opens to `user`; it is asked, and not drawn."""
    request = getattr(RequestFactory(), page.method)(page.path)
    request.user, request._messages = user, Unread(request)
    request._dont_enforce_csrf_checks = True
    found = resolve(page.path)
    try:
        answer = found.func(request, *found.args, **found.kwargs)
    except PermissionDenied:
        return False
    except Http404:
        return True  # there is none of that day, which it says to those alone who may know
    assert answer.status_code in (200, 302), page
    return True


@pytest.mark.usefixtures("db")
def test_a_page_of_the_admin_opens_to_the_roles_whose_work_it_is(monkeypatch):
    monkeypatch.setattr("simple_history.admin.render", lambda *_, **__: HttpResponse())
    monkeypatch.setattr(admin.site, "each_context", lambda _: {})  # the frame, the same 1,700 times
    active_customer("AAPL")
    staff_roles.sync()
    who = {role: member(role) for role in StaffRole}
    found = list(pages())
    assert len(found) > 300
    for page in found:
        may_anybody = opens(page, who[StaffRole.ADMINISTRATOR])
        for role in staff_roles.MAY:
            may = may_anybody and _permits(role, page.permission)
            assert opens(page, who[role]) is may, (page, role)


def _permits(role: StaffRole, permission: str) -> bool:
    """A page to change something is shown to those too who may change it and not list it."""
    change = permission.replace(".view_", ".change_")
    return staff_roles.permits(role, permission) or staff_roles.permits(role, change)


@pytest.mark.usefixtures("db")
def test_no_page_of_the_admin_is_without_an_entry_here():
    """Those of models are found by their models."""
    models = tuple(f"{m._meta.app_label}_{m._meta.model_name}_" for m in admin.site._registry)
    others = {
        route.name
        for route in addresses.routes()
        if route.is_admin and not (route.name or "").startswith(models)
    }
    assert others == EVERYBODYS | ELSEWHERE | set(OWN) | {"app_list", "autocomplete"}


@pytest.mark.usefixtures("db")
def test_a_room_of_the_admin_and_the_choices_of_a_field_open_to_those_who_see_something_in_it():
    staff_roles.sync()
    who = {role: member(role) for role in StaffRole}
    rooms = {model._meta.app_label: set[str]() for model in admin.site._registry}
    for model in admin.site._registry:
        rooms[model._meta.app_label].add(f"{model._meta.app_label}.view_{model._meta.model_name}")
    choices = f"{reverse('admin:autocomplete')}?app_label=portfolio&model_name=funding"
    for role in StaffRole:
        browser = Visitor(people.browser_of(who[role]))
        for room, permissions in rooms.items():
            may = any(staff_roles.permits(role, each) for each in permissions)
            answer = browser.tries("get", reverse("admin:app_list", args=[room]))
            assert answer.status_code == (200 if may else 404), (room, role)
        may = staff_roles.permits(role, "accounts.view_account")
        answer = browser.tries("get", f"{choices}&field_name=account&term=x")
        assert answer.status_code == (200 if may else 403), role
        for name in ELSEWHERE:
            answer = browser.tries("get", f"/admin/{name.replace('_done', '/done')}/")
            assert (answer.status_code, answer.headers["Location"]) == (302, reverse("password"))


@pytest.mark.usefixtures("db")
def test_what_is_the_customers_is_nothing_to_any_role():
    """Nobody acts as a customer: outside the admin a member of staff has what is their own."""
    staff_roles.sync()
    account = active_customer("AAPL")
    authentication.forget()
    outside = [
        route
        for route in addresses.routes()
        if route.access is Access.VERIFIED and not route.is_admin
    ]
    assert outside
    answers = {}
    for role in StaffRole:
        browser = Visitor(people.browser_of(member(role)))
        answers[role] = {}
        for route in outside:
            answer = browser.tries("get", route.path)
            assert account.number.encode() not in getattr(answer, "content", b""), (route, role)
            answers[role][route.path] = answer.status_code
    first = answers.pop(StaffRole.ADMINISTRATOR)
    assert all(each < 500 for each in first.values())
    assert all(others == first for others in answers.values())
