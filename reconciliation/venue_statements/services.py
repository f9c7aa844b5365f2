"""Taking what others tell us: read first, then kept to the byte; of a bad file nothing is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import structlog
from django.db import connection, transaction

from reconciliation.bank import camt
from reconciliation.bank import plain_file as bank_file
from reconciliation.others import BadStatement, Statement
from reconciliation.venue_statements import exchange_file, plain_file
from reconciliation.venue_statements.models import StatementFile, StatementSource
from venues import statements

log = structlog.get_logger(__name__)

Reader = Callable[[bytes, date], Statement]
EXCHANGE: Final = "exchange"
PLAIN: Final = "csv"
BANK_PLAIN: Final = "bank-csv"
CAMT: Final = "camt.053"

READERS: Final[Mapping[str, Reader]] = {
    EXCHANGE: exchange_file.read,
    PLAIN: plain_file.read,
    BANK_PLAIN: bank_file.read,
    CAMT: camt.read,
}
"""What reads a statement, by its format; a drop copy over a line is one more."""
FILE_NAME_MAX: Final = 120


@dataclass(frozen=True, slots=True)
class Source:
    """One who tells us: a venue of the house, or one with a row."""

    name: str
    kind: str
    venue: str = ""
    account: str = ""
    is_expected: bool = True

    @property
    def is_bank(self) -> bool:
        return self.kind == StatementSource.Kind.BANK


def sources() -> list[Source]:
    """Return everybody who tells us, by name: those of the house first."""
    found = [Source(name, EXCHANGE, venue=name) for name in statements.fetchable()]
    return found + [
        Source(row.name, row.kind, row.venue, row.account, row.is_expected)
        for row in StatementSource.objects.order_by("name")
    ]


def source(name: str) -> Source:
    """Return the source of this name. Raises BadStatement."""
    found = next((each for each in sources() if each.name == name), None)
    if found is None:
        raise BadStatement("unknown_source", f"Nobody called {name!r} sends us statements.")
    return found


def take(
    *, name: str, day: date, content: bytes, file_name: str, actor: str, now: datetime
) -> tuple[StatementFile, bool]:
    """Keep a statement of the source `name`, which counts from now on; tell whether it is new.

    The file that counts already is answered with its row. One that was made before that is
    refused; where either does not say when, what came last counts. Raises BadStatement, and keeps
    nothing.
    """
    of = source(name)
    form = _format(of, content)
    told = READERS[form](content, day)
    if of.account and told.account != of.account:
        raise BadStatement("other_account", f"It is of the account {told.account!r}, not of ours.")
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        # One after the other: which of two is the later must not be undecided.
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"statement:{name}:{day}"]
            )
        kept, is_new = latest(name, frozenset({day})).get(day), False
        if kept is None or kept.sha256 != digest:
            _check_later(told, kept)
            is_new = True
            kept = StatementFile.objects.create(
                source=name, day=day, sha256=digest, format=form,
                file_name=file_name[-FILE_NAME_MAX:], content=content, size=len(content),
                lines=told.lines, made_at=told.made_at, taken_at=now, taken_by=actor,
            )  # fmt: skip
    log.info("statement_taken", source=name, day=str(day), sha256=digest, new=is_new)
    return kept, is_new


def _check_later(told: Statement, kept: StatementFile | None) -> None:
    """Raise BadStatement for a file that its sender made before the one that counts."""
    if kept is None or kept.made_at is None or told.made_at is None:
        return
    if told.made_at < kept.made_at:
        raise BadStatement(
            "superseded",
            f"It was made at {told.made_at.isoformat()}, before the one that counts"
            f" ({kept.made_at.isoformat()}).",
        )


def fetch(name: str, *, day: date, now: datetime) -> StatementFile:
    """Fetch the statement of a venue of the house and keep it. Raises BadStatement."""
    kept, _ = take(
        name=name,
        day=day,
        content=statements.fetch(day=day),
        file_name=statements.file_name(day=day),
        actor="rule:venue_files",
        now=now,
    )
    return kept


def read(kept: StatementFile) -> Statement:
    """Return what a file that we have kept says."""
    return READERS[kept.format](bytes(kept.content), kept.day)


def so_far(*, day: date) -> Statement:
    """Return what the venue of the house says of a day that is not over; nothing is kept."""
    return exchange_file.read(statements.fetch(day=day), day)


def latest(name: str, days: frozenset[date]) -> dict[date, StatementFile]:
    """Return the file that counts of each of these days, of those that there is one of."""
    found = StatementFile.objects.filter(source=name, day__in=days)
    return {each.day: each for each in found.order_by("day", "-pk").distinct("day")}


def _format(of: Source, content: bytes) -> str:
    if of.is_bank:
        return CAMT if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else BANK_PLAIN
    return EXCHANGE if of.kind == EXCHANGE else PLAIN
