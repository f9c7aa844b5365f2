"""Decisions, which nobody may change, and why each was taken; other pages stand beside this."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from foundation.admin import Many, lately
from risk import services
from risk.controls import admin as control_admin  # noqa: F401
from risk.limits.models import Limits
from risk.margin import admin as margin_admin  # noqa: F401
from risk.models import Decision
from risk.services import NotRecomputable
from risk.surveillance import admin as alert_admin  # noqa: F401


@admin.register(Decision)
class DecisionAdmin(Many):
    list_display = ("at", "account", "order_id", "allowed", "code", "message")
    list_filter = ("allowed", lately("code"))
    list_select_related = ("account",)
    search_fields = ("=order_id", "=account__number")
    fields = ("at", "account", "order_id", "allowed", "code", "message", "why", "inputs")
    readonly_fields = fields

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
