"""What customers are owed when a seal is made, as trees of sums, and the proof for one of them.

There is one tree for each asset, of the accounts that have some of it. Owed is what a balance has
above zero, by trade date, whether held or not; a debit or a short position is what a customer owes
us, and takes nothing away from what others are owed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from django.db import connection

from foundation import decimals
from portfolio.models import LedgerAccount
from reconciliation.proof import sums
from reconciliation.proof.models import OwedBlock, Seal
from reconciliation.proof.sums import Node, Step

BLOCK_LEAVES: Final = 1024
"""A power of two, so that a block is a whole branch of its tree."""
PROOF_FORMAT: Final = "openfloor-proof-1"

Owed = tuple[str, UUID, Decimal, bytes]
"""Asset, account, amount, salt."""


def list_owed(*, number: int, secret: bytes) -> dict[str, Any]:
    """Write what everybody is owed under the seal of this number; return its entry in the seal."""
    assets: dict[str, dict[str, Any]] = {}
    roots: list[tuple[str, int, Node]] = []
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            """SELECT asset, account_id, amount,
                      sha256(%s || uuid_send(account_id) || convert_to(asset, 'UTF8')) AS salt
                 FROM portfolio_balance WHERE amount > 0 ORDER BY asset COLLATE "C", salt""",
            [secret],
        )
        for asset, owed in groupby(cursor, key=itemgetter(0)):
            leaves, root = _write(asset, owed, number=number)
            roots.append((asset, leaves, root))
            assets[asset] = {
                "total": decimals.text(root.total),
                "leaves": leaves,
                "root": root.digest,
            }
    return {"root": sums.forest_root(roots), "assets": assets}


def _write(asset: str, owed: Iterable[Owed], *, number: int) -> tuple[int, Node]:
    leaves, branches = 0, []
    waiting: list[OwedBlock] = []
    for index, block in enumerate(_in_blocks(owed)):
        branch = sums.root(_leaf(each) for each in block)
        branches.append(branch)
        leaves += len(block)
        waiting.append(
            OwedBlock(
                seal_id=number,
                asset=asset,
                number=index,
                first_salt=bytes(block[0][3]),
                accounts=b"".join(account_id.bytes for _, account_id, _, _ in block),
                amounts="\n".join(decimals.text(amount) for _, _, amount, _ in block),
                total=branch.total,
                digest=branch.digest,
            )
        )
    OwedBlock.objects.bulk_create(waiting, batch_size=100)
    return leaves, sums.root(branches)


def _in_blocks(owed: Iterable[Owed]) -> Iterator[list[Owed]]:
    block: list[Owed] = []
    for each in owed:
        block.append(each)
        if len(block) == BLOCK_LEAVES:
            yield block
            block = []
    if block:
        yield block


def _leaf(owed: Owed) -> Node:
    asset, account_id, amount, salt = owed
    return sums.leaf(account_id=account_id, asset=asset, amount=amount, salt=bytes(salt))


def leaves_of(block: OwedBlock, *, secret: bytes) -> list[tuple[UUID, Node]]:
    """Return the leaves of a block, made again of what it says. Raises ValueError."""
    raw = bytes(block.accounts)
    accounts = [UUID(bytes=raw[start : start + 16]) for start in range(0, len(raw), 16)]
    found = []
    for account_id, amount in zip(accounts, block.amounts.split("\n"), strict=True):
        salt = sums.salt(secret, account_id=account_id, asset=block.asset)
        found.append(
            (
                account_id,
                sums.leaf(
                    account_id=account_id,
                    asset=block.asset,
                    amount=decimals.parse(amount),
                    salt=salt,
                ),
            )
        )
    return found


def proof(*, account_id: UUID, seal: Seal) -> dict[str, Any]:
    """Return what shows a customer that what they are owed is in the totals of a seal.

    An object for JSON, as docs/proof.md describes it; `docs/verify_proof.py` checks it.
    """
    secret = bytes(seal.secret)
    assets = LedgerAccount.objects.filter(owner_id=account_id).order_by("asset")
    owed = []
    for asset in assets.values_list("asset", flat=True).distinct():
        salt = sums.salt(secret, account_id=account_id, asset=asset)
        found = _way(account_id, asset, salt, seal)
        if found is not None:
            leaf, steps = found
            owed.append(
                {
                    "asset": asset,
                    "amount": decimals.text(leaf.total),
                    "salt": salt.hex(),
                    "path": [
                        {
                            "side": "left" if step.is_left else "right",
                            "sum": decimals.text(step.node.total),
                            "hash": step.node.digest,
                        }
                        for step in steps
                    ],
                }
            )
    return {
        "format": PROOF_FORMAT,
        "account": str(account_id),
        "seal": {"content": seal.content, "key": seal.key, "signature": seal.signature},
        "owed": owed,
    }


def _way(account_id: UUID, asset: str, salt: bytes, seal: Seal) -> tuple[Node, list[Step]] | None:
    """Return the leaf of an account and the way from it to the root of its tree, if it has one."""
    of_asset = OwedBlock.objects.filter(seal=seal, asset=asset)
    block = of_asset.filter(first_salt__lte=salt).order_by("-number").first()
    if block is None:
        return None
    leaves = leaves_of(block, secret=bytes(seal.secret))
    index = next((i for i, (owner, _) in enumerate(leaves) if owner == account_id), None)
    if index is None:
        return None
    branches = [
        Node(total, digest)
        for total, digest in of_asset.order_by("number").values_list("total", "digest")
    ]
    within = sums.path([leaf for _, leaf in leaves], index)
    return leaves[index][1], within + sums.path(branches, block.number)
