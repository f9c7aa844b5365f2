"""How far the database is backed up, as whoever does it has written down: one row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from foundation import bulk

BACKUP_AGE_MAX: Final = timedelta(hours=26)
"""A backup is taken every day, and takes a while itself."""
LOG_AGE_MAX: Final = timedelta(minutes=5)
"""What is lost with the machine is a minute's at most while all is well."""


@dataclass(frozen=True, slots=True)
class Kept:
    """When the last base backup was whole, and up to when all of the log is in the archive.

    Looked after since `since`, the last time at `seen_at`. Of what never was it is None.
    """

    since: datetime
    seen_at: datetime
    backup_at: datetime | None
    log_until: datetime | None

    def backup_age(self, now: datetime) -> timedelta:
        """Return how old the last backup is; without one, for how long there could be one."""
        return max(now - (self.backup_at or self.since), timedelta(0))

    def log_age(self, now: datetime) -> timedelta | None:
        """Return how much of the log the archive may lack; None where nobody says."""
        return None if self.log_until is None else max(now - self.log_until, timedelta(0))

    def is_backup_overdue(self, now: datetime) -> bool:
        return self.backup_age(now) > BACKUP_AGE_MAX

    def is_log_behind(self, now: datetime) -> bool:
        age = self.log_age(now)
        return age is not None and age > LOG_AGE_MAX


def note(
    *, now: datetime, backup_at: datetime | None = None, log_until: datetime | None = None
) -> None:
    """Write down that somebody looks after it, and what is new of it; None leaves what is there."""
    bulk.execute(_NOTE, [now, now, backup_at, log_until])


def kept() -> Kept | None:
    """Return how far the database is backed up; None where nobody has said.

    An outside database's server archives its log itself, and says when it last did.
    """
    rows = bulk.execute(_KEPT)
    return Kept(*rows[0]) if rows else None


# Neither goes back: who is late with news of an older one changes nothing.
_NOTE: Final = """
    INSERT INTO foundation_safekeeping AS k (id, since, seen_at, backup_at, log_until)
    VALUES (1, %s, %s, %s, %s)
        ON CONFLICT (id) DO UPDATE
           SET seen_at = greatest(k.seen_at, excluded.seen_at),
               backup_at = greatest(k.backup_at, excluded.backup_at),
               log_until = greatest(k.log_until, excluded.log_until)
"""
_KEPT: Final = """
    SELECT since, seen_at, backup_at, greatest(log_until, a.last_archived_time)
      FROM foundation_safekeeping, pg_stat_archiver a WHERE id = 1
"""
