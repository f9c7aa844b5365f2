"""What can be traded, from a file: the instruments of the first start, and any list after it."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from foundation import decimals
from marketdata import calendars
from marketdata.models import Instrument

SHIPPED: Final = Path(__file__).parent / "data" / "instruments.csv"
_NAMESPACE: Final = uuid.UUID("5f0c7c0e-6a3f-5d0e-9a0b-0b1f3c2d4e5a")


class UnableToList(Exception):
    """The file is not a list of instruments; the message names the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An instrument, and how lively it is: shares a day, and volatility a year (0.25 = 25 %)."""

    instrument: Instrument
    daily_volume: Decimal
    volatility: Decimal


def instrument_id(code: str) -> uuid.UUID:
    """Return the id of the instrument `code`: the same in every installation."""
    return uuid.uuid5(_NAMESPACE, code)


@transaction.atomic
def load(*, now: datetime, path: Path = SHIPPED) -> list[Listed]:
    """List the instruments of `path` that are not listed yet, and return those.

    What is listed already is left as operations have set it, but for a sector that nobody has
    set. Raises UnableToList.
    """
    listed = [_listed(row, where=f"{path.name}:{line}") for line, row in _rows(path)]
    ids = [each.instrument.id for each in listed]
    there = {found.id: found for found in Instrument.objects.filter(id__in=ids)}
    new = [each for each in listed if each.instrument.id not in there]
    sectors = {each.instrument.id: each.instrument.sector for each in listed}
    _fill_sectors(there.values(), sectors, why=f"Sector from {path.name}.", now=now)
    bulk_create_with_history(
        [each.instrument for each in new],
        Instrument,
        default_change_reason=f"Listed from {path.name}.",
        default_date=now,
    )
    return new


def _fill_sectors(
    there: Iterable[Instrument], sectors: Mapping[uuid.UUID, str], *, why: str, now: datetime
) -> None:
    without = [each for each in there if not each.sector and sectors[each.id]]
    for each in without:
        each.sector = sectors[each.id]
    bulk_update_with_history(
        without, Instrument, ["sector"], default_change_reason=why, default_date=now
    )


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(enumerate(csv.DictReader(file, strict=True), start=2))


def _listed(row: Mapping[str, str], *, where: str) -> Listed:
    try:
        is_crypto = row["asset_class"] == Instrument.AssetClass.CRYPTO
        code = f"{'CRYPTO' if is_crypto else 'US'}.{row['symbol'].replace('/', '-')}"
        instrument = Instrument(
            id=instrument_id(code),
            code=code,
            symbol=row["symbol"],
            name=row["name"],
            asset_class=row["asset_class"],
            exchange=row["exchange"],
            price_increment=decimals.parse(row["price_increment"]),
            quantity_increment=decimals.parse(row["quantity_increment"]),
            quantity_min=decimals.parse(row["quantity_min"]),
            fractionable=row["fractionable"] == "true",
            marginable=not is_crypto,
            shortable=not is_crypto,
            easy_to_borrow=not is_crypto,
            calendar=calendars.ALWAYS if is_crypto else settings.MARKET_HOURS,
            reference_price=decimals.parse(row["reference_price"]),
            sector=row.get("sector") or "",
        )
        calendars.check(instrument.calendar)
        instrument.clean_fields()
        return Listed(
            instrument=instrument,
            daily_volume=decimals.parse(row["daily_volume"]),
            volatility=decimals.parse(row["volatility"]),
        )
    except KeyError as missing:
        raise UnableToList(f"{where}: the column {missing} is missing") from missing
    except (decimals.InvalidDecimal, calendars.UnknownCalendar, ValidationError) as error:
        raise UnableToList(f"{where}: {error}") from error
