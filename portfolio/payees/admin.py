"""Payees and limits as operations sees them: to look at; customers add and remove their own."""

from __future__ import annotations

from django.contrib import admin

from foundation.admin import ReadOnly
from portfolio.payees.models import DailyLimit, Payee


@admin.register(Payee)
class PayeeAdmin(ReadOnly):
    list_display = ("account", "holder", "kind", "label", "added_at", "usable_at", "removed_at")
    list_filter = ("kind",)
    list_select_related = ("account",)
    search_fields = ("=account__number", "holder")
    ordering = ("-added_at",)


@admin.register(DailyLimit)
class DailyLimitAdmin(ReadOnly):
    list_display = ("account", "amount", "holds_from", "set_at", "set_by")
    list_select_related = ("account",)
    search_fields = ("=account__number",)
    ordering = ("-id",)
