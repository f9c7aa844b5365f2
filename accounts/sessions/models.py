"""Browsers that are signed in, and what attempts to get in have used up."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.factors.strength import Strength


class SignIn(models.Model):
    """A browser that is signed in with both factors: the server's own record of it.

    The session cookie alone opens nothing: this row must be found, not ended, within its
    limits, and made under the user's present password.
    """

    class Ending(models.TextChoices):
        SIGNED_OUT = "signed_out", "signed out"
        IDLE = "idle", "idle for too long"
        TOO_LONG = "too_long", "signed in for too long"
        PASSWORD_CHANGED = "password_changed", "password changed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins"
    )
    session_digest = models.CharField(max_length=64, unique=True)
    password_stamp = models.CharField(max_length=64)
    device = models.CharField(max_length=64, help_text="What the second factor was.")
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    proved_at = models.DateTimeField(help_text="When a second factor was last proved.")
    strength = models.PositiveSmallIntegerField(
        choices=[(strength.value, strength.name.lower()) for strength in Strength],
        help_text="Of that proof.",
    )
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=16, choices=Ending, blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["user"], condition=models.Q(ended_at=None), name="sign_in_present"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} from {self.address}"


class Throttle(models.Model):
    """How many attempts somebody has used up, and until when no more are let in."""

    subject = models.CharField(max_length=64, primary_key=True)
    attempts = models.PositiveIntegerField()
    last_at = models.DateTimeField()
    closed_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.attempts} attempts by {self.subject[:8]}"
