"""The invariants of the house, each checked against the database as it stands.

`check_invariants` reads one consistent snapshot, so that it may run beside a working server.
Each check is one query that returns the breaches of one invariant; none is the only good answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from accounts import chain
from accounts.chain import BrokenChain, Event
from accounts.models import Account, Activity
from reconciliation import (
    causes,
    held_outside,
    ledger_invariants,
    order_invariants,
    stop_invariants,
)

BREACHES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Breach:
    """An invariant that does not hold: for which account, if it is one's, and how."""

    account_id: UUID | None
    what: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One invariant of docs/invariants.md and what speaks against it.

    `halts` says whether a breach stops the account that it concerns: what is about money does,
    what is about clocks and queues is for operations alone.
    """

    number: int
    name: str
    breaches: tuple[Breach, ...]
    halts: bool = True

    @property
    def holds(self) -> bool:
        return not self.breaches


@dataclass(frozen=True, slots=True)
class _Invariant:
    number: int
    name: str
    query: str
    halts: bool = True


# Every query returns (account or null, sentence). `transfer` has one positive amount, a debit
# and a credit, so that each entry sums to zero by construction; what can go wrong is its asset.
_INVARIANTS: Final = (
    _Invariant(
        1,
        "every transfer stays within one asset",
        """
        SELECT NULL::uuid, format('transfer %s of %s moves between %s and %s',
                                  t.id, t.asset, d.asset, c.asset)
          FROM portfolio_transfer t
          JOIN portfolio_ledgeraccount d ON d.id = t.debit_id
          JOIN portfolio_ledgeraccount c ON c.id = t.credit_id
         WHERE t.asset <> d.asset OR t.asset <> c.asset
        """,
    ),
    _Invariant(
        2,
        "what is there covers what is held",
        """
        SELECT account_id, format('%s: %s there, %s held', asset, amount, held)
          FROM portfolio_balance WHERE (amount < held AND NOT may_be_negative) OR held < 0
        """,
    ),
    *(
        _Invariant(*each)
        for each in (
            *ledger_invariants.QUERIES,
            *order_invariants.QUERIES,
            *stop_invariants.QUERIES,
            *causes.QUERIES,
            *held_outside.QUERIES,
        )
    ),
    _Invariant(
        2,
        "equity bore what an order on margin required when it was accepted",
        """
        SELECT account_id, format('order %s required %s with %s of equity, %s required and %s held',
                                  order_id, needed, equity, required, held)
          FROM (SELECT d.account_id, d.order_id, (m->>'required')::numeric AS needed,
                       coalesce((m->>'freed')::numeric, 0) AS freed,
                       (s->>'held')::numeric AS held,
                       (s->>'cash')::numeric + (s->>'long_value')::numeric
                       + (s->>'short_value')::numeric AS equity,
                       CASE WHEN (s->>'is_day_trader')::boolean
                            THEN (s->>'maintenance')::numeric
                            ELSE greatest((s->>'initial')::numeric, (s->>'maintenance')::numeric)
                       END AS required
                  FROM risk_decision d, LATERAL (SELECT d.inputs #> '{situation,margin}' AS m) m,
                       LATERAL (SELECT m->'standing' AS s) s
                 WHERE d.allowed AND m IS NOT NULL) decided
         WHERE needed > 0 AND equity - required - held + freed < needed
        """,
    ),
    _Invariant(
        4,
        "a position is the sum of its trades, corporate actions and withdrawals",
        """
        SELECT coalesce(p.account_id, t.account_id),
               format('%s: position %s, trades and more %s, balance %s', i.symbol,
                      coalesce(p.quantity, 0), coalesce(t.quantity, 0), coalesce(b.amount, 0))
          FROM (SELECT account_id, instrument_id, sum(quantity) AS quantity
                  FROM (SELECT account_id, instrument_id,
                               CASE WHEN (side = 'buy') = (busts_id IS NULL) THEN quantity
                                    ELSE -quantity END AS quantity
                          FROM orders_trade
                        UNION ALL
                        SELECT e.account_id, a.instrument_id, e.quantity_after - e.quantity_before
                          FROM portfolio_entitlement e
                          JOIN portfolio_corporateaction a ON a.id = e.action_id
                        UNION ALL
                        SELECT e.account_id, a.into_id, e.other_quantity
                          FROM portfolio_entitlement e
                          JOIN portfolio_corporateaction a ON a.id = e.action_id
                         WHERE e.other_quantity <> 0
                        UNION ALL
                        SELECT f.account_id, i.id, -f.amount - f.fee
                          FROM portfolio_funding f
                          JOIN marketdata_instrument i ON i.code = f.asset
                         WHERE f.state NOT IN ('cancelled', 'returned')) each
                 GROUP BY 1, 2) t
          FULL JOIN portfolio_position p USING (account_id, instrument_id)
          JOIN marketdata_instrument i ON i.id = instrument_id
          LEFT JOIN portfolio_balance b
                 ON b.account_id = coalesce(p.account_id, t.account_id) AND b.asset = i.code
         WHERE coalesce(p.quantity, 0) <> coalesce(t.quantity, 0)
            OR coalesce(b.amount, 0) <> coalesce(p.quantity, 0)
        """,
    ),
    _Invariant(
        5,
        "what is held is what open orders still need",
        """
        SELECT h.account_id, format('order %s is %s, its hold is %s with %s %s left',
                                    o.id, o.status, h.status, h.remaining, h.asset)
          FROM portfolio_hold h LEFT JOIN orders_order o ON o.id = h.order_id
         WHERE o.id IS NULL
            OR (h.status = 'pending'
                AND o.status IN ('filled', 'cancelled', 'rejected', 'expired', 'replaced'))
            -- By the unit: what is not filled, and all that was held before ADR 5 was amended.
            OR (h.status = 'pending' AND h.price > 0 AND h.remaining <> h.amount
                - CASE h.asset WHEN 'USD' THEN ceil(h.per_unit * o.filled_quantity * 100) / 100
                               ELSE h.per_unit * o.filled_quantity END
                - CASE WHEN o.filled_quantity = 0 OR h.asset <> 'USD' THEN 0
                       ELSE ceil((h.fee_per_order + h.fee_per_unit * o.filled_quantity
                                  + h.fee_rate * h.price * o.filled_quantity) * 100) / 100 END
                -- A purchase in full: the most that it may cost, less what it has cost.
                AND NOT (h.asset = 'USD' AND h.price = h.per_unit AND o.filled_quantity > 0
                         AND abs(h.remaining - greatest(0, least(h.amount,
                             ceil((o.filled_value + h.per_unit
                                   * (o.quantity - o.filled_quantity)) * 100) / 100
                             + ceil((h.fee_per_order + h.fee_per_unit * o.quantity
                                     + h.fee_rate * (o.filled_value + h.per_unit
                                       * (o.quantity - o.filled_quantity))) * 100) / 100)
                             - o.filled_value
                             - ceil((h.fee_per_order + h.fee_per_unit * o.filled_quantity
                                     + h.fee_rate * o.filled_value) * 100) / 100)) <= 0.005))
            -- Of an order by value; PostgreSQL rounds a half cent away from zero, we to even.
            OR (h.status = 'pending' AND h.price = 0
                AND abs(h.amount - h.remaining - o.filled_value
                        - CASE WHEN o.filled_quantity = 0 THEN 0
                               ELSE ceil((h.fee_per_order + h.fee_per_unit * o.filled_quantity
                                          + h.fee_rate * o.filled_value) * 100) / 100 END) > 0.005)
        UNION ALL
        SELECT o.account_id, format('order %s is %s and holds nothing', o.id, o.status)
          FROM orders_order o LEFT JOIN portfolio_hold h ON h.order_id = o.id
         WHERE h.status IS DISTINCT FROM 'pending'
           AND o.status NOT IN ('filled', 'cancelled', 'rejected', 'expired', 'replaced')
           AND NOT (o.status = 'held' AND o.role IN ('take_profit', 'stop_loss'))
        UNION ALL
        SELECT b.account_id, format('%s: %s held, pending holds are %s',
                                    b.asset, b.held, coalesce(h.remaining, 0))
          FROM portfolio_balance b
          LEFT JOIN (SELECT account_id, asset, sum(remaining) AS remaining FROM portfolio_hold
                      WHERE status = 'pending' GROUP BY 1, 2) h USING (account_id, asset)
         WHERE b.held <> coalesce(h.remaining, 0)
        """,
    ),
    _Invariant(
        13,
        "balances are what their transfers say",
        """
        SELECT coalesce(b.account_id, m.owner_id),
               format('%s: balance %s, transfers say %s', coalesce(b.asset, m.asset),
                      coalesce(b.amount, 0), coalesce(m.amount, 0))
          FROM (SELECT l.owner_id, l.asset, sum(CASE WHEN t.credit_id = l.id THEN t.amount
                                                     ELSE -t.amount END) AS amount
                  FROM portfolio_ledgeraccount l
                  JOIN portfolio_transfer t ON l.id IN (t.debit_id, t.credit_id)
                 WHERE l.owner_id IS NOT NULL GROUP BY 1, 2) m
          FULL JOIN portfolio_balance b ON b.account_id = m.owner_id AND b.asset = m.asset
         WHERE coalesce(b.amount, 0) <> coalesce(m.amount, 0)
        """,
    ),
)


def check_invariants(*, now: datetime, follows_chains: bool = True) -> list[Finding]:
    """Check every invariant on one snapshot of the database; at most 100 breaches of each.

    To follow the activity chains reads every activity; who has done so leaves it out.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SET LOCAL statement_timeout = 0")  # it reads everything there is
        findings = [_check(invariant, now) for invariant in _INVARIANTS]
        if follows_chains:
            findings.append(Finding(7, "activity chains verify", tuple(_broken_chains())))
    return sorted(findings, key=lambda finding: finding.number)


def _check(invariant: _Invariant, now: datetime) -> Finding:
    # The queries' own percent signs are those of format().
    # Materialized, so that it is planned for all of its rows: usually there are none, and a plan
    # that is to find the first hundred soon compares each row with each other before it knows.
    breaches = f"breach AS MATERIALIZED ({invariant.query})"
    query = f"WITH {breaches} SELECT * FROM breach LIMIT {BREACHES_MAX}"  # noqa: S608 - constants
    with connection.cursor() as cursor:
        cursor.execute(query.replace("%", "%%").replace("%%(now)s", "%(now)s"), {"now": now})
        found = tuple(Breach(account_id, what) for account_id, what in cursor.fetchall())
    return Finding(invariant.number, invariant.name, found, invariant.halts)


def _broken_chains() -> Iterator[Breach]:
    """Follow every account's activity chain from its first row to its head."""
    for account in Account.objects.order_by("pk").iterator():
        rows = (
            (row.sequence, Event(row.kind, row.at, row.actor, row.payload), row.digest)
            for row in Activity.objects.filter(account=account).order_by("sequence").iterator()
        )
        try:
            head = chain.verify(str(account.pk), rows)
        except BrokenChain as error:
            yield Breach(account.pk, str(error))
            continue
        if head != (account.activity_sequence, account.activity_digest):
            yield Breach(account.pk, f"the chain ends at {head[0]}, not where the account says")
