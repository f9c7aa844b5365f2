"""What must be true of orders: their fills, their ends, their history, and what is sent of them.

Each is the number of an invariant, its name, a query that returns its breaches, and False where a
breach stops nobody.
"""

from __future__ import annotations

from typing import Final

QUERIES: Final = (
    (
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
           -- What a venue takes back of an entry may have been closed before.
           AND closed > opened + (SELECT coalesce(sum(t.quantity), 0)
                                    FROM orders_trade t JOIN orders_order o ON o.id = t.order_id
                                   WHERE o."group" = g."group" AND o.role = 'entry'
                                     AND t.busts_id IS NOT NULL)
        """,
    ),
    (
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
    (
        7,
        "every change of an order has its row in the history",
        """
        SELECT o.account_id, format('order %s is %s with %s filled, its history ends with %s, %s',
                                    o.id, o.status, o.filled_quantity, h.status, h.filled_quantity)
          FROM orders_order o
          LEFT JOIN LATERAL (SELECT * FROM orders_historicalorder h
                              WHERE h.id = o.id ORDER BY history_id DESC LIMIT 1) h ON true
         WHERE (o.status, o.quantity, o.filled_quantity, o.filled_value, o.limit_price,
                o.stop_price, o.protection_price, o.high_water_mark, o.is_watched, o.venue,
                o.venue_order_id, o.replaced_by, o.replaced_total, o.venue_code, o.status_reason)
               IS DISTINCT FROM
               (h.status, h.quantity, h.filled_quantity, h.filled_value, h.limit_price,
                h.stop_price, h.protection_price, h.high_water_mark, h.is_watched, h.venue,
                h.venue_order_id, h.replaced_by, h.replaced_total, h.venue_code, h.status_reason)
            OR (o.triggered_at, o.submitted_at, o.filled_at, o.cancelled_at, o.expired_at,
                o.rejected_at, o.replaced_at)
               IS DISTINCT FROM
               (h.triggered_at, h.submitted_at, h.filled_at, h.cancelled_at, h.expired_at,
                h.rejected_at, h.replaced_at)
        """,
    ),
    (
        8,
        "every order that left was decided on, and none that was denied left",
        """
        SELECT o.account_id, format('order %s is %s, risk said %s', o.id, o.status,
                                    coalesce(d.allowed::text, 'nothing'))
          FROM orders_order o LEFT JOIN risk_decision d ON d.order_id = o.id
         WHERE d.order_id IS NULL OR d.allowed <> (o.denial_code = '')
        """,
    ),
    (
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
    (
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
        False,
    ),
    (
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
        False,
    ),
)
