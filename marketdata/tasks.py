"""What is thrown away: every job may run twice or late, and then finds less to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from celery import shared_task
from django.utils import timezone

from marketdata.models import Bar, SuspectTick

MINUTE_BARS_KEPT: Final = timedelta(days=60)
SUSPECT_TICKS_KEPT: Final = timedelta(days=7)


@shared_task  # type: ignore[untyped-decorator]
def drop_old_rows() -> None:
    """Drop minute bars and suspect ticks that are past their time; day bars are kept."""
    drop(now=timezone.now())


def drop(*, now: datetime) -> None:
    Bar.objects.filter(
        timeframe=Bar.Timeframe.MINUTE, start__lt=now - MINUTE_BARS_KEPT
    )._raw_delete(using="default")  # no row of ours depends on a bar, so none need be loaded
    SuspectTick.objects.filter(at__lt=now - SUSPECT_TICKS_KEPT)._raw_delete(using="default")
