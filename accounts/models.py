"""People, the accounts they trade in, the keys and factors that open them, and the log of it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: a customer or a member of staff. E-mail is kept in lower case."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()
    history = HistoricalRecords(excluded_fields=["last_login", "password"])

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.name or self.email


class Account(models.Model):
    """A brokerage account: what holds money and positions, and the row that is locked for both.

    `activity_sequence` and `activity_digest` are the head of its activity chain.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        RESTRICTED = "restricted"
        CLOSED = "closed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(max_length=16, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accounts")
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=200, blank=True)
    margin = models.BooleanField(default=False, help_text="Opened as a margin account.")
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    activity_sequence = models.BigIntegerField(default=0, editable=False)
    activity_digest = models.CharField(max_length=64, default="", editable=False)

    history = HistoricalRecords(excluded_fields=["activity_sequence", "activity_digest"])

    def __str__(self) -> str:
        return self.number


class ApiKey(models.Model):
    """A key for programs. Only the SHA-256 of its 256-bit secret is kept."""

    key_id = models.CharField(max_length=26, primary_key=True)
    secret_digest = models.CharField(max_length=64)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    history = HistoricalRecords(excluded_fields=["secret_digest"])

    def __str__(self) -> str:
        return self.key_id


class Activity(models.Model):
    """One event in an account's life: gapless, in order, each carrying its predecessor's digest.

    Append-only. `digest` is SHA-256 over the previous digest and the canonical event
    (see `accounts.chain`).
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="activities")
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    actor = models.CharField(max_length=80)
    payload = models.JSONField()
    previous_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        verbose_name_plural = "activities"
        constraints = (
            models.UniqueConstraint(fields=["account", "sequence"], name="activity_sequence_unique"),
        )

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind}"
