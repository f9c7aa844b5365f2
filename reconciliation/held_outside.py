"""Whether what customers are owed is held: our books against what banks have said last.

Each is the number of an invariant, its name, a query that returns its breaches, and False where a
breach stops nobody.
"""

from __future__ import annotations

from typing import Final

from reconciliation.breaks import harmless

_STAYS: Final = ", ".join(f"'{code}'" for code in sorted(harmless.STAYS))

QUERIES: Final = (
    (
        14,
        "what customers are owed lies at the bank, or each cent of a difference is a break",
        # All accounts sum to zero, so that what the ledger says lies at the bank is what customers
        # have in cash and what is on its way, less what venues and issuers owe for it.
        f"""
        SELECT NULL::uuid,
               format('%s, %s: the bank has %s, our books say %s, breaks are %s', c.source, c.day,
                      c.theirs, c.ours, coalesce(b.difference, 0))
          FROM (SELECT DISTINCT ON (source) source, day, at,
                       (counts #>> '{{held,ours}}')::numeric AS ours,
                       (counts #>> '{{held,theirs}}')::numeric AS theirs
                  FROM reconciliation_comparison
                 WHERE is_final AND counts ? 'held' ORDER BY source, day DESC) c
          LEFT JOIN LATERAL (
               SELECT sum(difference) AS difference FROM reconciliation_break
                WHERE source = c.source AND asset = 'USD' AND found_at <= c.at
                  AND (key LIKE 'line:%' OR key LIKE 'cash:%')
                  AND (resolved_at IS NULL OR resolved_at > c.at OR rule IN ({_STAYS}))) b ON true
         WHERE c.theirs - c.ours <> coalesce(b.difference, 0)
        """,  # noqa: S608 - the words are ours
        False,
    ),
    (
        14,
        "what others have told is held against our books within two days",
        """
        SELECT NULL::uuid, format('the statement of %s of %s was never compared', f.source, f.day)
          FROM reconciliation_statementfile f
         WHERE f.taken_at < %(now)s - interval '2 days'
           AND NOT EXISTS (SELECT FROM reconciliation_comparison c
                            WHERE c.source = f.source AND c.day = f.day AND c.is_final)
        """,
        False,
    ),
)
