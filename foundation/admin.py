"""What operations may do with a row in the admin: look, or look and change; never make or end."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import cached_property
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline

from foundation.models import Heartbeat


class Historied(SimpleHistoryAdmin):
    """Rows with their history; an address that names no row is not found, whatever it says."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        _check_key(self.model, object_id)
        page: HttpResponse = super().history_view(request, object_id, extra_context)
        return page

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        _check_key(self.model, object_id)
        if not version_id.isdigit():
            raise Http404
        page: HttpResponse = super().history_form_view(
            request, object_id, version_id, extra_context
        )
        return page


def _check_key(model: type[models.Model], object_id: str) -> None:
    try:
        model._meta.pk.to_python(unquote(object_id))
    except ValidationError:
        raise Http404 from None


COUNT_MAX: Final = 10_000


class Bounded(Paginator):  # type: ignore[type-arg]
    """Pages of what may be many rows: they are counted up to COUNT_MAX, and no further.

    What lies beyond is found by a search or a filter.
    """

    @cached_property
    def count(self) -> int:
        rows: models.QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by().values("pk")[:COUNT_MAX].count()


class Undeletable(ModelAdmin):
    """Rows that stay, and may be many: pages do not count them all."""

    paginator = Bounded
    list_per_page = 50
    show_full_result_count = False

    def has_delete_permission(self, *_: object, **__: object) -> bool:
        return False


class Kept(Undeletable):
    """Rows that are made and ended elsewhere: none is added or deleted here."""

    def has_add_permission(self, *_: object, **__: object) -> bool:
        return False


class ReadOnly(Kept):
    """Rows to look at."""

    def has_change_permission(self, *_: object, **__: object) -> bool:
        return False


class ReadOnlyInline(TabularInline):
    """Rows to look at beneath the one that they belong to."""

    extra = 0
    can_delete = False

    def has_add_permission(self, *_: object, **__: object) -> bool:
        return False

    def has_change_permission(self, *_: object, **__: object) -> bool:
        return False


def actor_of(request: HttpRequest) -> str:
    """Return who acts, as histories and activities write it."""
    return f"operator:{request.user.pk}"


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly):
    list_display = ("part", "at", "restarts", "detail")
