from django.db import models


class Heartbeat(models.Model):
    """When a part of the running program was last seen at work."""

    part = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    restarts = models.PositiveIntegerField(default=0)
    detail = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.part} at {self.at:%H:%M:%S}"
