"""Limits as operations sets them, and what the firm and its clocks are at."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import timezone

from accounts.models import Approval
from accounts.sessions.gate import person_of
from foundation.admin import ReadOnly, Undeletable
from risk.controls.models import ClockReading, FirmExposure
from risk.limits import services as limiting
from risk.limits.models import Limits
from risk.limits.precedence import NAMES
from risk.limits.services import Wanted

_SCOPE = ("account", "tier", "instrument")
_TIME = ("is_override", "valid_from", "valid_until")


class LimitsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Limits to be set; what loosens them waits for another person."""

    valid_from = forms.DateTimeField(required=False, help_text="Left out: at once.")
    reason = forms.CharField(max_length=300, help_text="Kept with the limits, beside who set them.")

    class Meta:
        model = Limits
        fields: ClassVar = [*_SCOPE, *NAMES, *_TIME, "reason"]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors:
            told = limiting.flaw(self.wanted(given), now=timezone.now())
            if told:
                raise ValidationError(told)
        return given

    def wanted(self, given: dict[str, Any]) -> Wanted:
        return Wanted(
            values={name: given[name] for name in NAMES if given.get(name) is not None},
            reason=given.get("reason", ""),
            account_id=given["account"].pk if given.get("account") else None,
            tier=given.get("tier", ""),
            instrument_id=given["instrument"].pk if given.get("instrument") else None,
            is_override=given.get("is_override", False),
            valid_from=given.get("valid_from"),
            valid_until=given.get("valid_until"),
        )


@admin.register(Limits)
class LimitsAdmin(Undeletable):
    """Each change is a row of its own: to change limits is to add others of the same scope."""

    form = LimitsForm
    list_display = (
        "scope",
        "is_override",
        "valid_from",
        "valid_until",
        "order_quantity_max",
        "order_value_max",
        "position_value_max",
        "set_by",
        "approved_by",
        "reason",
    )
    list_filter = ("is_override", "tier")
    list_select_related = ("account", "instrument")
    search_fields = ("=account__number", "=instrument__symbol", "=tier")
    ordering = ("-id",)
    autocomplete_fields = ("instrument",)
    raw_id_fields = ("account",)

    def has_change_permission(self, *_: object, **__: object) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Limits | None = None) -> Any:
        written = (*_SCOPE, *NAMES, *_TIME, "reason")
        return (*written, "set_at", "set_by", "approved_by") if obj else written

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with the limits of the row that is named as `of`, else with the firm's."""
        wanted = request.GET.get("of", "")
        rows = Limits.objects.order_by("-valid_from", "-pk")
        firm = rows.filter(account=None, tier="", instrument=None, is_override=False)
        is_number = wanted.isascii() and wanted.isdecimal()
        row = (rows.filter(pk=int(wanted)) if is_number else firm).first()
        if row is None:
            return {}
        return {"account": row.account_id, "tier": row.tier, "instrument": row.instrument_id} | (
            row.values
        )

    def save_model(self, request: HttpRequest, obj: Limits, form: Any, change: bool) -> None:
        done = limiting.put(
            form.wanted(form.cleaned_data),
            by=person_of(request),
            now=timezone.now(),
        )
        request.limits_put = done  # type: ignore[attr-defined]
        if isinstance(done, Limits):
            obj.pk = done.pk

    def log_addition(self, request: HttpRequest, obj: Limits, message: Any) -> Any:
        """The rows are their own log."""

    def response_add(self, request: HttpRequest, obj: Limits, post_url_continue: Any = None) -> Any:
        done = request.limits_put  # type: ignore[attr-defined]
        if isinstance(done, Approval):
            text = "This loosens limits: it waits for another person, and does not hold yet."
            self.message_user(request, text, messages.WARNING)
        else:
            self.message_user(request, "The limits are set.", messages.SUCCESS)
        return redirect("admin:risk_limits_changelist")


@admin.register(FirmExposure)
class FirmExposureAdmin(ReadOnly):
    list_display = ("open_buys", "at")


@admin.register(ClockReading)
class ClockReadingAdmin(ReadOnly):
    list_display = ("host", "source", "offset_ms", "at")
