"""Margin as operations sees it: how accounts stand, calls with notes, rates and locates."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Approval
from accounts.sessions.gate import person_of
from foundation.admin import Historied, Kept, ReadOnlyInline, Undeletable, figure
from foundation.laid_out import laid_out
from marketdata import calendars
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.selectors import PositionView
from risk.margin import designation
from risk.margin import rates as margin_rates
from risk.margin.designation import UnableToClear
from risk.margin.models import (
    LiquidationWave,
    Locate,
    MarginCall,
    MarginCallNote,
    MarginRate,
    MarginStatus,
)
from risk.margin.rates import UnableToSetRate
from risk.margin.requirements import Rates

_LINK: Final = '<a class="text-link" href="{}">{}</a>'


class Lacking(admin.SimpleListFilter):
    """Accounts that lack equity, or of which nobody can say so."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, *_: object) -> list[tuple[str, str]]:
        return [("lacking", "Lacks equity"), ("unpriced", "Without a live price")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[MarginStatus]
    ) -> QuerySet[MarginStatus]:
        match self.value():
            case "lacking":
                return queryset.filter(excess__lt=0)
            case "unpriced":
                return queryset.filter(counts=False)
        return queryset


class ClearForm(forms.ModelForm):  # type: ignore[type-arg]
    """Asks that the owner is taken to be no pattern day trader any more."""

    why_clear = forms.CharField(
        max_length=300,
        label="Why he is to be a pattern day trader no longer",
        help_text="Another person has to agree. His day trades until then count no more.",
    )

    class Meta:
        model = MarginStatus
        fields: ClassVar[list[str]] = []


@admin.register(MarginStatus)
class MarginStatusAdmin(Kept):
    """The accounts with the least beyond maintenance come first."""

    form = ClearForm

    list_display = (
        "account",
        "equity",
        "long_value",
        "short_value",
        "initial",
        "maintenance",
        "excess",
        "counts",
        "day_trades",
        "day_trader_since",
        "at",
    )
    list_filter = (Lacking, "counts")
    list_select_related = ("account",)
    search_fields = ("=account__number",)
    ordering = ("excess",)
    readonly_fields = tuple(field.name for field in MarginStatus._meta.concrete_fields)

    def get_fields(self, request: HttpRequest, obj: MarginStatus | None = None) -> Any:
        told = self.readonly_fields
        return (*told, "why_clear") if self.has_change_permission(request, obj) else told

    def has_change_permission(self, request: HttpRequest, obj: MarginStatus | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or obj.day_trader_since is not None
        )

    def save_model(self, request: HttpRequest, obj: MarginStatus, form: Any, change: bool) -> None:
        try:
            designation.ask_to_clear(
                obj.account,
                reason=form.cleaned_data["why_clear"],
                by=person_of(request),
                now=timezone.now(),
            )
        except UnableToClear as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            text = "Asked for. He stays a pattern day trader until another person has agreed."
            self.message_user(request, text, messages.WARNING)

    def log_change(self, request: HttpRequest, obj: MarginStatus, message: Any) -> Any:
        """The approval is the log of what was asked for."""

    def response_change(self, request: HttpRequest, obj: MarginStatus) -> HttpResponse:
        return redirect("admin:risk_marginstatus_changelist")


def _instruments(codes: Collection[str]) -> dict[str, Instrument]:
    return {each.code: each for each in Instrument.objects.filter(code__in=codes)}


def _named(code: str, instrument: Instrument | None) -> str:
    """Return today's symbol of a code with its page; one that nobody knows any more is itself."""
    if instrument is None:
        return code
    where = reverse("admin:marketdata_instrument_change", args=[instrument.pk])
    return format_html(_LINK, where, instrument.symbol)


class WaveInline(ReadOnlyInline):
    model = LiquidationWave
    fields = ("number", "at", "deficit", "planned")
    readonly_fields = fields

    @admin.display(description="orders")
    def planned(self, wave: LiquidationWave) -> SafeString:
        """Show what was to be sold or bought, each with the order that came of it."""
        known = _instruments({code for code, *_ in wave.orders})
        orders = reverse("admin:orders_order_changelist")
        return laid_out(
            [
                {
                    "symbol": _named(code, known.get(code)),
                    "side": side,
                    "quantity": figure(Decimal(quantity)),
                    "order": format_html(_LINK, f"{orders}?q={name[0]}", "show") if name else None,
                }
                for code, side, quantity, *name in wave.orders
            ]
        )


class NoteInline(ReadOnlyInline):
    """Notes are added, and stay as they are."""

    model = MarginCallNote
    extra = 1
    max_num = 1_000
    fields = ("at", "by", "text")
    readonly_fields = ("at", "by")

    def has_add_permission(self, *_: object, **__: object) -> bool:
        return True


def _standing(position: PositionView | None) -> dict[str, str | None]:
    """Return how much is held now, and what that is worth at the latest price."""
    price = None if position is None else position.price
    return {
        "now": "0" if position is None else figure(position.quantity),
        "price, USD": None if price is None else figure(price),
        "value, USD": None if position is None or price is None else figure(position.market_value),
    }


@admin.register(MarginCall)
class MarginCallAdmin(Historied, Kept):
    list_display = (
        "account",
        "kind",
        "status",
        "amount",
        "amount_max",
        "made_at",
        "due_at",
        "wave",
        "met_at",
        "met_by",
    )
    list_filter = ("status", "kind", "met_by")
    list_select_related = ("account",)
    search_fields = ("=account__number",)
    ordering = ("-pk",)
    inlines = (WaveInline, NoteInline)
    exclude = ("positions",)
    readonly_fields = tuple(
        "positions_since" if field.name == "positions" else field.name
        for field in MarginCall._meta.concrete_fields
        if field.name != "id"
    )

    @admin.display(description="positions")
    def positions_since(self, call: MarginCall) -> SafeString:
        """Show what the account had when it was called, and has now, at the last price."""
        held = portfolio.snapshot(call.account_id).positions
        now = {each.instrument.code: each for each in held}
        codes = sorted({*call.positions, *now})
        known = _instruments(codes)
        return laid_out(
            [
                {
                    "symbol": _named(code, known.get(code)),
                    "when it was made": figure(Decimal(call.positions.get(code, "0"))),
                    **_standing(now.get(code)),
                }
                for code in codes
            ]
        )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for note in formset.save(commit=False):
            note.by, note.at = request.user, timezone.now()
            note.save()

    def save_model(self, request: HttpRequest, obj: MarginCall, form: Any, change: bool) -> None:
        """A call is the rule's: only notes are added here."""


class MarginRateForm(forms.ModelForm):  # type: ignore[type-arg]
    """Rates to be set from a day on; what asks for less than now waits for another person."""

    class Meta:
        model = MarginRate
        fields: ClassVar = [
            "instrument",
            "asset_class",
            "since",
            "initial",
            "maintenance_long",
            "maintenance_short",
            "reason",
        ]

    def rates(self, given: dict[str, Any]) -> Rates:
        return Rates(
            initial=given["initial"],
            long=given["maintenance_long"],
            short=given["maintenance_short"],
        )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        try:
            margin_rates.check(
                self.rates(given),
                since=given["since"],
                instrument=given["instrument"],
                asset_class=given["asset_class"],
                now=timezone.now(),
            )
        except UnableToSetRate as error:
            raise ValidationError(str(error)) from None
        return given


@admin.register(MarginRate)
class MarginRateAdmin(Undeletable):
    """Each change is a row of its own: the latest of the narrowest kind holds."""

    form = MarginRateForm
    list_display = (
        "__str__",
        "initial",
        "maintenance_long",
        "maintenance_short",
        "reason",
        "made_by",
        "made_at",
    )
    list_filter = ("asset_class",)
    list_select_related = ("instrument", "made_by")
    search_fields = ("=instrument__symbol",)
    ordering = ("-since", "-pk")
    autocomplete_fields = ("instrument",)

    def has_change_permission(self, *_: object, **__: object) -> bool:
        return False

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        today: date = calendars.date_of(timezone.now())
        return {"since": today}

    def save_model(self, request: HttpRequest, obj: MarginRate, form: Any, change: bool) -> None:
        given = form.cleaned_data
        done = margin_rates.propose(
            instrument=given["instrument"],
            asset_class=given["asset_class"],
            rates=form.rates(given),
            since=given["since"],
            reason=given["reason"],
            by=person_of(request),
            now=timezone.now(),
        )
        request.rate_put = done  # type: ignore[attr-defined]
        if isinstance(done, MarginRate):
            obj.pk = done.pk

    def log_addition(self, request: HttpRequest, obj: MarginRate, message: Any) -> Any:
        """The rows are their own log."""

    def response_add(
        self, request: HttpRequest, obj: MarginRate, post_url_continue: Any = None
    ) -> HttpResponse:
        if isinstance(request.rate_put, Approval):  # type: ignore[attr-defined]
            text = "This asks for less than now: it waits for another person."
            self.message_user(request, text, messages.WARNING)
        else:
            self.message_user(request, "The rates are set.", messages.SUCCESS)
        return redirect("admin:risk_marginrate_changelist")


@admin.register(Locate)
class LocateAdmin(Historied, Undeletable):
    list_display = ("instrument", "account", "quantity", "lasts_until", "source", "made_by")
    list_select_related = ("instrument", "account", "made_by")
    search_fields = ("=instrument__symbol", "=account__number")
    ordering = ("-pk",)
    autocomplete_fields = ("instrument",)
    raw_id_fields = ("account",)
    exclude = ("made_by",)

    def save_model(self, request: HttpRequest, obj: Locate, form: Any, change: bool) -> None:
        obj.made_by = person_of(request)
        super().save_model(request, obj, form, change)
