"""What is thrown away or put aside of market data: done twice or late, it finds less to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.conf import settings

from marketdata.history import archive, partitions
from marketdata.history.partitions import Kind
from marketdata.models import Bar, SuspectTick


def put_aside(*, now: datetime) -> int:
    """Put trades and quotes that are past their time into files, and drop the oldest files.

    Returns how many days of either were put aside.
    """
    today = now.astimezone(UTC).date()
    days_put_aside = 0
    for kind, days in (
        (Kind.TRADES, settings.TRADES_KEPT_DAYS),
        (Kind.QUOTES, settings.QUOTES_KEPT_DAYS),
    ):
        days_put_aside += archive.archive(kind, before=today - timedelta(days=days), now=now)
    archive.drop(before=today - timedelta(days=settings.ARCHIVE_KEPT_DAYS))
    return days_put_aside


def drop(*, now: datetime) -> int:
    """Drop bars and suspect ticks that are past their time; day bars are kept.

    Returns how many rows that were, besides those of whole months of minutes.
    """
    oldest_minute = now - timedelta(days=settings.MINUTE_BARS_KEPT_DAYS)
    for first in partitions.made(Kind.MINUTES):
        if partitions.end_of(Kind.MINUTES, first) <= oldest_minute.astimezone(UTC).date():
            partitions.drop(Kind.MINUTES, first)
    oldest_hour = now - timedelta(days=settings.HOUR_BARS_KEPT_DAYS)
    oldest_suspect = now - timedelta(days=settings.SUSPECTS_KEPT_DAYS)
    # No row of ours depends on any of these, so none need be loaded.
    return sum(
        rows._raw_delete(using="default")
        for rows in (
            Bar.objects.filter(timeframe=Bar.Timeframe.MINUTE, start__lt=oldest_minute),
            Bar.objects.filter(timeframe=Bar.Timeframe.HOUR, start__lt=oldest_hour),
            SuspectTick.objects.filter(at__lt=oldest_suspect),
        )
    )
