"""What must be true while something is stopped: an instrument by a halt, a scope by a switch.

Each is the number of an invariant, its name, a query that returns its breaches, and False where a
breach stops nobody.
"""

from __future__ import annotations

from typing import Final

# A switch that was thrown for one order is for what has taken its place as well.
_NAMED: Final = """
        WITH RECURSIVE named(switch_id, order_id) AS (
            SELECT id, order_id FROM risk_switch WHERE order_id IS NOT NULL
             UNION
            SELECT n.switch_id, o.replaced_by
              FROM named n JOIN orders_order o ON o.id = n.order_id
             WHERE o.replaced_by IS NOT NULL
        )"""
_COVERED: Final = """
          FROM risk_switch s
          JOIN orders_order o
            ON (s.order_id IS NULL OR (s.id, o.id) IN (SELECT switch_id, order_id FROM named))
           AND o.account_id = coalesce(s.account_id, o.account_id)
           AND o.instrument_id = coalesce(s.instrument_id, o.instrument_id)
           AND s.venue IN ('', o.venue)"""

QUERIES: Final = (
    (
        11,
        "nothing is sent or executed inside a halt",
        f"""{_NAMED}
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
                                    o.id, t.executed_at, s.engaged_at){_COVERED}
          JOIN orders_trade t ON t.order_id = o.id AND t.busts_id IS NULL
           AND t.executed_at > s.engaged_at + interval '30 seconds'
           AND t.executed_at < coalesce(s.released_at, 'infinity')
         WHERE s.effect = 'kill' AND o.created_at < coalesce(s.released_at, 'infinity')
        """,  # noqa: S608 - put together from constants
        False,
    ),
    (
        16,
        "after a kill switch no new order leaves, and every open one has a cancel",
        f"""{_NAMED}
        SELECT o.account_id,
               format('order %s %s, under %s since %s', o.id,
                      CASE WHEN m.created_at > s.engaged_at + interval '2 seconds'
                           THEN 'was let go at ' || m.created_at ELSE 'left at ' || m.sent_at END,
                      s.code, s.engaged_at){_COVERED}
          JOIN venues_outboxmessage m ON m.order_id = o.id AND m.kind IN ('new', 'replace')
           AND m.number IS NOT NULL
           -- One over which the link was lost may have arrived before, and is found out of later.
           AND (m.created_at > s.engaged_at + interval '2 seconds'
                OR m.doubted_at IS NULL AND m.sent_at > s.engaged_at + interval '2 seconds')
           AND coalesce(m.sent_at, m.created_at) < coalesce(s.released_at, 'infinity')
         WHERE s.effect IN ('kill', 'halt')
        UNION ALL
        SELECT o.account_id, format('order %s is %s and nobody has cancelled it, under a kill '
                                    'switch since %s', o.id, o.status, s.engaged_at){_COVERED}
         WHERE s.effect = 'kill' AND s.released_at IS NULL
           AND s.engaged_at < %(now)s - interval '10 seconds'
           AND o.status IN ('held', 'submitted', 'partially_filled', 'pending_replace', 'unknown')
           AND NOT EXISTS (SELECT FROM venues_outboxmessage m
                            WHERE m.order_id = o.id AND m.kind = 'cancel')
        """,  # noqa: S608 - put together from constants
        False,
    ),
)
