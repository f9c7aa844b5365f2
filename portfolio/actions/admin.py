"""Corporate actions for operations: announced by one person, approved by another."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django import forms
from django.contrib import admin

from accounts.models import User
from foundation.admin import ReadOnly, ReadOnlyInline
from portfolio.actions import services as corporate_actions
from portfolio.actions.models import CorporateAction, CorporateActionStep, EntitledLot, Entitlement
from portfolio.stepping import Stepped, Steps

_TERMS = (
    "reference",
    "kind",
    "instrument",
    "ex_date",
    "pay_date",
    "cash",
    "new_shares",
    "old_shares",
    "into",
    "price",
    "cost_share",
    "symbol",
    "source",
)
_WITHDRAW = ("withdraw", "Withdraw it")


class AnnouncementForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = CorporateAction
        fields: ClassVar = list(_TERMS)


class ActionSteps(Steps[CorporateAction]):
    def enter(self, row: CorporateAction, *, by: User, now: datetime) -> CorporateAction:
        return corporate_actions.announce(corporate_actions.announced(row), by=by, now=now)

    def open(self, row: CorporateAction) -> list[tuple[str, str]]:
        if row.state == CorporateAction.State.ANNOUNCED:
            return [("approve", "Approve: it says what the notice says"), _WITHDRAW]
        return [_WITHDRAW] if row.state == CorporateAction.State.APPROVED else []

    def take(self, row: CorporateAction, step: str, *, why: str, by: User, now: datetime) -> None:
        taken = {"approve": corporate_actions.approve, "withdraw": corporate_actions.withdraw}
        taken[step](row.pk, by=by, reason=why, now=now)


class ActionStepInline(ReadOnlyInline):
    model = CorporateActionStep
    fields = ("at", "actor", "state", "detail")
    readonly_fields = fields


@admin.register(CorporateAction)
class CorporateActionAdmin(Stepped):
    form = AnnouncementForm
    steps = ActionSteps()
    list_display = ("reference", "kind", "instrument", "ex_date", "pay_date", "state")
    list_filter = ("state", "kind")
    list_select_related = ("instrument",)
    search_fields = ("reference", "=instrument__symbol")
    autocomplete_fields = ("instrument", "into")
    shown = (*_TERMS, "state", "announced_at", "announced_by")
    inlines = (ActionStepInline,)


class EntitledLotInline(ReadOnlyInline):
    model = EntitledLot
    fields = (
        "lot_id",
        "quantity_before",
        "quantity_after",
        "cost_before",
        "cost_after",
        "realised",
    )
    readonly_fields = fields


@admin.register(Entitlement)
class EntitlementAdmin(ReadOnly):
    list_display = (
        "action",
        "account",
        "quantity_before",
        "quantity_after",
        "other_quantity",
        "cash",
        "in_lieu",
        "realised",
        "at",
    )
    list_filter = ("action__kind",)
    list_select_related = ("action", "account")
    search_fields = ("=account__number", "=action__reference")
    ordering = ("-at",)
    inlines = (EntitledLotInline,)
