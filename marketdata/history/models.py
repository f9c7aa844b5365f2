"""What came over the tape and was believed, in tables with a partition for each day (UTC).

The partitions lie in the schema `marketdata_parts`; the role that the program runs as may make
and drop them by two functions and no other way (migration 0007). A row that comes before its
partition was made waits in the default one.
"""

from __future__ import annotations

from django.db import models

from marketdata.models import Instrument, PriceField, QuantityField


class TapeTrade(models.Model):
    """One trade as it came. `number` rises in the order in which we heard of trades and quotes."""

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
    price = PriceField()
    size = QuantityField()
    trade_id = models.TextField()
    sets_last = models.BooleanField()

    def __str__(self) -> str:
        return f"{self.size} at {self.price}"


class TapeQuote(models.Model):
    """The best bid and offer as they changed; what was only confirmed has no row."""

    pk = models.CompositePrimaryKey("instrument_id", "at", "number")
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
    bid = PriceField(null=True)
    bid_size = QuantityField()
    ask = PriceField(null=True)
    ask_size = QuantityField()

    def __str__(self) -> str:
        return f"{self.bid} / {self.ask}"
