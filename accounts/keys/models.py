"""Keys that programs sign their calls with."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords


class ApiKey(models.Model):
    """A key for programs. Only the SHA-256 of its 256-bit secret is kept."""

    key_id = models.CharField(max_length=26, primary_key=True)
    secret_digest = models.CharField(max_length=64)
    account = models.ForeignKey(
        "accounts.Account", on_delete=models.PROTECT, related_name="api_keys"
    )
    name = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    history = HistoricalRecords(excluded_fields=["secret_digest"])

    def __str__(self) -> str:
        return self.key_id
