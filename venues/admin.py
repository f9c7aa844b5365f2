"""The wire's two letter boxes, as operations sees them."""

from __future__ import annotations

from django.contrib import admin

from foundation.admin import ReadOnly
from venues.models import InboxReport, OutboxMessage


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnly):
    list_display = ("id", "created_at", "venue", "kind", "order_id", "sent_at")
    list_filter = ("venue", "kind")
    search_fields = ("=order_id",)
    ordering = ("-id",)


@admin.register(InboxReport)
class InboxReportAdmin(ReadOnly):
    list_display = (
        "id",
        "received_at",
        "venue",
        "execution_id",
        "client_order_id",
        "state",
        "reason",
    )
    list_filter = ("state", "venue")
    search_fields = ("=execution_id", "=client_order_id")
    ordering = ("-id",)
