"""Pages of the admin's lists, however many rows there are: none are counted.

A page is read with one row more than it shows, which tells whether another follows. Lists of what
is many are paged by the key: the next page begins after the last row of this one, wherever that
is, and the database finds it in the key's index. Other lists are paged by number, and end after
`PAGES_MAX` pages: what lies beyond is found by a search or a filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import ValidationError
from django.core.paginator import InvalidPage, Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

PAGES_MAX: Final = 200
AFTER: Final = "after"
BEFORE: Final = "before"


class UncountedPage(Page):  # type: ignore[type-arg]
    """A page that knows of a next one because a row of it was read."""

    has_more = False

    def has_next(self) -> bool:
        return self.has_more


class Uncounted(Paginator):  # type: ignore[type-arg]
    """Pages by number, of rows that are not counted."""

    template_name = "operations/pages.html"

    @cached_property
    def count(self) -> int:
        """The most rows that can be paged through."""
        return PAGES_MAX * self.per_page

    def page(self, number: int | str) -> UncountedPage:
        valid = self.validate_number(number)
        start = (valid - 1) * self.per_page
        rows = list(self.object_list[start : start + self.per_page + 1])
        page = UncountedPage(rows[: self.per_page], valid, self)
        page.has_more = len(rows) > self.per_page and valid < PAGES_MAX
        return page


class Pages(ChangeList):  # type: ignore[misc]  # of a package without types
    """A page of a list; `newer` and `older` are the links to those beside it, "" where none is.

    It is paged by the key where the list's `is_keyed` says so.
    """

    newer = ""
    older = ""

    @property
    def is_keyed(self) -> bool:
        return bool(getattr(self.model_admin, "is_keyed", False))

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        for name in (AFTER, BEFORE):  # places, and no filters
            self.filter_params.pop(name, None)
        found: QuerySet[Any] = super().get_queryset(request, *args, **kwargs)
        return found

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Sequence[Any]:
        if self.is_keyed:
            return ["-pk"]
        ordering: Sequence[Any] = super().get_ordering(request, queryset)
        return ordering

    def get_results(self, request: HttpRequest) -> None:
        rows = self._by_key(request) if self.is_keyed else self._by_number(request)
        self.result_list = rows
        self.result_count = self.full_result_count = len(rows)
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False

    def _by_key(self, request: HttpRequest) -> list[Model]:
        after, before = request.GET.get(AFTER), request.GET.get(BEFORE)
        many = self.list_per_page
        self.paginator = self.model_admin.get_paginator(request, self.queryset, many)
        if before:
            near = list(self.queryset.filter(pk__gt=self._key(before)).order_by("pk")[: many + 1])
            rows, has_newer, has_older = near[:many][::-1], len(near) > many, True
        else:
            found = self.queryset.filter(pk__lt=self._key(after)) if after else self.queryset
            near = list(found[: many + 1])
            rows, has_newer, has_older = near[:many], bool(after), len(near) > many
        if rows:
            self.newer = self._link(BEFORE, rows[0].pk) if has_newer else ""
            self.older = self._link(AFTER, rows[-1].pk) if has_older else ""
        return rows

    def _by_number(self, request: HttpRequest) -> list[Model]:
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        try:
            page = self.paginator.page(self.page_num)
        except InvalidPage:
            raise IncorrectLookupParameters from None
        self.newer = self._link(PAGE_VAR, page.number - 1) if page.number > 1 else ""
        self.older = self._link(PAGE_VAR, page.number + 1) if page.has_next() else ""
        rows: list[Model] = list(page.object_list)
        return rows

    def _key(self, told: str) -> object:
        try:
            key: object = self.model._meta.pk.to_python(told)
        except ValidationError as error:
            raise IncorrectLookupParameters from error
        return key

    def _link(self, name: str, place: object) -> str:
        link: str = self.get_query_string({name: place})
        return link
