"""Statements of the account, and its history of any period, for people who are signed in."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from reconciliation.statements import selectors
from reconciliation.statements.history import NotAPeriod, Wanted, What
from reconciliation.statements.models import Statement
from reconciliation.statements.periods import Kind
from trading import streamed
from trading.api import errors, queries, wire
from trading.api.scopes import reads
from trading.api.views.base import Call


class Statements(Call):
    """The statements of a year, or of all, the newest first, and when the next ones come.

    `sha256` is of the CSV, which is the same to the byte whenever it is asked for.
    """

    @reads
    def get(self, request: Request) -> Response:
        self.take_only(request, "year", "kind")
        query = request.query_params
        year = queries.whole(query, "year", default=0, least=queries.YEAR_MIN, most=9999)
        kind = queries.choice(query, "kind", ("all", *Kind), default="all")
        found = selectors.of(
            self.origin.account_id,
            year=year or None,
            kind=None if kind == "all" else Kind(kind),
        )
        coming = selectors.coming(self.origin.received_at)
        return Response(
            {
                "statements": [_statement(each) for each in found[: selectors.SHOWN_MAX]],
                "next_month": {"last": str(coming.month), "on": str(coming.month_on)},
                "next_tax_year": {"year": coming.tax_year, "on": str(coming.tax_on)},
            }
        )


class StatementCsv(Call):
    """One statement as CSV, streamed."""

    @reads
    def get(self, request: Request, statement_id: str) -> HttpResponseBase:
        return streamed.statement_csv(_one(self, statement_id))


class StatementPdf(Call):
    """One statement as PDF."""

    @reads
    def get(self, request: Request, statement_id: str) -> HttpResponseBase:
        return streamed.statement_pdf(_one(self, statement_id))


class HistoryCsv(Call):
    """Orders, executions, the ledger or positions of a period as CSV, streamed, of any size.

    `first` and `last` are days in New York, both included; positions are those at the end of
    `last`.
    """

    @reads
    def get(self, request: Request) -> HttpResponseBase:
        self.take_only(request, "what", "first", "last")
        query = request.query_params
        what = queries.choice(query, "what", tuple(What), default=What.LEDGER)
        first, last = queries.day(query, "first"), queries.day(query, "last")
        if first is None or last is None:
            raise errors.invalid("first and last are needed: days such as 2026-03-31.")
        try:
            wanted = Wanted(self.origin.account_id, What(what), first, last)
        except NotAPeriod as error:
            raise errors.invalid(str(error)) from None
        return streamed.history_csv(wanted)


def _one(call: Call, statement_id: str) -> Statement:
    key = queries.as_uuid(statement_id)
    found = selectors.one(call.origin.account_id, key) if isinstance(key, UUID) else None
    if found is None:
        raise errors.not_found("The statement")
    return found


def _statement(each: Statement) -> dict[str, Any]:
    return {
        "id": str(each.pk),
        "number": each.number,
        "kind": each.kind,
        "first": str(each.first),
        "last": str(each.last),
        "revision": each.revision,
        "sha256": each.digest,
        "size": each.size,
        "made_at": wire.timestamp(each.made_at),
    }
