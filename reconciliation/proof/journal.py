"""The journal from its beginning, as the streams that `replay` reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

import orjson
from django.db import connection

from accounts import chain
from accounts.chain import BrokenChain, Event
from orders import history
from orders.models import Order
from reconciliation.proof import replay
from reconciliation.proof.replay import Row, Touched

CHUNK: Final = 2_000
Count = Callable[[int], None]
"""Is told how many rows more were read."""

UNSTEPPED: Final = frozenset({"is_watched", "is_waiting"})
"""What changes of an order between two steps: whether its price is watched, or its way free."""

_STEPPED: Final = ", ".join(
    f'"{field.column}"'
    for field in Order._meta.concrete_fields
    if field.column not in UNSTEPPED
)  # fmt: skip


def counted() -> int:
    """Return how many rows a replay reads."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (SELECT 2 * count(*) FROM portfolio_transfer)
                    + (SELECT 2 * count(*) FROM orders_trade)
                    + (SELECT 2 * count(*) FROM orders_order)
                    + (SELECT 2 * count(*) FROM portfolio_lot)
                    + (SELECT 2 * count(*) FROM portfolio_lotclosing)
                    + (SELECT count(*) FROM accounts_activity)"""
        )
        [total] = cursor.fetchone()
    return int(total)


def replayed(count: Count) -> Iterator[Touched]:
    """Replay the journal and compare balances, positions, lots and orders with it."""
    yield from replay.balances(
        stored=_rows("SELECT ledger_account_id, asset, amount, held"
                     " FROM portfolio_balance ORDER BY 1"),
        legs=_rows(
            """SELECT l.id, CASE WHEN l.id = t.credit_id THEN t.amount ELSE -t.amount END
                 FROM portfolio_transfer t
                 JOIN portfolio_ledgeraccount l ON l.id IN (t.debit_id, t.credit_id)
                WHERE l.owner_id IS NOT NULL ORDER BY 1""", count),
        holds=_rows(
            """SELECT b.ledger_account_id, h.remaining FROM portfolio_hold h
                 JOIN portfolio_balance b USING (account_id, asset)
                WHERE h.status = 'pending' ORDER BY 1"""),
    )  # fmt: skip
    yield from replay.lots(
        stored=_rows(
            """SELECT id, opened_quantity, opened_cost, quantity, cost_basis
                 FROM portfolio_lot ORDER BY 1""", count),
        changes=_rows(
            """SELECT lot_id, -quantity, -cost FROM portfolio_lotclosing
               UNION ALL SELECT lot_id, quantity, cost FROM portfolio_lotadjustment
               ORDER BY 1""", count),
    )  # fmt: skip
    yield from replay.positions(
        stored=_rows(
            """SELECT ARRAY[account_id, instrument_id], id, quantity, cost_basis, realised,
                      lots_opened FROM portfolio_position ORDER BY 1"""),
        moves=_rows(
            """SELECT ARRAY[account_id, instrument_id], quantity FROM (
                 SELECT account_id, instrument_id,
                        CASE WHEN (side = 'buy') = (busts_id IS NULL) THEN quantity
                             ELSE -quantity END AS quantity FROM orders_trade
                 UNION ALL
                 SELECT e.account_id, a.instrument_id, e.quantity_after - e.quantity_before
                   FROM portfolio_entitlement e
                   JOIN portfolio_corporateaction a ON a.id = e.action_id
                 UNION ALL
                 SELECT e.account_id, a.into_id, e.other_quantity FROM portfolio_entitlement e
                   JOIN portfolio_corporateaction a ON a.id = e.action_id
                  WHERE e.other_quantity <> 0
                 UNION ALL
                 SELECT l.owner_id, i.id, CASE WHEN l.id = t.credit_id THEN t.amount
                                               ELSE -t.amount END
                   FROM portfolio_transfer t
                   JOIN portfolio_ledgeraccount l ON l.id IN (t.debit_id, t.credit_id)
                    AND l.owner_id IS NOT NULL
                   JOIN marketdata_instrument i ON i.code = t.asset
                  WHERE t.kind IN ('withdrawal', 'reversal') AND t.asset <> 'USD') moved
                 ORDER BY 1""", count),
        lots=_rows(
            """SELECT ARRAY[account_id, instrument_id], quantity, cost_basis, 1
                 FROM portfolio_lot ORDER BY 1""", count),
        closings=_rows(
            """SELECT ARRAY[account_id, instrument_id], realised
                 FROM portfolio_lotclosing ORDER BY 1""", count),
    )  # fmt: skip
    yield from replay.orders(
        stored=_rows(
            f"""SELECT id, sha256(convert_to(row_to_json(r)::text, 'UTF8')),
                       filled_quantity, filled_value
                  FROM (SELECT {_STEPPED} FROM orders_order) r ORDER BY 1""",  # noqa: S608
            count),
        histories=_rows(
            f"""SELECT r.id, sha256(convert_to(row_to_json(r)::text, 'UTF8'))
                  FROM (SELECT max(history_id) AS history_id FROM orders_historicalorder
                         GROUP BY id) last
                  JOIN orders_historicalorder h USING (history_id)
                 CROSS JOIN LATERAL (SELECT {_STEPPED}) r ORDER BY 1""",  # noqa: S608 - constants
            count),
        trades=_rows(
            """SELECT order_id, CASE WHEN busts_id IS NULL THEN quantity ELSE -quantity END,
                      CASE WHEN busts_id IS NULL THEN quantity * price ELSE -quantity * price END
                 FROM orders_trade ORDER BY 1""", count),
        differing=_differing,
    )  # fmt: skip


def _differing(order_id: UUID) -> list[str]:
    """Return the columns of an order that are not as its last step says."""
    order: dict[str, object] = dict(Order.objects.filter(pk=order_id).values().get())
    step = history.steps(order_id).order_by("-history_id").values(*order).first() or {}
    return [name for name in order if name not in UNSTEPPED and order[name] != step.get(name)]


def chained(count: Count) -> Iterator[Touched]:
    """Follow every activity chain from its first row to where its account says that it ends."""
    heads = _rows("SELECT id, activity_sequence, activity_digest FROM accounts_account ORDER BY 1")
    rows = _rows(
        """SELECT account_id, sequence, kind, at, actor, payload::text, previous_digest, digest
             FROM accounts_activity ORDER BY 1, 2""",
        count,
    )
    for account_id, (head, found) in replay.beside(heads, _followed(rows)):
        key = f"{account_id}"
        end, broken = (found[1], found[2]) if found else ((0, ""), "")
        if broken:
            yield Touched("accounts_activity", key, broken)
        elif head is None:
            yield Touched("accounts_account", key, "is gone; its activities are there")
        elif head[1:] != end:
            what = f"its chain ends at activity {end[0]}, the account says {head[1]}"
            yield Touched("accounts_activity", key, what)


def _followed(rows: Iterator[Row]) -> Iterator[Row]:
    """Return of each account (id, head of its chain, what is broken in it)."""
    for account_id, entries in groupby(rows, key=itemgetter(0)):
        try:
            yield account_id, chain.verify(str(account_id), _linked(entries)), ""
        except BrokenChain as error:
            yield account_id, (0, ""), str(error)


def _linked(entries: Iterator[Row]) -> Iterator[tuple[int, Event, str]]:
    before = ""
    for _, sequence, kind, at, actor, payload, previous, digest in entries:
        if previous != before:
            raise BrokenChain(f"activity {sequence} names another before it than there is")
        yield sequence, Event(kind, at, actor, orjson.loads(payload)), digest
        before = digest


def _rows(query: str, count: Count | None = None) -> Iterator[Row]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(query)
        while rows := cursor.fetchmany(CHUNK):
            if count is not None:
                count(len(rows))
            yield from rows
