"""Margin: our schedule of rates, what can be borrowed, how accounts stand, and calls."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

from accounts.models import Account, User
from marketdata.models import Instrument
from portfolio.models import AmountField


class RateField(models.DecimalField):  # type: ignore[type-arg]
    """A part of a value: 0.25 is 25 percent."""

    def __init__(self, **options: object) -> None:
        super().__init__(**{"max_digits": 6, "decimal_places": 4, **options})  # type: ignore[arg-type]


class MarginRate(models.Model):
    """Our schedule, from `since` on, of an instrument, else of its asset class, else of all.

    The latest row of the narrowest kind holds; of two of one day, the one that was made last.
    Append-only. What asks for less than before is agreed to by two people (`margin_rates`).
    """

    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    asset_class = models.CharField(
        max_length=12,
        choices=Instrument.AssetClass,
        blank=True,
        default="",
        help_text="Of all its instruments that have no row of their own.",
    )
    since = models.DateField()
    initial = RateField(default=Decimal("0.5"), help_text="Of what is opened: 0.5 to 1.")
    maintenance_long = RateField(default=Decimal("0.25"), help_text="0.25 to 1.")
    maintenance_short = RateField(default=Decimal("0.30"), help_text="0.30 or more.")
    reason = models.CharField(max_length=200)
    made_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(instrument__isnull=True) | Q(asset_class=""),
                name="margin_rate_of_one",
            ),
            models.CheckConstraint(
                condition=Q(initial__gte=Decimal("0.5"), initial__lte=1)
                & Q(maintenance_long__gte=Decimal("0.25"), maintenance_long__lte=1)
                & Q(maintenance_short__gte=Decimal("0.3"), maintenance_short__lte=3),
                name="margin_rate_within",
            ),
        )

    def __str__(self) -> str:
        of = self.instrument or self.asset_class or "everything"
        return f"{of} since {self.since}"


class Locate(models.Model):
    """Shares that operations have found to borrow, for one account or for all, until a day ends.

    What is on the easy-to-borrow list needs none. That for all is lent once, to whom comes first.
    """

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    quantity = AmountField(help_text="The largest short position that it is for.")
    lasts_until = models.DateField(help_text="The last day of New York on which it is good.")
    source = models.CharField(max_length=80, help_text="Who lends, and their reference.")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now, editable=False)

    history = HistoricalRecords()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(quantity__gt=0), name="locate_positive"),)
        indexes = (models.Index(fields=["instrument", "lasts_until"], name="locate_of"),)

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} {self.instrument} until {self.lasts_until}"


class MarginStatus(models.Model):
    """How a margin account stands, as the monitor saw it last; one row an account.

    `counts` says whether every position had a price that counts: only then is an account called.
    `close_*` is how it stood when the market last closed, `prior_excess` what it had over
    maintenance at the close before that one. The trades of all days until `judged_day` were looked
    at (`risk.margin.day_end`). A pattern day trader stays one until two people take that back;
    the day trades until then (`cleared_at`) are not counted any more.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True)
    at = models.DateTimeField()
    cash = AmountField(default=Decimal(0))
    held = AmountField(default=Decimal(0))
    long_value = AmountField(default=Decimal(0))
    short_value = AmountField(default=Decimal(0))
    equity = AmountField(default=Decimal(0))
    initial = AmountField(default=Decimal(0))
    maintenance = AmountField(default=Decimal(0))
    excess = AmountField(default=Decimal(0), help_text="Of equity over maintenance; below: a call.")
    counts = models.BooleanField(default=False)
    unpriced = models.CharField(max_length=200, blank=True, default="")
    day = models.DateField(null=True, help_text="Of New York, whose close comes next.")
    close_day = models.DateField(null=True)
    close_equity = AmountField(null=True)
    close_maintenance = AmountField(null=True)
    prior_excess = AmountField(null=True)
    judged_day = models.DateField(null=True)
    day_trades = models.PositiveIntegerField(default=0, help_text="In the last five business days.")
    day_trader_since = models.DateField(null=True, blank=True)
    cleared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "margin statuses"
        indexes = (models.Index(fields=["excess"], name="margin_status_excess"),)

    def __str__(self) -> str:
        return f"{self.account_id}: {self.excess}"


class MarginCall(models.Model):
    """A margin account's demand for equity: how much, until when, and what became of it.

    `amount` is what was missing when it was made, `amount_max` the most that ever was. It is over
    when nothing is missing any more; when it is overdue, positions are closed in waves, but for a
    day-trading call, which takes away buying power instead. An account has one at a time of those
    that its equity makes, one for what its trades opened overnight, and one for its day trades.
    Of a deficiency, `spared` is what the market has made, which the liquidation leaves alone.
    """

    class Kind(models.TextChoices):
        MAINTENANCE = "maintenance"
        HOUSE = "house", "house: due at once"
        REG_T = "reg_t", "Regulation T"
        DAY_TRADE = "day_trade", "day trading"

    class Status(models.TextChoices):
        OPEN = "open"
        LIQUIDATING = "liquidating"
        MET = "met"

    class MetBy(models.TextChoices):
        DEPOSIT = "deposit"
        PRICE = "price"
        SALE = "sale"
        LIQUIDATION = "liquidation"
        TIME = "time", "90 days on cash alone"

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="margin_calls")
    kind = models.CharField(max_length=12, choices=Kind)
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    amount = AmountField()
    amount_max = AmountField()
    equity = AmountField(help_text="When it was made.")
    maintenance = AmountField(help_text="When it was made.")
    positions = models.JSONField(help_text="Quantities by code, when it was made.")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    liquidated_from = models.DateTimeField(null=True, blank=True)
    wave = models.PositiveIntegerField(default=0)
    spared = AmountField(default=Decimal(0))
    met_at = models.DateTimeField(null=True, blank=True)
    met_by = models.CharField(max_length=12, choices=MetBy, blank=True, default="")

    history = HistoricalRecords()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["account"],
                condition=~Q(status="met") & Q(kind__in=["maintenance", "house"]),
                name="margin_call_open_once",
            ),
            models.UniqueConstraint(
                fields=["account", "kind"],
                condition=~Q(status="met"),
                name="margin_call_open_once_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(amount__gt=0) & Q(amount_max__gte=F("amount")),
                name="margin_call_amount",
            ),
            models.CheckConstraint(
                condition=Q(status="met", met_at__isnull=False)
                | (~Q(status="met") & Q(met_at__isnull=True)),
                name="margin_call_met_at",
            ),
        )
        indexes = (
            models.Index(fields=["due_at"], condition=~Q(status="met"), name="margin_call_unmet"),
        )

    def __str__(self) -> str:
        return f"{self.kind} call of {self.amount:.2f} USD"

    @property
    def closes_positions(self) -> bool:
        """Tell whether positions are closed when it is overdue."""
        return self.kind != self.Kind.DAY_TRADE


class LiquidationWave(models.Model):
    """One wave of a call's liquidation, as it was planned before anything of it was sent.

    `orders` are [code, side, quantity, client_order_id] in the order in which they are sent (the
    oldest have no id). Append-only: what of it has not come to be is planned anew, as another wave.
    """

    call = models.ForeignKey(MarginCall, on_delete=models.PROTECT, related_name="waves")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    deficit = AmountField()
    orders = models.JSONField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["call", "number"], name="liquidation_wave_once"),
        )

    def __str__(self) -> str:
        return f"wave {self.number} of call {self.call_id}"


class MarginCallNote(models.Model):
    """What somebody of operations has noted on a call. Append-only."""

    call = models.ForeignKey(MarginCall, on_delete=models.PROTECT, related_name="notes")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=500)

    def __str__(self) -> str:
        return self.text
