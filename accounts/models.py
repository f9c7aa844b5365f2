"""People, the accounts they trade in, the keys and factors that open them, and the log of it."""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django_otp.models import Device, ThrottlingMixin
from django_otp.oath import TOTP
from simple_history.models import HistoricalRecords

from accounts import seeds


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


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]
    """A person who signs in: a customer or a member of staff. E-mail is kept in lower case."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)
    last_login = None  # `SignIn` knows every one; this would add a history row to each.

    objects: ClassVar[UserManager] = UserManager()
    history = HistoricalRecords(excluded_fields=["password"])

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

    class LotMethod(models.TextChoices):
        FIFO = "fifo", "first in, first out"
        LIFO = "lifo", "last in, first out"
        HIGHEST_COST = "highest_cost", "highest cost first"
        SPECIFIC = "specific", "as named, else first in, first out"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(max_length=16, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accounts")
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=200, blank=True)
    margin = models.BooleanField(default=False, help_text="Opened as a margin account.")
    multiplier_max = models.PositiveSmallIntegerField(
        default=4, help_text="Of buying power: 1 for cash alone, 2 overnight, 4 intraday."
    )
    allows_shorting = models.BooleanField(default=True, help_text="As the customer has chosen.")
    tier = models.CharField(
        max_length=20, default="standard", help_text="Whose limits and fees it has."
    )
    lot_method = models.CharField(
        max_length=12,
        choices=LotMethod,
        default=LotMethod.FIFO,
        help_text="Which lots a sale closes first.",
    )
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


class TotpDevice(ThrottlingMixin, Device):
    """An authenticator app: six digits that change every 30 seconds (RFC 6238).

    Its seed lies sealed in the database. A code is accepted once, and never an older one after
    it; that holds only under a lock on the row, so codes are checked by
    `accounts.factors.verify_code`, which takes it.
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


class SignInLink(Device):
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


class SignIn(models.Model):
    """A browser that is signed in with both factors: the server's own record of it.

    The session cookie alone opens nothing: this row must be found, not ended, within its
    limits, and made under the user's present password.
    """

    class Ending(models.TextChoices):
        SIGNED_OUT = "signed_out", "signed out"
        IDLE = "idle", "idle for too long"
        TOO_LONG = "too_long", "signed in for too long"
        PASSWORD_CHANGED = "password_changed", "password changed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    session_digest = models.CharField(max_length=64, unique=True)
    password_stamp = models.CharField(max_length=64)
    device = models.CharField(max_length=64, help_text="What the second factor was.")
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=16, choices=Ending, blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=["user"], condition=models.Q(ended_at=None), name="sign_in_present"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} from {self.address}"


class Throttle(models.Model):
    """How many attempts somebody has used up, and until when no more are let in."""

    subject = models.CharField(max_length=64, primary_key=True)
    attempts = models.PositiveIntegerField()
    last_at = models.DateTimeField()
    closed_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.attempts} attempts by {self.subject[:8]}"


class Watchlist(models.Model):
    """The symbols that the customer of an account watches, in their order.

    It is here, and as symbols only, because it is a person's preference: marketdata knows no
    customers, and accounts know no instruments.
    """

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True)
    symbols = ArrayField(models.CharField(max_length=24))
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return ", ".join(self.symbols)


class Activity(models.Model):
    """One event in an account's life: gapless, in order, each carrying its predecessor's digest.

    Append-only. `digest` is SHA-256 over the previous digest and the canonical event
    (see `accounts.chain`).
    """

    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="activities", db_index=False
    )
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
            models.UniqueConstraint(
                fields=["account", "sequence"], name="activity_sequence_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind}"


class Approval(models.Model):
    """Something that one person asks for and another has to agree to. Append-only.

    `kind` says what is asked (`risk.limit`), `subject` of what, and `content` has all that is
    needed to carry it out, as it was shown to the one who decides.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=120)
    content = models.JSONField()
    reason = models.CharField(max_length=300)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["kind", "subject", "asked_at"], name="approval_of"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"


class ApprovalDecision(models.Model):
    """What became of an approval: agreed to by another person, refused, or withdrawn. Once."""

    class Outcome(models.TextChoices):
        APPROVED = "approved"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"

    approval = models.OneToOneField(
        Approval, on_delete=models.PROTECT, primary_key=True, related_name="decision"
    )
    outcome = models.CharField(max_length=10, choices=Outcome)
    reason = models.CharField(max_length=300, blank=True, default="")
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.outcome} {self.approval_id}"
