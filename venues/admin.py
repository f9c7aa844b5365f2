"""The wire as operations sees it: venues and routes to set, letter boxes to look at, and the
parked reports that wait for people."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince

from accounts.oversight import actors
from foundation import history
from foundation.admin import (
    Historied,
    Many,
    ReadOnly,
    ReadOnlyInline,
    Undeletable,
    Worked,
    actor_of,
    lately,
)
from venues import links, parked, routing
from venues.models import (
    Block,
    InboxReport,
    OutboxMessage,
    ParkedReport,
    ParkedStep,
    Route,
    Venue,
    VenueLink,
)

_LINK: Final = '<a class="text-link" href="{}">{}</a>'


class _Explained(forms.ModelForm):  # type: ignore[type-arg]
    why = forms.CharField(max_length=100, help_text="Kept with the change, beside who made it.")


class _Configuration(Historied, Undeletable):
    """What routes orders is changed with a reason, and every change is kept."""

    form = _Explained

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        history.because(obj, form.cleaned_data["why"])
        super().save_model(request, obj, form, change)
        routing.forget()
        links.forget()


class LinkInline(ReadOnlyInline):
    model = VenueLink
    fields = ("is_up", "since", "heard_at", "missing_sequence", "detail")


@admin.register(Venue)
class VenueAdmin(_Configuration):
    list_display = ("name", "kind", "address", "is_enabled", "is_up", "silence", "detail")
    list_select_related = ("link",)
    list_filter = ("kind", "is_enabled")
    inlines = (LinkInline,)
    history_list_display = ("address", "is_enabled", "history_change_reason")

    def get_readonly_fields(self, request: HttpRequest, obj: Venue | None = None) -> Any:
        return ("name", "kind") if obj else ()  # orders name it for ever

    @admin.display(boolean=True)
    def is_up(self, venue: Venue) -> bool:
        return links.is_up(venue.name, timezone.now())

    @admin.display(description="heard of")
    def silence(self, venue: Venue) -> str:
        link = getattr(venue, "link", None)
        return f"{timesince(link.heard_at)} ago" if link else "never"

    def detail(self, venue: Venue) -> str:
        link = getattr(venue, "link", None)
        return link.detail if link else ""


@admin.register(Route)
class RouteAdmin(_Configuration):
    list_display = ("__str__", "venue", "is_enabled", "is_override", "until", "reason")
    list_select_related = ("venue", "instrument")
    list_filter = ("venue", "is_override", "is_enabled")
    autocomplete_fields = ("instrument",)
    history_list_display = ("venue", "is_enabled", "is_override", "history_change_reason")


@admin.register(Block)
class BlockAdmin(ReadOnly):
    """What gateways do not send; switches of risk write and lift it."""

    list_display = ("since", "lifted_at", "code", "order_id", "party", "symbol", "venue")
    list_filter = ("code", ("lifted_at", admin.EmptyFieldListFilter))
    search_fields = ("=order_id", "=party", "=symbol")
    ordering = ("-since",)


@admin.register(OutboxMessage)
class OutboxMessageAdmin(Many):
    list_display = (
        "id",
        "created_at",
        "venue",
        "session_date",
        "number",
        "kind",
        "order_id",
        "doubted_at",
        "sent_at",
    )
    list_filter = (
        lately("venue"),
        lately("kind"),
        ("doubted_at", admin.EmptyFieldListFilter),
        ("sent_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("=order_id",)


@admin.register(InboxReport)
class InboxReportAdmin(Many):
    list_display = (
        "id",
        "received_at",
        "venue",
        "execution_id",
        "client_order_id",
        "state",
        "reason",
    )
    list_filter = ("state", lately("venue"))
    search_fields = ("=execution_id", "=client_order_id")


class ParkedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A step about a parked report: what is possible depends on what was proposed before."""

    step = forms.ChoiceField()
    why = forms.CharField(
        max_length=ParkedStep._meta.get_field("reason").max_length,
        help_text="Kept with the step, beside who took it.",
    )

    STEPS: ClassVar = [
        (parked.Remedy.RETRY.value, "Try the report again"),
        (parked.Remedy.DISMISS.value, "Dismiss the report for ever"),
    ]

    class Meta:
        model = ParkedReport
        fields: ClassVar[list[str]] = []

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        proposal = parked.proposal(self.instance)
        if proposal is not None:
            wanted = parked.Remedy(proposal.remedy).label.lower()
            choices = [
                ("approve", f"Approve the proposal to {wanted}"),
                ("withdraw", "Withdraw the proposal"),
            ]
        elif parked.moves_money(self.instance):
            choices = [
                (step, f"Propose: {words[0].lower()}{words[1:]}") for step, words in self.STEPS
            ]
        else:
            choices = self.STEPS
        self.fields["step"].choices = choices  # type: ignore[attr-defined]

    def take(self, request: HttpRequest) -> None:
        """Take the step. Raises UnableToDecide."""
        step, why, now = self.cleaned_data["step"], self.cleaned_data["why"], timezone.now()
        report_id, actor = self.instance.pk, actor_of(request)
        if step == "approve":
            parked.approve(report_id, actor=actor, reason=why, now=now)
        elif step == "withdraw":
            parked.withdraw(report_id, actor=actor, reason=why, now=now)
        else:
            remedy = parked.Remedy(step)
            parked.propose(report_id, remedy=remedy, actor=actor, reason=why, now=now)


class StepInline(ReadOnlyInline):
    model = ParkedStep
    fields = ("at", "who", "kind", "remedy", "reason")
    readonly_fields = fields

    def who(self, step: ParkedStep) -> str:
        return actors.named([step.actor])[step.actor]


@admin.register(ParkedReport)
class ParkedReportAdmin(Worked):
    form = ParkedForm
    refusals = (parked.UnableToDecide,)
    list_display = ("age", "venue", "kind", "client_order_id", "fill", "why_parked", "waits_for")
    list_filter = ("state", "venue")
    search_fields = ("=execution_id", "=client_order_id")
    ordering = ("received_at", "id")
    fields = (
        "received_at",
        "venue",
        "execution_id",
        "order_page",
        "why_parked",
        "waits_for",
        "what_to_do",
        "report",
    )
    readonly_fields = fields
    inlines = (StepInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ParkedReport]:
        """Return what is parked, and what people have decided about."""
        decided = ParkedStep.objects.values("report_id")
        shown: QuerySet[ParkedReport] = super().get_queryset(request)
        return shown.filter(Q(state=InboxReport.State.PARKED) | Q(pk__in=decided))

    def get_fields(self, request: HttpRequest, obj: ParkedReport | None = None) -> Any:
        return (*self.fields, "step", "why") if self._is_open(request, obj) else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or obj.state == InboxReport.State.PARKED
        )

    def _is_open(self, request: HttpRequest, obj: ParkedReport | None) -> bool:
        return obj is not None and self.has_change_permission(request, obj)

    @admin.display(ordering="received_at")
    def age(self, report: ParkedReport) -> str:
        return timesince(report.received_at)

    def kind(self, report: ParkedReport) -> str:
        return str(report.report.get("kind", ""))

    def fill(self, report: ParkedReport) -> str:
        told = report.report
        return f"{told['quantity']} at {told['price']}" if told.get("quantity") else ""

    @admin.display(description="why")
    def why_parked(self, report: ParkedReport) -> str:
        return report.reason

    @admin.display(description="waits for")
    def waits_for(self, report: ParkedReport) -> str:
        if report.state != InboxReport.State.PARKED:
            return f"nothing: {report.get_state_display().lower()}"
        proposal = parked.proposal(report)
        if proposal is None:
            return "two people" if parked.moves_money(report) else "a person"
        who = actors.named([proposal.actor])[proposal.actor]
        return f"a second person: {who} proposed to {proposal.remedy} it"

    @admin.display(description="order")
    def order_page(self, report: ParkedReport) -> str:
        """Lead to what is known under the order's id, if there is such an order."""
        where = reverse("admin:orders_order_changelist")
        query = urlencode({"q": report.client_order_id})
        return format_html(_LINK, f"{where}?{query}", report.client_order_id)

    @admin.display(description="what to do")
    def what_to_do(self, report: ParkedReport) -> str:
        where = reverse("operations:runbook", args=["venue-link"])
        return format_html(_LINK, f"{where}#parked-reports", "parked reports")
