"""Second factors, as devices of django-otp."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime

from django.db import models
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP

from accounts.factors import seeds
from accounts.factors.strength import Strength


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

    def reseal(self) -> None:
        """Seal the seed under the present SECRET_KEY."""
        self.sealed_seed = seeds.reseal(self.sealed_seed)
        self.save(update_fields=["sealed_seed"])

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

    @staticmethod
    def digest_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    def is_usable(self, *, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at

    def verify_token(self, token: str) -> bool:
        """Use the link up; django-otp's own face. Right only under a lock on the row."""
        now = timezone.now()
        if self.digest_of(token) != self.token_digest or not self.is_usable(now=now):
            return False
        self.used_at, self.confirmed = now, True
        self.save(update_fields=["used_at", "confirmed"])
        return True
