"""Read a bank's statement as ISO 20022 camt.053: one account, one day, all of its entries. Pure.

Of any version of the message. Entries that are not booked, or move nothing, do not count; of a
batch with amounts of its own each transaction is a line. `CdtDbtInd` is the direction, also of a
reversal (`RvslInd`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from foundation import decimals
from foundation.decimals import CASH
from marketdata import calendars
from reconciliation import others
from reconciliation.bank import elements, plain_file
from reconciliation.bank.elements import Element
from reconciliation.others import NAME_MAX, BadStatement, Statement
from reconciliation.records import ZERO, BankLine

OPENING: Final = ("OPBD", "PRCD")
CLOSING: Final = ("CLBD",)
REFERENCE_MAX: Final = 200
_NOT_GIVEN: Final = frozenset({"", "NONREF", "NOTPROVIDED"})
_TRUE: Final = ("true", "1")


def read(content: bytes, day: date) -> Statement:
    """Return what the bank says of `day`. Raises BadStatement, also for another day's file."""
    document = elements.read(content)
    told = _only_statement(document)
    opening, closing = _balance(told, OPENING), _balance(told, CLOSING)
    if closing is not None and _date(closing, "Dt/Dt", "Dt/DtTm") != day:
        raise BadStatement("other_day", f"The closing balance is not of {day}.", line=closing.line)
    entries = [
        line
        for number, entry in enumerate(told.all("Ntry"), start=1)
        if entry.value("Sts/Cd", "Sts") == "BOOK"
        for line in _lines(entry, number, day)
    ]
    return plain_file.statement(
        day,
        told.value("Acct/Id/IBAN", "Acct/Id/Othr/Id"),
        None if opening is None else _signed(opening, opening),
        entries,
        None if closing is None else _signed(closing, closing),
        lines=len(entries) + 2,
        begin=told.line,
        end=told.line if closing is None else closing.line,
        made_at=_made_at(told, document),
    )


def _made_at(told: Element, document: Element) -> datetime | None:
    """Return when the bank made the statement, else the message: of a day the latest counts."""
    said = told.value("CreDtTm") or document.value("BkToCstmrStmt/GrpHdr/CreDtTm")
    if not said:
        return None
    try:
        made_at = datetime.fromisoformat(said)
        # Without a zone it is the bank's own, which is ours.
        made_at = made_at if made_at.tzinfo else made_at.replace(tzinfo=calendars.NEW_YORK)
        return made_at.astimezone(UTC)
    except (ValueError, OverflowError):
        said = "CreDtTm must be a time, as ISO 8601 has it."
        raise BadStatement("bad_time", said, line=told.line) from None


def _only_statement(root: Element) -> Element:
    if root.name != "Document":
        raise BadStatement("bad_header", "It is no ISO 20022 document.", line=root.line)
    found = list(root.all("BkToCstmrStmt/Stmt"))
    if len(found) != 1:
        said = f"It must be one statement (camt.053), there are {len(found)}."
        where = found[1] if found else root
        raise BadStatement("bad_header", said, line=where.line)
    for path in ("BkToCstmrStmt/GrpHdr/MsgPgntn", "BkToCstmrStmt/Stmt/StmtPgntn"):
        for pages in root.all(path):
            if pages.value("PgNb") != "1" or pages.value("LastPgInd") not in _TRUE:
                raise BadStatement("cut_off", "It is one page of several.", line=pages.line)
    return found[0]


def _balance(told: Element, kinds: tuple[str, ...]) -> Element | None:
    """Return the balance of the first of these kinds that there is one of."""
    for kind in kinds:
        found = [each for each in told.all("Bal") if each.value("Tp/CdOrPrtry/Cd") == kind]
        if len(found) > 1:
            raise BadStatement("told_twice", f"{kind} is told twice.", line=found[1].line)
        if found:
            return found[0]
    return None


def _lines(entry: Element, number: int, until: date) -> list[BankLine]:
    """Return the entry as one line, or the transactions of a batch that say their amounts."""
    day = _date(entry, "BookgDt/Dt", "BookgDt/DtTm")
    if day > until:
        raise BadStatement("other_day", f"The entry is booked after {until}.", line=entry.line)
    name, amount = _name(entry, day, number), _signed(entry, entry)
    parts = list(entry.all("NtryDtls/TxDtls"))
    priced = [part for part in parts if part.first("Amt", "AmtDtls/TxAmt/Amt") is not None]
    if len(parts) > 1 and len(priced) == len(parts):
        names = _names_of_parts(parts, name)
        directed = [part if part.first("CdtDbtInd") is not None else entry for part in parts]
        lines = [
            BankLine(each, day, _signed(part, direction), _reference(part))
            for each, part, direction in zip(names, parts, directed, strict=True)
        ]
        if sum((line.amount for line in lines), ZERO) != amount:
            raise BadStatement(
                "balance_differs", "A batch is not the sum of its transactions.", line=entry.line
            )
    else:
        # Of several without amounts none is more the one that it is about than another.
        about = parts[0] if len(parts) == 1 else entry
        said = _reference(about) or entry.value("AddtlNtryInf")[:REFERENCE_MAX]
        lines = [BankLine(name, day, amount, said)]
    return [line for line in lines if line.amount]


def _name(entry: Element, day: date, number: int) -> str:
    """Return what names the entry on every statement: the bank's own reference, if it gives one.

    That of the entry in the message, which may be a mere number, begins anew every day.
    """
    own, within = _given(entry, "AcctSvcrRef"), _given(entry, "NtryRef")
    return own or f"entry-{day}-{within or f'no{number}'}"


def _names_of_parts(parts: list[Element], name: str) -> list[str]:
    """Return what names each transaction; a bank may name all of them as it does the batch."""
    names = [_given(part, "Refs/AcctSvcrRef") or _given(part, "Refs/TxId") for part in parts]
    if "" in names or len(set(names)) < len(names):
        return [f"{name}-{place}" for place in range(1, len(parts) + 1)]
    return names


def _given(told: Element, path: str) -> str:
    """Return a reference, if there is one. Raises BadStatement for one that is too long to keep."""
    found = told.first(path)
    value = "" if found is None else found.text.strip()
    if found is not None and len(value) > NAME_MAX - len("entry-2026-03-04--00000"):
        raise BadStatement("too_long", f"{found.name} is too long.", line=found.line)
    return "" if value in _NOT_GIVEN else value


def _reference(told: Element) -> str:
    """Return all that may name the payment: the sender's own word for it, and what was written."""
    said = [told.value("Refs/EndToEndId"), told.value("Refs/InstrId")]
    said += [each.text.strip() for each in told.all("RmtInf/Ustrd")]
    said += [each.text.strip() for each in told.all("RmtInf/Strd/CdtrRefInf/Ref")]
    return " ".join(each for each in said if each not in _NOT_GIVEN)[:REFERENCE_MAX]


def _signed(told: Element, directed: Element) -> Decimal:
    found = told.first("Amt", "AmtDtls/TxAmt/Amt")
    if found is None:
        raise BadStatement("missing_value", "There is no amount.", line=told.line)
    if found.attributes.get("Ccy") != CASH:
        raise BadStatement("unknown_word", f"The currency must be {CASH}.", line=found.line)
    try:
        amount = others.number(found.text.strip())
    except decimals.InvalidDecimal as error:
        raise BadStatement("bad_number", f"{error}.", line=found.line) from None
    if amount < 0:
        raise BadStatement("bad_number", "An amount has no sign here.", line=found.line)
    match directed.value("CdtDbtInd"):
        case "CRDT":
            return amount
        case "DBIT":
            return -amount
    raise BadStatement("unknown_word", "CdtDbtInd must be CRDT or DBIT.", line=directed.line)


def _date(told: Element, *paths: str) -> date:
    value = told.value(*paths)
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        raise BadStatement("bad_date", "A date is missing or wrong.", line=told.line) from None
