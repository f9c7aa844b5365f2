"""Decisions, which nobody may change, and why each was taken; other pages stand beside this."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from accounts.models import Account
from foundation.admin import ReadOnly
from risk import services
from risk.controls import admin as control_admin  # noqa: F401
from risk.limits.models import Limits
from risk.margin import admin as margin_admin  # noqa: F401
from risk.models import Decision
from risk.services import NotRecomputable
from risk.surveillance import admin as alert_admin  # noqa: F401


@admin.register(Decision)
class DecisionAdmin(ReadOnly):
    list_display = ("at", "account", "order_id", "allowed", "code", "message")
    list_filter = ("allowed", "code")
    list_select_related = ("account",)
    search_fields = ("=order_id", "=account__number")
    ordering = ("-id",)
    fields = ("at", "account", "order_id", "allowed", "code", "message", "why", "inputs")
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Decision], search_term: str
    ) -> tuple[QuerySet[Decision], bool]:
        """Find an order's decision or an account's, each by its index."""
        wanted = search_term.strip()
        if not wanted:
            return queryset, False
        try:
            return queryset.filter(order_id=UUID(wanted)), False
        except ValueError:
            accounts = Account.objects.filter(number__in=[wanted, wanted.upper()])
            return queryset.filter(account__in=list(accounts)), False

    @admin.display(description="made again")
    def why(self, decision: Decision) -> SafeString:
        """Show every check with what it looked at, its limits, and where these came from."""
        try:
            again = services.recompute(decision)
        except NotRecomputable as error:
            return render_to_string("operations/decision.html", {"error": str(error)})
        ids = {found.row for found in again.limits.values()}
        rows = {
            row.pk: row
            for row in Limits.objects.filter(pk__in=ids).select_related("account", "instrument")
        }
        shown: list[dict[str, Any]] = [
            {
                "name": outcome.check.replace("_", " "),
                "denial": outcome.denial,
                "read": {**outcome.of_order, **outcome.of_situation},
                "limits": [
                    (
                        name,
                        value,
                        rows.get(again.limits[name].row) if name in again.limits else None,
                    )
                    for name, value in outcome.of_limits.items()
                ],
            }
            for outcome in again.outcomes
        ]
        return render_to_string("operations/decision.html", {"again": again, "outcomes": shown})
