"""Listing rows that are never changed: which tables, what is new in them, and the digest of each.

A row's digest is made by the database, so that listing a day's rows is a few statements. Which rows
are new is asked by key, from where the listing of the day before yesterday ended: what was still
being written when a day was sealed is listed the day after, and nothing is listed twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from psycopg import sql

from foundation import bulk
from reconciliation.proof import hashes
from reconciliation.proof.models import SealedBlock

BLOCK_ROWS: Final = 1024
CHAINS: Final = "accounts_activity"
"""Its rows are bound to one another: what is listed of it are the heads of the chains."""
NOT_OURS: Final = "exchange_"
"""The embedded exchange's journal is its own; what it tells us is in our tables."""
SEALS: Final = ("reconciliation_seal", "reconciliation_sealedblock", "reconciliation_owedblock")
RISING: Final = frozenset({"orders_trade"})
"""Tables whose UUIDs rise with the time (`foundation.ids`)."""
NUMBERED: Final[Mapping[str, str]] = {"portfolio_lotclosing": "booked"}
"""Tables with keys by chance whose rows the database numbers as they are written: the column."""
_ORDERED: Final = ("bigint", "integer", "smallint", "date")

# How a row's JSON is written must not depend on who asks.
SESSION: Final = (
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
    " SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, MDY';"
    " SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex';"
    " SET LOCAL extra_float_digits = 1"
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows are never changed. `key` is its primary key, of `key_type`."""

    name: str
    key: str
    key_type: str
    columns: tuple[str, ...]

    @property
    def rising(self) -> str:
        """Return the column that is higher in a row that is written later, "" where none is."""
        if self.key_type in _ORDERED or self.name in RISING:
            return self.key
        return NUMBERED.get(self.name, "")


def guarded() -> dict[str, bool]:
    """Return the tables that `AppendOnly` guards, and whether the guard is on.

    What has another guard, as statements, which may be archived, is not among them.
    """
    return {
        str(name): bool(is_on)
        for name, is_on in bulk.execute(
            """SELECT c.relname, bool_and(t.tgenabled = 'O') AND count(*) = 2
                 FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
                 JOIN pg_proc p ON p.oid = t.tgfoid
                WHERE p.proname = 'openfloor_refuse_change'
                  AND t.tgname IN ('append_only', 'append_only_truncate')
                  AND c.relnamespace = 'public'::regnamespace GROUP BY 1"""
        )
    }


def tables() -> list[Table]:
    """Return the tables whose rows are listed, by name: all that are guarded and are ours."""
    names = [
        name
        for name in guarded()
        if not name.startswith(NOT_OURS) and name not in SEALS and name != CHAINS
    ]
    return described(names)


def described(names: Sequence[str]) -> list[Table]:
    """Return what the database knows of these tables, by name; of what is gone, nothing."""
    rows = bulk.execute(
        """SELECT c.relname, k.attname, format_type(k.atttypid, NULL),
                  (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
             FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
             JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = i.indkey[0]
            WHERE c.relname = ANY(%s) AND c.relnamespace = 'public'::regnamespace
            ORDER BY c.relname""",
        [list(names)],
    )
    return [Table(name, key, kind, tuple(columns)) for name, key, kind, columns in rows]


def listed(table: Table, *, after: int) -> sql.Composed:
    """Return a query of the keys that seals after the one of this number have listed."""
    return sql.SQL(
        "SELECT string_to_table(keys, E'\\n')::{kind} AS openfloor_key"
        ' FROM reconciliation_sealedblock WHERE "table" = {name} AND seal_id > {after}'
    ).format(
        kind=sql.SQL(table.key_type),  # as the catalogue names it
        name=sql.Literal(table.name),
        after=sql.Literal(after),
    )


def digest_of(block: SealedBlock, columns: Sequence[str]) -> bytes:
    """Return the digest of a block whose rows were digested with these columns."""
    return hashes.block_digest(
        table=block.table, columns=columns, keys=block.keys, digests=bytes(block.digests)
    )


def list_new(table: Table, *, number: int, floors: Mapping[str, str | None]) -> dict[str, Any]:
    """List what is new in a table under the seal of this number; return its entry in the seal.

    `floors` are what the listing of two seals before ended with, by table.
    """
    floor = floors.get(table.name)
    is_bounded = floor is not None and table.rising != ""
    where: sql.Composable = sql.SQL("true")
    if is_bounded:
        where = sql.SQL("{} > {}").format(
            sql.Identifier(table.name, table.rising), sql.Literal(floor)
        )
    new = sql.SQL(
        "SELECT t.openfloor_key, t.digest FROM ("
        " SELECT {key} AS openfloor_key, sha256(convert_to(row_to_json(r)::text, 'UTF8')) AS digest"
        " FROM {table} CROSS JOIN LATERAL (SELECT {columns}) r WHERE {where}"
        " AND NOT EXISTS (SELECT FROM ({listed}) l WHERE l.openfloor_key = {key})) t"
    ).format(
        key=sql.Identifier(table.name, table.key),
        table=sql.Identifier(table.name),
        columns=sql.SQL(", ").join(sql.Identifier(table.name, name) for name in table.columns),
        where=where,
        listed=listed(table, after=number - 2 if is_bounded else 0),
    )
    through = _last(table) if table.rising else None
    return _write(table.name, table.columns, new, number=number, through=through)


def list_heads(*, number: int, floors: Mapping[str, str | None]) -> dict[str, Any]:
    """List the heads of the activity chains that grew since they were last listed."""
    floor = int(floors.get(CHAINS) or 0)
    heads = sql.SQL(
        "SELECT h.key AS openfloor_key, h.digest FROM ("
        " SELECT a.id || ':' || a.activity_sequence AS key,"
        "        decode(a.activity_digest, 'hex') AS digest FROM accounts_account a"
        "  WHERE a.activity_sequence > 0 AND a.id IN"
        "        (SELECT account_id FROM accounts_activity WHERE id > {floor})) h"
        " WHERE NOT EXISTS (SELECT FROM (SELECT string_to_table(keys, E'\\n') AS key"
        ' FROM reconciliation_sealedblock WHERE "table" = {name} AND seal_id > {after}) l'
        " WHERE l.key = h.key)"
    ).format(
        floor=sql.Literal(floor), name=sql.Literal(CHAINS), after=sql.Literal(max(number - 3, 0))
    )
    [(last,)] = bulk.execute("SELECT max(id)::text FROM accounts_activity")
    return _write(CHAINS, ("digest",), heads, number=number, through=last)


def _last(table: Table) -> str | None:
    # By its whole name: a column's alone would be what is selected, a text.
    query = sql.SQL("SELECT {rising}::text FROM {table} ORDER BY {rising} DESC LIMIT 1").format(
        rising=sql.Identifier(table.name, table.rising), table=sql.Identifier(table.name)
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return str(row[0]) if row else None


def _write(
    name: str, columns: Sequence[str], new: sql.Composed, *, number: int, through: str | None
) -> dict[str, Any]:
    """Write the blocks of the rows that `new` finds, as (openfloor_key, digest)."""
    insert = sql.SQL(
        "INSERT INTO reconciliation_sealedblock"
        ' (seal_id, "table", number, rows, keys, digests)'
        " SELECT {seal}, {table}, n, count(*), string_agg(openfloor_key::text, E'\\n' ORDER BY i),"
        "        string_agg(digest, ''::bytea ORDER BY i)"
        " FROM (SELECT openfloor_key, digest, i, (i - 1) / {size} AS n FROM"
        "        (SELECT new.*, row_number() OVER (ORDER BY openfloor_key) AS i"
        "           FROM ({new}) new) counted) numbered GROUP BY n ORDER BY n"
    ).format(
        seal=sql.Literal(number),
        table=sql.Literal(name),
        size=sql.Literal(BLOCK_ROWS),
        new=new,
    )
    with connection.cursor() as cursor:
        cursor.execute(insert)
    blocks = SealedBlock.objects.filter(seal_id=number, table=name).order_by("number")
    rows, leaves = 0, []
    for block in blocks.iterator(chunk_size=64):
        rows += block.rows
        leaves.append(digest_of(block, columns))
    return {
        "table": name,
        "columns": list(columns),
        "rows": rows,
        "blocks": len(leaves),
        "through": through,
        "root": hashes.root(leaves).hex(),
    }
