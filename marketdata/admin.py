"""What operations see of the market: instruments to halt, prices and suspects to look at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Model, Sum
from django.http import HttpRequest
from django.utils import timezone

from foundation import history
from foundation.admin import Found, Historied, Kept, Many, ReadOnly, lately
from marketdata import calendars
from marketdata.arrival import silence
from marketdata.models import (
    ArchivedTicks,
    Bar,
    FeedHealth,
    Instrument,
    PriceAdjustment,
    Quote,
    SuspectCount,
    SuspectTick,
)


def _sources() -> list[tuple[str, str]]:
    names = [(name, f"the feed {name}") for name in sorted(settings.FEEDS)]
    return [("", "our own exchange"), *names]


class InstrumentForm(forms.ModelForm):  # type: ignore[type-arg]
    source = forms.ChoiceField(
        choices=_sources,
        required=False,
        label="source of prices",
        help_text="Ticks of any other are refused. Bars begin anew with the first trade it tells.",
    )
    reason = forms.CharField(
        max_length=100, help_text="Why; kept with the change, beside who made it."
    )

    class Meta:
        model = Instrument
        fields = "__all__"

    def clean_calendar(self) -> str:
        calendar: str = self.cleaned_data["calendar"]
        try:
            calendars.check(calendar)
        except calendars.UnknownCalendar as error:
            raise forms.ValidationError(str(error)) from error
        return calendar


@admin.register(Instrument)
class InstrumentAdmin(Historied, Kept):
    """They come from a file that says all of them; orders and trades speak of them for ever."""

    form = InstrumentForm
    list_display = (
        *("symbol", "name", "asset_class", "exchange", "calendar", "tradable", "halted", "source"),
    )
    list_filter = ("asset_class", "tradable", "halted", "exchange", "source")
    search_fields = ("symbol", "name", "code")
    readonly_fields = ("id", "code")
    history_list_display = ("tradable", "halted", "source", "history_change_reason")

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        history.because(obj, form.cleaned_data["reason"])
        super().save_model(request, obj, form, change)


@admin.register(Quote)
class QuoteAdmin(ReadOnly):
    list_display = ("instrument", "bid", "ask", "last", "source", "received_at", "sequence")
    list_select_related = ("instrument",)
    list_filter = ("source",)
    search_fields = ("instrument__symbol",)


@admin.register(FeedHealth)
class FeedHealthAdmin(ReadOnly):
    list_display = (
        *("feed", "market", "state", "since", "told_at", "symbols", "messages_per_second"),
        *("lag_ms", "reconnects", "trades_filled", "malformed", "refused_today", "whole_until"),
        "detail",
    )

    @admin.display(description="kept aside today")
    def refused_today(self, health: FeedHealth) -> int:
        """Return how many ticks of the feed cleaning has not believed today."""
        today = SuspectCount.objects.filter(
            source=health.feed, day=calendars.date_of(timezone.now())
        ).exclude(reason=silence.REASON)
        return today.aggregate(count=Sum("count"))["count"] or 0


@admin.register(Bar)
class BarAdmin(Found):
    """A bar is found by its instrument: no other index holds them all."""

    list_display = ("instrument", "timeframe", "start", "open", "high", "low", "close", "volume")
    list_select_related = ("instrument",)
    list_filter = ("timeframe",)
    list_display_links = None  # no index finds one bar by a number
    search_fields = ("=instrument__symbol",)
    ordering = ("-instrument_id", "-timeframe", "-start")
    sortable_by = ()


@admin.register(PriceAdjustment)
class PriceAdjustmentAdmin(ReadOnly):
    list_display = ("instrument", "ex_date", "kind", "new", "old", "cash", "share", "note")
    list_select_related = ("instrument",)
    list_filter = ("kind",)
    search_fields = ("=instrument__symbol",)


@admin.register(ArchivedTicks)
class ArchivedTicksAdmin(ReadOnly):
    list_display = ("file", "kind", "day", "rows", "at")
    list_filter = ("kind",)


@admin.register(SuspectTick)
class SuspectTickAdmin(Many):
    list_display = ("at", "symbol", "reason", "source", "tick")
    list_filter = (lately("reason"), lately("source"))


@admin.register(SuspectCount)
class SuspectCountAdmin(ReadOnly):
    list_display = ("day", "source", "reason", "count")
    list_filter = ("source", "reason")
