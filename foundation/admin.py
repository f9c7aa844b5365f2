"""What operations may do with a row in the admin: look, or look and change; never make or end."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeAlias

from django.contrib import admin, messages
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline

from foundation import decimals, finding
from foundation.laid_out import laid_out
from foundation.models import Heartbeat, Safekeeping
from foundation.paging import Pages, Uncounted

_Number: TypeAlias = "models.DecimalField[Any, Any]"


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


def figure(value: Decimal) -> str:
    """Return a number as people read it: 1,204.50, −0.000125, 1,000."""
    whole, _, part = f"{value:,f}".partition(".")
    part = part.rstrip("0")
    shown = f"{whole}.{part:0<2}" if part else whole
    return shown.replace("-", "\N{MINUS SIGN}")


def _as_figure(shown: str) -> str:
    """Return a number of a row's page as people read it; what is none stays as it is."""
    try:
        return figure(decimals.parse(str(shown)))
    except decimals.InvalidDecimal:
        return shown


@cache
def _column(field: _Number) -> Callable[[models.Model], Any]:
    """Return a column of a list that shows the numbers of a field as people read them."""

    @admin.display(description=field.verbose_name, ordering=field.name, empty_value="-")
    def column(row: models.Model) -> Any:
        value = getattr(row, field.attname)
        return value if value is None else format_html('<b class="n">{}</b>', figure(value))

    column.__name__ = field.name
    return column


@cache
def _laid_out(field: models.JSONField[Any, Any]) -> Callable[[models.Model], SafeString]:
    """Return a line of a row's page that shows what the field keeps as a table."""

    @admin.display(description=field.verbose_name)
    def line(row: models.Model) -> SafeString:
        return laid_out(getattr(row, field.attname))

    line.__name__ = field.name
    return line


class Readable(BaseModelAdmin):  # type: ignore[type-arg]
    """Rows as people read them: numbers without the zeros that the column keeps, and tables of
    what is kept as JSON and only looked at."""

    @property
    def readonly_preprocess_fields(self) -> dict[str, Callable[[str], str]]:
        return dict.fromkeys(self._numbers(), _as_figure)

    def _numbers(self) -> dict[Any, _Number]:
        fields = self.model._meta.concrete_fields
        return {each.name: each for each in fields if isinstance(each, models.DecimalField)}

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        tables = self._tables(request, obj)
        return [
            (
                name,
                {**told, "fields": list(dict.fromkeys(tables.get(f, f) for f in told["fields"]))},
            )
            for name, told in super().get_fieldsets(request, obj)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_readonly_fields(request, obj), *self._tables(request, obj).values()]

    def _tables(self, request: HttpRequest, obj: Any) -> dict[Any, Any]:
        fields = self.model._meta.concrete_fields
        looked_at = super().get_readonly_fields(request, obj)
        is_all = not self.has_change_permission(request, obj)
        return {
            each.name: _laid_out(each)
            for each in fields
            if isinstance(each, models.JSONField) and (is_all or each.name in looked_at)
        }


class Undeletable(Readable, ModelAdmin):
    """Rows that stay, and may be many: their pages do not count them."""

    paginator = Uncounted
    list_per_page = 50
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Pages]:
        return Pages

    def get_list_display(self, request: HttpRequest) -> Any:
        numbers = self._numbers()
        shown = super().get_list_display(request)
        return [_column(numbers[name]) if name in numbers else name for name in shown]

    def has_delete_permission(self, *_: object, **__: object) -> bool:
        return False


class Kept(Undeletable):
    """Rows that are made and ended elsewhere: none is added or deleted here."""

    def has_add_permission(self, *_: object, **__: object) -> bool:
        return False


class Worked(Kept):
    """Rows that people carry on step by step: the form takes a step, and the steps are the log.

    Its `take(request)` raises one of `refusals` where a step is not possible: nothing was done,
    and who took it is told why.
    """

    refusals: tuple[type[Exception], ...] = ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        try:
            form.take(request)
        except self.refusals as error:
            request.step_refused = str(error)  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        page: HttpResponse
        refused = getattr(request, "step_refused", None)
        if refused is None:
            page = super().response_change(request, obj)
        else:
            self.message_user(request, refused, messages.ERROR)
            page = self.response_post_save_change(request, obj)
        return page

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The row's steps are its log."""


class ReadOnly(Kept):
    """Rows to look at."""

    def has_change_permission(self, *_: object, **__: object) -> bool:
        return False


class Found(ReadOnly):
    """Rows to look at, found by whole words (`foundation.finding`).

    `search_fields` are written "=account__number", and each of them has an index.
    """

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        fields = [each.removeprefix("=") for each in self.get_search_fields(request)]
        return finding.by_words(queryset, fields, search_term), False


class Many(Found):
    """Rows by the million, paged by their key, which rises with the time: the last one first.

    No column sorts them: they would all be read.
    """

    is_keyed = True
    ordering = ("-pk",)
    sortable_by = ()


LATELY: Final = 2_000


def lately(field: str) -> type[admin.SimpleListFilter]:
    """Return a filter by what `field` says in the latest rows: to ask all would read them all."""

    class Lately(admin.SimpleListFilter):
        title = field.replace("_", " ")
        parameter_name = field

        def lookups(
            self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
        ) -> list[tuple[str, str]]:
            latest = model_admin.model._default_manager.order_by("-pk")
            said = set(latest.values_list(field, flat=True)[:LATELY])
            return [(each, each) for each in sorted(said - {""})]

        def queryset(
            self, request: HttpRequest, queryset: models.QuerySet[Any]
        ) -> models.QuerySet[Any]:
            return queryset.filter(**{field: self.value()}) if self.value() else queryset

    return Lately


class ReadOnlyInline(Readable, TabularInline):
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


@admin.register(Safekeeping)
class SafekeepingAdmin(ReadOnly):
    list_display = ("backup_at", "log_until", "seen_at", "since")
