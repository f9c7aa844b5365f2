"""PostgreSQL as its own statistics show it.

The role of the program may read them (`pg_read_all_stats`) where the owner of an outside database
could grant it; where not, of the sessions it sees those that it is told of.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.db import connection
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from foundation import safekeeping

_SESSIONS: Final = """
    SELECT coalesce(state, 'unknown'), count(*),
           coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)
      FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND backend_type = 'client backend'
     GROUP BY 1 ORDER BY 1
"""
_DATABASE: Final = """
    SELECT pg_database_size(current_database()), current_setting('max_connections')::int,
           xact_commit, xact_rollback, deadlocks
      FROM pg_stat_database WHERE datname = current_database()
"""
_ARCHIVE: Final = """
    SELECT current_setting('archive_mode') <> 'off', failed_count,
           extract(epoch FROM clock_timestamp() - last_archived_time)
      FROM pg_stat_archiver
"""
_STANDBYS: Final = """
    SELECT coalesce(nullif(application_name, ''), host(client_addr), 'standby'),
           coalesce(extract(epoch FROM max(replay_lag)), 0),
           coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)), 0)
      FROM pg_stat_replication WHERE NOT pg_is_in_recovery() GROUP BY 1 ORDER BY 1
"""


def read(now: datetime) -> Iterator[Metric]:
    """Give what the statistics show now."""
    sessions = _rows(_SESSIONS)
    connections = GaugeMetricFamily(
        "openfloor_database_connections", "Sessions of this database, by state.", labels=["state"]
    )
    for state, count, _ in sessions:
        connections.add_metric([state], count)
    yield connections
    yield GaugeMetricFamily(
        "openfloor_database_oldest_transaction_seconds",
        "For how long the oldest open transaction has been.",
        max((float(age) for _, _, age in sessions), default=0.0),
    )
    [(size, most, commits, rollbacks, deadlocks)] = _rows(_DATABASE)
    yield GaugeMetricFamily("openfloor_database_size_bytes", "How large the database is.", size)
    yield GaugeMetricFamily(
        "openfloor_database_connections_max", "How many sessions it takes.", most
    )
    transactions = CounterMetricFamily(
        "openfloor_database_transactions", "Transactions, by how they ended.", labels=["end"]
    )
    transactions.add_metric(["commit"], commits)
    transactions.add_metric(["rollback"], rollbacks)
    yield transactions
    yield CounterMetricFamily("openfloor_database_deadlocks", "Deadlocks.", deadlocks)
    yield from _archive(now)
    yield from _standbys()


def _archive(now: datetime) -> Iterator[Metric]:
    """The continuous archive of the log and the last backup: what a lost machine would cost.

    An outside database's server archives its log itself; of the embedded one the part `backups`
    does, and writes down how far.
    """
    [(is_on, failed, age)] = _rows(_ARCHIVE)
    kept = safekeeping.kept()
    if kept is not None and (lacks := kept.log_age(now)) is not None:
        is_on, age = True, lacks.total_seconds()
    yield GaugeMetricFamily(
        "openfloor_database_archive_on", "1 when the log is archived continuously.", int(is_on)
    )
    backups = GaugeMetricFamily(
        "openfloor_database_backup_age_seconds",
        "Since the last base backup was whole; without one, since there could have been.",
    )
    if kept is not None:
        backups.add_metric([], kept.backup_age(now).total_seconds())
    yield backups
    failures = CounterMetricFamily(
        "openfloor_database_archive_failures", "Tries to archive the log that failed."
    )
    ages = GaugeMetricFamily(
        "openfloor_database_archive_age_seconds", "Since a part of the log was last archived."
    )
    if is_on:
        failures.add_metric([], failed)
    if is_on and age is not None:
        ages.add_metric([], float(age))
    yield from (failures, ages)


def _standbys() -> Iterator[Metric]:
    rows = _rows(_STANDBYS)
    seconds = GaugeMetricFamily(
        "openfloor_database_standby_lag_seconds",
        "How far a standby is behind, as it says itself.",
        labels=["standby"],
    )
    bytes_ = GaugeMetricFamily(
        "openfloor_database_standby_lag_bytes",
        "How much of the log a standby has not replayed.",
        labels=["standby"],
    )
    for name, lag, behind in rows:
        seconds.add_metric([name], float(lag))
        bytes_.add_metric([name], float(behind))
    yield seconds
    yield bytes_


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
