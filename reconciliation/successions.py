"""Sales that have replaced one another are charged as one: which belong together."""

from __future__ import annotations

from typing import Final, LiteralString

FIRSTS: Final[LiteralString] = """
        steps (order_id, first, replaces) AS (
          SELECT o.id, o.id, o.replaces FROM orders_order o
           WHERE o.side = 'sell' AND o.id IN (SELECT order_id FROM orders_trade)
           UNION ALL
          SELECT s.order_id, o.id, o.replaces FROM steps s JOIN orders_order o ON o.id = s.replaces
        ),
        succession AS (SELECT order_id, first FROM steps WHERE replaces IS NULL)"""
"""Two parts of a WITH RECURSIVE: of each executed sale, the first order of its `succession`."""
