"""Corporate actions for operations: announced by one person, approved by another."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from foundation.admin import ReadOnly, ReadOnlyInline
from portfolio.actions import services as corporate_actions
from portfolio.actions.models import CorporateAction, CorporateActionStep, EntitledLot, Entitlement
from portfolio.stepping import StepForm, Stepped

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


class AnnouncementForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = CorporateAction
        fields: ClassVar = list(_TERMS)


class ActionStepForm(StepForm):
    class Meta:
        model = CorporateAction
        fields: ClassVar[list[str]] = []

    def choices(self) -> list[tuple[str, str]]:
        words = [("withdraw", "Withdraw it")]
        if self.instance.state == CorporateAction.State.ANNOUNCED:
            return [("approve", "Approve: it says what the notice says"), *words]
        return words

    def take(self, request: HttpRequest) -> None:
        if not isinstance(request.user, User):
            raise corporate_actions.UnableToCarryOut("Sign in.")
        steps = {"approve": corporate_actions.approve, "withdraw": corporate_actions.withdraw}
        steps[self.cleaned_data["step"]](
            self.instance.pk,
            by=request.user,
            reason=self.cleaned_data["why"],
            now=timezone.now(),
        )


class ActionStepInline(ReadOnlyInline):
    model = CorporateActionStep
    fields = ("at", "actor", "state", "detail")
    readonly_fields = fields


@admin.register(CorporateAction)
class CorporateActionAdmin(Stepped):
    form = AnnouncementForm
    step_form = ActionStepForm
    list_display = ("reference", "kind", "instrument", "ex_date", "pay_date", "state")
    list_filter = ("state", "kind")
    list_select_related = ("instrument",)
    search_fields = ("reference", "=instrument__symbol")
    autocomplete_fields = ("instrument", "into")
    shown = (*_TERMS, "state", "announced_at", "announced_by")
    inlines = (ActionStepInline,)

    def is_open(self, obj: Any) -> bool:
        return obj.state in (CorporateAction.State.ANNOUNCED, CorporateAction.State.APPROVED)

    def enter(self, request: HttpRequest, obj: CorporateAction) -> CorporateAction:
        if not isinstance(request.user, User):
            raise corporate_actions.UnableToAnnounce("Sign in.")
        return corporate_actions.announce(
            corporate_actions.announced(obj), by=request.user, now=timezone.now()
        )


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
