"""The ledger and what follows from it, as operations sees it: to look at, never to change."""

from __future__ import annotations

from django.contrib import admin

from foundation.admin import Many, lately
from portfolio.actions import admin as action_admin  # noqa: F401 - registers its pages
from portfolio.funding import admin as funding_admin  # noqa: F401 - registers its pages
from portfolio.lots import admin as lot_admin  # noqa: F401 - registers its pages
from portfolio.models import Balance, EquitySnapshot, Hold, LedgerAccount, Position, Transfer
from portfolio.payees import admin as payee_admin  # noqa: F401 - registers its pages


@admin.register(LedgerAccount)
class LedgerAccountAdmin(Many):
    list_display = ("id", "owner", "kind", "asset")
    list_filter = ("kind", lately("asset"))
    list_select_related = ("owner",)
    search_fields = ("=owner__number",)


@admin.register(Transfer)
class TransferAdmin(Many):
    list_display = ("id", "at", "kind", "asset", "amount", "debit", "credit", "reference", "reason")
    list_filter = ("kind", lately("asset"))
    list_select_related = ("debit__owner", "credit__owner")
    search_fields = ("=reference", "=debit__owner__number", "=credit__owner__number")


@admin.register(Balance)
class BalanceAdmin(Many):
    list_display = ("account", "asset", "amount", "held", "available")
    list_filter = (lately("asset"),)
    list_select_related = ("account",)
    search_fields = ("=account__number",)


@admin.register(Hold)
class HoldAdmin(Many):
    list_display = ("order_id", "account", "asset", "amount", "remaining", "status")
    list_filter = ("status", lately("asset"))
    list_select_related = ("account",)
    search_fields = ("=order_id",)
    search_help_text = "The order. An account's are on the page of the customer."


@admin.register(Position)
class PositionAdmin(Many):
    list_display = (
        "account",
        "instrument",
        "quantity",
        "average_price",
        "cost_basis",
        "realised",
        "opened_at",
    )
    list_select_related = ("account", "instrument")
    search_fields = ("=account__number", "=instrument__symbol")


@admin.register(EquitySnapshot)
class EquitySnapshotAdmin(Many):
    list_display = ("account", "day", "cash", "equity", "paid_in", "realised", "at")
    list_filter = ("day",)
    list_select_related = ("account",)
    search_fields = ("=account__number",)
