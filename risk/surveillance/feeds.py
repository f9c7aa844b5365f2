"""Feeds from outside that were lost for long, or refused us: somebody has to look.

The feeds write down how they are doing; this reads it. Orders in what they tell the prices of are
denied by themselves, as those prices are stale.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from marketdata.feeds.states import State
from marketdata.models import FeedHealth
from risk.findings import Severity
from risk.surveillance import alerts

KIND: Final = "feed_lost"
SILENCE_SECONDS_MAX: Final = 10.0
"""A feed of which nobody has written for longer has lost the process that follows it."""


def look(*, now: datetime) -> None:
    """Raise an alert for each feed that was lost for FEED_LOST_SECONDS_MAX, once for each loss."""
    long_ago = now - timedelta(seconds=settings.FEED_LOST_SECONDS_MAX)
    for feed in FeedHealth.objects.filter(symbols__gt=0).order_by("feed", "market"):
        if not feed.is_lost_at(now, silence_seconds_max=SILENCE_SECONDS_MAX):
            continue
        is_refused = feed.state == State.REFUSED
        lost_at = feed.live_at or feed.counted_since
        if lost_at > long_ago and not is_refused:
            continue
        alerts.raise_alert(
            kind=KIND,
            severity=Severity.SEVERE,
            account_id=None,
            subject=f"{feed.feed}:{feed.market}",
            key=f"{feed.feed}:{feed.market}:{lost_at.isoformat()}",
            happened_at=lost_at,
            summary=f"The feed {feed.feed} ({feed.market}) is {feed.state}: {feed.detail}",
            evidence={
                "feed": feed.feed,
                "market": feed.market,
                "state": feed.state,
                "detail": feed.detail,
                "symbols": feed.symbols,
                "whole_until": feed.whole_until and feed.whole_until.isoformat(),
            },
            now=now,
        )
