"""The exchange's own records: they are the venue's, and no row of ours refers to them.

The journal and the snapshots are what the exchange recovers from; once behind two snapshots, the
journal of simulated traffic is dropped. What members asked and were told is kept for ever.
"""

from __future__ import annotations

from decimal import Decimal

from django.db import models

from marketdata.models import PriceField, QuantityField


class JournalEntry(models.Model):
    """The commands of one cycle, in the order in which they were applied. Gapless."""

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    commands = models.TextField()

    class Meta:
        ordering = ("-sequence",)
        verbose_name_plural = "journal entries"

    def __str__(self) -> str:
        return f"cycle {self.sequence}"


class Snapshot(models.Model):
    """The engine's whole state after the journal entry `sequence` (compressed JSON)."""

    sequence = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    trade_number = models.BigIntegerField()
    state = models.BinaryField()

    class Meta:
        ordering = ("-sequence",)

    def __str__(self) -> str:
        return f"after cycle {self.sequence}"


class MemberOrder(models.Model):
    """An order as a member entered it, whatever became of it. Append-only."""

    member = models.CharField(max_length=24)
    client_order_id = models.CharField(max_length=64)
    symbol = models.CharField(max_length=24)
    side = models.CharField(max_length=4)
    quantity = QuantityField()
    type = models.CharField(max_length=16)
    time_in_force = models.CharField(max_length=4)
    limit_price = PriceField(null=True)
    is_post_only = models.BooleanField(default=False)
    display_quantity = QuantityField(null=True)
    cash_max = QuantityField(null=True)
    extended_hours = models.BooleanField(default=False)
    party = models.CharField(max_length=64, blank=True, default="")
    self_trade_prevention = models.CharField(max_length=16, default="cancel_newest")
    entered_at = models.DateTimeField()
    journal_sequence = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["member", "client_order_id"], name="member_order_once"),
        )

    def __str__(self) -> str:
        return f"{self.member} {self.client_order_id}"


class MemberCancel(models.Model):
    """A member's request to cancel. Append-only."""

    member = models.CharField(max_length=24)
    request_id = models.CharField(max_length=64)
    client_order_id = models.CharField(max_length=64)
    entered_at = models.DateTimeField()
    journal_sequence = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["member", "request_id"], name="member_cancel_once"),
        )

    def __str__(self) -> str:
        return f"{self.member} {self.request_id}"


class MemberReplace(models.Model):
    """A member's request to let an order take the place of another. Append-only."""

    member = models.CharField(max_length=24)
    client_order_id = models.CharField(max_length=64)
    new_client_order_id = models.CharField(max_length=64)
    quantity = QuantityField()
    limit_price = PriceField(null=True)
    entered_at = models.DateTimeField()
    journal_sequence = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["member", "new_client_order_id"], name="member_replace_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.member} {self.new_client_order_id}"


class MemberReport(models.Model):
    """What a member was told: gapless per member, ids unique at the exchange. Append-only."""

    member = models.CharField(max_length=24)
    sequence = models.BigIntegerField()
    execution_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=16)
    client_order_id = models.CharField(max_length=64)
    venue_order_id = models.CharField(max_length=24, blank=True, default="")
    symbol = models.CharField(max_length=24, blank=True, default="")
    at = models.DateTimeField()
    quantity = QuantityField(null=True)
    price = PriceField(null=True)
    cumulative_quantity = QuantityField(default=Decimal(0))
    leaves_quantity = QuantityField(default=Decimal(0))
    reason = models.CharField(max_length=40, blank=True, default="")
    reference = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["member", "sequence"], name="member_report_sequence"),
            models.UniqueConstraint(fields=["member", "execution_id"], name="member_report_once"),
        )
        indexes = (
            models.Index(fields=["member", "client_order_id"], name="member_report_order"),
            models.Index(
                fields=["member", "reference"],
                condition=models.Q(kind="replaced"),
                name="member_report_replaced",
            ),
        )

    def __str__(self) -> str:
        return f"{self.execution_id} {self.kind}"


class Execution(models.Model):
    """One member's side of a trade, or of its bust: the drop copy. Gapless and append-only.

    It is written beside the reports and read by nobody on an order's way, so that two records
    can be held against each other. `date` is the trading day.
    """

    sequence = models.BigIntegerField(primary_key=True)
    execution_id = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=16)
    reference = models.CharField(max_length=64, blank=True, default="")
    member = models.CharField(max_length=24)
    client_order_id = models.CharField(max_length=64)
    venue_order_id = models.CharField(max_length=24)
    symbol = models.CharField(max_length=24)
    side = models.CharField(max_length=4)
    quantity = QuantityField()
    price = PriceField()
    cumulative_quantity = QuantityField()
    leaves_quantity = QuantityField()
    at = models.DateTimeField()
    date = models.DateField()

    class Meta:
        indexes = (models.Index(fields=["member", "date"], name="execution_member_day"),)

    def __str__(self) -> str:
        return f"{self.execution_id} {self.kind}"


class BustRequest(models.Model):
    """An operator wants a trade taken back; the exchange writes here what became of it."""

    class State(models.TextChoices):
        REQUESTED = "requested"
        BUSTED = "busted"
        REFUSED = "refused"

    trade_number = models.BigIntegerField()
    reason = models.CharField(max_length=200)
    requested_by = models.CharField(max_length=64)
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    handled_at = models.DateTimeField(null=True)
    detail = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["trade_number"],
                condition=~models.Q(state="refused"),
                name="bust_once",
            ),
        )
        indexes = (
            models.Index(fields=["id"], condition=models.Q(state="requested"), name="bust_open"),
        )

    def __str__(self) -> str:
        return f"bust of trade {self.trade_number}"


class ReplayRequest(models.Model):
    """Somebody wants a recording played; the exchange writes here how far it is.

    `play_from` and `play_to` are milliseconds since midnight in New York.
    """

    class State(models.TextChoices):
        REQUESTED = "requested"
        PLAYING = "playing"
        FINISHED = "finished"
        STOPPED = "stopped"
        FAILED = "failed"

    files = models.JSONField()
    speed = models.FloatField()
    play_from = models.IntegerField()
    play_to = models.IntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    is_stop_requested = models.BooleanField(default=False)
    requested_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    recorded_at = models.DateTimeField(null=True)
    quotes_played = models.BigIntegerField(default=0)
    trades_played = models.BigIntegerField(default=0)
    kept_aside = models.BigIntegerField(default=0)
    detail = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes = (
            models.Index(
                fields=["id"],
                condition=models.Q(state__in=["requested", "playing"]),
                name="replay_open",
            ),
        )

    def __str__(self) -> str:
        return f"replay {self.pk} {self.state}"
