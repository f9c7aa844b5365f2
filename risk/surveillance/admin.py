"""The queue of alerts as operations works it: filters, the evidence, and one step at a time."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from accounts.sessions.gate import person_of
from foundation.admin import ReadOnlyInline, Worked
from risk.graded import Graded
from risk.surveillance import runbooks
from risk.surveillance import work as alert_work
from risk.surveillance.models import Alert, AlertEvidence, AlertStep, Telling

_LINK: Final = '<a class="text-link" href="{}">{}</a>'
NOTE_MAX: Final = AlertStep._meta.get_field("note").max_length or 0


class Waiting(admin.SimpleListFilter):
    """What is not closed, unless asked otherwise."""

    title = "waiting"
    parameter_name = "waiting"

    def lookups(self, *_: object) -> list[tuple[str, str]]:
        return [("mine", "Mine"), ("nobody", "Nobody's"), ("closed", "Closed"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        every, *others = super().choices(changelist)
        return [{**every, "display": "All that wait"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Alert]) -> QuerySet[Alert]:
        open_ = queryset.exclude(state=Alert.State.CLOSED)
        match self.value():
            case "mine":
                return open_.filter(assigned_to=request.user.pk)
            case "nobody":
                return open_.filter(assigned_to=None)
            case "closed":
                return queryset.filter(state=Alert.State.CLOSED)
            case "all":
                return queryset
        return open_


class StepForm(forms.ModelForm):  # type: ignore[type-arg]
    """The next step about an alert: what is possible depends on how it stands."""

    step = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    ends_as = forms.ChoiceField(
        choices=[("", "---"), *Alert.Outcome.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text="Only to close it.",
    )
    note = forms.CharField(
        required=False,
        max_length=NOTE_MAX,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="What you have found, or why. Kept for ever, beside who wrote it.",
    )

    NAMES: ClassVar = {
        AlertStep.Kind.ACKNOWLEDGED: "Acknowledge it: I have it",
        AlertStep.Kind.TAKEN: "Take it",
        AlertStep.Kind.NOTED: "Write a note",
        AlertStep.Kind.ESCALATED: "Hand it upwards",
        AlertStep.Kind.CLOSED: "Close it",
    }

    class Meta:
        model = Alert
        fields: ClassVar[list[str]] = []

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields["step"].choices = [  # type: ignore[attr-defined]
            (kind.value, self.NAMES[kind]) for kind in alert_work.open_to(self.instance)
        ]

    def take(self, request: HttpRequest) -> None:
        """Take the step. Raises UnableToWork."""
        told = self.cleaned_data
        alert_work.take_step(
            self.instance.pk,
            kind=AlertStep.Kind(told["step"]),
            by=person_of(request),
            note=told["note"],
            outcome=Alert.Outcome(told["ends_as"]) if told["ends_as"] else None,
            now=timezone.now(),
        )


class EvidenceInline(ReadOnlyInline):
    model = AlertEvidence
    verbose_name_plural = "evidence"
    fields = ("happened_at", "found_at", "summary", "shown")
    readonly_fields = fields
    ordering = ("-pk",)
    hide_title = True
    per_page = 25

    @admin.display(description="facts")
    def shown(self, evidence: AlertEvidence) -> SafeString:
        lines = ((name.replace("_", " "), _shown(name, v)) for name, v in evidence.facts.items())
        return format_html_join("", "<div><b>{}</b> {}</div>", lines)


class StepInline(ReadOnlyInline):
    model = AlertStep
    verbose_name_plural = "steps"
    fields = ("at", "who", "kind", "outcome", "note")
    readonly_fields = fields
    ordering = ("pk",)
    hide_title = True


class TellingInline(ReadOnlyInline):
    model = Telling
    verbose_name_plural = "told"
    fields = ("written_at", "channel", "step", "attempts", "sent_at", "failure")
    readonly_fields = fields
    ordering = ("-pk",)
    hide_title = True
    per_page = 25


@admin.register(Alert)
class AlertAdmin(Graded, Worked):
    form = StepForm
    refusals = (alert_work.UnableToWork,)
    list_display = (
        "level",
        "kind_name",
        "account",
        "instrument",
        "summary",
        "count",
        "age",
        "state",
        "assigned_to",
    )
    list_display_links = ("kind_name", "summary")
    list_filter = (Waiting, "severity", "state", "kind")
    list_select_related = ("account", "instrument", "assigned_to")
    search_fields = ("=account__number", "summary", "=evidence__key")
    ordering = ("-severity", "raised_at", "pk")
    rows = (
        ("level", "kind_name"),
        ("account_page", "instrument"),
        "summary",
        ("first_at", "last_at"),
        ("raised_at", "told_at"),
        ("acknowledged_at", "next_step_at"),
        ("state", "assigned_to"),
        ("outcome", "closed_at"),
        "runbook",
    )
    readonly_fields = (
        "level",
        "kind_name",
        "account_page",
        "instrument",
        "summary",
        "first_at",
        "last_at",
        "raised_at",
        "told_at",
        "acknowledged_at",
        "next_step_at",
        "state",
        "assigned_to",
        "outcome",
        "closed_at",
        "runbook",
    )
    inlines = (EvidenceInline, StepInline, TellingInline)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        found: QuerySet[Alert] = super().get_queryset(request)
        # Of the rows of the page alone, and not of all that are counted.
        facts = AlertEvidence.objects.filter(alert=OuterRef("pk")).order_by()
        count = facts.values("alert").annotate(count=Count("pk")).values("count")
        return found.annotate(facts_count=Coalesce(Subquery(count), 0))

    def get_fieldsets(self, request: HttpRequest, obj: Alert | None = None) -> Any:
        shown: list[Any] = [(None, {"fields": self.rows})]
        if obj is not None and self.has_change_permission(request, obj):
            shown.append(("The next step", {"fields": ("step", "ends_as", "note")}))
        return shown

    def get_readonly_fields(self, request: HttpRequest, obj: Alert | None = None) -> Any:
        return self.readonly_fields

    @admin.display(description="kind", ordering="kind")
    def kind_name(self, alert: Alert) -> str:
        return alert.name

    @admin.display(description="account", ordering="account")
    def account_page(self, alert: Alert) -> str:
        if alert.account is None:
            return "-"
        where = reverse("admin:accounts_account_change", args=[alert.account_id])
        return format_html(_LINK, where, alert.account)

    @admin.display(description="what to do")
    def runbook(self, alert: Alert) -> str:
        return format_html(_LINK, runbooks.path(alert.kind), runbooks.place(alert.kind))

    @admin.display(description="facts", ordering="facts_count")
    def count(self, alert: Any) -> int:
        return int(alert.facts_count)

    @admin.display(ordering="last_at")
    def age(self, alert: Alert) -> str:
        return timesince(alert.last_at)


_PAGES: Final = {
    "order": "admin:orders_order_change",
    "orders": "admin:orders_order_change",
    "executed": "admin:orders_order_change",
    "layers": "admin:orders_order_change",
    "trade": "admin:orders_trade_change",
    "trades": "admin:orders_trade_change",
    "accounts": "admin:accounts_account_change",
}


def _shown(name: str, value: object) -> str:
    """Return a fact as it is read: what has a page is a link to it."""
    values = value if isinstance(value, list) else [value]
    return format_html_join(", ", "{}", ((_linked(name, each),) for each in values))


def _linked(name: str, value: object) -> str:
    page = _PAGES.get(name)
    if page is None or not isinstance(value, str):
        return str(value)
    try:
        where = reverse(page, args=[UUID(value)])
    except ValueError:
        return value
    return format_html(_LINK, where, value[:8])
