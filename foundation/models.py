from django.db import models
from django.db.models import Q


class Heartbeat(models.Model):
    """When a part of the running program was last seen at work."""

    part = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    restarts = models.PositiveIntegerField(default=0)
    detail = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.part} at {self.at:%H:%M:%S}"


class Measured(models.Model):
    """What a process has measured of itself in the last minutes: a row each, written over.

    `token` was written by the commit that took `commit_ms`, and read back after it. `commits` and
    `acknowledgements` are how such times are spread: counts by the bounds of `metrics.SECONDS`.
    """

    process = models.CharField(max_length=80, primary_key=True)
    at = models.DateTimeField()
    token = models.UUIDField()
    commit_ms = models.FloatField(null=True)
    is_durable = models.BooleanField(null=True)
    commits = models.JSONField(default=list)
    acknowledgements = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.process} at {self.at:%H:%M:%S}"


class Safekeeping(models.Model):
    """How far the database is backed up: one row, written over by whoever does it.

    `backup_at` is when the last base backup was whole; all that was written up to `log_until` lies
    in the archive of the log. `seen_at` is when somebody last looked after it, `since` the first
    time.
    """

    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    backup_at = models.DateTimeField(null=True)
    log_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "backup"
        constraints = (models.CheckConstraint(condition=Q(id=1), name="safekeeping_once"),)

    def __str__(self) -> str:
        return f"seen at {self.seen_at:%H:%M:%S}"
