"""What tests of prices share: an instrument, and no partitions of before."""

from __future__ import annotations

from decimal import Decimal

import pytest

from marketdata.history import partitions
from marketdata.history.partitions import Kind
from marketdata.models import Instrument


@pytest.fixture
def ibm(db: None) -> Instrument:
    return Instrument.objects.create(
        code="IBM", symbol="IBM", name="IBM", exchange="NYSE", reference_price=Decimal(100),
        asset_class=Instrument.AssetClass.US_EQUITY,
    )  # fmt: skip


@pytest.fixture
def no_partitions(db: None) -> None:
    """Of a program's start that another test has committed they stay."""
    for kind in Kind:
        for first in partitions.made(kind):
            partitions.drop(kind, first)
