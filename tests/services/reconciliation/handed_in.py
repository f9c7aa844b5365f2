"""Files as custodian and bank hand them in, taken and compared, and what is found by it."""

from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone

from orders.models import Trade
from reconciliation import comparing
from reconciliation.bank import plain_file as bank_file
from reconciliation.breaks import jobs
from reconciliation.breaks.models import Break
from reconciliation.invariants import check_invariants
from reconciliation.venue_statements import plain_file
from reconciliation.venue_statements import services as statements
from tests import people

D = Decimal
DAY = date(2026, 3, 4)  # a Wednesday
NOON = datetime.fromisoformat("2026-03-04T12:00:00-05:00")
EVENING = datetime.fromisoformat("2026-03-05T00:30:00-05:00")
CUSTODIAN, BANK = "street", "first-bank"


def custody(*records, day=DAY, position="10", cash="-1000", tells=("trades", "positions", "cash")):
    """Return a custodian's file: the records, with what it has in the end."""
    lines = [
        "account,OF-1", f"day,{day}", *(f"tells,{each}" for each in tells), *records,
        *([f"position,,,AAPL,,,,,,,traded,{position}"] if position else []),
        f"cash,,,,,,,,,,traded,{cash}",
    ]  # fmt: skip
    return _file(plain_file.HEADER, [*lines, f"end,{len(lines)}"])


def bank(*entries, opening="0", closing, day=DAY):
    lines = ["account,12345", f"opening,,,{opening},USD", *entries, f"closing,,{day},{closing},USD"]
    return _file(bank_file.HEADER, lines)


def _file(header, lines):
    width = len(header) - 1
    padded = [line + "," * (width - line.count(",")) for line in lines]
    return ("\n".join([",".join(header), *padded]) + "\n").encode()


def trade(of=None, *, quantity="10", price="100", name=None):
    of = of or Trade.objects.get()
    at = of.executed_at.isoformat()
    shown = name or of.execution_id
    return f"trade,{shown},{of.order_id},AAPL,{of.side},{quantity},{price},{at},0"


def take(name, content, day=DAY):
    return statements.take(
        name=name, day=day, content=content, file_name="a.csv", actor="operator:test", now=EVENING
    )


def reconcile(day, now):
    """Reconcile as the day's job does, without the exchange's file; return what it says."""
    return jobs.reconcile(day=day, now=now, progress=lambda done, of: None)


def compare(name, day=DAY, now=EVENING):
    return comparing.compare(name, day=day, now=now)


def found():
    return [
        (row.type, row.key.partition(":")[0], row.state) for row in Break.objects.order_by("pk")
    ]


def operators(count=2):
    return [people.person(is_staff=True) for _ in range(count)]


def broken():
    return [each for each in check_invariants(now=timezone.now()) if each.breaches and each.halts]


def a_stray_line(owner):
    entries = (
        "entry,B1,2026-03-04,100000.00,USD,opening",
        "entry,B2,2026-03-04,250.00,USD,who is it",
    )
    take(BANK, bank(*entries, closing="100250"))
    compare(BANK)
    return Break.objects.get()
