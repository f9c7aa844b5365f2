"""Whether what was sealed is as it was: the seals themselves, their files, every row in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from django.db import DataError, connection, transaction
from psycopg import sql

from foundation import decimals
from reconciliation.proof import (
    exporting,
    hashes,
    keys,
    liabilities,
    listing,
    sealing,
    signed,
    sums,
)
from reconciliation.proof.listing import CHAINS, Table
from reconciliation.proof.models import OwedBlock, Seal, SealedBlock
from reconciliation.proof.replay import Touched

Count = Callable[[int], None]

ADDED_MAX: Final = 100
_SEAL: Final = "reconciliation_seal"


def seals(*, within: Path) -> Iterator[Touched]:
    """Verify each seal by itself: its signature, what it says, the one before it, and its file."""
    number, previous = 0, ""
    for seal in Seal.objects.order_by("number").iterator():
        while number + 1 < seal.number:
            number += 1
            yield Touched(_SEAL, str(number), "is gone")
            previous = ""
        number = seal.number
        for what in _wrong(seal, previous, within):
            yield Touched(_SEAL, str(number), what)
        previous = signed.digest(seal.content)
    for exported in exporting.numbers(within=within):
        if exported > number:
            yield Touched(_SEAL, str(exported), "was exported, and is not in the table")


def is_readable(seal: Seal) -> bool:
    """Tell whether what a seal says is what somebody whom we believe has signed."""
    return keys.is_believed(seal.key, number=seal.number) and signed.is_signed(
        seal.content, signature=seal.signature, key=seal.key
    )


def _wrong(seal: Seal, previous: str, within: Path) -> Iterator[str]:
    content = seal.content
    if not keys.is_believed(seal.key, number=seal.number):
        yield f"it is signed with the key {seal.key}, which nobody vouches for"
    elif not is_readable(seal):
        yield "its signature is not of what it says"
    else:
        said = (content["number"], content["day"], content["sealed_at"], content["root"])
        at = seal.sealed_at.astimezone(UTC).isoformat(timespec="microseconds")
        if said != (seal.number, seal.day.isoformat(), at, seal.root):
            yield "its columns say something else than its content"
        if content["root"] != sealing.root_of(content):
            yield "its root is not that of what it lists"
        if content["previous"] != previous and (previous or seal.number == 1):
            yield f"it names another seal before it than seal {seal.number - 1}"
    if seal.digest != signed.digest(content):
        yield "its digest is not of what it says"
    found = exporting.read(seal.number, within=within)
    if found.said is None:
        yield f"its file {found.failure}"
    elif found.said != exporting.published(seal):
        yield "its file says something else"


def guards(tables: Sequence[str]) -> Iterator[Touched]:
    """Name the tables that the database does not guard any more."""
    found = listing.guarded()
    for name in tables:
        if not found.get(name):
            yield Touched(name, "", "its guard against changes is off")


def rows(seal: Seal, *, count: Count) -> Iterator[Touched]:
    """Compare every row that a seal has listed with how it was then.

    The seal must be readable. Of a list that is itself not what was signed the rows say nothing.
    """
    entries = seal.content["tables"]
    known = {table.name: table for table in listing.described([e["table"] for e in entries])}
    found = set(SealedBlock.objects.filter(seal=seal).values_list("table", flat=True).distinct())
    for entry in entries:
        name, columns = entry["table"], entry["columns"]
        if name not in found and not entry["rows"]:
            continue
        blocks = SealedBlock.objects.filter(seal=seal, table=name).order_by("number")
        leaves = (listing.digest_of(each, columns) for each in blocks.iterator(chunk_size=16))
        if hashes.root(leaves).hex() != entry["root"]:
            what = f"the list of rows of {name} in seal {seal.number} is not what was signed"
            yield Touched("reconciliation_sealedblock", f"{name} {seal.number}", what)
        elif name == CHAINS:
            for block in blocks.iterator(chunk_size=16):
                yield from _changed_heads(block, seal)
                count(block.rows)
        elif name not in known:
            yield Touched(name, "", f"the table is gone; rows of it were sealed on {seal.day}")
        elif gone := set(columns) - set(known[name].columns):
            yield Touched(name, "", f"the column {min(gone)} is gone; it was sealed on {seal.day}")
        else:
            for block in blocks.iterator(chunk_size=16):
                yield from _changed(known[name], columns, block, seal)
                count(block.rows)


def _changed(
    table: Table, columns: Sequence[str], block: SealedBlock, seal: Seal
) -> Iterator[Touched]:
    digests = bytes(block.digests)
    found = _digests_now(table, columns, block.keys)
    if b"".join(digest or b"" for _, digest in found) == digests:
        return
    for index, (key, digest) in enumerate(found):
        if digest is None:
            yield Touched(table.name, key, f"is gone; it was sealed on {seal.day}")
        elif digest != digests[index * 32 : (index + 1) * 32]:
            what = f"is not what was sealed on {seal.day}"
            yield Touched(table.name, key, what)


def _digests_now(
    table: Table, columns: Sequence[str], listed: str
) -> list[tuple[str, bytes | None]]:
    query = sql.SQL(
        "SELECT k.key, CASE WHEN r.openfloor IS NOT NULL"
        "       THEN sha256(convert_to(r.openfloor, 'UTF8')) END"
        "  FROM string_to_table(%s, E'\\n') WITH ORDINALITY k (key, n)"
        "  LEFT JOIN LATERAL (SELECT row_to_json(r)::text AS openfloor FROM"
        "       (SELECT {columns} FROM {table} WHERE {key} = k.key::{kind}) r) r ON true"
        " ORDER BY k.n"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
        table=sql.Identifier(table.name),
        key=sql.Identifier(table.key),
        kind=sql.SQL(table.key_type),  # as the catalogue names it
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [listed])
        return [(key, None if digest is None else bytes(digest)) for key, digest in cursor]


def _changed_heads(block: SealedBlock, seal: Seal) -> Iterator[Touched]:
    digests = bytes(block.digests)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT k.key, decode(a.digest, 'hex')
                 FROM string_to_table(%s, E'\\n') WITH ORDINALITY k (key, n)
                 LEFT JOIN accounts_activity a ON a.account_id = split_part(k.key, ':', 1)::uuid
                  AND a.sequence = split_part(k.key, ':', 2)::bigint ORDER BY k.n""",
            [block.keys],
        )
        for index, (key, digest) in enumerate(cursor.fetchall()):
            if digest is None:
                yield Touched(CHAINS, key, f"is gone; it was sealed on {seal.day}")
            elif bytes(digest) != digests[index * 32 : (index + 1) * 32]:
                what = f"the chain was another up to here when it was sealed on {seal.day}"
                yield Touched(CHAINS, key, what)


def added(*, tables: Sequence[Table], floors: dict[str, str | None]) -> Iterator[Touched]:
    """Name rows that stand among those that were sealed, and were not there then.

    `floors` are up to where all rows were listed: what the last seal but one ended with.
    """
    for table in tables:
        floor = floors.get(table.name)
        if floor is None or not table.rising:
            continue
        query = sql.SQL(
            "SELECT {key}::text FROM {table} WHERE {column} <= {floor} AND NOT EXISTS"
            " (SELECT FROM ({listed}) l WHERE l.openfloor_key = {key}) ORDER BY {key} LIMIT {most}"
        ).format(
            key=sql.Identifier(table.name, table.key),
            table=sql.Identifier(table.name),
            column=sql.Identifier(table.rising),
            floor=sql.Literal(floor),
            listed=listing.listed(table, after=0),
            most=sql.Literal(ADDED_MAX),
        )
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(query)
                keys_added = [key for (key,) in cursor.fetchall()]
        except DataError:
            continue  # what was listed is no list of keys any more, which `rows` has named
        for key in keys_added:
            yield Touched(table.name, key, "was added among rows that were sealed without it")


def owed(seal: Seal) -> Iterator[Touched]:
    """Verify the trees of what was owed when a seal was made, which must be readable."""
    said: dict[str, Any] = dict(seal.content["liabilities"]["assets"])
    roots = []
    blocks = OwedBlock.objects.filter(seal=seal).order_by("asset", "number")
    found: dict[str, list[sums.Node]] = {}
    leaves: dict[str, int] = {}
    for block in blocks.iterator(chunk_size=16):
        key = f"{seal.number} {block.asset} {block.number}"
        try:
            nodes = [leaf for _, leaf in liabilities.leaves_of(block, secret=bytes(seal.secret))]
            root = sums.root(nodes)
        except (ValueError, TypeError):
            yield Touched("reconciliation_owedblock", key, "cannot be read")
            continue
        if (root.total, root.digest) != (block.total, block.digest):
            yield Touched("reconciliation_owedblock", key, "its sum is not that of its leaves")
        found.setdefault(block.asset, []).append(root)
        leaves[block.asset] = leaves.get(block.asset, 0) + len(nodes)
    for asset in sorted(said.keys() | found.keys()):
        root = sums.root(found.get(asset, []))
        roots.append((asset, leaves.get(asset, 0), root))
        total, digest = decimals.text(root.total), root.digest
        entry = said.get(asset, {"total": "0", "root": "", "leaves": 0})
        if (entry["total"], entry["root"], entry["leaves"]) != (total, digest, roots[-1][1]):
            what = f"{total} is owed by its leaves, the seal says {entry['total']}"
            yield Touched("reconciliation_owedblock", f"{seal.number} {asset}", what)
    if sums.forest_root(roots) != seal.content["liabilities"]["root"]:
        yield Touched(_SEAL, str(seal.number), "the root of what is owed is not that of its trees")
