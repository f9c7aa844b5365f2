"""A database that is not backed up any more, or its log not archived: somebody has to look.

Whoever backs it up writes down how far (`foundation.safekeeping`); this reads it. Where nobody ever
did, there is nothing to miss: a newcomer has asked for no backup yet.
"""

from __future__ import annotations

from datetime import datetime

from foundation import safekeeping
from foundation.safekeeping import BACKUP_AGE_MAX, Kept
from risk.findings import Finding, Kind, Severity
from risk.surveillance import alerts


def look(*, now: datetime) -> None:
    """Raise an alert for a backup that is overdue and a log that is not archived, once for each."""
    kept = safekeeping.kept()
    if kept is None:
        return
    found = [overdue(kept, now=now)] if kept.is_backup_overdue(now) else []
    if kept.is_log_behind(now):
        found.append(behind(kept, now=now))
    alerts.raise_alerts(found, now=now)


def overdue(kept: Kept, *, now: datetime) -> Finding:
    """Return what is told of a backup that is overdue; severe when another day has gone by."""
    age, last = kept.backup_age(now), kept.backup_at
    severity = Severity.SEVERE if age > 2 * BACKUP_AGE_MAX else Severity.WARNING
    what = f"The last backup is of {last:%Y-%m-%d %H:%M} UTC" if last else "There is no backup"
    return Finding(
        kind=Kind.BACKUP_OVERDUE,
        severity=severity,
        account_id=None,
        key=f"backup:{(last or kept.since).isoformat()}:{severity.name.lower()}",
        happened_at=now,
        summary=f"{what}: one is taken every day",
        evidence={"last": last and last.isoformat(), "hours": int(age.total_seconds() // 3600)},
    )


def behind(kept: Kept, *, now: datetime) -> Finding:
    """Return what is told of a log that is not archived: once for each hour of it."""
    until = kept.log_until or kept.since
    return Finding(
        kind=Kind.ARCHIVE_BEHIND,
        severity=Severity.SEVERE,
        account_id=None,
        key=f"log:{until:%Y-%m-%dT%H}",
        happened_at=now,
        summary=f"The log is archived up to {until:%Y-%m-%d %H:%M:%S} UTC and no further",
        evidence={"archived_until": until.isoformat()},
    )
