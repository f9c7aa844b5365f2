"""Decisions, which nobody may change, and why each was taken; other pages stand beside this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from foundation.admin import Many, figure, lately
from foundation.laid_out import laid_out
from risk import services
from risk.controls import admin as control_admin  # noqa: F401 - registers its pages
from risk.limits.models import Limits
from risk.margin import admin as margin_admin  # noqa: F401 - registers its pages
from risk.models import Decision
from risk.services import NotRecomputable
from risk.surveillance import admin as alert_admin  # noqa: F401 - registers its pages


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
                "read": _read({**outcome.of_order, **outcome.of_situation}),
                "limits": [
                    (
                        name.replace("_", " "),
                        _plain(value),
                        rows.get(again.limits[name].row) if name in again.limits else None,
                    )
                    for name, value in outcome.of_limits.items()
                ],
            }
            for outcome in again.outcomes
        ]
        return render_to_string("operations/decision.html", {"again": again, "outcomes": shown})


def _read(looked_at: Mapping[str, Any]) -> list[tuple[str, SafeString, bool]]:
    """Return what a check looked at: of each its name, the value, and whether it is folded."""
    return [
        (
            name.replace("_", " "),
            laid_out("unknown" if value is None else _plain(value)),
            is_dataclass(value),
        )
        for name, value in looked_at.items()
    ]


def _plain(value: Any) -> Any:
    """Return a value of a check as the words of which a table is made."""
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return figure(value)
    return value if value is None or isinstance(value, bool) else str(value)
