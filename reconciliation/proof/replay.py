"""What balances, positions, lots and orders must be by what was written of them. Pure.

Every stream is sorted by its key and is read once, side by side with the others, so that no more
is kept than one key of each, however long the journal is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import reduce
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from foundation import decimals
from foundation.values import value
from reconciliation.proof.sums import EXACT

ZERO: Final = Decimal(0)

Key = Any
Row = tuple[Any, ...]
"""The key, and what belongs to it."""
Stream = Iterable[Row]


@value
class Touched:
    """A row that is not what it must be: of which table, its key, and what differs.

    An empty `key` is the table as a whole.
    """

    table: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.what}" if self.key else f"{self.table}: {self.what}"


def totals(stream: Stream) -> Iterator[Row]:
    """Add up what comes of each key: (key, sum of the first, sum of the second, ...)."""
    for _, rows in groupby(stream, key=itemgetter(0)):
        yield reduce(_sum, rows)


def _sum(so_far: Row, row: Row) -> Row:
    return (row[0], *(EXACT.add(had, more) for had, more in zip(so_far[1:], row[1:], strict=True)))


def beside(*streams: Stream) -> Iterator[tuple[Key, list[Row | None]]]:
    """Bring streams with at most one row a key together: of each key, its row of every stream."""
    readers = [iter(stream) for stream in streams]
    heads = [next(reader, None) for reader in readers]
    while any(head is not None for head in heads):
        key = min(head[0] for head in heads if head is not None)
        found = [head if head is not None and head[0] == key else None for head in heads]
        yield key, found
        heads = [
            next(reader, None) if row is not None else head
            for reader, row, head in zip(readers, found, heads, strict=True)
        ]


def balances(*, stored: Stream, legs: Stream, holds: Stream) -> Iterator[Touched]:
    """Compare balances with their transfers and holds.

    `stored` are (ledger account, asset, amount, held), `legs` (ledger account, what a transfer
    moved in or, below zero, out), `holds` (ledger account, what is left of a pending hold).
    """
    for key, (row, moved, held) in beside(stored, totals(legs), totals(holds)):
        _, asset, amount, is_held = row or (key, "", ZERO, ZERO)
        yield from _differ(
            "portfolio_balance",
            key,
            (f"{asset} amount".strip(), amount, moved[1] if moved else ZERO, "its transfers"),
            ("held", is_held, held[1] if held else ZERO, "its holds"),
        )


def positions(
    *, stored: Stream, moves: Stream, lots: Stream, closings: Stream
) -> Iterator[Touched]:
    """Compare positions with what traded, and with their lots.

    Keys are (account, instrument). `stored` are (key, id, quantity, cost, realised, lots opened),
    `moves` (key, what a trade or corporate action added), `lots` (key, quantity, cost, 1), and
    `closings` (key, what was realised).
    """
    for key, (row, moved, lot, closed) in beside(
        stored, totals(moves), totals(lots), totals(closings)
    ):
        named, quantity, cost, realised, opened = (
            row[1:] if row else (f"of {key[0]} in {key[1]}", ZERO, ZERO, ZERO, 0)
        )
        of_lots = lot[1:] if lot else (ZERO, ZERO, 0)
        yield from _differ(
            "portfolio_position",
            named,
            ("quantity", quantity, moved[1] if moved else ZERO, "its trades and actions"),
            ("quantity", quantity, of_lots[0], "its lots"),
            ("cost", cost, of_lots[1], "its lots"),
            ("lots opened", opened, of_lots[2], "its lots"),
            ("realised", realised, closed[1] if closed else ZERO, "its closings"),
        )


def lots(*, stored: Stream, changes: Stream) -> Iterator[Touched]:
    """Compare lots with what was closed of them and what adjusted them.

    `stored` are (id, opened quantity, opened cost, quantity, cost), `changes` (id, quantity,
    cost), both below zero where a closing took some.
    """
    for key, (row, changed) in beside(stored, totals(changes)):
        _, opened, opened_cost, quantity, cost = row or (key, ZERO, ZERO, ZERO, ZERO)
        _, more, more_cost = changed or (key, ZERO, ZERO)
        yield from _differ(
            "portfolio_lot",
            key,
            ("quantity", quantity, EXACT.add(opened, more), "its opening and closings"),
            ("cost", cost, EXACT.add(opened_cost, more_cost), "its opening and closings"),
        )


def orders(
    *, stored: Stream, histories: Stream, trades: Stream, differing: Callable[[Key], Sequence[str]]
) -> Iterator[Touched]:
    """Compare orders with their last step in the history, and with their trades.

    `stored` are (id, digest of all that it says, filled quantity, filled value), `histories` (id,
    digest of the same), `trades` (order id, quantity, value), below zero for a bust. `differing`
    names what an order has otherwise than its last step.
    """
    for key, (row, step, traded) in beside(stored, histories, totals(trades)):
        if row is None:
            yield Touched("orders_order", str(key), "is gone; its history or trades are there")
            continue
        if step is None:
            yield Touched("orders_order", str(key), "has no history")
            continue
        _, digest, filled, worth = row
        if digest != step[1]:
            what = f"{', '.join(differing(key))}: not as its last step in the history says"
            yield Touched("orders_order", str(key), what)
        yield from _differ(
            "orders_order",
            key,
            ("filled", filled, traded[1] if traded else ZERO, "its trades"),
            ("filled value", worth, traded[2] if traded else ZERO, "its trades"),
        )


def _differ(table: str, key: Key, *compared: tuple[str, Any, Any, str]) -> Iterator[Touched]:
    for name, found, expected, by in compared:
        if found != expected:
            what = f"{name} is {decimals.text(found)}, by {by} {decimals.text(expected)}"
            yield Touched(table, str(key), what)
