"""Second factors, as devices of django-otp."""

from __future__ import annotations

import time
import uuid
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP

from accounts.factors import seeds
from accounts.factors.strength import Strength
from foundation import tokens


class Factor(Device):
    """A device of django-otp that says how much a proof by it is worth."""

    class Meta(Device.Meta):
        abstract = True

    @property
    def strength(self) -> Strength:
        return Strength.STRONG


class TotpDevice(ThrottlingMixin, Factor):
    """An authenticator app: six digits that change every 30 seconds (RFC 6238).

    Its seed lies sealed in the database. A code is accepted once, and never an older one after
    it; that holds only under a lock on the row, so codes are checked by
    `accounts.factors.proving.verify_code`, which takes it.
    """

    STEP_SECONDS = 30
    TOLERANCE_STEPS = 1
    FAILURES_COUNTED_MAX = 11  # the wait doubles from 1 s with each failure, to 17 minutes

    throttling_failure_count: int
    sealed_seed = models.TextField(editable=False, default=seeds.new)
    step_last = models.BigIntegerField(default=-1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Device.Meta):
        verbose_name = "authenticator app"

    def totp(self, *, at: float) -> TOTP:
        """Return the generator of this device's codes, set to the Unix time `at`."""
        generator = TOTP(seeds.unseal(self.sealed_seed), self.STEP_SECONDS)
        generator.time = at
        return generator

    def verify_token(self, token: str) -> bool:
        """Accept `token` if it is a code of now that was not used; django-otp's own face."""
        if not self.verify_is_allowed()[0]:
            return False
        generator = self.totp(at=time.time())
        is_right = (
            len(token) == generator.digits
            and token.isascii()
            and token.isdigit()
            and generator.verify(int(token), self.TOLERANCE_STEPS, self.step_last + 1)
        )
        if is_right:
            self.step_last = generator.t()
            self.throttle_reset()
        else:
            self.throttle_increment()
        return bool(is_right)

    def throttle_increment(self, commit: bool = True) -> None:
        super().throttle_increment(commit=False)
        self.throttling_failure_count = min(
            self.throttling_failure_count, self.FAILURES_COUNTED_MAX
        )
        if commit:
            self.save()

    def get_throttle_factor(self) -> int:
        return 1


class SignInLink(Factor):
    """A link that signs its user in, both factors at once: demo shape only, once, 10 minutes.

    Only the SHA-256 of its token is kept. It is a device so that the session has one that
    verified it; `confirmed` once it was used, until when it verifies nobody.
    """

    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta(Device.Meta):
        verbose_name = "sign-in link"

    def is_usable(self, *, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at

    def verify_token(self, token: str) -> bool:
        """Use the link up; django-otp's own face. Right only under a lock on the row."""
        now = timezone.now()
        if tokens.digest_of(token) != self.token_digest or not self.is_usable(now=now):
            return False
        self.used_at, self.confirmed = now, True
        self.save(update_fields=["used_at", "confirmed"])
        return True


class SecurityKey(Factor):
    """A security key or passkey (WebAuthn): it signs a challenge, for our pages alone.

    `count` is how often it says it was used; a key that counts and falls back was copied.
    """

    credential_id = models.CharField(max_length=1400, unique=True, editable=False)
    public_key = models.BinaryField(editable=False)
    count = models.BigIntegerField(default=0, editable=False)
    transports = ArrayField(models.CharField(max_length=20), default=list, editable=False)
    is_synced = models.BooleanField(default=False, editable=False, help_text="A passkey.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    knew_owner = False
    """Whether the proof just made had a PIN or finger in it; of this object, not of the row."""

    class Meta(Device.Meta):
        verbose_name = "security key"

    @property
    def strength(self) -> Strength:
        return Strength.VERIFIED if self.knew_owner else Strength.STRONG


class MessageFactor(Factor):
    """A telephone or mailbox that codes are sent to."""

    class Way(models.TextChoices):
        SMS = "sms", "SMS"
        EMAIL = "email", "e-mail"

    way = models.CharField(max_length=8, choices=Way, editable=False)
    address = models.CharField(max_length=254, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(Device.Meta):
        verbose_name = "SMS or e-mail"

    @property
    def strength(self) -> Strength:
        return Strength.WEAK


class RecoveryCodes(Factor):
    """The sheet of recovery codes that a person keeps in a drawer; one sheet each."""

    created_at = models.DateTimeField(editable=False)
    kept_at = models.DateTimeField(
        null=True, editable=False, help_text="When the person said that they have written it down."
    )

    class Meta(Device.Meta):
        verbose_name = "recovery codes"
        constraints = (models.UniqueConstraint(fields=["user"], name="recovery_codes_one_sheet"),)

    @property
    def strength(self) -> Strength:
        return Strength.WEAK


class RecoveryCode(models.Model):
    """One code of a sheet. It is random, 80 bits, so that a plain SHA-256 keeps it."""

    sheet = models.ForeignKey(RecoveryCodes, on_delete=models.CASCADE, related_name="codes")
    digest = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return "a used code" if self.used_at else "an unused code"


class Challenge(models.Model):
    """What a browser was asked to prove, and may answer once within five minutes.

    One of a kind waits at a browser. Of a code that was sent only a keyed digest lies here.
    """

    class Kind(models.TextChoices):
        PROVE_KEY = "prove_key", "sign with a security key"
        ADD_KEY = "add_key", "register a security key"
        PROVE_CODE = "prove_code", "type the code that was sent"
        ADD_CODE = "add_code", "confirm a telephone or mailbox"
        NEW_EMAIL = "new_email", "confirm another address to sign in with"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    bound_to = models.CharField(max_length=64, help_text="The digest of the browser's session.")
    kind = models.CharField(max_length=12, choices=Kind)
    device = models.CharField(max_length=80, blank=True, help_text="Where a code was sent.")
    expected = models.CharField(max_length=128, help_text="The challenge, or a code's digest.")
    failures = models.PositiveSmallIntegerField(default=0)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["bound_to", "kind"], name="challenge_one_of_a_kind"),
        )

    def __str__(self) -> str:
        return self.get_kind_display()


class ResetLink(models.Model):
    """A link that lets its user choose another password: once, 30 minutes, and no more than that.

    Only the SHA-256 of its token is kept.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    token_digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"for {self.user_id}"


class Reenrolment(models.Model):
    """Somebody whose factors were taken, all of them, and who has not enrolled another since.

    While it is there a password alone enrols nothing: it takes the link that was mailed, too, of
    which only the SHA-256 is kept. "" before the first letter.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    begun_at = models.DateTimeField()
    token_digest = models.CharField(max_length=64, blank=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"of {self.user_id}"
