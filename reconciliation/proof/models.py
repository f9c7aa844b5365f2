"""Seals: what was there at the end of a day, in one signed root."""

from __future__ import annotations

from django.db import models

from portfolio.amounts import AmountField


class Seal(models.Model):
    """The seal of a day: what it says, and our signature. Append-only, as its parts are.

    `content` is what docs/proof.md describes and what the signature is of; the columns repeat what
    is looked for. `secret` salts the leaves of what is owed, and is never published.
    """

    number = models.PositiveIntegerField(primary_key=True)
    day = models.DateField(unique=True)
    sealed_at = models.DateTimeField()
    root = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, help_text="Of the content: the next seal names it.")
    content = models.JSONField()
    key = models.CharField(max_length=64, help_text="The public key.")
    signature = models.CharField(max_length=128)
    secret = models.BinaryField(max_length=32)

    class Meta:
        ordering = ("number",)

    def __str__(self) -> str:
        return f"seal {self.number} of {self.day}"


class SealedBlock(models.Model):
    """Rows of one table that were new in a seal: their keys, and the digest of each.

    `keys` is one a line, `digests` 32 bytes for each, in the same order. That of the activity log
    is of the heads of its chains: the keys are ACCOUNT:SEQUENCE.
    """

    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, related_name="blocks")
    table = models.CharField(max_length=63)
    number = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    keys = models.TextField()
    digests = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["table", "seal", "number"], name="sealed_block_once"),
        )

    def __str__(self) -> str:
        return f"block {self.number} of {self.table}"


class OwedBlock(models.Model):
    """What accounts were owed of one asset when a seal was made: leaves of its tree of sums.

    `accounts` has 16 bytes each, `amounts` is one a line, in the order of their salts, of which
    `first_salt` is the first. `total` and `digest` are of the node above them.
    """

    seal = models.ForeignKey(Seal, on_delete=models.PROTECT, related_name="owed")
    asset = models.CharField(max_length=24)
    number = models.PositiveIntegerField()
    first_salt = models.BinaryField(max_length=32)
    accounts = models.BinaryField()
    amounts = models.TextField()
    total = AmountField()
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["seal", "asset", "number"], name="owed_block_once"),
        )

    def __str__(self) -> str:
        return f"block {self.number} of what is owed in {self.asset}"


class ProofRun(models.Model):
    """One time that everything was proved, or is being so: how far it is, and what it found."""

    asked_at = models.DateTimeField()
    asked_by = models.CharField(max_length=80)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    done = models.PositiveBigIntegerField(default=0, help_text="Rows.")
    total = models.PositiveBigIntegerField(default=0)
    seals = models.PositiveIntegerField(default=0)
    findings = models.JSONField(default=list, help_text="Of each its table, key, and what differs.")
    failed = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"proof of {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def is_proved(self) -> bool:
        return self.ended_at is not None and not self.findings and not self.failed
