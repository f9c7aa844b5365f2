"""The days, the jobs of each, and every step of a job."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

from reconciliation.day.plan import State

STATES: Final = [(state.value, state.value) for state in State]
ERROR_MAX: Final = 500
SUMMARY_MAX: Final = 300
REASON_MAX: Final = 200


class DayRun(models.Model):
    """A day, and when all of its jobs were over; null while one is left."""

    day = models.DateField(primary_key=True)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-day",)
        indexes = (models.Index(fields=["day"], condition=Q(ended_at=None), name="day_open"),)

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class JobRun(models.Model):
    """A job of a day as it stands now; how it came to it say its steps.

    `attempts` counts since it was first tried or last asked for again. `not_before` is when a
    failed one is tried again. `summary` is what it made, `error` why it failed at last.
    """

    day = models.ForeignKey(DayRun, on_delete=models.PROTECT, related_name="jobs", db_index=False)
    job = models.CharField(max_length=40)
    state = models.CharField(max_length=8, choices=STATES, default=State.WAITING.value)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    done = models.PositiveBigIntegerField(default=0)
    of = models.PositiveBigIntegerField(default=0)
    summary = models.CharField(max_length=SUMMARY_MAX, blank=True, default="")
    error = models.CharField(max_length=ERROR_MAX, blank=True, default="")
    rerun_by = models.CharField(max_length=80, blank=True, default="")
    rerun_reason = models.CharField(max_length=REASON_MAX, blank=True, default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["day", "job"], name="day_job_once"),)

    def __str__(self) -> str:
        return f"{self.job} of {self.day_id}"


class JobStep(models.Model):
    """One thing that happened to a job of a day. Append-only; `number` counts from one.

    `detail` is what it made, why it failed, or why it was asked for again.
    """

    class Kind(models.TextChoices):
        STARTED = "started"
        RESUMED = "resumed"
        DONE = "done"
        FAILED = "failed"
        ASKED = "asked", "asked for again"

    run = models.ForeignKey(JobRun, on_delete=models.PROTECT, related_name="steps", db_index=False)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    detail = models.CharField(max_length=ERROR_MAX, blank=True, default="")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "number"], name="job_step_once"),)
        ordering = ("run", "number")

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"
