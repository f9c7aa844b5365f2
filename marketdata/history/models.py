"""What came over the tape and was believed, in tables with a partition for each day (UTC).

The partitions lie in the schema `marketdata_parts`; the role that the program runs as may make
and drop them by two functions and no other way (migration 0007). A row that comes before its
partition was made waits in the default one.
"""

from __future__ import annotations

from django.db import models

from marketdata.models import Instrument, PriceField, QuantityField


class _Told(models.Model):
    """What was told on the tape. `number` rises in the order in which we heard of it."""

    pk = models.CompositePrimaryKey("instrument_id", "at", "number")
    # No key is checked for each of a million rows: instruments are never deleted.
    instrument = models.ForeignKey(
        Instrument,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    at = models.DateTimeField()
    number = models.BigIntegerField()
    source = models.CharField(max_length=12)

    class Meta:
        abstract = True


class TapeTrade(_Told):
    """One trade as it came."""

    price = PriceField()
    size = QuantityField()
    trade_id = models.TextField()
    sets_last = models.BooleanField()

    def __str__(self) -> str:
        return f"{self.size} at {self.price}"


class TapeQuote(_Told):
    """The best bid and offer as they changed; what was only confirmed has no row."""

    bid = PriceField(null=True)
    bid_size = QuantityField()
    ask = PriceField(null=True)
    ask_size = QuantityField()

    def __str__(self) -> str:
        return f"{self.bid} / {self.ask}"


class PriceAdjustment(models.Model):
    """What was done to the shares of an instrument on its ex-date, as prices of before need it.

    `new` shares for `old` of a split, `cash` for a share of a dividend (in the shares of then),
    `share` of the value that went with a spin-off. `note` names it, so that it counts once.
    """

    class Kind(models.TextChoices):
        SPLIT = "split", "split"
        DIVIDEND = "dividend", "dividend"
        SPIN_OFF = "spin_off", "spin-off"

    instrument = models.ForeignKey(
        Instrument, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    ex_date = models.DateField()
    kind = models.CharField(max_length=8, choices=Kind)
    new = models.IntegerField(default=1)
    old = models.IntegerField(default=1)
    cash = PriceField(default=0)
    share = models.DecimalField(max_digits=12, decimal_places=11, default=0)
    note = models.CharField(max_length=100)

    class Meta:
        ordering = ("-ex_date",)
        constraints = (
            models.UniqueConstraint(fields=["instrument", "note"], name="price_adjustment_unique"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.ex_date}"


class ArchivedTicks(models.Model):
    """A file of the archive: ticks of one kind and day (UTC) that are in no table any more.

    `part` is 1, but where some came when the day was archived already.
    """

    kind = models.CharField(max_length=12)
    day = models.DateField()
    part = models.PositiveSmallIntegerField()
    rows = models.BigIntegerField()
    file = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "archived ticks"
        ordering = ("-day", "kind", "part")
        constraints = (
            models.UniqueConstraint(fields=["kind", "day", "part"], name="archived_ticks_unique"),
        )

    def __str__(self) -> str:
        return self.file
