"""Phones that are signed in, and the tokens that they hold. Only digests are kept."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from accounts.factors.strength import Strength


class HalfwayPhone(models.Model):
    """A phone whose person has given a password, and no second factor yet: minutes, and once."""

    token_digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    device_digest = models.CharField(max_length=64)
    mark_digest = models.CharField(
        max_length=64, blank=True, help_text="Of what the phone says it is known by."
    )
    begun_at = models.DateTimeField()
    has_proved_weak = models.BooleanField(
        default=False, help_text="A proof was given that did not suffice for being weak."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Phone(models.Model):
    """A phone that is signed in with both factors: all tokens that follow from one sign-in.

    `device_digest` is of the name that the app gave itself when it was installed: a token is of
    no use on another device.
    """

    class Ending(models.TextChoices):
        SIGNED_OUT = "signed_out", "signed out"
        ENDED = "ended", "ended by its owner"
        AGAIN = "again", "signed in again"
        SECURITY_CHANGED = "security_changed", "a way of signing in changed"
        TOO_LONG = "too_long", "signed in or silent for too long"
        REUSED = "reused", "a token was used twice"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="phones"
    )
    name = models.CharField(max_length=60)
    device_digest = models.CharField(max_length=64, editable=False)
    password_stamp = models.CharField(max_length=64, editable=False)
    factor = models.CharField(max_length=64, help_text="What the second factor was.")
    address = models.GenericIPAddressField(null=True)
    place = models.CharField(max_length=80, blank=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    proved_at = models.DateTimeField(help_text="When a second factor was last proved.")
    strength = models.PositiveSmallIntegerField(
        choices=[(strength.value, strength.name.lower()) for strength in Strength],
        help_text="Of that proof.",
    )
    access_digest = models.CharField(max_length=64, unique=True, editable=False)
    access_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=20, choices=Ending, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user", "device_digest"],
                condition=models.Q(ended_at=None),
                name="phone_signed_in_once",
            ),
        )

    def __str__(self) -> str:
        return self.name


class RefreshToken(models.Model):
    """A token that a phone exchanges for new ones, once. One that was used is kept to be known."""

    digest = models.CharField(max_length=64, primary_key=True)
    phone = models.ForeignKey(Phone, on_delete=models.CASCADE, related_name="refresh_tokens")
    issued_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    salt = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return self.digest[:8]
