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
from reconciliation import causes, ledger_invariants

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
    *(_Invariant(*each) for each in (*ledger_invariants.QUERIES, *causes.QUERIES)),
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
        3,
        "an order's fills are its filled quantity, never more than it asked for",
        """
        SELECT o.account_id, format('order %s: filled %s worth %s, its trades say %s worth %s',
                                    o.id, o.filled_quantity, o.filled_value,
                                    coalesce(t.quantity, 0), coalesce(t.value, 0))
          FROM orders_order o
          LEFT JOIN (SELECT order_id, sum(sign * quantity) AS quantity,
                            sum(sign * quantity * price) AS value
                       FROM (SELECT *, CASE WHEN busts_id IS NULL THEN 1 ELSE -1 END AS sign
                               FROM orders_trade) signed GROUP BY order_id) t ON t.order_id = o.id
         WHERE o.filled_quantity <> coalesce(t.quantity, 0)
            OR o.filled_value <> coalesce(t.value, 0)
            OR o.filled_quantity > o.quantity
            OR (o.status = 'filled') <> (o.filled_quantity = o.quantity)
            OR (o.notional IS NOT NULL AND o.side = 'buy' AND o.filled_value > o.notional)
        UNION ALL
        SELECT account_id, format('group %s: its exits have closed %s of the %s that were opened',
                                  "group", closed, opened)
          FROM (SELECT account_id, "group",
                       sum(filled_quantity) FILTER (WHERE role <> 'entry') AS closed,
                       sum(filled_quantity) FILTER (WHERE role = 'entry') AS opened
                  FROM orders_order WHERE order_class IN ('bracket', 'oto')
                 GROUP BY 1, 2) g
         WHERE closed > opened
        """,
    ),
    _Invariant(
        4,
        "a position is the sum of its trades and corporate actions",
        """
        SELECT coalesce(p.account_id, t.account_id),
               format('%s: position %s, trades and actions %s, balance %s', i.symbol,
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
                         WHERE e.other_quantity <> 0) each
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
        6,
        "what has ended stays as it ended",
        """
        SELECT account_id, format('order %s was %s, then %s', id, before, status)
          FROM (SELECT id, account_id, status,
                       lag(status) OVER (PARTITION BY id ORDER BY history_id) AS before
                  FROM orders_historicalorder) s
         WHERE before IN ('filled', 'cancelled', 'rejected', 'expired', 'replaced')
           AND status <> before
           -- A fill that was made before the end may come late, and a venue may bust one.
           AND NOT (before IN ('cancelled', 'expired') AND status = 'filled')
           AND NOT (before = 'filled' AND status = 'cancelled'
                    AND EXISTS (SELECT FROM orders_trade t
                                 WHERE t.order_id = s.id AND t.busts_id IS NOT NULL))
        """,
    ),
    _Invariant(
        7,
        "every change of an order has its row in the history",
        """
        SELECT o.account_id, format('order %s is %s with %s filled, its history ends with %s, %s',
                                    o.id, o.status, o.filled_quantity, h.status, h.filled_quantity)
          FROM orders_order o
          LEFT JOIN LATERAL (SELECT status, filled_quantity FROM orders_historicalorder h
                              WHERE h.id = o.id ORDER BY history_id DESC LIMIT 1) h ON true
         WHERE h.status IS DISTINCT FROM o.status
            OR h.filled_quantity IS DISTINCT FROM o.filled_quantity
        """,
    ),
    _Invariant(
        8,
        "every order that left was decided on, and none that was denied left",
        """
        SELECT o.account_id, format('order %s is %s, risk said %s', o.id, o.status,
                                    coalesce(d.allowed::text, 'nothing'))
          FROM orders_order o LEFT JOIN risk_decision d ON d.order_id = o.id
         WHERE d.order_id IS NULL OR d.allowed <> (o.denial_code = '')
        """,
    ),
    _Invariant(
        9,
        "what lives at the venue lives here",
        """
        SELECT m.account_id, format('the venue has filled %s of order %s, we have booked %s',
                                    m.filled, m.id, m.filled_quantity)
          FROM (SELECT o.id, o.account_id, o.filled_quantity,
                       sum((r.report->>'quantity')::numeric
                           * CASE r.report->>'kind' WHEN 'fill' THEN 1 ELSE -1 END) AS filled
                  FROM venues_inboxreport r
                  JOIN orders_order o ON o.id::text = r.client_order_id
                 WHERE r.report->>'kind' IN ('fill', 'busted')
                   -- What two people have dismissed is settled with the venue elsewhere.
                   AND r.state NOT IN ('new', 'early', 'dismissed')
                 GROUP BY 1, 2, 3) m
         WHERE m.filled <> m.filled_quantity
        UNION ALL
        SELECT NULL, format('report %s of %s is parked: %s', execution_id, venue, reason)
          FROM venues_inboxreport WHERE state = 'parked'
        """,
    ),
    _Invariant(
        10,
        "no message waits for its owner for more than 30 seconds",
        """
        SELECT o.account_id, format('the request to %s order %s is unsent since %s',
                                    m.kind, o.id, m.created_at)
          FROM venues_outboxmessage m JOIN orders_order o ON o.id = m.order_id
         WHERE m.sent_at IS NULL AND m.created_at < %(now)s - interval '30 seconds'
        UNION ALL
        SELECT account_id, format('order %s is %s since %s', id, status, updated_at)
          FROM orders_order
         WHERE status IN ('pending', 'pending_cancel', 'pending_replace', 'unknown')
           AND updated_at < %(now)s - interval '30 seconds'
        UNION ALL
        SELECT o.account_id, format('report %s about order %s is early since %s',
                                    r.execution_id, o.id, r.received_at)
          FROM venues_inboxreport r JOIN orders_order o ON o.id::text = r.client_order_id
         WHERE r.state = 'early' AND r.received_at < %(now)s - interval '30 seconds'
        UNION ALL
        SELECT o.account_id, format('order %s is %s, its price is%s watched', o.id, o.status,
                                    CASE WHEN w.order_id IS NULL THEN ' not' ELSE '' END)
          FROM orders_order o FULL JOIN orders_watch w ON w.order_id = o.id
         WHERE (o.is_watched AND o.status = 'held') <> (w.order_id IS NOT NULL)
        """,
        halts=False,
    ),
    _Invariant(
        11,
        "nothing is sent or executed inside a halt",
        """
        SELECT o.account_id, format('order %s in %s left at %s, while the instrument was halted',
                                    o.id, i.symbol, o.submitted_at)
          FROM (SELECT id, symbol, halted, tradable, history_date,
                       lead(history_date) OVER (PARTITION BY id ORDER BY history_id) AS until
                  FROM marketdata_historicalinstrument) i
          JOIN orders_order o ON o.instrument_id = i.id
           AND o.submitted_at > i.history_date + interval '1 second'
           AND o.submitted_at < coalesce(i.until, 'infinity') - interval '1 second'
         WHERE i.halted OR NOT i.tradable
        UNION ALL
        -- What the venue executes before it has our cancel is its right; that takes moments.
        SELECT o.account_id, format('order %s was executed at %s, under a kill switch since %s',
                                    o.id, t.executed_at, s.engaged_at)
          FROM risk_switch s
          JOIN orders_order o ON o.id = coalesce(s.order_id, o.id)
           AND o.account_id = coalesce(s.account_id, o.account_id)
           AND o.instrument_id = coalesce(s.instrument_id, o.instrument_id)
           AND s.venue IN ('', o.venue)
          JOIN orders_trade t ON t.order_id = o.id AND t.busts_id IS NULL
           AND t.executed_at > s.engaged_at + interval '30 seconds'
           AND t.executed_at < coalesce(s.released_at, 'infinity')
         WHERE s.effect = 'kill' AND o.created_at < coalesce(s.released_at, 'infinity')
        """,
        halts=False,
    ),
    _Invariant(
        12,
        "nothing happens before its cause",
        """
        SELECT account_id, format('trade %s was booked at %s and executed at %s',
                                  id, booked_at, executed_at)
          FROM orders_trade WHERE booked_at < executed_at - interval '1 second'
        UNION ALL
        SELECT account_id, format('order %s was changed before it was made', id)
          FROM orders_order WHERE updated_at < created_at
        """,
        halts=False,
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
    _Invariant(
        16,
        "after a kill switch no new order leaves, and every open one has a cancel",
        """
        SELECT o.account_id,
               format('order %s %s, under %s since %s', o.id,
                      CASE WHEN m.created_at > s.engaged_at + interval '2 seconds'
                           THEN 'was let go at ' || m.created_at ELSE 'left at ' || m.sent_at END,
                      s.code, s.engaged_at)
          FROM risk_switch s
          JOIN orders_order o ON o.id = coalesce(s.order_id, o.id)
           AND o.account_id = coalesce(s.account_id, o.account_id)
           AND o.instrument_id = coalesce(s.instrument_id, o.instrument_id)
           AND s.venue IN ('', o.venue)
          JOIN venues_outboxmessage m ON m.order_id = o.id AND m.kind IN ('new', 'replace')
           AND m.number IS NOT NULL
           -- One over which the link was lost may have arrived before, and is found out of later.
           AND (m.created_at > s.engaged_at + interval '2 seconds'
                OR m.doubted_at IS NULL AND m.sent_at > s.engaged_at + interval '2 seconds')
           AND coalesce(m.sent_at, m.created_at) < coalesce(s.released_at, 'infinity')
         WHERE s.effect IN ('kill', 'halt')
        UNION ALL
        SELECT o.account_id, format('order %s is %s and nobody has cancelled it, under a kill '
                                    'switch since %s', o.id, o.status, s.engaged_at)
          FROM risk_switch s
          JOIN orders_order o ON o.id = coalesce(s.order_id, o.id)
           AND o.account_id = coalesce(s.account_id, o.account_id)
           AND o.instrument_id = coalesce(s.instrument_id, o.instrument_id)
           AND s.venue IN ('', o.venue)
         WHERE s.effect = 'kill' AND s.released_at IS NULL
           AND s.engaged_at < %(now)s - interval '10 seconds'
           AND o.status IN ('held', 'submitted', 'partially_filled', 'pending_replace', 'unknown')
           AND NOT EXISTS (SELECT FROM venues_outboxmessage m
                            WHERE m.order_id = o.id AND m.kind = 'cancel')
        """,
        halts=False,
    ),
)


def check_invariants(*, now: datetime) -> list[Finding]:
    """Check every invariant on one snapshot of the database; at most 100 breaches of each."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SET LOCAL statement_timeout = 0")  # it reads everything there is
        findings = [_check(invariant, now) for invariant in _INVARIANTS]
        findings.append(Finding(7, "activity chains verify", tuple(_broken_chains())))
    return sorted(findings, key=lambda finding: finding.number)


def _check(invariant: _Invariant, now: datetime) -> Finding:
    # The queries' own percent signs are those of format().
    query = f"SELECT * FROM ({invariant.query}) breach LIMIT {BREACHES_MAX}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(query.replace("%", "%%").replace("%%(now)s", "%(now)s"), {"now": now})
        breaches = tuple(Breach(account_id, what) for account_id, what in cursor.fetchall())
    return Finding(invariant.number, invariant.name, breaches, invariant.halts)


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
