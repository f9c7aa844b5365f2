"""Orders with their history and fills, as operations sees them: to look at, never to change."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from foundation.admin import Historied, Many, ReadOnly, ReadOnlyInline, lately
from orders import chronicle
from orders.models import Order, Trade, Watch
from orders.safeguards import admin as switch_admin  # noqa: F401 - registers its pages

_FOR_US: Final = frozenset(
    {"content_digest", "number_in_second", "number_in_minute", "filled_value", "updated_at"}
)
"""What the program keeps beside an order for itself."""
_NOTHING: Final[tuple[object, ...]] = (None, "", False, [])


class TradeInline(ReadOnlyInline):
    model = Trade
    fields = ("executed_at", "quantity", "price", "execution_id", "busts", "booked_at")
    ordering = ("executed_at",)


@admin.register(Order)
class OrderAdmin(Historied, Many):
    list_display = (
        "created_at",
        "account",
        "instrument",
        "side",
        "quantity",
        "type",
        "limit_price",
        "stop_price",
        "status",
        "filled_quantity",
        "denial_code",
        "venue_code",
    )
    list_filter = ("status", "side", "type", "order_class", "is_waiting", lately("venue"))
    list_select_related = ("account", "instrument")
    search_fields = (
        "=id",
        "=group",
        "=client_order_id",
        "=account__number",
        "=account__user__email",
        "=instrument__symbol",
    )
    search_help_text = "Id, client order id, account, e-mail or symbol: whole words, all of them."
    inlines = (TradeInline,)
    history_list_display = ("status", "filled_quantity", "actor", "source_address")

    def get_fields(self, request: HttpRequest, obj: Order | None = None) -> Any:
        """Return what the order says; what it says nothing of is not on its page."""
        fields = [each for each in Order._meta.concrete_fields if each.name not in _FOR_US]
        told = [each.name for each in fields if getattr(obj, each.attname, None) not in _NOTHING]
        return ("what_happened", *told)

    def get_readonly_fields(self, request: HttpRequest, obj: Order | None = None) -> Any:
        return self.get_fields(request, obj)

    @admin.display(description="what happened")
    def what_happened(self, order: Order) -> SafeString:
        """Show every step with who, when and why, the decision, and what the venue was told."""
        shown = [
            (entry, reverse(f"admin:{entry.model}_change", args=[entry.row]) if entry.row else "")
            for entry in chronicle.entries(order)
        ]
        return render_to_string("operations/chronicle.html", {"entries": shown})


@admin.register(Watch)
class WatchAdmin(ReadOnly):
    list_display = (
        "since",
        "account",
        "instrument",
        "side",
        "stop_price",
        "trail_amount",
        "trail_percent",
        "mark",
    )
    list_filter = ("side", "instrument")
    list_select_related = ("account", "instrument", "order__instrument")
    search_fields = ("=order__id", "=account__number")
    ordering = ("-since",)


@admin.register(Trade)
class TradeAdmin(Many):
    list_display = (
        *("executed_at", "account", "instrument", "side", "quantity", "price", "venue"),
        "execution_id",
    )
    list_filter = ("side", lately("venue"))
    list_select_related = ("account", "instrument")
    search_fields = (
        "=id",
        "=order",
        "=execution_id",
        "=account__number",
        "=instrument__symbol",
    )
    search_help_text = "Id, order, execution, account or symbol: whole words, all of them."
