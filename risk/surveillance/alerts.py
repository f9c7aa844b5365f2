"""The queue of alerts: raised by whoever finds something, worked by people to a stated end.

An alert is raised with one statement, in the transaction that it tells of or in one of its own;
inside `trips.together` it travels with the rest. Raise it last: its row is locked then, and
whoever works it takes no other lock behind it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson

from foundation import decimals, trips
from risk.findings import Finding, Severity

SUMMARY_MAX: Final = 300
SUBJECT_MAX: Final = 80


def raise_alert(
    *,
    kind: str,
    severity: Severity,
    account_id: UUID | None,
    evidence: Mapping[str, Any],
    now: datetime,
    summary: str = "",
    instrument_id: UUID | None = None,
    subject: str = "",
    key: str = "",
    happened_at: datetime | None = None,
) -> None:
    """Raise an alert, or add evidence to the one that is open for the same matter.

    What it all means is said at `Finding`. Without a `key` it is a new fact each time.
    """
    found = Finding(
        kind=kind,
        severity=severity,
        account_id=account_id,
        instrument_id=instrument_id,
        subject=subject,
        summary=summary or kind.replace("_", " "),
        key=key or str(uuid.uuid4()),
        happened_at=happened_at or now,
        evidence=evidence,
    )
    raise_alerts([found], now=now)


def raise_alerts(findings: Iterable[Finding], *, now: datetime) -> None:
    """Raise an alert for each finding, with one statement; facts that are known change nothing."""
    facts = {(found.kind, found.key): found for found in findings}
    if facts:
        given = [_row(found) for found in facts.values()]
        facts_of_all = orjson.dumps(given, default=_as_text).decode()
        trips.send(_RAISE, [now, facts_of_all, int(Severity.SEVERE)])


def _row(found: Finding) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "severity": int(found.severity),
        "account_id": found.account_id,
        "instrument_id": found.instrument_id,
        "subject": found.subject[:SUBJECT_MAX],
        "summary": found.summary[:SUMMARY_MAX],
        "key": found.key,
        "happened_at": found.happened_at,
        "facts": dict(found.evidence),
    }


def _as_text(value: object) -> str:
    if isinstance(value, Decimal):
        return decimals.text(value)
    raise TypeError(f"{type(value).__name__} is no evidence: give ids, numbers and text")


# The rows come in one order, so that two who raise the same alerts at once do not wait for each
# other in a circle. Severe and graver news of a known matter is told as well: `told_at` is taken
# back, and the queue shows the latest of the gravest. What has become graver takes its path anew.
_RAISE: Final = """
    WITH clock AS (SELECT %s::timestamptz AS now), given AS (
        SELECT g.* FROM json_to_recordset(%s::json) AS g(
            kind text, severity smallint, account_id uuid, instrument_id uuid, subject text,
            summary text, key text, happened_at timestamptz, facts jsonb)
         WHERE NOT EXISTS (
            SELECT 1 FROM risk_alertevidence e WHERE e.kind = g.kind AND e.key = g.key)
    ), matter AS (
        SELECT kind, account_id, instrument_id, subject, max(severity) AS severity,
               (array_agg(summary ORDER BY severity DESC, happened_at DESC))[1] AS summary,
               min(happened_at) AS first_at, max(happened_at) AS last_at
          FROM given GROUP BY kind, account_id, instrument_id, subject
         ORDER BY kind, account_id, instrument_id, subject
    ), raised AS (
        INSERT INTO risk_alert AS a (kind, severity, account_id, instrument_id, subject, summary,
                                     state, outcome, first_at, last_at, raised_at, steps_told)
        SELECT kind, severity, account_id, instrument_id, subject, summary, 'open', '',
               first_at, last_at, clock.now, 0
          FROM matter, clock
            ON CONFLICT (kind, account_id, instrument_id, subject) WHERE NOT (state = 'closed')
            DO UPDATE SET severity = greatest(a.severity, excluded.severity),
                          first_at = least(a.first_at, excluded.first_at),
                          last_at = greatest(a.last_at, excluded.last_at),
                          summary = CASE WHEN excluded.severity >= a.severity
                                         THEN excluded.summary ELSE a.summary END,
                          told_at = CASE WHEN excluded.severity = %s
                                           OR excluded.severity > a.severity
                                         THEN NULL ELSE a.told_at END,
                          steps_told = CASE WHEN excluded.severity > a.severity
                                            THEN 0 ELSE a.steps_told END,
                          next_step_at = CASE WHEN excluded.severity > a.severity
                                              THEN NULL ELSE a.next_step_at END,
                          acknowledged_at = CASE WHEN excluded.severity > a.severity
                                                 THEN NULL ELSE a.acknowledged_at END
        RETURNING id, kind, account_id, instrument_id, subject, last_at
    )
    INSERT INTO risk_alertevidence
           (alert_id, kind, key, severity, happened_at, found_at, summary, facts)
    SELECT raised.id, given.kind, given.key, given.severity, given.happened_at,
           clock.now, given.summary, given.facts
      FROM clock, given JOIN raised ON raised.kind = given.kind
                            AND raised.account_id IS NOT DISTINCT FROM given.account_id
                            AND raised.instrument_id IS NOT DISTINCT FROM given.instrument_id
                            AND raised.subject = given.subject
     ORDER BY given.happened_at, given.key
        ON CONFLICT (kind, key) DO NOTHING
"""
