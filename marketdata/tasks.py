"""What is thrown away or put aside: every job may run twice or late, and finds less to do then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from marketdata.history import archive, partitions
from marketdata.history.partitions import Kind
from marketdata.models import Bar, SuspectTick


@shared_task  # type: ignore[untyped-decorator]
def make_partitions() -> None:
    """Make the partitions of the days to come."""
    partitions.make_ahead(now=timezone.now())


@shared_task  # type: ignore[untyped-decorator]
def archive_old_ticks() -> None:
    """Put trades and quotes that are past their time into files, and drop the oldest files."""
    put_aside(now=timezone.now())


def put_aside(*, now: datetime) -> None:
    today = now.astimezone(UTC).date()
    for kind, days in (
        (Kind.TRADES, settings.TRADES_KEPT_DAYS),
        (Kind.QUOTES, settings.QUOTES_KEPT_DAYS),
    ):
        archive.archive(kind, before=today - timedelta(days=days), now=now)
    archive.drop(before=today - timedelta(days=settings.ARCHIVE_KEPT_DAYS))


@shared_task  # type: ignore[untyped-decorator]
def drop_old_rows() -> None:
    """Drop bars and suspect ticks that are past their time; day bars are kept."""
    drop(now=timezone.now())


def drop(*, now: datetime) -> None:
    oldest_minute = now - timedelta(days=settings.MINUTE_BARS_KEPT_DAYS)
    for first in partitions.made(Kind.MINUTES):
        if partitions.end_of(Kind.MINUTES, first) <= oldest_minute.astimezone(UTC).date():
            partitions.drop(Kind.MINUTES, first)
    oldest_hour = now - timedelta(days=settings.HOUR_BARS_KEPT_DAYS)
    oldest_suspect = now - timedelta(days=settings.SUSPECTS_KEPT_DAYS)
    for rows in (
        Bar.objects.filter(timeframe=Bar.Timeframe.MINUTE, start__lt=oldest_minute),
        Bar.objects.filter(timeframe=Bar.Timeframe.HOUR, start__lt=oldest_hour),
        SuspectTick.objects.filter(at__lt=oldest_suspect),
    ):
        # No row of ours depends on any of these, so none need be loaded.
        rows._raw_delete(using="default")
