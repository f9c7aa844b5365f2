"""The wire's two letter boxes: what we want a venue to know, and what it told us."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class OutboxMessage(models.Model):
    """A request to a venue, written in the transaction that decided it, sent after its commit.

    Sent at least once: a venue drops repeats by our ids.
    """

    venue = models.CharField(max_length=24)
    order_id = models.UUIDField()
    kind = models.CharField(max_length=12)
    message = models.JSONField()
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["venue", "id"], condition=Q(sent_at=None), name="outbox_unsent"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"


class InboxReport(models.Model):
    """A venue's report as it came, once by its execution id; applied, or parked with a reason."""

    class State(models.TextChoices):
        NEW = "new"
        APPLIED = "applied"
        PARKED = "parked"

    venue = models.CharField(max_length=24)
    execution_id = models.CharField(max_length=64)
    sequence = models.BigIntegerField()
    client_order_id = models.CharField(max_length=64)
    report = models.JSONField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State, default=State.NEW)
    handled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["venue", "execution_id"], name="report_once"),
        )
        indexes = (
            models.Index(fields=["id"], condition=Q(state="new"), name="inbox_new"),
            models.Index(fields=["id"], condition=Q(state="parked"), name="inbox_parked"),
            models.Index(fields=["venue", "-sequence"], name="inbox_sequence"),
        )

    def __str__(self) -> str:
        return f"{self.venue} {self.execution_id}"
