"""Limits, which operations may change with a reason, and decisions, which nobody may."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from foundation.admin import Historied, ReadOnly, Undeletable
from risk import alert_admin  # noqa: F401
from risk.limit_models import Limits
from risk.models import Decision


@admin.register(Limits)
class LimitsAdmin(Historied, Undeletable):
    list_display = (
        "__str__",
        "order_quantity_max",
        "order_value_max",
        "position_value_max",
        "market_buffer",
    )
    list_select_related = ("account",)
    search_fields = ("=account__number",)
    readonly_fields = ("account",)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Limits | None = None
    ) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()


@admin.register(Decision)
class DecisionAdmin(ReadOnly):
    list_display = ("at", "account", "order_id", "allowed", "code", "message")
    list_filter = ("allowed", "code")
    list_select_related = ("account",)
    search_fields = ("=order_id", "=account__number")
    ordering = ("-id",)
