"""Keys that programs sign their calls with."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from accounts.keys.terms import NETWORK_LENGTH_MAX, Scope, Terms


def _all_scopes() -> list[str]:
    return [scope.value for scope in Scope]


class ApiKey(models.Model):
    """A key for programs. Only the SHA-256 of its 256-bit secret is kept.

    After it was given another secret the one before works until `former_until`. `last_used_at`
    is true to the minute.
    """

    key_id = models.CharField(max_length=26, primary_key=True)
    secret_digest = models.CharField(max_length=64)
    former_digest = models.CharField(max_length=64, blank=True)
    former_until = models.DateTimeField(null=True, blank=True)
    account = models.ForeignKey(
        "accounts.Account", on_delete=models.PROTECT, related_name="api_keys"
    )
    name = models.CharField(max_length=60, blank=True)
    scopes = ArrayField(
        models.CharField(max_length=12, choices=[(each.value, each.value) for each in Scope]),
        default=_all_scopes,
    )
    networks = ArrayField(
        models.CharField(max_length=NETWORK_LENGTH_MAX),
        default=list,
        blank=True,
        help_text="From where it may be used; none: from anywhere.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    calls_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Instead of what every key may."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    last_used_from = models.GenericIPAddressField(null=True, editable=False)

    history = HistoricalRecords(
        excluded_fields=["secret_digest", "former_digest", "last_used_at", "last_used_from"]
    )

    def __str__(self) -> str:
        return self.key_id

    @property
    def terms(self) -> Terms:
        return Terms(
            scopes=frozenset(map(Scope, self.scopes)),
            networks=tuple(self.networks),
            expires_at=self.expires_at,
            calls_per_minute=self.calls_per_minute,
        )
