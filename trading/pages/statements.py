"""The customer's statements, by year and kind, and their history of any period as a file."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from marketdata import calendars
from reconciliation.statements import selectors
from reconciliation.statements.history import NotAPeriod, Wanted, What
from reconciliation.statements.models import Statement
from reconciliation.statements.periods import Kind
from trading import streamed
from trading.pages import now

KINDS: Final[dict[str, str]] = {
    "": "All",
    Kind.MONTHLY: "Months",
    Kind.DAILY: "Days",
    Kind.CONFIRMATION: "Trade confirmations",
    Kind.TAX: "Tax",
}
NAMES: Final[dict[str, str]] = {
    Kind.MONTHLY: "Monthly statement",
    Kind.DAILY: "Daily statement",
    Kind.CONFIRMATION: "Trade confirmation",
    Kind.TAX: "Tax report",
}
CHOICES: Final = [(what.value, what.value.capitalize()) for what in What]


class HistoryForm(forms.Form):
    """What is asked for, and from which day to which."""

    what = forms.ChoiceField(choices=CHOICES, label="What")
    first = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label="To", widget=forms.DateInput(attrs={"type": "date"}))


@never_cache
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Show the statements of one year, the newest first."""
    account_id, at = now.account_id(request), timezone.now()
    today = calendars.date_of(at)
    form = HistoryForm(
        initial={"what": What.LEDGER, "first": date(today.year, 1, 1), "last": today}
    )
    return _page(request, account_id, form)


@never_cache
@require_GET
def as_csv(request: HttpRequest, statement_id: UUID) -> HttpResponseBase:
    """Hand a statement out: made again from the ledger, as it was."""
    return streamed.statement_csv(_statement(request, statement_id))


@never_cache
@require_GET
def as_pdf(request: HttpRequest, statement_id: UUID) -> HttpResponseBase:
    return streamed.statement_pdf(_statement(request, statement_id))


@never_cache
@require_GET
def export(request: HttpRequest) -> HttpResponseBase:
    """Hand out the history of a period as CSV."""
    account_id = now.account_id(request)
    form = HistoryForm(request.GET)
    if form.is_valid():
        told = form.cleaned_data
        try:
            wanted = Wanted(account_id, What(told["what"]), told["first"], told["last"])
        except NotAPeriod as error:
            form.add_error("first", str(error))
        else:
            return streamed.history_csv(wanted)
    return _page(request, account_id, form)


def _page(request: HttpRequest, account_id: UUID, form: HistoryForm) -> HttpResponse:
    years = selectors.years(account_id)
    asked = request.GET.get("year", "")
    year = int(asked) if asked in map(str, years) else next(iter(years), None)
    kind = request.GET.get("kind", "")
    if kind not in KINDS:
        kind = ""
    found = selectors.of(account_id, year=year, kind=Kind(kind) if kind else None)
    statements = list(found[: selectors.SHOWN_MAX + 1])
    return render(
        request,
        "pages/statements.html",
        {
            **now.context(account_id, page="account"),
            "years": years,
            "year": year,
            "kind": kind,
            "kinds": list(KINDS.items()),
            "statements": [
                {"statement": each, "name": NAMES[each.kind]}
                for each in statements[: selectors.SHOWN_MAX]
            ],
            "has_more": len(statements) > selectors.SHOWN_MAX,
            "coming": selectors.coming(timezone.now()),
            "form": form,
        },
        status=422 if form.errors else 200,
    )


def _statement(request: HttpRequest, statement_id: UUID) -> Statement:
    found = selectors.one(now.account_id(request), statement_id)
    if found is None:
        raise Http404
    return found
