"""A tree of hashes that adds up: what one customer is owed is in the total of all. Pure.

A leaf is what one account is owed of one asset. Every node has the sum of what is below it, and its
hash is of both halves with their sums, so that no sum can be changed without the root. A sum below
zero is no sum: whoever could slip one in would owe that much less.

    leaf = SHA-256("openfloor leaf\\n" account "\\n" asset "\\n" amount "\\n" salt in hexadecimal)
    node = SHA-256("openfloor sum\\n" left sum "\\n" left hash "\\n" right sum "\\n" right hash)

Amounts are plain decimals without trailing zeros, hashes in hexadecimal. The salt keeps a neighbour
from guessing whose leaf stands beside his. `docs/verify_proof.py` says the same again, for anybody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from typing import Final
from uuid import UUID

from foundation import decimals
from foundation.values import value
from reconciliation.proof import hashes

ZERO: Final = Decimal(0)
EXACT: Final = Context(prec=100)
"""Adds up without rounding: amounts of 38 digits are more than Python takes by itself."""


class ProofFails(ValueError):
    """What was shown does not lead to the root."""


@value
class Node:
    """What is owed below it, in sum, and its hash."""

    total: Decimal
    digest: str


@value
class Step:
    """A neighbour on the way up, and whether it stands on the left."""

    is_left: bool
    node: Node


EMPTY: Final = Node(ZERO, hashlib.sha256().hexdigest())
"""The root where nothing is owed to anybody."""


def salt(secret: bytes, *, account_id: UUID, asset: str) -> bytes:
    """Return the salt of a leaf, which is its place as well: leaves stand in the order of salts."""
    return hashlib.sha256(secret + account_id.bytes + asset.encode()).digest()


def leaf(*, account_id: UUID, asset: str, amount: Decimal, salt: bytes) -> Node:
    said = f"openfloor leaf\n{account_id}\n{asset}\n{decimals.text(amount)}\n{salt.hex()}"
    return Node(amount, hashlib.sha256(said.encode()).hexdigest())


def join(left: Node, right: Node) -> Node:
    """Return the node above these. Raises ProofFails where one is below zero."""
    if left.total < 0 or right.total < 0:
        raise ProofFails("a sum is below zero")
    said = (
        f"openfloor sum\n{decimals.text(left.total)}\n{left.digest}\n"
        f"{decimals.text(right.total)}\n{right.digest}"
    )
    return Node(EXACT.add(left.total, right.total), hashlib.sha256(said.encode()).hexdigest())


def root(leaves: Iterable[Node]) -> Node:
    return hashes.fold(leaves, join) or EMPTY


def path(nodes: Sequence[Node], index: int) -> list[Step]:
    """Return the way from the node at `index` up to the root of them all."""
    steps: list[Step] = []
    level = list(nodes)
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            steps.append(Step(is_left=beside < index, node=level[beside]))
        above = [join(*level[i : i + 2]) for i in range(0, len(level) - 1, 2)]
        level, index = above + level[len(above) * 2 :], index // 2
    return steps


def follow(found: Node, steps: Iterable[Step]) -> Node:
    """Return the root that the way leads to. Raises ProofFails where a sum is below zero."""
    for step in steps:
        found = join(step.node, found) if step.is_left else join(found, step.node)
    return found


def forest_root(roots: Iterable[tuple[str, int, Node]]) -> str:
    """Return the one hash over the trees of all assets: of each its asset, leaves and root."""
    said = "".join(
        f"{asset}\n{leaves}\n{decimals.text(node.total)}\n{node.digest}\n"
        for asset, leaves, node in sorted(roots, key=lambda each: each[0])
    )
    return hashlib.sha256(f"openfloor liabilities\n{said}".encode()).hexdigest()
