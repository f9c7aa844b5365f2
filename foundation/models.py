from django.db import models


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
