"""Letters: what is to be sent, what was, and what never will be."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Letter(models.Model):
    """Something that we write to a person, in the transaction that decided it.

    Its text may carry a one-time link or code: it lies sealed, and is gone once it was sent.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="letters",
        help_text="Nobody yet: who asks for an account.",
    )
    to = models.EmailField()
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    sealed_text = models.TextField(blank=True, editable=False)
    written_at = models.DateTimeField()
    useless_at = models.DateTimeField(help_text="From then on it is not sent any more.")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(help_text="When it is tried to be sent next.")
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["next_at"],
                condition=models.Q(sent_at=None, given_up_at=None),
                name="letter_to_send",
            ),
            models.Index(fields=["user", "-written_at"], name="letter_of"),
        )

    def __str__(self) -> str:
        return f"{self.subject}, to {self.to}"
