"""Files of customers that are made while they are read: of any size, a part at a time.

Django's own would take all parts into memory first where the server is asynchronous.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from reconciliation.statements import composing, history
from reconciliation.statements.history import Wanted
from reconciliation.statements.models import Statement


class Streamed(StreamingHttpResponse):
    """Hands on the parts of an iterator, each made in the request's own thread."""

    def __init__(
        self, parts: Iterator[bytes], *, content_type: str, headers: dict[str, str]
    ) -> None:
        super().__init__(parts, content_type=content_type, headers=headers)
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await sync_to_async(self._next)()) is not None:
            yield part

    def _next(self) -> bytes | None:
        return next(self._parts, None)


def statement_csv(statement: Statement) -> HttpResponseBase:
    """Return a statement's CSV, made again from the ledger while it is read."""
    return _csv(composing.csv(statement), f"{statement.number}.csv")


def statement_pdf(statement: Statement) -> HttpResponseBase:
    """Return a statement as PDF."""
    name = f"{statement.number}.pdf"
    data = composing.pdf(statement)
    return HttpResponse(data, content_type="application/pdf", headers=_headers(name))


def history_csv(wanted: Wanted) -> HttpResponseBase:
    """Return an account's history of a period."""
    return _csv(history.csv(wanted), wanted.name)


def _csv(parts: Iterator[bytes], name: str) -> HttpResponseBase:
    return Streamed(parts, content_type="text/csv; charset=utf-8", headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
