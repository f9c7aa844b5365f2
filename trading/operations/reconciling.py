"""The reconciliation of a day: what each source told, what was compared, what is open, the pack."""

from __future__ import annotations

from datetime import date
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.oversight import belonging
from marketdata import calendars
from reconciliation.breaks import evidence, selectors
from trading.operations.framed import enter, framed
from trading.operations.viewing import shows

VIEW: Final = "reconciliation.view_break"


@require_GET
def latest(request: HttpRequest) -> HttpResponse:
    """Show the latest day of which anything was compared."""
    enter(request, VIEW)
    days = selectors.days()
    return _page(request, days[0] if days else calendars.date_of(timezone.now()))


@require_GET
def page(request: HttpRequest, day: date) -> HttpResponse:
    """Show a day."""
    enter(request, VIEW)
    return _page(request, day)


@require_GET
def pack(request: HttpRequest, day: date, form: str) -> HttpResponseBase:
    """Hand out the evidence of a day, as CSV or PDF."""
    enter(request, VIEW)
    answer: HttpResponseBase
    if form == "csv":
        answer = StreamingHttpResponse(evidence.as_csv(day), content_type="text/csv; charset=utf-8")
    elif form == "pdf":
        answer = HttpResponse(evidence.as_pdf(day), content_type="application/pdf")
    else:
        raise Http404
    answer["Content-Disposition"] = f'attachment; filename="reconciliation-{day}.{form}"'
    _say_whose(request, day)
    return answer


def _page(request: HttpRequest, day: date) -> HttpResponse:
    _say_whose(request, day)
    return framed(
        request,
        "operations/reconciliation.html",
        title=f"Reconciliation of {day}",
        day=day,
        days=selectors.days(),
        sources=selectors.of_day(day),
        breaks=selectors.breaks_of(day)[: selectors.BREAKS_SHOWN],
    )


def _say_whose(request: HttpRequest, day: date) -> None:
    accounts = (
        selectors.breaks_of(day)
        .exclude(account=None)
        .order_by()
        .values_list("account_id", flat=True)
    )
    shows(request, belonging.of_accounts(accounts))
