"""Orders with their history and fills, as operations sees them: to look at, never to change."""

from __future__ import annotations

from django.contrib import admin
from simple_history.admin import SimpleHistoryAdmin

from foundation.admin import ReadOnly, ReadOnlyInline
from orders.models import Order, Trade


class TradeInline(ReadOnlyInline):
    model = Trade
    fields = ("executed_at", "quantity", "price", "execution_id", "booked_at")
    ordering = ("executed_at",)


@admin.register(Order)
class OrderAdmin(SimpleHistoryAdmin, ReadOnly):
    list_display = (
        "created_at",
        "account",
        "instrument",
        "side",
        "quantity",
        "type",
        "limit_price",
        "status",
        "filled_quantity",
        "denial_code",
    )
    list_filter = ("status", "side", "type", "instrument")
    list_select_related = ("account", "instrument")
    search_fields = ("=id", "=client_order_id", "=account__number", "=account__user__email")
    ordering = ("-created_at",)
    inlines = (TradeInline,)
    history_list_display = ("status", "filled_quantity", "actor", "source_address")


@admin.register(Trade)
class TradeAdmin(ReadOnly):
    list_display = ("executed_at", "account", "instrument", "side", "quantity", "price", "venue")
    list_filter = ("side", "instrument", "venue")
    list_select_related = ("account", "instrument")
    search_fields = ("=id", "=order__id", "=execution_id", "=account__number")
    ordering = ("-executed_at",)
