"""What it costs to seal and to prove: processor time for 100,000 rows, memory, what is spilled.

One account lives through ten orders, of which most are filled; its life is copied, chain and all,
until there are enough. `python -m benchmarks.proof [--orders 100000]`.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks import stage  # first: it says where the settings are read from

# isort: split
import psutil
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone
from psycopg import sql

from accounts import chain
from accounts.chain import Event
from accounts.models import Activity
from orders.entry import submission
from portfolio.models import LedgerAccount
from reconciliation.models import Seal
from reconciliation.proof import exporting, proving, sealing
from tests import world
from trading.settings import HOME

ORDERS = 10
"""Of one account: seven bought, one sold from them, one resting, one denied."""
DAY = date(2026, 11, 16)
COPY_NUMBER = "@COPYNO@"
"""Stands for the last eight digits of every id of a copy: its number."""
IN_DECIMALS = "@COPYDEC@"
"""The same number within an id that is a whole number."""
WHOLE = {
    "portfolio_ledgeraccount": ("id",),
    "portfolio_balance": ("ledger_account_id",),
    "portfolio_transfer": ("debit_id", "credit_id"),
}
"""Columns of whole numbers that name what is copied; those of the house's accounts stay."""
COPIED = (
    ("accounts_account", "id = ANY(%s)"),
    ("portfolio_ledgeraccount", "owner_id = ANY(%s)"),
    ("portfolio_balance", "account_id = ANY(%s)"),
    (
        "portfolio_transfer",
        """EXISTS (SELECT FROM portfolio_ledgeraccount l WHERE l.owner_id = ANY(%s)
                    AND l.id IN (t.debit_id, t.credit_id))""",
    ),
    ("portfolio_funding", "account_id = ANY(%s)"),
    ("portfolio_hold", "account_id = ANY(%s)"),
    ("portfolio_position", "account_id = ANY(%s)"),
    ("portfolio_lot", "account_id = ANY(%s)"),
    ("portfolio_lotclosing", "account_id = ANY(%s)"),
    ("orders_order", "account_id = ANY(%s)"),
    ("orders_historicalorder", "account_id = ANY(%s)"),
    ("orders_trade", "account_id = ANY(%s)"),
    ("risk_decision", "order_id = ANY(%s)"),
)
ROWS = 100_000


@dataclass
class Cost:
    """Processor seconds of Python and of the database, bytes of memory, and bytes spilled."""

    python: float = 0
    database: float = 0
    python_memory: int = 0
    database_memory: int = 0
    spilled: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proof")
    parser.add_argument("--orders", type=int, default=100_000)
    wanted = parser.parse_args().orders // ORDERS
    stage.set_up()
    settings.SEALS = Path(tempfile.mkdtemp(dir=HOME))
    pattern = live()
    copies = max(wanted - 1, 10)
    copy(pattern, range(1, copies + 1))
    print(f"{(copies + 1) * ORDERS:,} orders of {copies + 1:,} accounts")
    print(
        f"{'':<32}{'rows':>10}{'Python':>9}{'database':>10}{'100,000 rows':>14}"
        f"{'Python':>9}{'database':>10}{'spilled':>9}\n"
        f"{'':<42}{'s':>9}{'s':>10}{'s':>14}{'MB':>9}{'MB':>10}{'MB':>9}"
    )
    report("the first seal, of everything", *measured(lambda watch: seal(0, watch)))
    copy(pattern, range(copies + 1, copies + 1 + copies // 10))
    report("the next, of a tenth more", *measured(lambda watch: seal(1, watch)))
    report("one of a day without anything", *measured(lambda watch: seal(2, watch)))
    report("a proof", *measured(prove))


def live() -> UUID:
    """Let an account trade, and return it."""
    world.instrument()
    account, venue = world.customer(cash="100000.00"), world.Venue()
    for _ in range(7):
        world.own(account, "AAPL", "10", venue, price="100.00")
    wanted = [
        world.limit_ticket(account, "90.00"),
        world.ticket(account, quantity=Decimal(90_000)),
        world.limit_ticket(account, "99.99", side=world.Side.SELL, quantity=Decimal(4)),
    ]
    answers = submission.submit_batch(wanted, now=timezone.now())
    resting, _, sold = (answer.order for answer in answers)
    if resting is None or sold is None:
        raise SystemExit(f"not accepted: {answers}")
    venue.accepts(resting)
    venue.fills(sold, "4", "99.99")
    world.apply_reports()
    return UUID(str(account.pk))


def copy(pattern: UUID, numbers: range) -> None:
    """Copy all that an account did, once for each number."""
    ids = ids_of(pattern)
    own = set(LedgerAccount.objects.filter(owner_id=pattern).values_list("pk", flat=True))
    with connections["owner"].cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # no keys are looked up
        for table, of in COPIED:
            cursor.execute(
                f"SELECT row_to_json(t)::text FROM {table} t WHERE {of} ORDER BY t.ctid",
                [ids],
            )
            rows = [template(table, text, ids, own) for (text,) in cursor.fetchall()]
            insert(cursor, table, rows, numbers)
        copy_activities(cursor, pattern, numbers, ids)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE")


def ids_of(pattern: UUID) -> list[UUID]:
    """Return the ids of all that is the account's."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT %(of)s::uuid
               UNION SELECT id FROM orders_order WHERE account_id = %(of)s
               UNION SELECT id FROM orders_trade WHERE account_id = %(of)s
               UNION SELECT id FROM portfolio_lot WHERE account_id = %(of)s""",
            {"of": pattern},
        )
        return [each for (each,) in cursor.fetchall()]


def numbered(text: str, ids: list[UUID]) -> str:
    """Return the text with a place for the copy's number in each of these ids."""
    for each in ids:
        text = text.replace(str(each), f"{str(each)[:-8]}{COPY_NUMBER}")
    return text


def template(table: str, text: str, ids: list[UUID], own: set[int]) -> str:
    """Return a row, as JSON, with places for the number of its copy."""
    row: dict[str, Any] = json.loads(numbered(text, ids), parse_float=Decimal)
    if table == "accounts_account":
        row["number"] = f"B{COPY_NUMBER}"
    for column in WHOLE.get(table, ()):
        if row[column] in own:
            row[column] = f"1{IN_DECIMALS}{row[column]:05}"
    if table == "orders_trade":
        row["execution_id"] += f"-{COPY_NUMBER}"
    if re.fullmatch(r"[0-9a-f-]{36}", str(row.get("id", ""))):
        row["id"] = f"{row['id'][:-8]}{COPY_NUMBER}"  # of what nothing else names
    return json.dumps(row, default=str)


def insert(cursor: Any, table: str, rows: list[str], numbers: range) -> None:
    cursor.execute(
        """SELECT array_agg(column_name::text ORDER BY ordinal_position)
             FROM information_schema.columns WHERE table_name = %s AND table_schema = 'public'
              AND (is_identity = 'NO' OR %s) AND is_generated = 'NEVER'""",
        [table, "id" in WHOLE.get(table, ())],
    )
    [names] = cursor.fetchone()
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    cursor.execute(
        sql.SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM generate_series(%s::int, %s) n,"
            " unnest(%s::text[]) WITH ORDINALITY u (text, place),"
            " json_populate_record(NULL::{table},"
            "  replace(replace(text, {number}, lpad(to_hex(n), 8, '0')),"
            "          {decimals}, lpad(n::text, 8, '0'))::json) ORDER BY n, place"
        ).format(
            table=sql.Identifier(table),
            columns=columns,
            number=sql.Literal(COPY_NUMBER),
            decimals=sql.Literal(IN_DECIMALS),
        ),
        [numbers[0], numbers[-1], rows],
    )


def copy_activities(cursor: Any, pattern: UUID, numbers: range, ids: list[UUID]) -> None:
    """Copy the account's chain, each copy with digests of its own."""
    rows = list(Activity.objects.filter(account_id=pattern).order_by("sequence"))
    payloads = [numbered(json.dumps(row.payload), ids) for row in rows]
    heads = []
    with cursor.copy(
        "COPY accounts_activity (account_id, sequence, kind, at, actor, payload,"
        " previous_digest, digest) FROM STDIN"
    ) as lines:
        for number in numbers:
            account_id, digest = f"{str(pattern)[:-8]}{number:08x}", ""
            for row, payload in zip(rows, payloads, strict=True):
                said = payload.replace(COPY_NUMBER, f"{number:08x}")
                event = Event(row.kind, row.at, row.actor, json.loads(said))
                previous = digest
                digest = chain.digest(
                    event, account_id=account_id, sequence=row.sequence, previous=previous
                )
                lines.write_row(
                    (account_id, row.sequence, row.kind, row.at, row.actor, said, previous, digest)
                )
            heads.append((account_id, digest))
    cursor.execute(
        "UPDATE accounts_account a SET activity_digest = h.digest"
        " FROM unnest(%s::uuid[], %s::text[]) h (id, digest) WHERE a.id = h.id",
        [[each for each, _ in heads], [digest for _, digest in heads]],
    )


def seal(day: int, watch: Callable[[int, int], None]) -> int:
    at: datetime = timezone.now()
    made: Seal = sealing.seal(day=DAY + timedelta(days=day), now=at, progress=watch)
    return sum(entry["rows"] for entry in made.content["tables"])


def prove(watch: Callable[[int, int], None]) -> int:
    exporting.export_missing()
    proof = proving.prove(now=timezone.now(), progress=watch)
    if not proof.holds:
        raise SystemExit("\n".join(map(str, proof.findings[:10])))
    return proof.rows


def measured(work: Callable[[Callable[[int, int], None]], int]) -> tuple[int, Cost]:
    """Do it, and return the rows that it read and what that cost."""
    cost, us = Cost(), psutil.Process()
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of before
    calls = 0

    def watch(*_: int) -> None:
        nonlocal calls
        if calls % 20 == 0:
            cost.database_memory = max(cost.database_memory, *memories())
        calls += 1

    before = us.cpu_times(), database_seconds(), spilled()
    rows = work(watch)
    after = us.cpu_times()
    cost.python = after.user + after.system - before[0].user - before[0].system
    cost.database = database_seconds() - before[1]
    cost.spilled = spilled() - before[2]
    cost.python_memory = peak()
    return rows, cost


def servers() -> Iterator[psutil.Process]:
    postmaster = psutil.Process(int((HOME / "postgres" / "postmaster.pid").read_text().split()[0]))
    yield postmaster
    yield from postmaster.children()


def database_seconds() -> float:
    """Return the processor time of all of the server, those that have ended among them."""
    postmaster, *others = servers()
    times = postmaster.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for each in others:
        try:
            of = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += of.user + of.system
    return float(total)


def memories() -> list[int]:
    """Return the memory of the server's processes that each has for itself."""
    found = [0]
    for each in servers():
        try:
            found.append(each.memory_full_info().uss)
        except psutil.Error:
            continue
    return found


def spilled() -> int:
    """Return the bytes that sorts and hashes have put into files so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def peak() -> int:
    """Return the most memory that this process had since the peak was forgotten."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def report(label: str, rows: int, cost: Cost) -> None:
    share = f"{(cost.python + cost.database) * ROWS / rows:.1f}" if rows else "-"
    mega = 2**20
    print(
        f"{label:<32}{rows:>10,}{cost.python:>9.1f}{cost.database:>10.1f}{share:>14}"
        f"{cost.python_memory / mega:>9.0f}{cost.database_memory / mega:>10.0f}"
        f"{cost.spilled / mega:>9.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
