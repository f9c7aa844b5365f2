"""The CSV files of banks, custodians and venues: what is refused, with its code and its line."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from reconciliation import others
from reconciliation.bank import plain_file as bank
from reconciliation.others import BadStatement
from reconciliation.records import BankLine, Basis, Holding, Matter
from reconciliation.venue_statements import exchange_file, plain_file
from tests.bank_files import BANK, CUSTODIAN

D = Decimal
DAY = date(2026, 3, 4)


EXCHANGE = """record,sequence,at,execution_id,reference,client_order_id,venue_order_id,symbol,side,quantity,price,value,leaves_quantity
trade,1,2026-03-04T17:00:00+00:00,T1B,,O1,1,AAPL,buy,10,100,1000,
bust,2,2026-03-04T17:05:00+00:00,X1B,T1B,O1,1,AAPL,buy,-10,100,-1000,
open_order,,,,,O2,2,KO,sell,0,,,3
total,,,,,,,AAPL,buy,0,,0,
"""  # noqa: E501

READERS = {BANK: bank.read, CUSTODIAN: plain_file.read, EXCHANGE: exchange_file.read}
OF_ALL = (BANK, CUSTODIAN, EXCHANGE)


def refused(whole: str, content: str | bytes, day: date = DAY) -> tuple[str, int]:
    with pytest.raises(BadStatement) as error:
        READERS[whole](content if isinstance(content, bytes) else content.encode(), day)
    return error.value.code, error.value.line


def test_a_bank_file_is_read_whole():
    told = bank.read(BANK.encode(), DAY)
    assert told.bank_lines == (
        BankLine("B1", DAY, D("250.00"), "ACH, D1"),
        BankLine("B2", DAY, D("-40.50")),
    )
    assert told.holdings == (Holding("USD", DAY, D("1209.50")),)
    assert (told.account, told.lines) == ("12345", 5)


def test_a_custodians_file_is_read_whole():
    told = plain_file.read(CUSTODIAN.encode(), DAY)
    assert told.matters == set(Matter) - {Matter.LINE}
    assert [(e.id, e.busts, e.signed, e.fee) for e in told.executions] == [
        ("X1", "", 10, D("0.02")), ("X2", "X1", -10, D("-0.02")),
    ]  # fmt: skip
    assert [(o.id, o.side, o.leaves) for o in told.orders] == [("O2", "sell", 3)]
    assert told.holdings == (
        Holding("AAPL", DAY, D(-4), Basis.SETTLED), Holding("USD", DAY, D("-12.34"))
    )  # fmt: skip


def test_the_exchanges_file_is_read_whole():
    told = exchange_file.read(EXCHANGE.encode(), DAY)
    assert [(e.id, e.busts, e.signed) for e in told.executions] == [
        ("T1B", "", 10), ("X1B", "T1B", -10),
    ]  # fmt: skip
    assert [(o.id, o.leaves) for o in told.orders] == [("O2", 3)]


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("whole", OF_ALL, ids=["bank", "custodian", "exchange"])
def test_a_byte_order_mark_and_either_line_end_change_nothing(whole, mark, line_end):
    content = mark + whole.replace("\n", line_end)
    assert READERS[whole](content.encode(), DAY) == READERS[whole](whole.encode(), DAY)


@pytest.mark.parametrize(
    ("part", "by", "code", "line"),
    [
        ("reference\n", "referenz\n", "bad_header", 1),
        ("account,12345,,,,\n", "", "no_beginning", 1),
        ("account,12345,", "account,,", "missing_value", 2),
        ("account,12345,,,,\n", "account,12345,,,,\n" * 2, "told_twice", 3),
        ("account,12345,,", "account,12345,2026-03-04,", "unexpected_value", 2),
        ("opening,,,1000.00,USD,\n", "", "cut_off", 5),
        ("opening,,,1000.00,USD,\n", "opening,,,1000.00,USD,\n" * 2, "told_twice", 4),
        ("closing,,2026-03-04,1209.50,USD,\n", "", "cut_off", 6),
        ("closing,,2026-03-04,1209.50,USD,\n", "closing,,2026-03-04,1209.50,USD,\n" * 2,
         "after_end", 7),
        ("closing,,2026-03-04", "closing,,2026-03-05", "other_day", 6),
        ("closing,,2026-03-04", "closing,,", "missing_value", 6),
        (",1209.50,", ",1209.51,", "balance_differs", 6),
        ("B1,2026-03-04", "B1,2026-03-03", "other_day", 4),
        ("B1,2026-03-04", "B1,2026-13-04", "bad_date", 4),
        ("250.00,USD", "250.00,EUR", "unknown_word", 4),
        ("250.00,USD", "250.00,", "missing_value", 4),
        ("entry,B1", "entries,B1", "unknown_word", 4),
        ("entry,B1", ",B1", "missing_value", 4),
        ("entry,B1", "entry,", "missing_value", 4),
        ("entry,B1", f"entry,{'B' * 121}", "too_long", 4),
        ("ACH, D1", "A" * 401, "too_long", 4),
        (",250.00,", ",0,", "bad_number", 4),
        (",250.00,", ",+250.00,", "bad_number", 4),
        (",250.00,", ",2.5e2,", "bad_number", 4),
        (",250.00,", ",250.,", "bad_number", 4),
        (",250.00,", ",Infinity,", "bad_number", 4),
        (",250.00,", ",100000000000000,", "bad_number", 4),
        (",250.00,", ",0.0000000001,", "bad_number", 4),
        (',USD,"ACH, D1"', ",USD,ACH, D1", "bad_columns", 4),
        ('"ACH, D1"', '"ACH, D1', "bad_csv", 6),
        ('"ACH, D1"', '"ACH" D1', "bad_csv", 4),
    ],
)  # fmt: skip
def test_a_bad_bank_file_is_refused_with_its_code_and_line(part, by, code, line):
    content = BANK.replace(part, by, 1)
    assert content != BANK
    assert refused(BANK, content) == (code, line)


@pytest.mark.parametrize(
    ("part", "by", "code", "line"),
    [
        ("account,OF-1,,,,,,,,,,\n", "", "no_beginning", 7),
        ("account,OF-1,,,,,,,,,,\n", "account,OF-1,,,,,,,,,,\n" * 2, "told_twice", 3),
        ("day,2026-03-04,,,,,,,,,,\n", "", "no_beginning", 7),
        ("day,2026-03-04,,,,,,,,,,\n", "day,2026-03-04,,,,,,,,,,\n" * 2, "told_twice", 4),
        ("day,2026-03-04", "day,2026-03-05", "other_day", 3),
        ("day,2026-03-04", "day,today", "bad_date", 3),
        ("tells,trades", "tells,everything", "unknown_word", 4),
        ("tells,trades", "tells,cash", "not_told", 8),
        ("tells,open_orders", "tells,cash", "not_told", 10),
        ("tells,cash", "tells,trades", "not_told", 12),
        ("X1,O1,AAPL,buy,10", "X1,O1,AAPL,buy,-10", "bad_number", 8),
        ("X1,O1,AAPL,buy,10", "X1,O1,AAPL,buy,0", "bad_number", 8),
        ("X1,O1,AAPL,buy,10", "X1,O1,AAPL,BUY,10", "unknown_word", 8),
        ("X1,O1,AAPL,buy,10", "X1,,AAPL,buy,10", "missing_value", 8),
        ("X1,O1,AAPL,buy,10", f"X1,O1,{'A' * 25},buy,10", "too_long", 8),
        ("X1,O1,AAPL,buy,10", f"X1,{'O' * 121},AAPL,buy,10", "too_long", 8),
        ("100.5,2026-03-04T12:00:00-05:00", "0,2026-03-04T12:00:00-05:00", "bad_number", 8),
        ("T12:00:00-05:00", "T12:00:00", "bad_time", 8),
        ("2026-03-04T12:00:00-05:00", "noon", "bad_time", 8),
        ("2026-03-04T12:00:00-05:00", "0001-01-01T00:00:00+14:00", "bad_time", 8),
        ("2026-03-04T12:00:00-05:00", "9999-12-31T23:59:59-14:00", "bad_time", 8),
        ("2026-03-04T12:00:00-05:00", "2026-03-05T05:00:00+00:00", "other_day", 8),
        (",0.02,,,", ",free,,,", "bad_number", 8),
        (",0.02,,,", ",0.02,X0,,", "unexpected_value", 8),
        (",-0.02,X1,,", ",-0.02,,,", "missing_value", 9),
        ("KO,sell,3,", "KO,sell,,", "missing_value", 10),
        ("KO,sell,3,", "KO,sell,3,10", "unexpected_value", 10),
        ("settled,-4", "settled,", "missing_value", 11),
        ("settled,-4", "booked,-4", "unknown_word", 11),
        ("position,,,AAPL,", "position,,,,", "missing_value", 11),
        ("cash,,,,,,,,,,traded,-12.34\n", "cash,,,,,,,,,,traded,-12.34\n" * 2, "told_twice", 13),
        ("end,11", "end,12", "cut_off", 13),
        ("end,11,,,,,,,,,,\n", "", "cut_off", 13),
        ("end,11,,,,,,,,,,\n", "end,11,,,,,,,,,,\n\n", "bad_columns", 14),
        ("end,11,,,,,,,,,,\n", "end,11,,,,,,,,,,\ncash,,,,,,,,,,traded,1\n", "after_end", 14),
    ],
)
def test_a_bad_custodians_file_is_refused_with_its_code_and_line(part, by, code, line):
    content = CUSTODIAN.replace(part, by, 1)
    assert content != CUSTODIAN
    assert refused(CUSTODIAN, content) == (code, line)


@pytest.mark.parametrize(
    ("part", "by", "code", "line"),
    [
        ("buy,10,100,1000,", "buy,-10,100,1000,", "bad_number", 2),
        ("buy,-10,100", "buy,10,100", "bad_number", 3),
        ("T1B,,O1", ",,O1", "missing_value", 2),
        ("X1B,T1B", "X1B,", "missing_value", 3),
        ("sell,0,,,3", "sell,0,,,0", "bad_number", 4),
        ("2026-03-04T17:00", "2026-03-03T17:00", "other_day", 2),
        ("total,,,,,,,AAPL,buy,0", "total,,,,,,,AAPL,buy,10", "totals_differ", 0),
        ("total,,,,,,,AAPL,buy,0,,0,\n", "", "totals_differ", 0),
        ("total,,,,,,,AAPL,buy,0,,0,\n", "total,,,,,,,AAPL,buy,0,,0,\n" * 2, "told_twice", 6),
        ("AAPL,buy,0,,0,\n", "AAPL,buy,0,,0,\ntotal,,,,,,,KO,buy,3,,0,\n", "totals_differ", 0),
    ],
)
def test_a_bad_file_of_the_exchange_is_refused_with_its_code_and_line(part, by, code, line):
    content = EXCHANGE.replace(part, by, 1)
    assert content != EXCHANGE
    assert refused(EXCHANGE, content) == (code, line)


@pytest.mark.parametrize("whole", OF_ALL, ids=["bank", "custodian", "exchange"])
def test_what_is_no_text_is_refused(whole, monkeypatch):
    assert refused(whole, b"") == ("bad_header", 1)
    assert refused(whole, b"<Document/>") == ("bad_header", 1)
    assert refused(whole, whole.encode() + b"\xff") == ("not_utf8", whole.count("\n") + 1)
    assert refused(whole, whole.encode() + b"\n\0") == ("not_text", whole.count("\n") + 2)
    assert refused(whole, whole.encode("utf-16")) == ("not_utf8", 1)
    monkeypatch.setattr(others, "BYTES_MAX", len(whole) - 1)
    assert refused(whole, whole) == ("too_large", 0)


@pytest.mark.parametrize("whole", [BANK, CUSTODIAN], ids=["bank", "custodian"])
def test_a_file_that_is_cut_off_anywhere_is_not_taken(whole):
    ends = [place for place in range(len(whole.rstrip())) if whole[:place].count("\n") > 0]
    for end in ends:
        with pytest.raises(BadStatement):
            READERS[whole](whole[:end].encode(), DAY)
