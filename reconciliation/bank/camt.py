"""Read a bank's statement as ISO 20022 camt.053: one account, one day, all of its entries. Pure.

Of any version of the message. Entries that are not booked do not count; of a batch with amounts of
its own each transaction is a line. `CdtDbtInd` is the direction, also of a reversal (`RvslInd`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final

from foundation import decimals
from foundation.decimals import CASH
from reconciliation.bank import elements, plain_file
from reconciliation.bank.elements import Element
from reconciliation.others import BadStatement, Statement
from reconciliation.records import ZERO, BankLine

OPENING: Final = ("OPBD", "PRCD")
CLOSING: Final = ("CLBD",)
_NOT_GIVEN: Final = frozenset({"", "NOTPROVIDED"})


def read(content: bytes, day: date) -> Statement:
    """Return what the bank says of `day`. Raises BadStatement, also for another day's file."""
    told = _only_statement(elements.read(content))
    closing = _balance(told, CLOSING, day)
    entries = [
        line
        for number, entry in enumerate(told.all("Ntry"), start=1)
        if entry.value("Sts/Cd", "Sts") == "BOOK"
        for line in _lines(entry, number)
    ]
    account = told.value("Acct/Id/IBAN", "Acct/Id/Othr/Id")
    opening = _balance(told, OPENING)
    return plain_file.statement(day, account, opening, entries, closing, lines=len(entries) + 2)


def _only_statement(root: Element) -> Element:
    if root.name != "Document":
        raise BadStatement("bad_header", "It is no ISO 20022 document.", line=root.line)
    found = list(root.all("BkToCstmrStmt/Stmt"))
    if len(found) != 1:
        said = f"It must be one statement (camt.053), there are {len(found)}."
        raise BadStatement("bad_header", said, line=root.line)
    pages = root.first("BkToCstmrStmt/GrpHdr/MsgPgntn", "BkToCstmrStmt/Stmt/StmtPgntn")
    is_whole = pages is None or (pages.value("PgNb") == "1" and pages.value("LastPgInd") == "true")
    if pages is not None and not is_whole:
        raise BadStatement("cut_off", "It is one page of several.", line=pages.line)
    return found[0]


def _balance(told: Element, kinds: tuple[str, ...], day: date | None = None) -> Decimal | None:
    for kind in kinds:
        for balance in told.all("Bal"):
            if balance.value("Tp/CdOrPrtry/Cd") != kind:
                continue
            if day is not None and _date(balance, "Dt/Dt", "Dt/DtTm") != day:
                said = f"The closing balance is not of {day}."
                raise BadStatement("other_day", said, line=balance.line)
            return _signed(balance, balance)
    return None


def _lines(entry: Element, number: int) -> list[BankLine]:
    """Return the entry as one line, or the transactions of a batch that say their amounts."""
    day = _date(entry, "BookgDt/Dt", "BookgDt/DtTm")
    name = entry.value("AcctSvcrRef", "NtryRef") or f"entry-{day}-{number}"
    amount = _signed(entry, entry)
    parts = list(entry.all("NtryDtls/TxDtls"))
    priced = [part for part in parts if part.first("Amt", "AmtDtls/TxAmt/Amt") is not None]
    if len(parts) > 1 and len(priced) == len(parts):
        lines = [
            BankLine(
                part.value("Refs/AcctSvcrRef", "Refs/TxId") or f"{name}-{place}",
                day,
                _signed(part, part if part.first("CdtDbtInd") is not None else entry),
                _reference(part),
            )
            for place, part in enumerate(parts, start=1)
        ]
        if sum((line.amount for line in lines), ZERO) != amount:
            raise BadStatement(
                "balance_differs", "A batch is not the sum of its transactions.", line=entry.line
            )
        return lines
    about = parts[0] if parts else entry
    return [BankLine(name, day, amount, _reference(about) or entry.value("AddtlNtryInf")[:200])]


def _reference(told: Element) -> str:
    """Return all that may name the payment: the sender's own word for it, and what was written."""
    said = [told.value("Refs/EndToEndId"), told.value("Refs/InstrId")]
    said += [each.text.strip() for each in told.all("RmtInf/Ustrd")]
    said += [each.text.strip() for each in told.all("RmtInf/Strd/CdtrRefInf/Ref")]
    return " ".join(each for each in said if each not in _NOT_GIVEN)[:200]


def _signed(told: Element, directed: Element) -> Decimal:
    found = told.first("Amt", "AmtDtls/TxAmt/Amt")
    if found is None:
        raise BadStatement("missing_value", "There is no amount.", line=told.line)
    if found.attributes.get("Ccy") != CASH:
        raise BadStatement("unknown_word", f"The currency must be {CASH}.", line=found.line)
    try:
        amount = decimals.parse(found.text.strip())
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
