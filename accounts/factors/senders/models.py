"""Text messages to telephones: what is to be sent, what was, and what never will be."""

from __future__ import annotations

from django.db import models


class TextMessage(models.Model):
    """A message by SMS, written in the transaction that decided it and sent afterwards.

    It carries a code: its text lies sealed, and is gone once it was sent or is of no use.
    """

    to = models.CharField(max_length=20)
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
                name="text_message_to_send",
            ),
        )

    def __str__(self) -> str:
        return f"to {self.to}"
