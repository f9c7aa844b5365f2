"""People, the accounts they trade in, the keys and factors that open them, and the log of it."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from accounts.customers.models import AccountNote as AccountNote
from accounts.customers.models import Joining as Joining
from accounts.customers.models import NotePin as NotePin
from accounts.customers.models import Profile as Profile
from accounts.customers.models import TermsAcceptance as TermsAcceptance
from accounts.factors.models import Challenge as Challenge
from accounts.factors.models import MessageFactor as MessageFactor
from accounts.factors.models import RecoveryCode as RecoveryCode
from accounts.factors.models import RecoveryCodes as RecoveryCodes
from accounts.factors.models import Reenrolment as Reenrolment
from accounts.factors.models import ResetLink as ResetLink
from accounts.factors.models import SecurityKey as SecurityKey
from accounts.factors.models import SignInLink as SignInLink
from accounts.factors.models import TotpDevice as TotpDevice
from accounts.factors.senders.models import TextMessage as TextMessage
from accounts.keys.models import ApiKey as ApiKey
from accounts.letters.models import Letter as Letter
from accounts.oversight.models import Viewing as Viewing
from accounts.phones.models import HalfwayPhone as HalfwayPhone
from accounts.phones.models import Phone as Phone
from accounts.phones.models import RefreshToken as RefreshToken
from accounts.sessions.models import KnownDevice as KnownDevice
from accounts.sessions.models import SecurityEvent as SecurityEvent
from accounts.sessions.models import SignIn as SignIn
from accounts.sessions.models import Throttle as Throttle


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
    secured_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When a factor, the password or the e-mail was last changed.",
    )
    is_password_mailed = models.BooleanField(
        default=False,
        editable=False,
        help_text="The password was chosen by a mailed link, and but for codes sent to the mailbox"
        " nothing was proved since.",
    )
    last_login = None  # `SignIn` knows every one; this would add a history row to each.

    objects: ClassVar[UserManager] = UserManager()
    history = HistoricalRecords(excluded_fields=["password", "is_password_mailed"])

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
        PENDING = "pending"
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
    is_suspended = models.BooleanField(
        default=False, help_text="By the customer: it takes no new orders until they lift it."
    )
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


class Watchlist(models.Model):
    """One of the lists of symbols that the customer of an account watches, in their order.

    It is here, and as symbols only, because it is a person's preference: marketdata knows no
    customers, and accounts know no instruments.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    name = models.CharField(max_length=64)
    symbols = ArrayField(models.CharField(max_length=24))
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["account", "name"], name="watchlist_name_once"),
        )

    def __str__(self) -> str:
        return self.name


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
    """What became of an approval: agreed to by another person, refused, or withdrawn. Once.

    It is over, and by nobody, where what it was about is: there is nothing to decide on any more.
    """

    class Outcome(models.TextChoices):
        APPROVED = "approved"
        REFUSED = "refused"
        WITHDRAWN = "withdrawn"
        OVER = "over"

    approval = models.OneToOneField(
        Approval, on_delete=models.PROTECT, primary_key=True, related_name="decision"
    )
    outcome = models.CharField(max_length=10, choices=Outcome)
    reason = models.CharField(max_length=300, blank=True, default="")
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(outcome="over", by=None)
                | (~models.Q(outcome="over") & models.Q(by__isnull=False)),
                name="approval_decided_by_somebody",
            ),
        )

    def __str__(self) -> str:
        return f"{self.outcome} {self.approval_id}"
