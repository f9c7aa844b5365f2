"""The exchange's records as operations sees them: nothing here can be changed."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from foundation.admin import Many, ReadOnly, lately
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
class MemberReportAdmin(Many):
    list_display = (
        *("sequence", "at", "member", "execution_id", "kind", "symbol", "client_order_id"),
        *("quantity", "price", "cumulative_quantity", "leaves_quantity", "reason", "reference"),
    )
    list_filter = (lately("member"), lately("kind"), lately("symbol"))
    search_fields = ("=client_order_id", "=execution_id")


@admin.register(Execution)
class ExecutionAdmin(Many):
    list_display = (
        *("sequence", "at", "member", "execution_id", "kind", "symbol", "side", "quantity"),
        *("price", "client_order_id", "reference"),
    )
    list_filter = (lately("member"), lately("kind"), "date", lately("symbol"))
    search_fields = ("=execution_id",)


@admin.register(MemberOrder)
class MemberOrderAdmin(Many):
    list_display = (
        *("entered_at", "member", "client_order_id", "symbol", "side"),
        *("quantity", "type", "time_in_force", "limit_price"),
    )
    list_filter = (lately("member"), lately("symbol"), lately("side"))
    search_fields = ("=client_order_id",)


@admin.register(MemberCancel)
class MemberCancelAdmin(Many):
    list_display = ("entered_at", "member", "request_id", "client_order_id")
    list_filter = (lately("member"),)
    search_fields = ("=request_id",)


@admin.register(MemberReplace)
class MemberReplaceAdmin(Many):
    list_display = (
        *("entered_at", "member", "client_order_id", "new_client_order_id"),
        *("quantity", "limit_price"),
    )
    list_filter = (lately("member"),)
    search_fields = ("=new_client_order_id",)


@admin.register(BustRequest)
class BustRequestAdmin(ReadOnly):
    list_display = (
        *("requested_at", "trade_number", "requested_by", "reason", "state"),
        *("handled_at", "detail"),
    )
    list_filter = ("state",)
    ordering = ("-id",)


@admin.register(JournalEntry)
class JournalEntryAdmin(Many):
    list_display = ("sequence", "at")


@admin.register(Snapshot)
class SnapshotAdmin(Many):
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
