"""What must be true of the ledger besides its balances: fees, lots, reversals, unsettled cash.

Each is the number of an invariant, its name, and a query that returns its breaches.
"""

from __future__ import annotations

from typing import Final

from reconciliation import successions

QUERIES: Final = (
    (
        1,
        "what is reversed is reversed exactly, once",
        """
        SELECT NULL::uuid, format('transfer %s takes back %s and is not its opposite', r.id, t.id)
          FROM portfolio_transfer r JOIN portfolio_transfer t ON t.id = r.reverses_id
         WHERE r.kind <> 'reversal' OR r.asset <> t.asset OR r.amount <> t.amount
            OR r.debit_id <> t.credit_id OR r.credit_id <> t.debit_id
        """,
    ),
    (
        2,
        "only margin accounts owe, and what a reversal or a bust has overdrawn",
        """
        SELECT b.account_id, format('%s: %s in a cash account', b.asset, b.amount)
          FROM portfolio_balance b JOIN accounts_account a ON a.id = b.account_id
         -- A fill may come to owe the cents that the hold of its order lacks (ADR 5).
         WHERE b.amount < CASE b.asset WHEN 'USD' THEN -0.04 ELSE 0 END AND NOT a.margin
           AND NOT EXISTS (SELECT FROM portfolio_transfer t
                            WHERE t.debit_id = b.ledger_account_id AND t.kind = 'reversal')
           -- No more than what busts took back, and what issuers then took of who was short.
           AND b.amount < CASE b.asset WHEN 'USD' THEN -0.04 ELSE 0 END
               - (SELECT coalesce(sum(t.amount), 0) FROM portfolio_transfer t
                   WHERE t.debit_id = b.ledger_account_id
                     AND (t.kind = 'bust'
                          OR EXISTS (SELECT FROM portfolio_entitlement e
                                      WHERE e.account_id = a.id AND e.quantity_before < 0
                                        AND e.id::text = split_part(t.reference, ':', 2))))
           -- An account that was one of margin may still owe.
           AND NOT EXISTS (SELECT FROM accounts_historicalaccount h
                            WHERE h.id = a.id AND h.margin)
        """,
    ),
    (
        3,
        "what a purchase was charged is what its terms say",
        """
        SELECT o.account_id, format('order %s was charged %s, its terms say %s',
                                    o.id, coalesce(f.charged, 0), o.fee)
          FROM (SELECT o.id, o.account_id,
                       CASE WHEN o.filled_quantity = 0 THEN 0
                            ELSE ceil((h.fee_per_order + h.fee_per_unit * o.filled_quantity
                                       + h.fee_rate * o.filled_value) * 100) / 100 END AS fee
                  FROM orders_order o JOIN portfolio_hold h ON h.order_id = o.id
                 WHERE o.side = 'buy') o
          LEFT JOIN (SELECT t.order_id, sum(CASE WHEN d.owner_id IS NULL THEN -f.amount
                                                 ELSE f.amount END) AS charged
                       FROM portfolio_transfer f
                       JOIN portfolio_ledgeraccount d ON d.id = f.debit_id
                       JOIN orders_trade t ON t.id::text = split_part(f.reference, ':', 2)
                      WHERE f.kind = 'fee' GROUP BY 1) f ON f.order_id = o.id
         WHERE coalesce(f.charged, 0) <> o.fee
        """,
    ),
    (
        3,
        "a sale was never charged more than it brought",
        f"""
        WITH RECURSIVE {successions.FIRSTS}
        SELECT b.account_id, format('order %s and what replaced it were charged %s and brought %s',
                                    b.first, coalesce(c.charged, 0), b.value)
          FROM (SELECT s.first, o.account_id, sum(o.filled_value) AS value,
                       sum(ceil(o.filled_value * 100) / 100) AS cash
                  FROM succession s JOIN orders_order o ON o.id = s.order_id GROUP BY 1, 2) b
          LEFT JOIN (SELECT s.first, sum(CASE WHEN d.owner_id IS NULL THEN -f.amount
                                              ELSE f.amount END) AS charged
                       FROM portfolio_transfer f
                       JOIN portfolio_ledgeraccount d ON d.id = f.debit_id
                       JOIN orders_trade t ON t.id::text = split_part(f.reference, ':', 2)
                       JOIN succession s ON s.order_id = t.order_id
                      WHERE f.kind = 'fee' GROUP BY 1) c USING (first)
         WHERE NOT coalesce(c.charged, 0) BETWEEN 0 AND b.cash
        """,  # noqa: S608 - put together from constants
    ),
    (
        4,
        "a position is the sum of its lots",
        """
        SELECT coalesce(p.account_id, l.account_id),
               format('%s: position %s at %s, its lots %s at %s', i.symbol,
                      coalesce(p.quantity, 0), coalesce(p.cost_basis, 0),
                      coalesce(l.quantity, 0), coalesce(l.cost, 0))
          FROM portfolio_position p
          FULL JOIN (SELECT account_id, instrument_id, sum(quantity) AS quantity,
                            sum(cost_basis) AS cost, count(*) AS lots,
                            count(DISTINCT sign(quantity)) FILTER (WHERE quantity <> 0) AS signs
                       FROM portfolio_lot GROUP BY 1, 2) l USING (account_id, instrument_id)
          JOIN marketdata_instrument i ON i.id = instrument_id
         WHERE coalesce(p.quantity, 0) <> coalesce(l.quantity, 0)
            OR coalesce(p.cost_basis, 0) <> coalesce(l.cost, 0)
            OR coalesce(p.lots_opened, 0) <> coalesce(l.lots, 0)
            OR l.signs > 1
        """,
    ),
    (
        4,
        "what is left of a lot is what was opened, closed and adjusted",
        """
        SELECT l.account_id, format('lot %s: %s at %s left, its rows say %s at %s', l.id,
                                    l.quantity, l.cost_basis,
                                    l.opened_quantity + coalesce(a.quantity, 0)
                                    - coalesce(c.quantity, 0),
                                    l.opened_cost + coalesce(a.cost, 0) - coalesce(c.cost, 0))
          FROM portfolio_lot l
          LEFT JOIN (SELECT lot_id, sum(quantity) AS quantity, sum(cost) AS cost
                       FROM portfolio_lotclosing GROUP BY 1) c ON c.lot_id = l.id
          LEFT JOIN (SELECT lot_id, sum(quantity) AS quantity, sum(cost) AS cost
                       FROM portfolio_lotadjustment GROUP BY 1) a ON a.lot_id = l.id
         WHERE l.quantity <> l.opened_quantity + coalesce(a.quantity, 0) - coalesce(c.quantity, 0)
            OR l.cost_basis <> l.opened_cost + coalesce(a.cost, 0) - coalesce(c.cost, 0)
        """,
    ),
    (
        4,
        "what a position realised is what the closings of its lots realised",
        """
        SELECT coalesce(p.account_id, c.account_id),
               format('%s realised %s, its closings %s', i.symbol, coalesce(p.realised, 0),
                      coalesce(c.realised, 0))
          FROM portfolio_position p
          FULL JOIN (SELECT account_id, instrument_id, sum(realised) AS realised
                       FROM portfolio_lotclosing GROUP BY 1, 2) c USING (account_id, instrument_id)
          JOIN marketdata_instrument i ON i.id = instrument_id
         WHERE coalesce(p.realised, 0) <> coalesce(c.realised, 0)
        """,
    ),
    (
        13,
        "what was paid in is what came from outside less what left",
        """
        SELECT b.account_id, format('%s: paid in %s, transfers say %s', b.asset, b.paid_in,
                                    coalesce(f.amount, 0))
          FROM portfolio_balance b
          LEFT JOIN (SELECT own.id, sum(CASE WHEN t.credit_id = own.id THEN t.amount
                                             ELSE -t.amount END) AS amount
                       FROM portfolio_transfer t
                       JOIN portfolio_ledgeraccount own ON own.id IN (t.debit_id, t.credit_id)
                        AND own.kind = 'customer'
                       JOIN portfolio_ledgeraccount other ON other.id IN (t.debit_id, t.credit_id)
                        AND other.kind IN ('bank', 'clearing')
                      WHERE t.kind IN ('deposit', 'withdrawal', 'reversal', 'correction')
                      GROUP BY 1) f ON f.id = b.ledger_account_id
         WHERE b.paid_in <> coalesce(f.amount, 0)
        """,
    ),
    (
        13,
        "what is unsettled is what sales brought that are not final",
        """
        SELECT coalesce(b.account_id, t.owner_id),
               format('%s unsettled until %s, transfers say %s', coalesce(b.amount, 0),
                      coalesce(b.day, t.day), coalesce(t.amount, 0))
          FROM (SELECT account_id, key::date AS day, value::numeric AS amount
                  FROM portfolio_balance, jsonb_each_text(unsettled)
                 WHERE key::date > (%(now)s AT TIME ZONE 'America/New_York')::date) b
          FULL JOIN (SELECT l.owner_id, t.settles_on AS day,
                            sum(CASE WHEN t.kind = 'bust' THEN -t.amount ELSE t.amount END)
                              AS amount
                       FROM portfolio_transfer t
                       JOIN portfolio_ledgeraccount l
                         ON l.id = CASE WHEN t.kind = 'bust' THEN t.debit_id ELSE t.credit_id END
                      WHERE t.asset = 'USD' AND t.kind IN ('trade', 'bust')
                        AND l.owner_id IS NOT NULL
                        AND t.settles_on > (%(now)s AT TIME ZONE 'America/New_York')::date
                      GROUP BY 1, 2 HAVING sum(CASE WHEN t.kind = 'bust' THEN -t.amount
                                                    ELSE t.amount END) <> 0) t
                 ON t.owner_id = b.account_id AND t.day = b.day
         WHERE coalesce(b.amount, 0) <> coalesce(t.amount, 0)
        """,
    ),
)
