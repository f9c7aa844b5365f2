"""Deposits and withdrawals for operations to carry on, and what lending costs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import approvals
from accounts.models import User
from foundation.admin import Many, ReadOnly, ReadOnlyInline, Undeletable, actor_of
from foundation.decimals import CASH
from marketdata import calendars
from portfolio.funding import passage
from portfolio.funding import services as funding
from portfolio.funding.models import (
    Funding,
    FundingStep,
    InterestAccrual,
    InterestDay,
    InterestRate,
)
from portfolio.funding.passage import Direction, State, Step
from portfolio.payees.networks import coin_of
from portfolio.stepping import Stepped, Steps

_WORDS = {
    Step.APPROVE: "Approve",
    Step.SEND: "It was sent",
    Step.SETTLE: "It has settled",
    Step.RETURN: "It has come back",
    Step.CANCEL: "Cancel",
}


class EntryForm(forms.ModelForm):  # type: ignore[type-arg]
    asset = forms.CharField(
        required=False, initial=CASH, max_length=24, help_text="USD, or a coin: BTC."
    )

    def clean_asset(self) -> str:
        return self.cleaned_data["asset"] or CASH

    class Meta:
        model = Funding
        fields: ClassVar = ["account", "direction", "asset", "amount", "reference", "bank", "payee"]


class FundingSteps(Steps[Funding]):
    def enter(self, row: Funding, *, by: User, now: datetime) -> Funding:
        wanted = {
            "account_id": row.account_id,
            "amount": row.amount,
            "reference": row.reference,
            "actor": f"operator:{by.pk}",
            "now": now,
        }
        if row.direction == Direction.DEPOSIT:
            if row.asset != CASH:
                raise funding.UnableToDeposit("Coins cannot be deposited yet.")
            return funding.expect_deposit(**wanted, bank=row.bank)
        if row.payee_id is None:
            raise funding.UnableToWithdraw("Money goes to a payee of the account.")
        return funding.request_withdrawal(**wanted, payee_id=row.payee_id, coin=coin_of(row.asset))

    def open(self, row: Funding) -> list[tuple[str, str]]:
        found = passage.steps_from(Direction(row.direction), State(row.state))
        if row.asset != CASH and settings.COIN_CUSTODIAN:
            # The custodian says what was sent and what has arrived; that it came back later, we do.
            found = tuple(step for step in found if step not in (Step.SEND, Step.SETTLE))
        return [(step.value, self._word(row, step)) for step in found]

    def _word(self, row: Funding, step: Step) -> str:
        if step is Step.APPROVE and passage.needs_two_people(Direction(row.direction), row.value):
            is_asked = funding.asked_approval(row, now=timezone.now()) is not None
            return "Approve, as the second person" if is_asked else "Approve, as the first of two"
        return _WORDS[step]

    def take(self, row: Funding, step: str, *, why: str, by: User, now: datetime) -> None:
        if step == Step.APPROVE:
            funding.approve(row.pk, by=by, reason=why, now=now)
        else:
            funding.take(row.pk, Step(step), actor=f"operator:{by.pk}", reason=why, now=now)


class FundingStepInline(ReadOnlyInline):
    model = FundingStep
    fields = ("at", "actor", "step", "state", "owed", "reason")
    readonly_fields = fields


@admin.register(Funding)
class FundingAdmin(Stepped):
    form = EntryForm
    steps = FundingSteps()
    list_display = (
        "asked_at", "account", "direction", "text", "value", "network", "state", "reference",
        "waits_for",
    )  # fmt: skip
    list_filter = ("state", "direction", "asset")
    list_select_related = ("account", "payee")
    search_fields = ("=account__number", "=reference", "=transaction", "bank")
    autocomplete_fields = ("account", "payee")
    ordering = ("asked_at",)
    shown = (
        "account",
        "direction",
        "text",
        "fee_text",
        "value",
        "network",
        "reference",
        "bank",
        "payee",
        "transaction",
        "state",
        "asked_at",
        "asked_by",
        "waits_for",
    )
    inlines = (FundingStepInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Funding]:
        found: QuerySet[Funding] = super().get_queryset(request)
        asked_by = approvals.asked_by(now=timezone.now(), kind=funding.APPROVAL)
        return found.annotate(approval_asked_by=asked_by)

    @admin.display(description="amount")
    def text(self, of: Funding) -> str:
        return of.text

    @admin.display(description="network fee", empty_value="none")
    def fee_text(self, of: Funding) -> str | None:
        return of.fee_text or None

    @admin.display(description="by")
    def network(self, of: Funding) -> str:
        """The network that coins leave by; cash comes and goes by banks."""
        is_cash = of.asset == CASH or of.payee is None
        return "bank" if is_cash or of.payee is None else of.payee.destination.network.name

    @admin.display(description="waits for")
    def waits_for(self, of: Any) -> str:
        if of.state == State.REQUESTED:
            if not passage.needs_two_people(Direction(of.direction), of.value):
                return "a person"
            asked_by = of.approval_asked_by
            return f"a second person beside {asked_by}" if asked_by else "two people"
        other = "the bank" if of.asset == CASH else "the network"
        return {State.PENDING: other, State.APPROVED: "sending", State.SENT: other}.get(
            State(of.state), ""
        )


class RateForm(forms.ModelForm):  # type: ignore[type-arg]
    """A rate of days to come: what has accrued stays as it was."""

    class Meta:
        model = InterestRate
        fields: ClassVar = ["starts_on", "rate", "reason"]

    def clean_starts_on(self) -> Any:
        starts_on = self.cleaned_data["starts_on"]
        if starts_on <= calendars.date_of(timezone.now()):
            raise forms.ValidationError("A rate begins tomorrow or later.")
        return starts_on


@admin.register(InterestRate)
class InterestRateAdmin(Undeletable):
    form = RateForm
    list_display = ("starts_on", "rate", "reason", "made_at", "made_by")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.made_by = actor_of(request)
        super().save_model(request, obj, form, change)


@admin.register(InterestDay)
class InterestDayAdmin(ReadOnly):
    list_display = ("day", "rate", "accounts", "at")
    ordering = ("-day",)


@admin.register(InterestAccrual)
class InterestAccrualAdmin(Many):
    list_display = ("day", "account", "debit", "rate", "amount")
    list_select_related = ("account",)
    search_fields = ("=account__number",)
