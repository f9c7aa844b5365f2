"""What members of staff have looked at, for those who look after that."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from accounts.models import User, Viewing
from accounts.oversight import actors
from foundation.admin import ReadOnly


@admin.register(Viewing)
class ViewingAdmin(ReadOnly):
    list_display = ("at", "by", "page", "subject", "count", "address")
    list_select_related = ("by",)
    search_fields = ("by__email", "subject", "page")
    search_help_text = "Who looked, whose data it was (e-mail or account number), or the page."
    ordering = ("-at", "-pk")
    fields = ("at", "by", "page", "path", "subject", "whose", "address", "browser")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Viewing], search_term: str
    ) -> tuple[QuerySet[Viewing], bool]:
        """Find viewings by those who looked, and by those whose data was looked at."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        word = search_term.strip()
        named = Q(email__iexact=word) | Q(accounts__number__iexact=word)
        of = list(User.objects.filter(named).order_by().values_list("pk", flat=True).distinct())
        return (found | queryset.filter(people__overlap=of)) if of else found, may_repeat

    @admin.display(description="People")
    def count(self, viewing: Viewing) -> int:
        return len(viewing.people)

    @admin.display(description="Whose data")
    def whose(self, viewing: Viewing) -> str:
        found: Any = User.objects.filter(pk__in=viewing.people).order_by("email")
        return ", ".join(found.values_list("email", flat=True)) or "nobody's"


class NamesActors(ModelAdmin):
    """Rows that say in `actors` who acted, by id: lists and pages say it by name."""

    actors: tuple[str, ...] = ()

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer: HttpResponse = super().changelist_view(request, extra_context)
        listed = (getattr(answer, "context_data", None) or {}).get("cl")
        if listed is not None:  # it is drawn later: the names of a whole page are one query
            rows = listed.result_list = list(listed.result_list)
            named = actors.named(getattr(row, each) for row in rows for each in self.actors)
            for row in rows:
                row.actors_named = named
        return answer

    def named(self, row: Any, field: str) -> str:
        """Return who is named in `field` of the row."""
        said: str = getattr(row, field)
        known: dict[str, str] | None = getattr(row, "actors_named", None)
        return (known or actors.named([said]))[said]
