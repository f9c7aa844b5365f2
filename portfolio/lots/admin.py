"""Lots and what was closed of them, good faith, wash sales, and the schedule of fees."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from foundation.admin import Found, ReadOnly, ReadOnlyInline, Undeletable, actor_of
from portfolio.fees import schedule
from portfolio.fees.models import FeeRule
from portfolio.lots.models import GoodFaithViolation, Lot, LotClosing, WashSale


class LotClosingInline(ReadOnlyInline):
    model = LotClosing
    fields = ("closed_at", "quantity", "cost", "proceeds", "realised", "is_long_term", "undoes")


@admin.register(Lot)
class LotAdmin(Found):
    list_display = (
        "account",
        "instrument",
        "number",
        "acquired_at",
        "opened_quantity",
        "quantity",
        "cost_basis",
        "funds_settle_on",
    )
    list_select_related = ("account", "instrument")
    search_fields = ("=account__number", "=instrument__symbol", "=id")
    ordering = ("-acquired_at",)
    inlines = (LotClosingInline,)


@admin.register(GoodFaithViolation)
class GoodFaithViolationAdmin(ReadOnly):
    list_display = ("at", "account", "order_id", "lot", "funds_settle_on")
    list_select_related = ("account", "lot")
    search_fields = ("=account__number", "=order_id")
    ordering = ("-at",)


@admin.register(WashSale)
class WashSaleAdmin(ReadOnly):
    list_display = ("found_at", "closing", "replacement", "quantity", "disallowed", "reverses")
    list_select_related = ("closing", "replacement", "reverses")
    search_fields = ("=closing__account__number",)
    ordering = ("-found_at",)


@admin.register(FeeRule)
class FeeRuleAdmin(Undeletable):
    """Lines are added, never changed: a later one ends an earlier one."""

    list_display = (
        "name",
        "valid_from",
        "beneficiary",
        "asset_class",
        "side",
        "tier",
        "per_order",
        "per_unit",
        "rate",
        "most",
        "created_by",
    )
    list_filter = ("name", "beneficiary", "asset_class")
    ordering = ("name", "-valid_from", "-pk")

    def has_change_permission(self, *_: object, **__: object) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: FeeRule, form: object, change: bool) -> None:
        obj.created_by = actor_of(request)
        super().save_model(request, obj, form, change)
        schedule.forget()
