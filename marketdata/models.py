"""What is traded, and at what price."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from simple_history.models import HistoricalRecords

from marketdata import price_steps
from marketdata.price_steps import PriceSteps


class PriceField(models.DecimalField):  # type: ignore[type-arg]
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_digits": 20, "decimal_places": 9, **options})


class QuantityField(models.DecimalField):  # type: ignore[type-arg]
    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_digits": 28, "decimal_places": 9, **options})


class Instrument(models.Model):
    """A security or a crypto pair. `code` is for ever; `symbol` is today's ticker."""

    class AssetClass(models.TextChoices):
        US_EQUITY = "us_equity", "US equity"
        CRYPTO = "crypto", "Crypto"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.CharField(max_length=24, unique=True, editable=False)
    symbol = models.CharField(max_length=24, unique=True)
    name = models.CharField(max_length=120)
    asset_class = models.CharField(max_length=12, choices=AssetClass)
    exchange = models.CharField(max_length=12, help_text="Primary listing: NASDAQ, NYSE, ...")
    tradable = models.BooleanField(default=True)
    halted = models.BooleanField(default=False)
    closing_only = models.BooleanField(
        default=False, help_text="Restricted: positions may be reduced and not opened."
    )
    fractionable = models.BooleanField(default=False)
    marginable = models.BooleanField(default=False)
    shortable = models.BooleanField(default=False)
    easy_to_borrow = models.BooleanField(
        default=False, help_text="On the list that short sales are located from."
    )
    sector = models.CharField(max_length=40, blank=True, default="")
    price_increment = PriceField(default=Decimal("0.01"))
    fine_increment = PriceField(
        null=True, blank=True, help_text="In what steps prices go below 'fine below'."
    )
    fine_below = PriceField(
        null=True, blank=True, help_text="From this price on steps are the usual ones."
    )
    quantity_increment = QuantityField(default=Decimal(1))
    quantity_min = QuantityField(default=Decimal(1))
    calendar = models.CharField(
        max_length=12,
        default="always",
        help_text="'always', or the ISO code of an exchange calendar: XNYS.",
    )
    reference_price = PriceField(help_text="What the simulated market starts from.")
    source = models.CharField(
        max_length=12,
        blank=True,
        default="",
        help_text="Whose prices count: empty, those of our own exchange; or the name of a feed.",
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ("symbol",)
        constraints = (
            models.CheckConstraint(
                name="instrument_price_steps",
                condition=models.Q(fine_increment=None, fine_below=None)
                | models.Q(
                    fine_increment__isnull=False,
                    fine_increment__gt=0,
                    fine_increment__lt=models.F("price_increment"),
                    fine_below__isnull=False,
                    fine_below__gt=0,
                ),
            ),
        )

    def __str__(self) -> str:
        return self.symbol

    @property
    def price_steps(self) -> PriceSteps[Decimal]:
        return price_steps.of(self.price_increment, self.fine_increment, self.fine_below)

    def clean(self) -> None:
        super().clean()
        try:
            price_steps.check(self.price_increment, self.fine_increment, self.fine_below)
        except price_steps.UnfitSteps as error:
            raise ValidationError(str(error)) from error


class Quote(models.Model):
    """The latest of an instrument: best bid and offer, last trade, the day so far.

    `sequence` rises with every change over all instruments, so that a reader asks for what is
    newer than it has. `at` is the market's time of the latest bid or offer; `received_at` is
    when we last heard that it stands, whether or not it had changed. A side without orders is
    null. What was quoted by one `source` says nothing about another's day. `paths` is the number
    of its latest `PricePath`.
    """

    instrument = models.OneToOneField(
        Instrument, on_delete=models.CASCADE, primary_key=True, related_name="quote"
    )
    sequence = models.BigIntegerField(db_index=True)
    source = models.CharField(max_length=12)
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    bid = PriceField(null=True)
    bid_size = QuantityField(default=Decimal(0))
    ask = PriceField(null=True)
    ask_size = QuantityField(default=Decimal(0))
    last = PriceField(null=True)
    last_size = QuantityField(default=Decimal(0))
    last_at = models.DateTimeField(null=True)
    last_trade_id = models.TextField(default="")
    day = models.DateField()
    day_open = PriceField(null=True)
    day_high = PriceField(null=True)
    day_low = PriceField(null=True)
    day_volume = QuantityField(default=Decimal(0))
    previous_close = PriceField(null=True)
    doubted = PriceField(null=True, help_text="The latest price that cleaning did not believe.")
    doubts = models.PositiveSmallIntegerField(default=0)
    paths = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.bid} / {self.ask}"

    def is_stale(self, *, now: datetime) -> bool:
        """Tell whether the feed has been silent about this for longer than a quote may age."""
        return now - self.received_at > timedelta(seconds=settings.QUOTE_AGE_SECONDS_MAX)


class PricePath(models.Model):
    """The way that one batch of trades took `Quote.last`: what a reader of that alone misses.

    An instrument's paths are numbered without a gap, and the latest PATHS_KEPT of them are kept,
    each in the slot of its number. `points` are as `ticks.Point`: [price, microseconds].
    """

    instrument = models.ForeignKey(
        Instrument, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    slot = models.SmallIntegerField()
    number = models.BigIntegerField()
    source = models.CharField(max_length=12)
    points = models.JSONField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["instrument", "slot"], name="price_path_slot"),
        )

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.number}"


class Depth(models.Model):
    """The best levels of an instrument's book, as they stood at `at`.

    `bids` and `asks` are as `depth.as_stored` writes them, the best level first. `sequence` rises
    with every change. The table is not logged: a crash of the database empties it, and the market
    fills it again within a second.
    """

    instrument = models.OneToOneField(
        Instrument, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    sequence = models.BigIntegerField()
    source = models.CharField(max_length=12)
    at = models.DateTimeField()
    bids = models.JSONField()
    asks = models.JSONField()

    def __str__(self) -> str:
        return f"{len(self.bids)} / {len(self.asks)} levels"


class Bar(models.Model):
    """Open, high, low, close, volume, trades and traded value of one span of time.

    `start` is its first instant; `turnover` / `volume` is its volume-weighted average price.
    The prices are null while nothing but prints that set no price were made. `source` is where
    its prints came from; those of two sources never meet in one bar. `open_at` and `close_at` are
    when the trades were made that set its first and last price; of a bar that was told as a whole
    both are its start. Minutes have a partition for each month.
    """

    class Timeframe(models.TextChoices):
        MINUTE = "1Min"
        HOUR = "1Hour"
        DAY = "1Day"

    # No key is checked for each of so many rows: instruments are never deleted.
    instrument = models.ForeignKey(
        Instrument,
        on_delete=models.CASCADE,
        related_name="bars",
        db_constraint=False,
        db_index=False,
    )
    timeframe = models.CharField(max_length=5, choices=Timeframe)
    start = models.DateTimeField()
    source = models.CharField(max_length=12)
    open = PriceField(null=True)
    high = PriceField(null=True)
    low = PriceField(null=True)
    close = PriceField(null=True)
    volume = QuantityField()
    turnover = models.DecimalField(max_digits=48, decimal_places=18)
    trades = models.BigIntegerField()
    open_at = models.DateTimeField(null=True)
    close_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["instrument", "timeframe", "start"], name="bar_unique"),
        )

    def __str__(self) -> str:
        return f"{self.timeframe} {self.start:%Y-%m-%d %H:%M}"


class SuspectTick(models.Model):
    """A tick that cleaning kept aside, with the reason; shown to operations.

    Kept for a while and, in a flood, not every one: `SuspectCount` has the whole number.
    """

    symbol = models.CharField(max_length=24)
    at = models.DateTimeField(db_index=True, help_text="When it was kept aside.")
    source = models.CharField(max_length=12)
    reason = models.CharField(max_length=40)
    tick = models.JSONField()

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.symbol} {self.reason} at {self.at:%H:%M:%S}"


class SuspectCount(models.Model):
    """How many ticks of a source were kept aside on a day, for one reason."""

    day = models.DateField()
    source = models.CharField(max_length=12)
    reason = models.CharField(max_length=40)
    count = models.BigIntegerField()

    class Meta:
        ordering = ("-day", "source", "reason")
        constraints = (
            models.UniqueConstraint(
                fields=["day", "source", "reason"], name="suspect_count_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.day} {self.source} {self.reason}: {self.count}"


from marketdata.feeds.models import FeedHealth as FeedHealth  # noqa: E402
from marketdata.history.models import ArchivedTicks as ArchivedTicks  # noqa: E402
from marketdata.history.models import PriceAdjustment as PriceAdjustment  # noqa: E402
from marketdata.history.models import TapeQuote as TapeQuote  # noqa: E402
from marketdata.history.models import TapeTrade as TapeTrade  # noqa: E402
