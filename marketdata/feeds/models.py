"""How each feed from outside is doing, as the process that follows it writes down."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from marketdata.feeds.states import State


class FeedHealth(models.Model):
    """One market of one feed. `since` is when it came into its `state`.

    `heard_at` is when it last said anything, `told_at` when it last told of the market;
    `lag_ms` is how much older than our clock the latest of that was when it came. What is counted
    is counted since `counted_since`, when its process began. Up to `whole_until` we have booked all
    of its trades: after a loss or a restart it is asked for what came since then.
    """

    feed = models.CharField(max_length=12)
    market = models.CharField(max_length=12)
    state = models.CharField(max_length=12, choices=State.choices())
    since = models.DateTimeField()
    live_at = models.DateTimeField(null=True, help_text="When it was last live.")
    heard_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    symbols = models.IntegerField(default=0)
    messages = models.BigIntegerField(default=0)
    messages_per_second = models.FloatField(default=0)
    malformed = models.BigIntegerField(default=0)
    reconnects = models.BigIntegerField(default=0)
    whole_until = models.DateTimeField(null=True)
    trades_filled = models.BigIntegerField(default=0)
    lag_ms = models.IntegerField(null=True)
    counted_since = models.DateTimeField()
    written_at = models.DateTimeField()
    detail = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        verbose_name = "feed"
        ordering = ("feed", "market")
        constraints = (
            models.UniqueConstraint(fields=["feed", "market"], name="feed_health_unique"),
        )

    def __str__(self) -> str:
        return f"{self.feed} {self.market}: {self.state}"

    def is_lost_at(self, now: datetime, *, silence_seconds_max: float) -> bool:
        """Tell whether nothing comes of it; a process that died says nothing any more."""
        is_silent = (now - self.written_at).total_seconds() > silence_seconds_max
        return self.state != State.LIVE or is_silent
