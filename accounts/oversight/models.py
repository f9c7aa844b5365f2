"""What members of staff have looked at. Append-only."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models


class Viewing(models.Model):
    """A page of the admin that a member of staff was shown, and whose data was on it.

    `people` are the users that the rows of the page belong to. They are kept as what was seen,
    not as a relation: one row a page, however many customers a list has.
    """

    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    page = models.CharField(max_length=100, help_text="The page's name in the program.")
    path = models.CharField(max_length=300, help_text="Its address, with what was searched for.")
    subject = models.CharField(max_length=120, blank=True, help_text="The row, of one row's page.")
    people = ArrayField(models.UUIDField(), default=list)
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=["by", "-at"], name="viewing_by"),
            models.Index(fields=["-at"], name="viewing_at"),
            GinIndex(fields=["people"], name="viewing_of"),
        )

    def __str__(self) -> str:
        return f"{self.page} {self.subject}".strip()
