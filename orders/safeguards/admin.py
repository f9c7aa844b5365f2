"""Switches as operations throws them; another person agrees to their release."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone

from accounts import approvals
from accounts.oversight.admin import NamesActors
from accounts.sessions.gate import person_of
from foundation.admin import Historied, Undeletable, actor_of
from orders.safeguards import stopping
from risk.controls import switches
from risk.controls.models import Switch
from risk.controls.switches import Scope, UnableToSwitch

_MEETS: Final = {
    Switch.Effect.KILL: "no new order is taken, and what is open is cancelled",
    Switch.Effect.HALT: "no new order is taken, and what is open stays",
    Switch.Effect.CLOSING_ONLY: "positions may only be reduced, and what is open stays",
}


class SwitchForm(forms.ModelForm):  # type: ignore[type-arg]
    """A switch to be thrown: saved once it is said what that would meet, saved again it holds."""

    told = forms.CharField(required=False, widget=forms.HiddenInput)
    """The terms of which that was said: whoever changes them is told anew."""

    class Meta:
        model = Switch
        fields: ClassVar = [
            "effect",
            "order_id",
            "account",
            "instrument",
            "venue",
            "reason",
            "told",
        ]

    def scope(self) -> Scope:
        given = self.cleaned_data
        return Scope(
            order_id=given["order_id"],
            account_id=given["account"].pk if given["account"] else None,
            instrument_id=given["instrument"].pk if given["instrument"] else None,
            venue=given["venue"],
        )

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                scope = stopping.checked(self.scope(), Switch.Effect(given["effect"]))
            except UnableToSwitch as error:
                raise ValidationError(str(error), code=error.code) from None
            self._tell(scope)
        return given

    def _tell(self, scope: Scope) -> None:
        """Say what the switch would meet, unless that was said of these very terms."""
        given = self.cleaned_data
        effect = Switch.Effect(given["effect"])
        terms = "|".join(map(str, (effect, *dataclasses.astuple(self.scope()))))
        if given["told"] == terms:
            return
        data = QueryDict(mutable=True)
        data.update(self.data)
        data[self.add_prefix("told")] = terms
        self.data = data
        named = {name: given[name] for name in ("order_id", "account", "instrument", "venue")}
        reach = stopping.reach(scope)
        raise ValidationError(
            f"Not thrown yet. For {Switch(**named).scope}: {_MEETS[effect]} (orders: "
            f"{reach.orders:,}, accounts: {reach.accounts:,}). Save again to throw it.",
            code="told",
        )


class ReleaseForm(forms.ModelForm):  # type: ignore[type-arg]
    """A release to be asked for; another person agrees to it."""

    why_release = forms.CharField(
        max_length=300, help_text="Why it may be released. Another person has to agree."
    )

    class Meta:
        model = Switch
        fields: ClassVar[list[str]] = []


@admin.register(Switch)
class SwitchAdmin(Historied, NamesActors, Undeletable):
    actors = ("engaged_by", "released_by")
    list_display = (
        "scope",
        "effect",
        "reason",
        "state",
        "engaged_at",
        "engaged",
        "released",
    )
    list_filter = ("effect", "code", ("released_at", admin.EmptyFieldListFilter))
    list_select_related = ("account", "instrument")
    search_fields = ("=order_id", "=account__number", "=instrument__symbol")
    ordering = ("-engaged_at",)
    autocomplete_fields = ("instrument",)
    raw_id_fields = ("account",)
    history_list_display = ("released_by", "released_at")

    def get_form(
        self, request: HttpRequest, obj: Switch | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["form"] = ReleaseForm if obj else SwitchForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Switch | None = None) -> Any:
        if obj is None:
            return SwitchForm.Meta.fields
        told = self.get_readonly_fields(request, obj)
        return (*told, "why_release") if self.has_change_permission(request, obj) else told

    def get_readonly_fields(self, request: HttpRequest, obj: Switch | None = None) -> Any:
        if obj is None:
            return ()
        return (
            "effect",
            "scope",
            "code",
            "reason",
            "engaged_at",
            "engaged",
            "state",
            "released_at",
            "released",
        )

    def has_change_permission(self, request: HttpRequest, obj: Switch | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or obj.released_at is None
        )

    def save_model(self, request: HttpRequest, obj: Switch, form: Any, change: bool) -> None:
        if change:
            self._ask_release(request, obj, form)
            return
        try:
            obj.pk = stopping.engage(
                scope=form.scope(),
                effect=Switch.Effect(form.cleaned_data["effect"]),
                reason=form.cleaned_data["reason"],
                actor=actor_of(request),
                now=timezone.now(),
            ).pk
        except UnableToSwitch as error:  # the order has ended since the form was looked at
            request.switch_error = str(error)  # type: ignore[attr-defined]

    def _ask_release(self, request: HttpRequest, switch: Switch, form: Any) -> None:
        try:
            switches.ask_release(
                switch,
                reason=form.cleaned_data["why_release"],
                by=person_of(request),
                now=timezone.now(),
            )
        except UnableToSwitch as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            text = "Asked for. The switch stays as it is until another person has agreed."
            self.message_user(request, text, messages.WARNING)

    def log_addition(self, request: HttpRequest, obj: Switch, message: Any) -> Any:
        """The switch's history is its log."""

    def log_change(self, request: HttpRequest, obj: Switch, message: Any) -> Any:
        """The approval is the log of what was asked for."""

    def response_add(self, request: HttpRequest, obj: Switch, post_url_continue: Any = None) -> Any:
        error = getattr(request, "switch_error", None)
        done = "The switch is thrown and holds."
        self.message_user(request, error or done, messages.ERROR if error else messages.SUCCESS)
        return redirect("admin:risk_switch_changelist")

    def response_change(self, request: HttpRequest, obj: Switch) -> HttpResponse:
        return redirect("admin:risk_switch_changelist")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Switch]:
        found: QuerySet[Switch] = super().get_queryset(request)
        asked_by = approvals.asked_by(now=timezone.now(), kind=switches.RELEASE)
        return found.annotate(release_asked_by=asked_by)

    @admin.display(description="engaged by")
    def engaged(self, switch: Switch) -> str:
        return self.named(switch, "engaged_by")

    @admin.display(description="released by")
    def released(self, switch: Switch) -> str:
        return self.named(switch, "released_by")

    @admin.display()
    def state(self, switch: Any) -> str:
        if switch.released_at is not None:
            return "released"
        asked_by = switch.release_asked_by
        return f"release asked for by {asked_by}" if asked_by else "engaged"
