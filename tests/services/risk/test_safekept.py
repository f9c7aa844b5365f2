"""A database that is not backed up is told of: once, and more gravely when another day has gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from foundation import safekeeping
from risk.findings import Severity
from risk.models import Alert
from risk.surveillance import safekept

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def raised() -> list[tuple[str, int, str]]:
    return list(Alert.objects.order_by("kind").values_list("kind", "severity", "summary"))


def test_where_nobody_backs_it_up_nothing_is_missed():
    safekept.look(now=NOON)
    assert raised() == []


def test_what_is_young_enough_is_left_alone():
    safekeeping.note(now=NOON, backup_at=NOON - 26 * HOUR, log_until=NOON - timedelta(minutes=5))
    safekept.look(now=NOON)
    assert raised() == []


def test_an_overdue_backup_is_told_of_once_and_gravely_when_another_day_has_gone():
    safekeeping.note(now=NOON, backup_at=NOON - 27 * HOUR)
    said = "The last backup is of 2026-03-01 09:00 UTC: one is taken every day"
    for _ in range(2):
        safekept.look(now=NOON)
    assert raised() == [("backup_overdue", Severity.WARNING, said)]
    assert Alert.objects.get().evidence.count() == 1
    for hours in (26, 27):
        safekept.look(now=NOON + hours * HOUR)
    assert raised() == [("backup_overdue", Severity.SEVERE, said)]
    assert Alert.objects.get().evidence.count() == 2


def test_without_any_it_counts_from_when_somebody_began_to_look_after_it():
    safekeeping.note(now=NOON)
    safekept.look(now=NOON + 26 * HOUR)
    assert raised() == []
    safekept.look(now=NOON + 27 * HOUR)
    assert raised() == [
        ("backup_overdue", Severity.WARNING, "There is no backup: one is taken every day")
    ]


def test_a_log_that_is_not_archived_is_told_of_once():
    safekeeping.note(now=NOON, backup_at=NOON, log_until=NOON - timedelta(minutes=6))
    for minutes in range(3):
        safekept.look(now=NOON + timedelta(minutes=minutes))
    said = "The log is archived up to 2026-03-02 11:54:00 UTC and no further"
    assert raised() == [("archive_behind", Severity.SEVERE, said)]
    assert Alert.objects.get().evidence.count() == 1


def test_news_of_before_takes_nothing_back():
    safekeeping.note(now=NOON, backup_at=NOON, log_until=NOON)
    safekeeping.note(now=NOON - HOUR, backup_at=NOON - HOUR, log_until=NOON - HOUR)
    safekeeping.note(now=NOON + HOUR)
    kept = safekeeping.kept()
    assert kept is not None
    assert (kept.since, kept.seen_at, kept.backup_at, kept.log_until) == (
        NOON, NOON + HOUR, NOON, NOON,
    )  # fmt: skip
