"""Becoming a customer: who asks for an account, what they agreed to, and what we know of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from accounts.customers.answers import Employment, IncomeRange, SourceOfFunds, WealthRange


class Joining(models.Model):
    """An e-mail address for which somebody wants an account, until its owner has confirmed it.

    Only the SHA-256 of what the link in the letter says is kept. Nobody is registered before the
    link was used: whoever merely typed an address has no part in what becomes of it.
    """

    email = models.EmailField()
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        indexes = (models.Index(fields=["email"], name="joining_of"),)

    def __str__(self) -> str:
        return self.email


class TermsAcceptance(models.Model):
    """Who has agreed to which version of the terms, when, and from where. Append-only."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="terms_accepted"
    )
    version = models.CharField(max_length=16)
    accepted_at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["user", "version"], name="terms_accepted_once"),
        )

    def __str__(self) -> str:
        return f"{self.user} has accepted {self.version}"


class Profile(models.Model):
    """What a broker has to know of a customer; `completed_at` once all of it is there.

    Money is asked for as ranges (`accounts.customers.answers`). The tax number lies sealed.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="profile",
    )
    legal_name = models.CharField(max_length=120, blank=True)
    born_on = models.DateField(null=True)
    country = models.CharField(max_length=2, blank=True, help_text="Of residence.")
    street = models.CharField(max_length=120, blank=True)
    city = models.CharField(max_length=80, blank=True)
    region = models.CharField(max_length=80, blank=True)
    postal_code = models.CharField(max_length=16, blank=True)
    tax_country = models.CharField(max_length=2, blank=True)
    sealed_tax_id = models.TextField(blank=True, editable=False)
    tax_id_end = models.CharField(max_length=4, blank=True, help_text="What may be shown of it.")
    employment = models.CharField(max_length=16, choices=Employment, blank=True)
    employer = models.CharField(max_length=120, blank=True)
    works_for_broker = models.BooleanField(
        null=True, help_text="Or for an exchange: the employer is told (FINRA 3210)."
    )
    controls_company = models.BooleanField(
        null=True, help_text="Directs, or owns a tenth of, a company whose shares are traded."
    )
    company_symbol = models.CharField(max_length=24, blank=True)
    holds_public_office = models.BooleanField(
        null=True, help_text="They or their family: politically exposed."
    )
    income = models.CharField(max_length=16, choices=IncomeRange, blank=True)
    wealth = models.CharField(max_length=16, choices=WealthRange, blank=True)
    source_of_funds = models.CharField(max_length=16, choices=SourceOfFunds, blank=True)
    completed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    history = HistoricalRecords(excluded_fields=["sealed_tax_id"])

    def __str__(self) -> str:
        return f"{self.legal_name} of {self.country}"


class AccountNote(models.Model):
    """What a member of staff has noted about an account. Append-only; no customer sees it."""

    class Kind(models.TextChoices):
        CALL = "call"
        COMPLAINT = "complaint"
        INSTRUCTION = "instruction"
        OBSERVATION = "observation"

    account = models.ForeignKey("accounts.Account", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    text = models.TextField()

    def __str__(self) -> str:
        return f"{self.kind} of {self.at:%Y-%m-%d}"


class NotePin(models.Model):
    """That a note was pinned, or taken down: the last one of a note counts. Append-only."""

    note = models.ForeignKey(AccountNote, on_delete=models.PROTECT, related_name="pins")
    is_pinned = models.BooleanField()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return "pinned" if self.is_pinned else "taken down"
