"""Where orders are executed, which order goes where, and the two letter boxes of the wire."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from marketdata.models import Instrument


class Venue(models.Model):
    """A place of execution, and how it is reached; `VenueLink` says how its link is now."""

    class Kind(models.TextChoices):
        EMBEDDED = "embedded", "Embedded: the exchange inside this program"
        LINE = "line", "Line: an exchange across a network"

    name = models.CharField(max_length=24, unique=True)
    kind = models.CharField(max_length=8, choices=Kind)
    address = models.CharField(max_length=80, blank=True, help_text="Of a line: host:port.")
    member = models.CharField(
        max_length=24, blank=True, help_text="Of a line: what we are called there."
    )
    is_enabled = models.BooleanField(default=True)

    history = HistoricalRecords()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind="embedded") | ~Q(address="") & ~Q(member=""),
                name="venue_line_has_address",
            ),
        )

    def __str__(self) -> str:
        return self.name


class VenueLink(models.Model):
    """How the link to a venue is now: one row a venue, written over, as the gateway sees it.

    `since` is when `is_up` last changed, `heard_at` when the venue last gave a sign of life.
    `missing_sequence` is the first report of a gap that the venue has not filled yet.
    """

    venue = models.OneToOneField(
        Venue, on_delete=models.CASCADE, primary_key=True, related_name="link"
    )
    is_up = models.BooleanField(default=False)
    since = models.DateTimeField()
    heard_at = models.DateTimeField()
    missing_sequence = models.BigIntegerField(null=True)
    detail = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.venue_id} {'up' if self.is_up else 'down'}"


class Route(models.Model):
    """Where orders for an instrument, an asset class or, with neither, everything else go.

    An override goes before every other route, for as long as it lasts and with a reason; of the
    rest, the more specific wins. One whose venue is disabled counts for nothing.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, null=True, blank=True)
    asset_class = models.CharField(
        max_length=12, choices=Instrument.AssetClass, null=True, blank=True
    )
    venue = models.ForeignKey(Venue, on_delete=models.PROTECT, related_name="routes")
    is_enabled = models.BooleanField(default=True)
    is_override = models.BooleanField(default=False, help_text="Goes before every other route.")
    reason = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True, blank=True, help_text="When an override ends.")

    history = HistoricalRecords()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["instrument", "asset_class", "is_override"],
                nulls_distinct=False,
                name="route_once",
                violation_error_message="There is such a route: change that one.",
            ),
            models.CheckConstraint(
                condition=Q(instrument=None) | Q(asset_class=None),
                name="route_of_one_thing",
                violation_error_message="Choose an instrument or an asset class, not both.",
            ),
            models.CheckConstraint(
                condition=Q(is_override=False) | Q(until__isnull=False) & ~Q(reason=""),
                name="route_override_is_explained",
                violation_error_message="An override says why, and until when.",
            ),
        )

    def __str__(self) -> str:
        what = self.instrument or self.get_asset_class_display() or "everything"
        return f"{what} to {self.venue}"


class Block(models.Model):
    """Requests that are not to be sent, whoever has put them into the outbox, until it is lifted.

    What is set of order, party (our account), symbol and venue names them, all of it together;
    with none of them it is everything. Cancels are always sent. `code` is what the orders that
    it met are told. The key is that of whatever ordered it.
    """

    id = models.UUIDField(primary_key=True)
    order_id = models.UUIDField(null=True)
    party = models.CharField(max_length=36, blank=True, default="")
    symbol = models.CharField(max_length=24, blank=True, default="")
    venue = models.CharField(max_length=24, blank=True, default="")
    code = models.CharField(max_length=40)
    since = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=["since"], condition=Q(lifted_at=None), name="block_in_force"),
        )

    def __str__(self) -> str:
        return f"{self.code} since {self.since:%Y-%m-%d %H:%M:%S}"


class OutboxMessage(models.Model):
    """A request to a venue, written in the transaction that decided it, sent after its commit.

    `session_date` and `number` are given just before it is first sent: each venue's messages of
    a day in New York are counted from 1 without a gap, and a repeat keeps its number. So one
    with a number that is not `sent_at` yet is *in doubt*: the venue may have it. `doubted_at`
    is when the link was lost over it. One that is `sent_at` without a number was never sent: the
    gateway answered it in the venue's place. Rows stay: they are what we said. `party` and
    `symbol` are those of a replacement, whose own words do not say them.
    """

    venue = models.CharField(max_length=24)
    order_id = models.UUIDField()
    kind = models.CharField(max_length=12)
    message = models.JSONField()
    party = models.CharField(max_length=36, blank=True, default="")
    symbol = models.CharField(max_length=24, blank=True, default="")
    created_at = models.DateTimeField()
    session_date = models.DateField(null=True)
    number = models.BigIntegerField(null=True)
    doubted_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["venue", "session_date", "number"],
                condition=Q(number__isnull=False),
                name="outbox_number_once",
            ),
            models.CheckConstraint(
                condition=Q(number=None, session_date=None)
                | Q(number__gte=1, session_date__isnull=False),
                name="outbox_number_of_a_day",
            ),
        )
        indexes = (
            models.Index(fields=["venue", "id"], condition=Q(sent_at=None), name="outbox_unsent"),
            models.Index(fields=["order_id"], name="outbox_of_order"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"


class InboxReport(models.Model):
    """A venue's report as it came, once by its execution id.

    One that is ahead of what we know waits as `early` and is tried again with the next report of
    its order; one that cannot be applied is `parked` for people; `dismissed` is what they decided
    never to apply.
    """

    class State(models.TextChoices):
        NEW = "new"
        EARLY = "early"
        APPLIED = "applied"
        PARKED = "parked"
        DISMISSED = "dismissed"

    venue = models.CharField(max_length=24)
    execution_id = models.CharField(max_length=64)
    sequence = models.BigIntegerField()
    client_order_id = models.CharField(max_length=64)
    report = models.JSONField()
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    handled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["venue", "execution_id"], name="report_once"),
        )
        indexes = (
            models.Index(fields=["id"], condition=Q(state="new"), name="inbox_new"),
            models.Index(
                fields=["client_order_id", "id"], condition=Q(state="early"), name="inbox_early"
            ),
            models.Index(fields=["id"], condition=Q(state="parked"), name="inbox_parked"),
            models.Index(fields=["venue", "-sequence"], name="inbox_sequence"),
            models.Index(fields=["client_order_id"], name="inbox_of_order"),
        )

    def __str__(self) -> str:
        return f"{self.venue} {self.execution_id}"


class ParkedReport(InboxReport):
    """A report that is or was parked, as operations sees it."""

    class Meta:
        proxy = True


class ParkedStep(models.Model):
    """What a person proposed or decided about a parked report, when and why. Append-only.

    A proposal that moves money takes effect with somebody else's approval; any other at once.
    """

    class Kind(models.TextChoices):
        PROPOSED = "proposed"
        APPROVED = "approved"
        WITHDRAWN = "withdrawn"

    class Remedy(models.TextChoices):
        RETRY = "retry", "Try it again"
        DISMISS = "dismiss", "Dismiss it for ever"

    report = models.ForeignKey(ParkedReport, on_delete=models.PROTECT, related_name="steps")
    kind = models.CharField(max_length=10, choices=Kind)
    remedy = models.CharField(max_length=8, choices=Remedy)
    actor = models.CharField(max_length=80)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.kind} {self.remedy} by {self.actor}"
