"""Browsers that are signed in, those that a person is known by, what attempts to get in have used
up, and the log of all that."""

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
        FACTOR_CHANGED = "factor_changed", "a way of signing in changed"
        TOO_MANY = "too_many", "signed in at a newer browser"
        ELSEWHERE = "elsewhere", "ended from another browser"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins"
    )
    session_digest = models.CharField(max_length=64, unique=True)
    password_stamp = models.CharField(max_length=64)
    device = models.CharField(max_length=64, help_text="What the second factor was.")
    address = models.GenericIPAddressField(null=True)
    place = models.CharField(max_length=80, blank=True)
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


class KnownDevice(models.Model):
    """A browser or phone at which a person has signed in: it is known again by what it keeps, a
    cookie or a text of its own.

    Only the SHA-256 of that is kept.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="known_devices"
    )
    token_digest = models.CharField(max_length=64, editable=False)
    device_digest = models.CharField(
        max_length=64, blank=True, editable=False, help_text="Of a phone, whose mark it is alone."
    )
    browser = models.CharField(max_length=200, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "token_digest"], name="known_device_unique"),
            models.UniqueConstraint(
                fields=["user", "device_digest"],
                condition=~models.Q(device_digest=""),
                name="known_phone_unique",
            ),
        )

    def __str__(self) -> str:
        return self.browser


class SecurityEvent(models.Model):
    """Something that happened to how a person signs in. Append-only; the person reads it.

    `kind` is one of `accounts.sessions.events.Kind`; `country` and `place` are "" where the
    address says nothing of them.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="security_events",
        db_index=False,
    )
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    about = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True)
    country = models.CharField(max_length=2, blank=True)
    place = models.CharField(max_length=80, blank=True)
    browser = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = (models.Index(fields=["user", "-at"], name="security_event_of"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.about}".strip()
