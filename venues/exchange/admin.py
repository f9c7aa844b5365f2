"""The exchange's records as operations sees them: nothing here can be changed."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from foundation.admin import ReadOnly
from venues.exchange.models import (
    BustRequest,
    Execution,
    JournalEntry,
    MemberCancel,
    MemberOrder,
    MemberReplace,
    MemberReport,
    ReplayRequest,
    Snapshot,
)


@admin.register(MemberReport)
class MemberReportAdmin(ReadOnly):
    list_display = (
        *("sequence", "at", "member", "execution_id", "kind", "symbol", "client_order_id"),
        *("quantity", "price", "cumulative_quantity", "leaves_quantity", "reason", "reference"),
    )
    list_filter = ("member", "kind", "symbol")
    search_fields = ("client_order_id", "execution_id")
    ordering = ("-id",)


@admin.register(Execution)
class ExecutionAdmin(ReadOnly):
    list_display = (
        *("sequence", "at", "member", "execution_id", "kind", "symbol", "side", "quantity"),
        *("price", "client_order_id", "reference"),
    )
    list_filter = ("member", "kind", "date", "symbol")
    search_fields = ("client_order_id", "execution_id")
    ordering = ("-sequence",)


@admin.register(MemberOrder)
class MemberOrderAdmin(ReadOnly):
    list_display = (
        *("entered_at", "member", "client_order_id", "symbol", "side"),
        *("quantity", "type", "time_in_force", "limit_price"),
    )
    list_filter = ("member", "symbol", "side")
    search_fields = ("client_order_id",)
    ordering = ("-id",)


@admin.register(MemberCancel)
class MemberCancelAdmin(ReadOnly):
    list_display = ("entered_at", "member", "request_id", "client_order_id")
    list_filter = ("member",)
    search_fields = ("client_order_id", "request_id")
    ordering = ("-id",)


@admin.register(MemberReplace)
class MemberReplaceAdmin(ReadOnly):
    list_display = (
        *("entered_at", "member", "client_order_id", "new_client_order_id"),
        *("quantity", "limit_price"),
    )
    list_filter = ("member",)
    search_fields = ("client_order_id", "new_client_order_id")
    ordering = ("-id",)


@admin.register(BustRequest)
class BustRequestAdmin(ReadOnly):
    list_display = (
        *("requested_at", "trade_number", "requested_by", "reason", "state"),
        *("handled_at", "detail"),
    )
    list_filter = ("state",)
    ordering = ("-id",)


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnly):
    list_display = ("sequence", "at")


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnly):
    list_display = ("sequence", "at", "trade_number")
    fields = ("sequence", "at", "trade_number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        snapshots: QuerySet[Snapshot] = super().get_queryset(request)
        return snapshots.defer("state")


@admin.register(ReplayRequest)
class ReplayRequestAdmin(ReadOnly):
    list_display = (
        *("id", "requested_at", "state", "speed", "recorded_at"),
        *("quotes_played", "trades_played", "kept_aside", "detail"),
    )
    list_filter = ("state",)
    ordering = ("-id",)
