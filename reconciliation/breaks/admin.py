"""Breaks as operations works them, the files that others send, and who sends them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.models import Account, User
from accounts.oversight import actors
from accounts.sessions.gate import person_of
from foundation.admin import Historied, ReadOnlyInline, Undeletable, Worked, actor_of, figure
from marketdata import calendars
from reconciliation.breaks import asked, selectors, working
from reconciliation.breaks.keeping import OPEN
from reconciliation.breaks.models import Break, BreakStep
from reconciliation.breaks.working import UnableToResolve
from reconciliation.others import BYTES_MAX, BadStatement
from reconciliation.venue_statements import services as statements
from reconciliation.venue_statements.models import StatementFile, StatementSource
from risk.graded import Graded

_LINK: Final = '<a class="text-link" href="{}">{}</a>'
AGES: Final = {"1": 1, "3": 3, "7": 7}


class Waiting(admin.SimpleListFilter):
    """What is not resolved, unless asked otherwise."""

    title = "waiting"
    parameter_name = "waiting"

    def lookups(self, *_: object) -> list[tuple[str, str]]:
        return [("mine", "Mine"), ("nobody", "Nobody's"), ("resolved", "Resolved"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        every, *others = super().choices(changelist)
        return [{**every, "display": "All that wait"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Break]) -> QuerySet[Break]:
        open_ = queryset.filter(state__in=OPEN)
        match self.value():
            case "mine":
                return open_.filter(assigned_to=request.user.pk)
            case "nobody":
                return open_.filter(assigned_to=None)
            case "resolved":
                return queryset.exclude(state__in=OPEN)
            case "all":
                return queryset
        return open_


class Age(admin.SimpleListFilter):
    """How long it has been there."""

    title = "age"
    parameter_name = "age"

    def lookups(self, *_: object) -> list[tuple[str, str]]:
        return [(key, f"{days} days or more") for key, days in AGES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Break]) -> QuerySet[Break]:
        days = AGES.get(self.value() or "")
        if days is None:
            return queryset
        today = calendars.date_of(timezone.now())
        return queryset.filter(day__lte=date.fromordinal(today.toordinal() - days))


class StepForm(forms.ModelForm):  # type: ignore[type-arg]
    """The next step about a break."""

    TAKE, NOTE, ASSIGN = "take", "note", "assign"
    EXPLAIN, ACCEPT, REFUSE, CORRECT = "explain", "accept", "refuse", "correct"
    NAMES: ClassVar = {
        TAKE: "Take it",
        ASSIGN: "Give it to somebody",
        NOTE: "Write a note",
        EXPLAIN: "Explain it: it may stay so",
        ACCEPT: "Accept the explanation",
        REFUSE: "Refuse the explanation",
        CORRECT: "Ask for a correcting entry",
    }

    step = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    note = forms.CharField(
        required=False,
        max_length=working.NOTE_MAX,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="What you have found, or why. Kept for ever, beside who wrote it.",
    )
    person = forms.ModelChoiceField(
        User.objects.none(), required=False, widget=UnfoldAdminSelectWidget,
        help_text="Only to give it to somebody.",
    )  # fmt: skip
    entry = forms.ChoiceField(
        required=False,
        choices=[("", "---"), ("customer", "a customer's cash")]
        + [(kind.value, kind.label) for kind in working.HOUSE],
        widget=UnfoldAdminSelectWidget,
        help_text="Only for a correcting entry: which account gets the amount out of suspense.",
    )
    number = forms.CharField(
        required=False, widget=UnfoldAdminTextInputWidget, help_text="Of the customer's account."
    )
    amount = forms.DecimalField(
        required=False, max_digits=20, decimal_places=2, widget=UnfoldAdminDecimalFieldWidget,
        help_text="In USD; negative where the account gives it.",
    )  # fmt: skip

    class Meta:
        model = Break
        fields: ClassVar[list[str]] = []

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields["step"].choices = [  # type: ignore[attr-defined]
            (step, self.NAMES[step]) for step in self._open_steps()
        ]
        people = User.objects.filter(is_staff=True, is_active=True).order_by("email")
        self.fields["person"].queryset = people  # type: ignore[attr-defined]

    def _open_steps(self) -> list[str]:
        row: Break = self.instance
        if not row.is_open:
            return [self.NOTE]
        if row.state == Break.State.EXPLAINED:
            return [self.NOTE, self.TAKE, self.ASSIGN, self.ACCEPT, self.REFUSE]
        steps = [self.TAKE, self.ASSIGN, self.NOTE, self.EXPLAIN]
        return [*steps, self.CORRECT] if working.needs_two(row) else steps

    def take(self, request: HttpRequest) -> None:
        """Take the step. Raises UnableToResolve."""
        told, pk, now = self.cleaned_data, self.instance.pk, timezone.now()
        by = person_of(request)
        note = told["note"]
        match told["step"]:
            case self.TAKE:
                working.take(pk, by=by, now=now)
            case self.ASSIGN:
                if told["person"] is None:
                    raise UnableToResolve("Say to whom.")
                working.assign(pk, to=told["person"], by=by, note=note, now=now)
            case self.NOTE:
                working.note(pk, by=by, note=note, now=now)
            case self.EXPLAIN:
                working.explain(pk, by=by, reason=note, now=now)
            case self.ACCEPT:
                working.accept(pk, by=by, reason=note, now=now)
            case self.REFUSE:
                working.refuse(pk, by=by, reason=note, now=now)
            case self.CORRECT:
                working.ask_to_correct(
                    pk, amount=told["amount"] or working.NOTHING, account=self._account(),
                    by=by, reason=note, now=now,
                )  # fmt: skip

    def _account(self) -> str:
        entry: str = self.cleaned_data["entry"]
        if entry != "customer":
            return entry
        found = Account.objects.filter(number=self.cleaned_data["number"].strip()).first()
        return str(found.pk) if found is not None else ""


def _called(name: str, value: str) -> str:
    """Return a fact of a step as it reads: an account by its number, an amount in USD."""
    if name == "amount":
        return f"{figure(Decimal(value))} USD"
    if name == "account" and value not in {kind.value for kind in working.HOUSE}:
        found = Account.objects.filter(pk=value).first()
        return found.number if found is not None else value
    return value


class StepInline(ReadOnlyInline):
    model = BreakStep
    verbose_name_plural = "steps"
    fields = ("at", "who", "kind", "note", "shown")
    readonly_fields = fields
    ordering = ("number",)
    hide_title = True

    def who(self, step: BreakStep) -> str:
        return actors.named([step.actor])[step.actor]

    @admin.display(description="with")
    def shown(self, step: BreakStep) -> SafeString:
        facts = [(name, value) for name, value in step.facts.items() if isinstance(value, str)]
        return format_html_join(
            " ", "<span>{} {}</span>", ((name, _called(name, value)) for name, value in facts)
        )


@admin.register(Break)
class BreakAdmin(Graded, Worked):
    form = StepForm
    refusals = (UnableToResolve,)
    list_display = (
        *("level", "kind_name", "subject_shown", "source", "apart_shown", "value_shown"),
        *("age", "state", "assigned_to"),
    )
    list_display_links = ("kind_name", "subject_shown")
    list_filter = (Waiting, Age, "severity", "type", "source", "state")
    list_select_related = ("assigned_to",)
    search_fields = ("key", "=account__number", "=instrument__symbol")
    ordering = ("-severity", "day", "pk")
    rows = (
        ("level", "kind_name", "source"),
        ("day_page", "age", "found_on"),
        "sides",
        ("apart_shown", "value_shown"),
        ("account_page", "order_page"),
        ("state", "assigned_to"),
        ("rule", "resolved_at"),
        "waits_for",
        "what_to_do",
    )
    readonly_fields = (
        *("level", "kind_name", "source", "day_page", "age", "found_on", "sides", "apart_shown"),
        *("value_shown", "account_page", "order_page", "state", "assigned_to", "rule"),
        *("resolved_at", "waits_for", "what_to_do"),
    )
    inlines = (StepInline,)

    def get_fieldsets(self, request: HttpRequest, obj: Break | None = None) -> Any:
        told = [row for row in self.rows if obj is None or self._says(row, obj)]
        shown: list[Any] = [(None, {"fields": told})]
        if obj is not None and self.has_change_permission(request, obj):
            steps = ("step", "note", "person", ("entry", "number", "amount"))
            shown.append(("The next step", {"fields": steps}))
        return shown

    def get_readonly_fields(self, request: HttpRequest, obj: Break | None = None) -> Any:
        return self.readonly_fields

    def _says(self, row: Any, of: Break) -> bool:
        """Tell whether a line of the page says anything of this break."""
        match row:
            case ("account_page", "order_page"):
                return of.account_id is not None or of.order_id is not None
            case ("rule", "resolved_at"):
                return not of.is_open
            case "waits_for":
                return of.state in (Break.State.EXPLAINED, Break.State.RESOLVING)
        return True

    @admin.display(description="type", ordering="type")
    def kind_name(self, row: Break) -> str:
        return row.type.replace("_", " ")

    @admin.display(description="about")
    def subject_shown(self, row: Break) -> str:
        return row.subject[:60]

    @admin.display(description="apart")
    def apart_shown(self, row: Break) -> str:
        return row.apart

    @admin.display(description="at stake, USD", ordering="value")
    def value_shown(self, row: Break) -> str:
        return f"{row.value:,.2f}" if row.value else "-"

    @admin.display(ordering="-day")
    def age(self, row: Break) -> str:
        end = calendars.date_of(row.resolved_at or timezone.now())
        days = max((end - row.day).days, 0)
        return "today" if not days else f"{days} day{'s' if days > 1 else ''}"

    @admin.display(description="both sides")
    def sides(self, row: Break) -> SafeString:
        lines = format_html_join(
            "",
            '<tr{}><th scope="row">{}</th><td>{}</td><td>{}</td></tr>',
            (
                (
                    format_html(' class="{}"', "ops-apart") if differs else "",
                    name,
                    a or "-",
                    b or "-",
                )
                for name, a, b, differs in selectors.sides(row)
            ),
        )
        return format_html(
            '<div class="ops ops-sides"><div class="ops-wide" role="region" tabindex="0" '
            'aria-label="Both sides">'
            '<table><thead><tr><th scope="col"></th><th scope="col">We say</th>'
            '<th scope="col">They say</th></tr></thead><tbody>{}</tbody></table></div></div>',
            lines,
        )

    @admin.display(description="day")
    def day_page(self, row: Break) -> str:
        where = reverse("operations:reconciliation_day", args=[row.day])
        return format_html(_LINK, where, row.day)

    @admin.display(description="account")
    def account_page(self, row: Break) -> str:
        if row.account_id is None:
            return "-"
        where = reverse("operations:customer", args=[row.account_id])
        return format_html(_LINK, where, row.account)

    @admin.display(description="order")
    def order_page(self, row: Break) -> str:
        if row.order_id is None:
            return "-"
        where = reverse("admin:orders_order_change", args=[row.order_id])
        return format_html(_LINK, where, str(row.order_id)[:8])

    @admin.display(description="waits for")
    def waits_for(self, row: Break) -> str:
        if row.state == Break.State.EXPLAINED:
            return "another person to accept the explanation"
        found = asked.waiting(row, now=timezone.now()) if row.is_open else None
        if found is None:
            return "-"
        return format_html(
            '<a class="text-link" href="{}#asked-{}">a second person, asked by {}</a>',
            reverse("operations:approvals"), found.pk, found.asked_by,
        )  # fmt: skip

    @admin.display(description="what to do")
    def what_to_do(self, row: Break) -> str:
        return format_html(
            _LINK, reverse("operations:runbook", args=["break-found"]), "break-found"
        )


class UploadForm(forms.ModelForm):  # type: ignore[type-arg]
    """A file that a venue, custodian or bank has sent."""

    sent_by = forms.ChoiceField(label="source", widget=UnfoldAdminSelectWidget)
    file = forms.FileField()

    class Meta:
        model = StatementFile
        fields: ClassVar = ["day"]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        names = [each.name for each in statements.sources()]
        self.fields["sent_by"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > BYTES_MAX:
            raise forms.ValidationError("The file is too large.")
        return file


@admin.register(StatementFile)
class StatementFileAdmin(Undeletable):
    form = UploadForm
    list_display = ("day", "source", "format", "lines", "size", "taken_at", "taken_by")
    list_filter = ("source", "format")
    ordering = ("-day", "source", "-pk")
    shown = (
        *("source", "day", "format", "file_name", "lines", "size", "sha256", "taken_at"),
        "taken_by",
    )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatementFile]:
        found: QuerySet[StatementFile] = super().get_queryset(request)
        return found.defer("content")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown if obj else ("sent_by", "day", "file")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        told = form.cleaned_data
        try:
            kept, _ = statements.take(
                name=told["sent_by"], day=told["day"], content=told["file"].read(),
                file_name=told["file"].name, actor=actor_of(request), now=timezone.now(),
            )  # fmt: skip
            obj.pk, obj.source = kept.pk, kept.source
        except BadStatement as error:
            request.statement_error = str(error)  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        error = getattr(request, "statement_error", None)
        said = f"Nothing was taken. {error}" if error else f"{obj} was taken."
        self.message_user(request, said, messages.ERROR if error else messages.SUCCESS)
        return self.response_post_save_add(request, obj)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The row says by whom it was taken."""


@admin.register(StatementSource)
class StatementSourceAdmin(Historied, Undeletable):
    list_display = ("name", "kind", "venue", "account", "is_expected")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "kind") if obj else ()
