"""A customer's statement as a file, for members of staff whom a customer has asked about it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from accounts.oversight import belonging
from reconciliation.statements.models import Statement
from trading import streamed
from trading.operations.framed import enter
from trading.operations.viewing import shows

VIEW = "reconciliation.view_statement"


@require_GET
def as_csv(request: HttpRequest, statement_id: UUID) -> HttpResponseBase:
    return streamed.statement_csv(_statement(request, statement_id))


@require_GET
def as_pdf(request: HttpRequest, statement_id: UUID) -> HttpResponseBase:
    return streamed.statement_pdf(_statement(request, statement_id))


def _statement(request: HttpRequest, statement_id: UUID) -> Statement:
    """Return the statement, and have it noted who has looked at it."""
    enter(request, VIEW)
    statement = get_object_or_404(Statement, pk=statement_id)
    shows(request, belonging.of_accounts([statement.account_id]))
    return statement
