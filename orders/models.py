"""Orders, their history and their trades."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from accounts.models import Account
from foundation import ids
from marketdata.models import Instrument, PriceField, QuantityField
from orders.lifecycle import Status
from orders.tickets import OrderClass, Role
from risk.margin.requirements import Intent
from venues.messages import OrderType, Side, TimeInForce


def _choices(words: type) -> list[tuple[str, str]]:
    return [(word.value, word.value.replace("_", " ")) for word in words]  # type: ignore[attr-defined]


class OrderHistoryContext(models.Model):
    """Who did it and from where: on every history row, beside its time and reason."""

    actor = models.CharField(max_length=80, default="")
    source_address = models.CharField(max_length=45, default="")

    class Meta:
        abstract = True


class Order(models.Model):
    """An order, from the moment that we accept responsibility for it to its end.

    `filled_value` is the exact sum of price times quantity over its fills, so that the average
    price is exact. `content_digest` tells a repeat of a client_order_id from a misuse of it.
    `protection_price` bounds what a market order may cost.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    # Without an index of its own: those below begin with it.
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="orders", db_index=False
    )
    client_order_id = models.CharField(max_length=128)
    content_digest = models.CharField(max_length=64)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    side = models.CharField(max_length=4, choices=_choices(Side))
    type = models.CharField(max_length=16, choices=_choices(OrderType))
    position_intent = models.CharField(
        max_length=13,
        choices=_choices(Intent),
        blank=True,
        default="",
        help_text="What it does to the position that it met when it was accepted.",
    )
    time_in_force = models.CharField(max_length=3, choices=_choices(TimeInForce))
    quantity = QuantityField()
    notional = models.DecimalField(max_digits=28, decimal_places=2, null=True, blank=True)
    limit_price = PriceField(null=True, blank=True)
    stop_price = PriceField(null=True, blank=True)
    trail_amount = PriceField(null=True, blank=True)
    trail_percent = PriceField(null=True, blank=True)
    high_water_mark = PriceField(null=True, blank=True, help_text="When it was triggered.")
    display_quantity = QuantityField(null=True, blank=True)
    is_post_only = models.BooleanField(default=False)
    order_class = models.CharField(
        max_length=8, choices=_choices(OrderClass), default=OrderClass.SIMPLE.value
    )
    group = models.UUIDField(null=True, blank=True)
    role = models.CharField(max_length=12, choices=_choices(Role), blank=True, default="")
    is_watched = models.BooleanField(default=False, help_text="Held, and waits for its price.")
    is_waiting = models.BooleanField(
        default=False, help_text="Its turn in its group has come, and something is in its way."
    )
    replaces = models.UUIDField(null=True, blank=True)
    replaced_by = models.UUIDField(null=True, blank=True)
    replaced_total = QuantityField(null=True, blank=True)
    protection_price = PriceField(null=True, blank=True)
    extended_hours = models.BooleanField(default=False)
    status = models.CharField(max_length=16, choices=_choices(Status))
    filled_quantity = QuantityField(default=Decimal(0))
    filled_value = models.DecimalField(max_digits=38, decimal_places=18, default=Decimal(0))
    venue = models.CharField(max_length=24)
    venue_order_id = models.CharField(max_length=64, blank=True, default="")
    denial_code = models.CharField(max_length=40, blank=True, default="", help_text="Ours.")
    venue_code = models.CharField(
        max_length=40, blank=True, default="", help_text="The venue's, of why it ended."
    )
    status_reason = models.CharField(max_length=300, blank=True, default="")
    warnings = models.CharField(max_length=200, blank=True, default="", help_text="Codes.")
    expires_at = models.DateTimeField(null=True, blank=True)
    triggered_at = models.DateTimeField(null=True, blank=True)
    number_in_second = models.PositiveIntegerField(
        default=0, help_text="Of the account's orders and replacements in that second."
    )
    number_in_minute = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    filled_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    expired_at = models.DateTimeField(null=True, blank=True)
    rejected_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)

    history = HistoricalRecords(
        bases=[OrderHistoryContext],
        no_db_index=["account", "instrument"],
        history_change_reason_field=models.TextField(null=True),
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["account", "client_order_id"], name="client_order_id_unique"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="order_quantity_positive"),
            models.CheckConstraint(
                condition=Q(filled_quantity__gte=0) & Q(filled_quantity__lte=F("quantity")),
                name="order_never_overfilled",
            ),
        )
        indexes = (
            models.Index(fields=["account", "-created_at"], name="order_by_account"),
            models.Index(
                fields=["account", "instrument"],
                condition=Q(status__in=[s.value for s in Status if not s.is_final]),
                name="order_open",
            ),
            models.Index(fields=["id"], condition=Q(is_waiting=True), name="order_waiting"),
            models.Index(fields=["group"], condition=Q(group__isnull=False), name="order_by_group"),
            models.Index(
                fields=["expires_at"],
                condition=Q(
                    expires_at__isnull=False,
                    status__in=[s.value for s in Status if not s.is_final],
                ),
                name="order_expiring",
            ),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} {self.instrument.symbol}"

    @property
    def is_leg(self) -> bool:
        """Tell whether the order closes what another one of its group is judged for.

        The take-profit of an OCO is judged itself, for its stop as well.
        """
        is_first = self.order_class == OrderClass.OCO and self.role == Role.TAKE_PROFIT
        return self.role in (Role.TAKE_PROFIT, Role.STOP_LOSS) and not is_first

    @property
    def leaves_quantity(self) -> Decimal:
        leaves: Decimal = self.quantity - self.filled_quantity
        return leaves

    @property
    def average_price(self) -> Decimal | None:
        return self.filled_value / self.filled_quantity if self.filled_quantity else None


class Watch(models.Model):
    """A held order whose price is watched; the row goes when the order is no longer held.

    A stop has a `stop_price`, a trailing stop an amount or a percentage, and the `mark` that the
    price has reached since `since`: the highest for a sell, the lowest for a buy. `changed_in` is
    the transaction that wrote the row last, so that a reader finds what is new to it; the
    database sets it.
    """

    order = models.OneToOneField(
        Order, on_delete=models.PROTECT, primary_key=True, related_name="watch"
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    side = models.CharField(max_length=4, choices=_choices(Side))
    stop_price = PriceField(null=True)
    trail_amount = PriceField(null=True)
    trail_percent = PriceField(null=True)
    mark = PriceField(null=True)
    since = models.DateTimeField()
    changed_in = models.BigIntegerField(default=0, db_index=True)

    def __str__(self) -> str:
        return f"{self.side} stop of {self.order_id}"


class Trade(models.Model):
    """One fill of one order, as the venue reported it, or the bust of one. Append-only.

    `busts` is the fill that this row takes back, whole; it then repeats its terms.
    """

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="trades")
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT)
    venue = models.CharField(max_length=24)
    execution_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4, choices=_choices(Side))
    quantity = QuantityField()
    price = PriceField()
    busts = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="busted_by"
    )
    executed_at = models.DateTimeField()
    booked_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["venue", "execution_id"], name="trade_once"),
            models.CheckConstraint(
                condition=Q(quantity__gt=0) & Q(price__gt=0), name="trade_positive"
            ),
        )
        indexes = (
            models.Index(fields=["account", "booked_at"], name="trade_by_booking"),
            models.Index(fields=["booked_at"], name="trade_lately"),
        )

    def __str__(self) -> str:
        return f"{self.side} {self.quantity.normalize():f} at {self.price.normalize():f}"
