"""What must be true of why money and securities moved: each transfer has its cause, once.

The balances of the ledger add up whatever is written into it; these ask whether it was right to
write it. Each is the number of an invariant, its name, and a query that returns its breaches.
"""

from __future__ import annotations

from typing import Final

from reconciliation import successions

QUERIES: Final = (
    (
        17,
        "each trade and bust moved its securities, once, and cash the other way",
        """
        SELECT coalesce(t.account_id, m.owner_id),
               format('%s moved %s %s and %s USD, its trade says %s %s at %s',
                      coalesce(m.reference, t.reference), coalesce(m.quantity, 0), m.asset,
                      coalesce(m.cash, 0), t.quantity, t.code, t.price)
          FROM (SELECT o.account_id, i.code, o.price,
                       CASE WHEN o.busts_id IS NULL THEN 'trade:' ELSE 'bust:' END || o.id
                         AS reference,
                       CASE WHEN (o.side = 'buy') = (o.busts_id IS NULL) THEN o.quantity
                            ELSE -o.quantity END AS quantity
                  FROM orders_trade o JOIN marketdata_instrument i ON i.id = o.instrument_id) t
          FULL JOIN (SELECT m.reference, l.owner_id, max(m.asset) FILTER (WHERE m.asset <> 'USD')
                              AS asset,
                            count(*) FILTER (WHERE m.asset <> 'USD') AS legs,
                            count(*) FILTER (WHERE m.asset = 'USD') AS payments,
                            sum(CASE WHEN l.id = m.credit_id THEN m.amount ELSE -m.amount END)
                              FILTER (WHERE m.asset <> 'USD') AS quantity,
                            sum(CASE WHEN l.id = m.credit_id THEN m.amount ELSE -m.amount END)
                              FILTER (WHERE m.asset = 'USD') AS cash
                       FROM portfolio_transfer m
                       JOIN portfolio_ledgeraccount l ON l.id IN (m.debit_id, m.credit_id)
                        AND l.owner_id IS NOT NULL
                      WHERE m.kind IN ('trade', 'bust') GROUP BY 1, 2) m
                 ON m.reference = t.reference AND m.owner_id = t.account_id
         WHERE t.reference IS NULL OR m.reference IS NULL
            OR m.legs <> 1 OR m.asset <> t.code OR m.quantity <> t.quantity
            -- A fill of dust moves less than half a cent, so that there is no transfer of it.
            OR m.payments > 1 OR sign(m.cash) = sign(t.quantity)
        """,
    ),
    (
        17,
        "the cash that an order moved is the value of its trades, to the cent",
        """
        SELECT t.account_id, format('order %s moved %s USD, its trades are worth %s',
                                    t.order_id, coalesce(sum(m.cash), 0), sum(t.value))
          FROM (SELECT order_id, account_id,
                       CASE WHEN busts_id IS NULL THEN 'trade:' ELSE 'bust:' END || id
                         AS reference,
                       CASE WHEN (side = 'buy') = (busts_id IS NULL) THEN -quantity * price
                            ELSE quantity * price END AS value
                  FROM orders_trade) t
          LEFT JOIN (SELECT m.reference, sum(CASE WHEN l.id = m.credit_id THEN m.amount
                                                  ELSE -m.amount END) AS cash
                       FROM portfolio_transfer m
                       JOIN portfolio_ledgeraccount l ON l.id IN (m.debit_id, m.credit_id)
                        AND l.owner_id IS NOT NULL
                      WHERE m.kind IN ('trade', 'bust') AND m.asset = 'USD' GROUP BY 1) m
                 USING (reference)
         GROUP BY 1, t.order_id
        -- Rounded once, on the order's total (ADR 5).
        HAVING abs(coalesce(sum(m.cash), 0) - sum(t.value)) > 0.005
        """,
    ),
    (
        17,
        "a sale is charged no more than the schedule of its days",
        f"""
        WITH RECURSIVE {successions.FIRSTS},
        sold AS (
          SELECT t.order_id, t.account_id, i.asset_class,
                 (t.booked_at AT TIME ZONE 'America/New_York')::date AS day,
                 sum(t.quantity) AS quantity, sum(t.quantity * t.price) AS value
            FROM orders_trade t JOIN marketdata_instrument i ON i.id = t.instrument_id
           WHERE t.side = 'sell' AND t.busts_id IS NULL
             AND NOT EXISTS (SELECT FROM orders_trade b WHERE b.busts_id = t.id)
           GROUP BY 1, 2, 3, 4),
        -- An account may have changed its tier since: every one that it had may be the one.
        tiers AS (SELECT id AS account_id, tier FROM accounts_account
                  UNION SELECT id, tier FROM accounts_historicalaccount),
        -- The schedule as it was known that day, before and after what was added in its course;
        -- what was shipped with it (created_by nobody) was always known.
        days AS (SELECT DISTINCT s.asset_class, s.day, t.tier, known,
                        (s.day + known)::timestamp AT TIME ZONE 'America/New_York' AS known_at
                   FROM sold s JOIN tiers t USING (account_id)
                  CROSS JOIN (VALUES (0), (1)) as_of (known)),
        lines AS (
          SELECT DISTINCT ON (d.asset_class, d.day, d.tier, d.known, r.name) d.*, r.name,
                 r.per_order, r.per_unit, r.rate, r.most
            FROM days d
            JOIN portfolio_feerule r ON r.valid_from <= d.day
             AND (r.created_by = '' OR r.created_at < d.known_at)
             AND coalesce(r.asset_class, d.asset_class) = d.asset_class
             AND coalesce(r.side, 'sell') = 'sell' AND coalesce(r.tier, d.tier) = d.tier
           ORDER BY d.asset_class, d.day, d.tier, d.known, r.name,
                    r.tier IS NOT NULL DESC, r.valid_from DESC, r.id DESC),
        named AS (
          SELECT s.order_id, t.tier, l.known, l.name,
                 ceil((max(l.per_order) + sum(l.per_unit * s.quantity + l.rate * s.value)) * 100)
                   / 100 AS fee,
                 -- Where the rates changed between two fills, each may be rounded up.
                 0.01 * (count(*) - 1) AS spare, CASE count(*) WHEN 1 THEN max(l.most) END AS most
            FROM sold s JOIN tiers t USING (account_id)
            JOIN lines l ON (l.asset_class, l.day, l.tier) = (s.asset_class, s.day, t.tier)
           GROUP BY 1, 2, 3, 4),
        by_order AS (
          SELECT order_id, max(fee) AS fee
            FROM (SELECT order_id, tier, known, sum(least(fee + spare, most)) AS fee
                    FROM named GROUP BY 1, 2, 3) each GROUP BY 1),
        -- What replaces a sale goes on with its fees: together they are charged no more than alone.
        allowed AS (SELECT first, sum(fee) AS fee
                      FROM by_order JOIN succession USING (order_id) GROUP BY 1)
        SELECT c.account_id, format('order %s was charged %s for its sale, the schedule says %s',
                                    c.first, c.charged, coalesce(a.fee, 0))
          FROM (SELECT s.first, t.account_id, sum(CASE WHEN d.owner_id IS NULL THEN -f.amount
                                                       ELSE f.amount END) AS charged
                  FROM portfolio_transfer f
                  JOIN portfolio_ledgeraccount d ON d.id = f.debit_id
                  JOIN orders_trade t ON t.id::text = split_part(f.reference, ':', 2)
                  JOIN succession s ON s.order_id = t.order_id
                 WHERE f.kind = 'fee' GROUP BY 1, 2) c
          LEFT JOIN allowed a USING (first)
         WHERE c.charged > coalesce(a.fee, 0)
        """,  # noqa: S608 - put together from constants
    ),
    (
        17,
        "what a corporate action moved is what it entitled to",
        """
        SELECT coalesce(e.account_id, m.owner_id),
               format('%s moved %s %s, its entitlement says %s',
                      coalesce(m.reference, e.reference), coalesce(m.amount, 0),
                      coalesce(m.asset, e.asset), coalesce(e.amount, 0))
          FROM (SELECT e.account_id, w.reference, w.asset, w.amount, 0 AS spare,
                       a.kind = 'cash_dividend' AND a.state <> 'done' AS waits
                  FROM portfolio_entitlement e
                  JOIN portfolio_corporateaction a ON a.id = e.action_id
                  JOIN marketdata_instrument i ON i.id = a.instrument_id
                  LEFT JOIN marketdata_instrument o ON o.id = a.into_id,
                       LATERAL (VALUES
                         ('action:' || e.id, i.code, e.quantity_after - e.quantity_before),
                         ('action:' || e.id, o.code, e.other_quantity),
                         (CASE a.kind WHEN 'cash_dividend' THEN 'dividend:' ELSE 'action:' END
                            || e.id, 'USD', e.cash),
                         ('in_lieu:' || e.id, 'USD', e.in_lieu)) w (reference, asset, amount)
                 WHERE w.amount <> 0
                UNION ALL
                -- What a trade or bust has changed of a dividend that was settled without it.
                SELECT t.account_id, format('late:%s:%s', replace(t.id::text, '-', ''),
                                            replace(a.id::text, '-', '')),
                       'USD', a.cash * t.quantity, 0.005,
                       -- Who was entitled in the same moment may have been so with it.
                       t.booked_at < coalesce(e.at, s.at) + interval '1 minute'
                  FROM (SELECT t.id, t.account_id, t.instrument_id, t.booked_at,
                               coalesce(u.executed_at, t.executed_at) AS executed_at,
                               CASE WHEN (t.side = 'buy') = (t.busts_id IS NULL) THEN t.quantity
                                    ELSE -t.quantity END AS quantity
                          FROM orders_trade t LEFT JOIN orders_trade u ON u.id = t.busts_id
                         WHERE (t.booked_at AT TIME ZONE 'America/New_York')::date
                             > (coalesce(u.executed_at, t.executed_at)
                                AT TIME ZONE 'America/New_York')::date) t
                  JOIN portfolio_corporateaction a
                    ON a.instrument_id = t.instrument_id AND a.kind = 'cash_dividend'
                   AND t.executed_at < a.ex_date::timestamp AT TIME ZONE 'America/New_York'
                  LEFT JOIN portfolio_entitlement e
                    ON e.action_id = a.id AND e.account_id = t.account_id
                  LEFT JOIN portfolio_corporateactionstep s
                    ON s.action_id = a.id AND s.state = 'entitled'
                 WHERE t.booked_at >= coalesce(e.at, s.at)) e
          FULL JOIN (SELECT m.reference, m.asset, l.owner_id,
                            sum(CASE WHEN l.id = m.credit_id THEN m.amount ELSE -m.amount END)
                              AS amount
                       FROM portfolio_transfer m
                       JOIN portfolio_ledgeraccount l ON l.id IN (m.debit_id, m.credit_id)
                        AND l.owner_id IS NOT NULL
                      WHERE m.kind IN ('dividend', 'split', 'merger', 'cash_in_lieu')
                      GROUP BY 1, 2, 3) m
                 ON m.reference = e.reference AND m.asset = e.asset
                AND m.owner_id = e.account_id
         WHERE abs(coalesce(m.amount, 0) - coalesce(e.amount, 0)) > coalesce(e.spare, 0)
           AND NOT (m.reference IS NULL AND e.waits)
        """,
    ),
    (
        17,
        "what came from a bank or left for one is what was to come or leave, once",
        """
        SELECT coalesce(f.account_id, m.owner_id),
               format('%s of %s is %s, its transfers say %s, of which %s was not taken back',
                      coalesce(f.reference, m.reference), f.amount, f.state,
                      coalesce(m.amount, 0), coalesce(m.standing, 0))
          FROM (SELECT account_id, direction, state,
                       format('%s:%s:%s', direction, account_id, reference) AS reference,
                       CASE direction WHEN 'deposit' THEN amount ELSE -amount - fee END AS amount,
                       asset
                  FROM portfolio_funding) f
          -- A deposit of before there were fundings may have had a longer name.
          FULL JOIN (SELECT left(m.reference, length(m.kind) + 70) AS reference, l.owner_id,
                            m.asset,
                            sum(CASE WHEN l.id = m.credit_id THEN m.amount ELSE -m.amount END)
                              AS amount,
                            coalesce(sum(CASE WHEN l.id = m.credit_id THEN m.amount
                                              ELSE -m.amount END) FILTER (WHERE r.id IS NULL), 0)
                              AS standing
                       FROM portfolio_transfer m
                       JOIN portfolio_ledgeraccount l ON l.id IN (m.debit_id, m.credit_id)
                        AND l.owner_id IS NOT NULL
                       LEFT JOIN portfolio_transfer r ON r.reverses_id = m.id
                      WHERE m.kind IN ('deposit', 'withdrawal') GROUP BY 1, 2, 3) m
                 ON m.reference = f.reference AND m.owner_id = f.account_id
                AND m.asset = f.asset
         WHERE f.reference IS NULL
            OR coalesce(m.amount, 0) <> CASE
                 -- A deposit may come back before it has arrived.
                 WHEN f.state = 'pending' OR f.direction = 'deposit' AND m.reference IS NULL
                      AND f.state = 'returned' THEN 0
                 ELSE f.amount END
            OR f.state IN ('returned', 'cancelled') AND coalesce(m.standing, 0) <> 0
        """,
    ),
    (
        17,
        "interest that was charged has accrued",
        """
        SELECT coalesce(m.owner_id, a.account_id),
               format('%s charged %s, %s has accrued', m.reference, m.amount,
                      coalesce(a.amount, 0))
          FROM (SELECT m.reference, l.owner_id,
                       sum(CASE WHEN l.id = m.debit_id THEN m.amount ELSE -m.amount END) AS amount
                  FROM portfolio_transfer m
                  JOIN portfolio_ledgeraccount l ON l.id IN (m.debit_id, m.credit_id)
                   AND l.owner_id IS NOT NULL
                 WHERE m.kind = 'interest' GROUP BY 1, 2) m
          LEFT JOIN (SELECT account_id,
                            format('interest:%s:%s', account_id, to_char(day, 'YYYY-MM'))
                              AS reference, sum(amount) AS amount
                       FROM portfolio_interestaccrual GROUP BY 1, 2) a
                 ON a.reference = m.reference AND a.account_id = m.owner_id
         WHERE abs(m.amount - coalesce(a.amount, 0)) > 0.005
        """,
    ),
)
