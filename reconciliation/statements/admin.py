"""Statements and legal holds, as operations and compliance see them."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts import approvals
from accounts.models import User
from foundation.admin import Found, ReadOnly
from portfolio.stepping import Stepped, Steps
from reconciliation.statements import holds
from reconciliation.statements.models import (
    ArchivedStatements,
    LegalHold,
    LegalHoldRelease,
    Statement,
    StatementDay,
)


@admin.register(Statement)
class StatementAdmin(Found):
    list_display = ("number", "account", "kind", "first", "last", "made_at", "file")
    list_filter = ("kind",)
    list_select_related = ("account",)
    search_fields = ("=number", "=account__number")
    ordering = ("-last", "number")
    fields = (
        *list_display, "revision", "layout", "before", "through", "closings", "washes", "said",
        "digest", "size",
    )  # fmt: skip

    @admin.display(description="File")
    def file(self, statement: Statement) -> str:
        addresses = [
            reverse(f"operations:statement_{form}", args=[statement.pk]) for form in ("pdf", "csv")
        ]
        return format_html('<a href="{}">PDF</a> · <a href="{}">CSV</a>', *addresses)


class LegalHoldForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = LegalHold
        fields: ClassVar = ["account", "reason", "until"]


class HoldSteps(Steps[LegalHold]):
    def enter(self, row: LegalHold, *, by: User, now: datetime) -> LegalHold:
        return holds.place(
            account_id=row.account_id, reason=row.reason, until=row.until, by=by, now=now
        )

    def open(self, row: LegalHold) -> list[tuple[str, str]]:
        if LegalHoldRelease.objects.filter(hold=row).exists():
            return []
        if holds.asked(row, now=timezone.now()) is not None:
            return [("agree", "Agree to its release, which another person has asked for")]
        return [("ask", "Ask another person to release it")]

    def take(self, row: LegalHold, step: str, *, why: str, by: User, now: datetime) -> None:
        if step == "ask":
            holds.ask_for_release(row, reason=why, by=by, now=now)
            return
        waiting = holds.asked(row, now=now)
        if waiting is None:
            raise approvals.UnableToApprove("There is nothing to approve.")
        holds.release(waiting.pk, by=by, reason=why, now=now)


@admin.register(LegalHold)
class LegalHoldAdmin(Stepped):
    form = LegalHoldForm
    steps = HoldSteps()
    list_display = ("account", "reason", "until", "placed_at", "placed_by", "released")
    list_select_related = ("account", "placed_by", "release")
    search_fields = ("=account__number", "reason")
    autocomplete_fields = ("account",)
    ordering = ("-placed_at",)
    shown = ("account", "reason", "until", "placed_at", "placed_by", "released")

    @admin.display(description="Released")
    def released(self, hold: LegalHold) -> datetime | None:
        # Read with its hold, where it has one.
        return hold.release.at if hasattr(hold, "release") else None


@admin.register(StatementDay)
class StatementDayAdmin(ReadOnly):
    list_display = ("day", "statements", "through", "at")
    ordering = ("-day",)


@admin.register(ArchivedStatements)
class ArchivedStatementsAdmin(ReadOnly):
    list_display = ("file", "month", "statements", "digest", "at")
    ordering = ("-month", "-number")
