"""How rows become one root: blocks of rows, and a tree of hashes over them. Pure.

A row's digest is the SHA-256 of its JSON, as docs/proof.md writes it byte by byte. Rows are listed
in blocks, and blocks are the leaves of a tree, in pairs from the left; one that is left over goes
up as it is. What a hash is of is said at its beginning, so that none passes for another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def block_digest(*, table: str, columns: Sequence[str], keys: str, digests: bytes) -> bytes:
    """Return the digest of a block: `keys` one a line, `digests` of their rows one after another.

    `columns` are those that the digests of the rows are of.
    """
    said = "\n".join(("openfloor rows", table, ",".join(columns), keys, ""))
    return hashlib.sha256(said.encode() + digests).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root of a tree over these digests; that of none is the digest of nothing."""
    return fold(leaves, _join) or hashlib.sha256().digest()


def fold(leaves: Iterable[T], join: Callable[[T, T], T]) -> T | None:
    """Join leaves in pairs, from the left, until one is left: the root. None of none.

    No more is kept than one node of each level, so that leaves may be streamed.
    """
    waiting: list[tuple[int, T]] = []  # the left halves: how high, and what
    for leaf in leaves:
        height, node = 0, leaf
        while waiting and waiting[-1][0] == height:
            node = join(waiting.pop()[1], node)
            height += 1
        waiting.append((height, node))
    if not waiting:
        return None
    _, found = waiting.pop()
    while waiting:
        found = join(waiting.pop()[1], found)
    return found


def _join(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"openfloor node\n" + left + right).digest()
