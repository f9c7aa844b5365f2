"""Corporate actions that two of us have approved: as data, and as announcements."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata import calendars
from marketdata.models import Instrument
from portfolio.actions.models import CorporateAction
from trading.api import errors, queries, wire, wire_actions
from trading.api.scopes import reads
from trading.api.views.base import Call

LISTED_MAX: Final = 1000
ANNOUNCED_DAYS_MAX: Final = 90
_APPROVED: Final = ("approved", "entitled", "done")
_OF_TYPE: Final = {
    "cash_dividend": Q(kind="cash_dividend"),
    "forward_split": Q(kind="split", new_shares__gt=F("old_shares")),
    "reverse_split": Q(kind="split", new_shares__lt=F("old_shares")),
    "spin_off": Q(kind="spin_off"),
    "cash_merger": Q(kind="merger", into=None),
    "stock_merger": Q(kind="merger", into__isnull=False, cash=0),
    "stock_and_cash_merger": Q(kind="merger", into__isnull=False, cash__gt=0),
    "name_change": Q(kind="symbol_change"),
}
_DATES: Final = ("declaration_date", "ex_date", "record_date", "payable_date")


class CorporateActions(Call):
    """Corporate actions by their kind, of the days on which accounts get what they bring."""

    @reads
    def get(self, request: Request) -> Response:
        query = request.query_params
        is_ascending = queries.choice(query, "sort", ("asc", "desc"), default="asc") == "asc"
        limit = queries.whole(query, "limit", default=LISTED_MAX, most=LISTED_MAX)
        found = _wanted(query, today=self.origin.received_at)
        if (token := queries.text(query, "page_token")) is not None:
            last = _found(token)
            if last is None:
                raise errors.unknown_page()
            found = found.filter(_following(last, is_ascending=is_ascending))
        sign = "" if is_ascending else "-"
        ordered = found.select_related("instrument", "into").order_by(
            f"{sign}processed_on", f"{sign}pk"
        )
        rows = list(ordered[: limit + 1])  # one more tells whether there is another page
        by_type: defaultdict[str, list[wire.Json]] = defaultdict(list)
        for row in rows[:limit]:
            by_type[f"{wire_actions.type_of(row)}s"].append(
                wire_actions.action(row, former=_former(row))
            )
        next_token = str(rows[limit - 1].pk) if len(rows) > limit else None
        return Response({"corporate_actions": by_type, "next_page_token": next_token})


class Announcements(Call):
    """What issuers have announced of dividends, splits, mergers and spin-offs."""

    @reads
    def get(self, request: Request) -> Response:
        query = request.query_params
        named = queries.symbols(query, "ca_types", is_required=True)
        unknown = [name for name in named if name.lower() not in wire_actions.ANNOUNCED]
        if unknown:
            raise errors.invalid("ca_types are of dividend, merger, spinoff and split.")
        kinds = [kind for name in named for kind in wire_actions.ANNOUNCED[name.lower()]]
        first, last = queries.day(query, "since"), queries.day(query, "until")
        if first is None or last is None or not 0 <= (last - first).days <= ANNOUNCED_DAYS_MAX:
            raise errors.invalid(f"since and until are days, {ANNOUNCED_DAYS_MAX} apart at most.")
        by = queries.choice(query, "date_type", _DATES, default="ex_date")
        found = _approved().filter(kind__in=kinds)
        if by == "record_date" or queries.text(query, "cusip"):
            found = found.none()  # nobody here knows either
        elif by == "declaration_date":
            found = found.filter(
                announced_at__gte=calendars.midnight(first),
                announced_at__lt=calendars.midnight(last + timedelta(days=1)),
            )
        else:
            field = "ex_date" if by == "ex_date" else "processed_on"
            found = found.filter(**{f"{field}__range": (first, last)})
        if (symbol := queries.text(query, "symbol")) is not None:
            found = found.filter(instrument__symbol=symbol.upper())
        rows = found.select_related("instrument", "into").order_by("ex_date", "pk")
        return Response([wire_actions.announcement(row) for row in rows[:LISTED_MAX]])


class AnnouncementOf(Call):
    """One announcement, by its id."""

    @reads
    def get(self, request: Request, action: str) -> Response:
        found = _found(action)
        if found is None or found.kind == CorporateAction.Kind.SYMBOL_CHANGE:
            raise errors.not_found("The announcement")
        return Response(wire_actions.announcement(found))


def _approved() -> QuerySet[CorporateAction]:
    approved = CorporateAction.objects.filter(state__in=_APPROVED)
    return approved.annotate(processed_on=Coalesce("pay_date", "ex_date"))


def _found(named: str) -> CorporateAction | None:
    found = queries.as_uuid(named)
    return None if found is None else _approved().filter(pk=found).first()


def _wanted(query: queries.Query, *, today: datetime) -> QuerySet[CorporateAction]:
    if queries.text(query, "cusips"):
        return _approved().none()
    if ids := [queries.as_uuid(each) for each in queries.symbols(query, "ids")]:
        return _approved().filter(pk__in=[each for each in ids if each is not None])
    day = calendars.date_of(today)
    first, last = queries.day(query, "start") or day, queries.day(query, "end") or day
    found = _approved().filter(Q(processed_on__range=(first, last)))
    if symbols := queries.symbols(query):
        found = found.filter(
            Q(instrument__symbol__in=symbols) | Q(into__symbol__in=symbols) | Q(symbol__in=symbols)
        )
    if types := _types(query):
        found = found.filter(reduce(or_, (_OF_TYPE.get(name, Q(pk=None)) for name in types)))
    return found


def _types(query: queries.Query) -> list[str]:
    types = [name.lower() for name in queries.symbols(query, "types")]
    if unknown := [name for name in types if name not in wire_actions.TYPES]:
        raise errors.invalid(f"There is no type of corporate action {unknown[0][:40]!r}.")
    return types


def _following(last: CorporateAction, *, is_ascending: bool) -> Q:
    beyond, day = "gt" if is_ascending else "lt", wire_actions.processed_on(last)
    return Q(**{f"processed_on__{beyond}": day}) | Q(
        **{"processed_on": day, f"pk__{beyond}": last.pk}
    )


def _former(action: CorporateAction) -> str:
    """Return the symbol before a change of it."""
    if action.kind != CorporateAction.Kind.SYMBOL_CHANGE:
        return ""
    until = calendars.midnight(action.ex_date + timedelta(days=1))
    known = Instrument.history.filter(id=action.instrument_id, history_date__lt=until)
    before = known.exclude(symbol=action.symbol).order_by("-history_date", "-history_id")
    symbol: str = before.values_list("symbol", flat=True).first() or action.instrument.code
    return symbol
