"""Alerts that people work through, what shows them, and every step that was taken about them."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.db.models import Q

from accounts.models import Account, User
from marketdata.models import Instrument
from risk.findings import Severity

SEVERITIES: Final = [(each.value, each.name.lower()) for each in Severity]


class Alert(models.Model):
    """Something that a person has to look at. One at a time for a kind, account and instrument.

    `subject` names what else it is about: a venue, a feed. Of each there is one alert, too.

    `first_at` and `last_at` are when what it tells of happened; `told_at` is when it was given to
    the channels that tell people of it. Of the path that it takes through them, `steps_told` were
    told, and at `next_step_at` the next one is, unless somebody has acknowledged it by then.
    """

    class State(models.TextChoices):
        OPEN = "open"
        ASSIGNED = "assigned"
        ESCALATED = "escalated"
        CLOSED = "closed"

    class Outcome(models.TextChoices):
        EXPLAINED = "explained", "explained: nothing wrong"
        FALSE_ALARM = "false_alarm", "false alarm: the rule was wrong"
        WARNED = "warned", "customer spoken to"
        RESTRICTED = "restricted", "account restricted"
        REPORTED = "reported", "reported to the authority"
        RESOLVED = "resolved", "cause removed"

    kind = models.CharField(max_length=40)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="alerts")
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, null=True, related_name="+"
    )
    subject = models.CharField(max_length=80, blank=True, default="")
    summary = models.CharField(max_length=300)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    assigned_to = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        limit_choices_to={"is_staff": True},
    )
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True, default="")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    raised_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    steps_told = models.PositiveSmallIntegerField(default=0)
    next_step_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["kind", "account", "instrument", "subject"],
                condition=~Q(state="closed"),
                nulls_distinct=False,
                name="alert_open_once",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False)
                | (~Q(state="closed") & Q(closed_at__isnull=True, outcome="")),
                name="alert_closed_with_outcome",
            ),
        )
        indexes = (
            models.Index(
                fields=["-severity", "raised_at"], condition=~Q(state="closed"), name="alert_queue"
            ),
            models.Index(
                fields=["raised_at"],
                condition=Q(told_at__isnull=True) & ~Q(state="closed"),
                name="alert_to_tell",
            ),
            models.Index(
                fields=["next_step_at"],
                condition=Q(next_step_at__isnull=False),
                name="alert_to_escalate",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}: {self.summary}"

    @property
    def name(self) -> str:
        """Return the kind in words."""
        return self.kind.replace("_", " ")


class AlertEvidence(models.Model):
    """One fact that an alert rests on: `key` names it, and it is told once. Append-only."""

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=160)
    severity = models.PositiveSmallIntegerField(choices=SEVERITIES)
    happened_at = models.DateTimeField()
    found_at = models.DateTimeField()
    summary = models.CharField(max_length=300)
    facts = models.JSONField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["kind", "key"], name="alert_evidence_once"),)

    def __str__(self) -> str:
        return self.summary


class AlertStep(models.Model):
    """What somebody did about an alert, when, and what they wrote. Append-only.

    Who acknowledges by the link that a channel brought is not signed in: `through` names it.
    """

    class Kind(models.TextChoices):
        ACKNOWLEDGED = "acknowledged"
        TAKEN = "taken"
        NOTED = "noted"
        ESCALATED = "escalated"
        CLOSED = "closed"

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="steps")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    through = models.CharField(max_length=40, blank=True, default="")
    kind = models.CharField(max_length=12, choices=Kind)
    outcome = models.CharField(max_length=12, choices=Alert.Outcome, blank=True, default="")
    note = models.CharField(max_length=1000, blank=True, default="")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(by__isnull=False) | ~Q(through=""), name="alert_step_by_somebody"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} by {self.who}"

    @property
    def who(self) -> str:
        """Return who took it: a person, or whoever had the link of a channel."""
        return str(self.by) if self.by is not None else f"a link sent to {self.through}"


class Telling(models.Model):
    """That a channel is to tell of an alert: written with the decision, sent after its commit.

    Once for each channel of a step of the path and each latest fact (`evidence`). It is sent until
    the channel has taken it, or it is of no use any more.
    """

    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="tellings")
    channel = models.CharField(max_length=40)
    step = models.PositiveSmallIntegerField()
    evidence = models.BigIntegerField()
    written_at = models.DateTimeField()
    next_at = models.DateTimeField(help_text="When it is tried to be told next.")
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["alert", "evidence", "step", "channel"], name="telling_once"
            ),
        )
        indexes = (
            models.Index(
                fields=["channel", "next_at"],
                condition=Q(sent_at=None, given_up_at=None),
                name="telling_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self.alert} on {self.channel}"


class Surveyed(models.Model):
    """How far surveillance has read the activity of an account."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True)
    sequence = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.account_id} to {self.sequence}"
