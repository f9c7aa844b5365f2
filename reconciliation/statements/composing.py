"""A statement from its row: the same document whenever it is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from foundation import decimals
from reconciliation.statements import confirmations, drawing, ledger, marks, rules, sheets, tax
from reconciliation.statements.documents import Document
from reconciliation.statements.ledger import Cut
from reconciliation.statements.models import Statement
from reconciliation.statements.periods import DAY, Kind, Period
from reconciliation.statements.rules import Said


class UnknownLayout(LookupError):
    """The statement was made by a later version of the program."""


@dataclass(frozen=True, slots=True)
class Made:
    """The SHA-256 of a statement's CSV, and its size in bytes."""

    digest: str
    size: int


def cut_of(statement: Statement) -> Cut:
    return Cut(
        account_id=statement.account_id,
        period=Period(Kind(statement.kind), statement.first, statement.last),
        before=statement.before,
        through=statement.through,
        closings=statement.closings,
        washes=statement.washes,
    )


def document(statement: Statement) -> Document:
    """Return what a statement says. Raises UnknownLayout, and rules.DoesNotAddUp."""
    if statement.layout != rules.LAYOUT:
        raise UnknownLayout(f"{statement.number} is of layout {statement.layout}")
    cut, said, number = cut_of(statement), said_from(statement.said), statement.number
    match cut.period.kind:
        case Kind.CONFIRMATION:
            return confirmations.confirmation(
                said,
                cut.period,
                number,
                executions=ledger.executions(cut),
                marks=marks.of(cut.period.last, ledger.codes(cut)[0]),
            )
        case Kind.TAX:
            return tax.tax_report(
                said,
                cut.period,
                number,
                sales=ledger.sales(cut),
                redeemed=ledger.redeemed(cut),
                income=ledger.income(cut),
                marks=marks.of(cut.period.last, ledger.codes_sold(cut)),
                is_corrected=statement.revision > 1,
            )
    named, before = ledger.codes(cut)
    return rules.account_statement(
        said,
        cut.period,
        number,
        figures=ledger.figures(cut),
        movements=ledger.movements(cut),
        marks_before=marks.of(cut.period.first - DAY, before),
        marks=marks.of(cut.period.last, named),
    )


def csv(statement: Statement) -> Iterator[bytes]:
    """Return the statement's CSV, part by part."""
    return sheets.lines(document(statement))


def pdf(statement: Statement) -> bytes:
    """Return the statement as PDF."""
    return drawing.pdf(document(statement))


def made(statement: Statement) -> Made:
    """Return what the statement's CSV comes to, without keeping it."""
    digest, size = hashlib.sha256(), 0
    for part in csv(statement):
        digest.update(part)
        size += len(part)
    return Made(digest.hexdigest(), size)


def is_as_it_was(statement: Statement) -> bool:
    """Tell whether the statement, made again from the ledger, is the same to the byte."""
    return made(statement) == Made(statement.digest, statement.size)


def said_of(said: Said) -> dict[str, Any]:
    """Return these facts as a statement's row keeps them."""
    return {
        "account": said.account,
        "holder": said.holder,
        "is_margin": said.is_margin,
        "accrued": decimals.text(said.accrued),
    }


def said_from(kept: dict[str, Any]) -> Said:
    """Return the facts that a statement's row keeps."""
    return Said(
        account=kept["account"],
        holder=kept["holder"],
        is_margin=kept["is_margin"],
        accrued=Decimal(kept["accrued"]),
    )
