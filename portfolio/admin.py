"""The ledger and what follows from it, as operations sees it: to look at, never to change."""

from __future__ import annotations

from django.contrib import admin

from foundation.admin import ReadOnly
from portfolio.actions import admin as action_admin  # noqa: F401
from portfolio.funding import admin as funding_admin  # noqa: F401
from portfolio.lots import admin as lot_admin  # noqa: F401
from portfolio.models import Balance, EquitySnapshot, Hold, LedgerAccount, Position, Transfer
from portfolio.payees import admin as payee_admin  # noqa: F401


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnly):
    list_display = ("id", "owner", "kind", "asset")
    list_filter = ("kind", "asset")
    list_select_related = ("owner",)
    search_fields = ("=owner__number",)


@admin.register(Transfer)
class TransferAdmin(ReadOnly):
    list_display = ("id", "at", "kind", "asset", "amount", "debit", "credit", "reference", "reason")
    list_filter = ("kind", "asset")
    list_select_related = ("debit__owner", "credit__owner")
    search_fields = ("=reference", "=debit__owner__number", "=credit__owner__number")
    ordering = ("-id",)


@admin.register(Balance)
class BalanceAdmin(ReadOnly):
    list_display = ("account", "asset", "amount", "held", "available")
    list_filter = ("asset",)
    list_select_related = ("account",)
    search_fields = ("=account__number",)


@admin.register(Hold)
class HoldAdmin(ReadOnly):
    list_display = ("order_id", "account", "asset", "amount", "remaining", "status")
    list_filter = ("status", "asset")
    list_select_related = ("account",)
    search_fields = ("=order_id", "=account__number")


@admin.register(Position)
class PositionAdmin(ReadOnly):
    list_display = (
        "account",
        "instrument",
        "quantity",
        "average_price",
        "cost_basis",
        "realised",
        "opened_at",
    )
    list_filter = ("instrument",)
    list_select_related = ("account", "instrument")
    search_fields = ("=account__number",)


@admin.register(EquitySnapshot)
class EquitySnapshotAdmin(ReadOnly):
    list_display = ("account", "day", "cash", "equity", "paid_in", "realised", "at")
    list_filter = ("day",)
    list_select_related = ("account",)
    search_fields = ("=account__number",)
