"""The one place through which every page of the admin goes out: what staff saw is noted.

Whose data a page has is read off the page: the rows of a list, the row of an address, the choices
of a field. A page of ours says whose it has (`framed`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Final
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch
from django.utils import timezone

from accounts.models import User
from accounts.oversight import belonging, viewings
from accounts.oversight.viewings import Page
from accounts.sessions import origins

NOBODYS: Final = frozenset({"app_list", "index", "index_now", "jsi18n"})
"""Pages without a row of anything, unless they say whose data they show: the first page counts
what waits, and names the largest accounts to those who may see them."""
_SHOWN: Final = "openfloor_shown"
_RENEWED: Final = "openfloor_renewed"


def shows(request: HttpRequest, people: Collection[UUID], *, renewed: str = "") -> None:
    """Say whose data the answer to `request` has, where its rows do not say it.

    What renews a part of a page by itself names that page in `renewed`: it is noted when somebody
    is on it who was not before.
    """
    setattr(request, _SHOWN, people)
    setattr(request, _RENEWED, renewed)


class NoteViewings:
    """Note every page of the admin that is shown, and whose data it has."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if response.status_code != 200 or match is None or "admin" not in match.app_names:
            return response
        has_data = match.url_name not in NOBODYS or hasattr(request, _SHOWN)
        if has_data and isinstance(request.user, User):
            _note(request, request.user, response, match)
        return response


def _note(request: HttpRequest, by: User, response: HttpResponse, match: ResolverMatch) -> None:
    renewed = getattr(request, _RENEWED, "")
    subject = unquote(str(match.kwargs.get("object_id", "")))
    page = Page(
        name=renewed or match.view_name,
        path=request.get_full_path(),
        subject=subject,
        people=_people(request, response, match, subject),
    )
    if renewed and viewings.has_seen(by, page):
        return
    viewings.note(by, page, origin=origins.of(request), now=timezone.now())


def _people(
    request: HttpRequest, response: HttpResponse, match: ResolverMatch, subject: str
) -> Collection[UUID]:
    """Return whose data the page has."""
    said: Collection[UUID] | None = getattr(request, _SHOWN, None)
    if said is not None:
        return said
    if match.url_name == "autocomplete":
        return _people_to_choose(request, response)
    listed = (getattr(response, "context_data", None) or {}).get("cl")
    if listed is not None:
        return belonging.people(listed.model, [row.pk for row in listed.result_list])
    model = _model_of(match)
    return belonging.people(model, [subject]) if model is not None and subject else ()


def _model_of(match: ResolverMatch) -> type[Model] | None:
    """Return of which model's row the admin's page is: its name begins with the model's."""
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}_"
        if (match.url_name or "").startswith(name):
            return model
    return None


def _people_to_choose(request: HttpRequest, response: HttpResponse) -> Collection[UUID]:
    """Return who is among the choices that a field of a form was answered."""
    asked = apps.get_model(request.GET["app_label"], request.GET["model_name"])
    chosen = asked._meta.get_field(request.GET["field_name"]).related_model
    if not isinstance(chosen, type):
        return ()
    return belonging.people(
        chosen, [each["id"] for each in json.loads(response.content)["results"]]
    )
