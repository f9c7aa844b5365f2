"""Statements of banks as camt.053: what is read of them, and what is refused, with its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from reconciliation.bank import camt, elements
from reconciliation.others import BYTES_MAX, BadStatement
from reconciliation.records import BankLine, Basis, Holding, Matter
from tests.bank_files import VERSION_2

D = Decimal
DAY = date(2026, 3, 4)


# Of version 8, with a prefix: the status has a code, transactions their amounts and directions.
VERSION_8 = """<c:Document xmlns:c="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
 <c:BkToCstmrStmt>
  <c:GrpHdr><c:MsgId>M</c:MsgId></c:GrpHdr>
  <c:Stmt>
   <c:StmtPgntn><c:PgNb>1</c:PgNb><c:LastPgInd>1</c:LastPgInd></c:StmtPgntn>
   <c:Acct><c:Id><c:IBAN>DE02120300000000202051</c:IBAN></c:Id></c:Acct>
   <c:Bal><c:Tp><c:CdOrPrtry><c:Cd>PRCD</c:Cd></c:CdOrPrtry></c:Tp>
    <c:Amt Ccy="USD">20</c:Amt><c:CdtDbtInd>DBIT</c:CdtDbtInd><c:Dt><c:Dt>2026-03-03</c:Dt></c:Dt>
   </c:Bal>
   <c:Bal><c:Tp><c:CdOrPrtry><c:Cd>CLBD</c:Cd></c:CdOrPrtry></c:Tp>
    <c:Amt Ccy="USD">5</c:Amt><c:CdtDbtInd>DBIT</c:CdtDbtInd>
    <c:Dt><c:DtTm>2026-03-04T23:59:59-05:00</c:DtTm></c:Dt>
   </c:Bal>
   <c:Ntry>
    <c:NtryRef>7</c:NtryRef><c:Amt Ccy="USD">15</c:Amt><c:CdtDbtInd>CRDT</c:CdtDbtInd>
    <c:Sts><c:Cd>BOOK</c:Cd></c:Sts><c:BookgDt><c:Dt>2026-03-04</c:Dt></c:BookgDt>
    <c:NtryDtls>
     <c:TxDtls><c:Refs><c:TxId>T-1</c:TxId></c:Refs>
      <c:Amt Ccy="USD">20</c:Amt><c:CdtDbtInd>CRDT</c:CdtDbtInd>
      <c:RmtInf><c:Strd><c:CdtrRefInf><c:Ref>D9</c:Ref></c:CdtrRefInf></c:Strd></c:RmtInf>
     </c:TxDtls>
     <c:TxDtls><c:Refs><c:TxId>T-2</c:TxId></c:Refs>
      <c:Amt Ccy="USD">5</c:Amt><c:CdtDbtInd>DBIT</c:CdtDbtInd>
     </c:TxDtls>
    </c:NtryDtls>
   </c:Ntry>
  </c:Stmt>
 </c:BkToCstmrStmt>
</c:Document>
"""


def read(said: str, day: date = DAY):
    return camt.read(said.encode(), day)


def refused(said: str | bytes, day: date = DAY) -> tuple[str, int]:
    with pytest.raises(BadStatement) as error:
        camt.read(said if isinstance(said, bytes) else said.encode(), day)
    return error.value.code, error.value.line


def line_of(said: str, part: str, place: int = 1) -> int:
    """Return the line in which the part stands for the first time, or for a later one."""
    before = said.split(part, place)
    assert len(before) == place + 1, part
    return part.join(before[:place]).count("\n") + 1


def test_a_statement_of_version_2_is_read_whole():
    told = read(VERSION_2)
    assert (told.account, told.day) == ("12345", DAY)
    assert told.matters == {Matter.LINE, Matter.CASH}
    assert told.holdings == (Holding("USD", DAY, D("1459.50"), Basis.TRADED),)
    assert told.bank_lines == (
        BankLine("B-1", DAY, D("250.00"), "D1 ACH CREDIT PAT & PERSON"),
        BankLine("entry-2026-03-04-2", DAY, D("-40.50"), "ACCOUNT FEE"),
        BankLine("entry-2026-03-03-3", date(2026, 3, 3), D("-50.00"), "D0"),
        BankLine("B-4-1", DAY, D("100.00"), "D2"),
        BankLine("B-4-2", DAY, D("200.00"), "D3"),
    )


def test_a_statement_of_version_8_is_read_whole():
    told = read(VERSION_8)
    assert told.account == "DE02120300000000202051"
    assert told.holdings == (Holding("USD", DAY, D(-5), Basis.TRADED),)
    assert told.bank_lines == (BankLine("T-1", DAY, D(20), "D9"), BankLine("T-2", DAY, D(-5), ""))


def test_entries_that_only_their_number_names_are_others_on_other_days():
    """NtryRef names an entry within its message alone: many banks begin with 1 every day."""
    following = VERSION_2.replace("<Dt>2026-03-04", "<Dt>2026-03-05")
    following = following.replace("<DtTm>2026-03-04", "<DtTm>2026-03-05")
    names = {line.id for line in read(VERSION_2).bank_lines}
    again = {line.id for line in read(following, date(2026, 3, 5)).bank_lines}
    assert names & again == {"B-1", "entry-2026-03-03-3", "B-4-1", "B-4-2"}


def test_a_batch_that_says_no_amounts_is_one_line_about_none_of_its_transactions():
    said = VERSION_2.replace("AmtDtls", "Others")
    batch = read(said).bank_lines[-1]
    assert batch == BankLine("B-4", DAY, D("300.00"), "")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
def test_what_a_file_says_it_is_written_in_is_believed(encoding):
    said = VERSION_2.replace("UTF-8", encoding.removesuffix("-sig")).replace("PAT", "ZOË")
    told = camt.read(said.encode(encoding), DAY)
    assert told.bank_lines[0].reference == "D1 ACH CREDIT ZOË & PERSON"


@pytest.mark.parametrize(
    ("part", "by", "code", "place"),
    [
        ("</Document>", "", "bad_xml", None),
        ("<Ntry>", "<Ntry", "bad_xml", None),
        ("<BkToCstmrStmt>", "<BkToCstmrAcctRpt>", "bad_xml", None),
        ("<PgNb>1<", "<PgNb>2<", "cut_off", "<MsgPgntn>"),
        (">true</LastPgInd>", ">false</LastPgInd>", "cut_off", "<MsgPgntn>"),
        ("<Cd>OPBD<", "<Cd>ITBD<", "cut_off", "<Bal>:2"),
        ("<Cd>CLBD<", "<Cd>ITBD<", "cut_off", "<Stmt>"),
        ("<Cd>FWAV<", "<Cd>CLBD<", "told_twice", "<Bal>:3"),
        ("<Othr><Id>12345</Id></Othr>", "", "no_beginning", "<Stmt>"),
        (">1459.50<", ">1459.51<", "balance_differs", "<Bal>:2"),
        (">1000.00</Amt><CdtDbtInd>CRDT", ">1000.00</Amt><CdtDbtInd>DBIT", "balance_differs",
         "<Bal>:2"),
        (">200.00<", ">199.00<", "balance_differs", "<Ntry>:4"),
        ('"USD">250', '"EUR">250', "unknown_word", ">250.00<"),
        ('"USD">200', '"GBP">200', "unknown_word", ">200.00<"),
        (' Ccy="USD">1000', ">1000", "unknown_word", ">1000.00<"),
        ("<CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK", "<Sts>BOOK", "unknown_word", "<Ntry>"),
        ("<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>", "<CdtDbtInd>DEBT</CdtDbtInd><RvslInd>",
         "unknown_word", "<Ntry>:3"),
        (">250.00<", ">2.5E2<", "bad_number", ">250.00<"),
        (">250.00<", ">-250.00<", "bad_number", ">250.00<"),
        (">250.00<", ">250,00<", "bad_number", ">250.00<"),
        (">250.00<", "><", "bad_number", ">250.00<"),
        (">250.00<", ">NaN<", "bad_number", ">250.00<"),
        (">250.00<", ">100000000000000<", "bad_number", ">250.00<"),
        (">250.00<", f">{'9' * 4000}<", "bad_number", ">250.00<"),
        (">250.00<", f">{'9' * 4001}<", "too_long", ">250.00<"),
        (">250.00<", ">250.0000000001<", "bad_number", ">250.00<"),
        ('<Amt Ccy="USD">40.50</Amt>', "", "missing_value", "<Ntry>:2"),
        ("<BookgDt><Dt>2026-03-03", "<BookgDt><Dt>03/03/2026", "bad_date", "<Ntry>:3"),
        ("<BookgDt><Dt>2026-03-03</Dt></BookgDt>", "", "bad_date", "<Ntry>:3"),
        ("<BookgDt><Dt>2026-03-03", "<BookgDt><Dt>2026-03-05", "other_day", "<Ntry>:3"),
        ("<AcctSvcrRef>B-1<", f"<AcctSvcrRef>{'B' * 121}<", "too_long", "<AcctSvcrRef>"),
    ],
)  # fmt: skip
def test_a_bad_statement_is_refused_with_its_code_and_line(part, by, code, place):
    said = VERSION_2.replace(part, by, 1)
    assert said != VERSION_2
    found_code, found_line = refused(said)
    assert found_code == code
    if place is None:
        assert found_line > 1
    else:
        name, _, number = place.partition(":")
        assert found_line == line_of(VERSION_2, name, int(number or 1))


def test_a_statement_of_another_day_is_refused():
    where = line_of(VERSION_2, "<Bal>", 2)
    assert refused(VERSION_2, date(2026, 3, 5)) == ("other_day", where)


def test_two_statements_in_a_file_are_refused():
    begin, end = VERSION_2.index("    <Stmt>"), VERSION_2.index("  </BkToCstmrStmt>")
    twice = VERSION_2[:end] + VERSION_2[begin:end] + VERSION_2[end:]
    assert refused(twice) == ("bad_header", line_of(twice, "<Stmt>", 2))
    none = VERSION_2[:begin] + VERSION_2[end:]
    assert refused(none) == ("bad_header", 2)


@pytest.mark.parametrize("root", ["Statement", "document"])
def test_another_document_is_refused(root):
    assert refused(f"\n<{root}/>") == ("bad_header", 2)


def test_another_message_is_refused():
    other = VERSION_2.replace("BkToCstmrStmt", "BkToCstmrAcctRpt")
    assert refused(other) == ("bad_header", 2)


@pytest.mark.parametrize(
    "unsafe",
    [
        "<!DOCTYPE Document>",
        '<!DOCTYPE Document SYSTEM "http://192.0.2.1/camt.dtd">',
        '<!DOCTYPE Document [<!ENTITY file SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE d [<!ENTITY % p SYSTEM "http://192.0.2.1/p">%p;]>',
    ],
)
def test_a_document_type_is_refused_before_anything_of_it_is_done(unsafe):
    head, rest = VERSION_2.split("\n", 1)
    assert refused(f"{head}\n{unsafe}\n{rest}") == ("unsafe_xml", 2)


def test_what_is_cut_off_anywhere_is_no_statement():
    for size in [*range(0, len(VERSION_2) - 2, 101), len(VERSION_2) - 2]:
        cut = VERSION_2[:size]
        code, line = refused(cut)
        assert (code, 1 <= line <= cut.count("\n") + 1) == ("bad_xml", True)


@pytest.mark.parametrize(
    "content",
    [
        b"record,id,date,amount,currency,reference\n",
        b"%PDF-1.7",
        b"\0\1\2",
        b'<?xml version="1.0" encoding="x-none"?><Document/>',
        b'<?xml version="1.0" encoding="shift_jis"?><Document/>',
        b"<Document>&unknown;</Document>",
        b"<Document>\xff</Document>",
        b"<Document/><Document/>",
    ],
)
def test_what_is_no_xml_is_refused(content):
    assert refused(content) == ("bad_xml", 1)


def test_depth_size_and_number_of_elements_are_bounded(monkeypatch):
    deep = "<Document>\n" + "<a>" * elements.DEPTH_MAX + "</a>" * elements.DEPTH_MAX + "</Document>"
    assert refused(deep) == ("too_large", 2)
    assert refused(b" " * (BYTES_MAX + 1)) == ("too_large", 0)
    monkeypatch.setattr(elements, "ELEMENTS_MAX", 5)
    assert refused(VERSION_2) == ("too_large", line_of(VERSION_2, "<MsgPgntn>"))


def test_what_sets_parts_apart_is_not_kept():
    """However many parts a statement has, what lies between them is no text of it."""
    root = elements.read(b"<Document>" + b"<a/>\n    " * 2_000 + b"</Document>")
    assert (len(root.inner), root.text) == (2_000, "")
