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
from marketdata import calendars, price_steps
from marketdata.models import Instrument

SHIPPED: Final = Path(__file__).parent / "data" / "instruments.csv"
_NAMESPACE: Final = uuid.UUID("5f0c7c0e-6a3f-5d0e-9a0b-0b1f3c2d4e5a")
_STATUSES: Final[Mapping[str, Mapping[str, bool]]] = {
    "tradable": {"tradable": True, "halted": False, "closing_only": False},
    "halted": {"tradable": True, "halted": True, "closing_only": False},
    "restricted": {"tradable": True, "halted": False, "closing_only": True},
    "delisted": {"tradable": False, "halted": False, "closing_only": False},
}


class UnableToList(Exception):
    """The file is not a list of instruments; the message names the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An instrument, and how lively it is: shares a day, and volatility a year (0.25 = 25 %).

    `told` are the names of what the file says of its status and its source, if anything.
    """

    instrument: Instrument
    daily_volume: Decimal
    volatility: Decimal
    told: tuple[str, ...] = ()


def instrument_id(code: str) -> uuid.UUID:
    """Return the id of the instrument `code`: the same in every installation."""
    return uuid.uuid5(_NAMESPACE, code)


@transaction.atomic
def load(*, now: datetime, path: Path = SHIPPED) -> list[Listed]:
    """List the instruments of `path` that are not listed yet, and return those.

    What is listed already is left as operations have set it, but for a sector that nobody has
    set, and for a status and a source that the file says. A ticker changes by a corporate action:
    here `code`, where the file has one, finds the instrument whatever it is called by now. Raises
    UnableToList.
    """
    listed = [_listed(row, where=f"{path.name}:{line}") for line, row in _rows(path)]
    ids = [each.instrument.id for each in listed]
    there = {found.id: found for found in Instrument.objects.filter(id__in=ids)}
    new = [each for each in listed if each.instrument.id not in there]
    sectors = {each.instrument.id: each.instrument.sector for each in listed}
    _fill_sectors(there.values(), sectors, why=f"Sector from {path.name}.", now=now)
    _restate(there, listed, why=f"Status or source from {path.name}.", now=now)
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


def _restate(
    there: Mapping[uuid.UUID, Instrument], listed: Iterable[Listed], *, why: str, now: datetime
) -> None:
    """Give what is listed the status and the source that the file says, where they differ."""
    changed: list[Instrument] = []
    for each in listed:
        standing = there.get(each.instrument.id)
        if standing is None or not each.told:
            continue
        before = [getattr(standing, name) for name in each.told]
        said = [getattr(each.instrument, name) for name in each.told]
        if before != said:
            for name, value in zip(each.told, said, strict=True):
                setattr(standing, name, value)
            changed.append(standing)
    bulk_update_with_history(
        changed,
        Instrument,
        ["tradable", "halted", "closing_only", "source"],
        default_change_reason=why,
        default_date=now,
    )


def _status_and_source(row: Mapping[str, str]) -> dict[str, bool | str]:
    """Return what the row says of them, by the names of the fields. Raises UnableToList."""
    status, source = row.get("status") or "", row.get("source") or ""
    if status and status not in _STATUSES:
        raise UnableToList(f"{status!r} is no status: {', '.join(_STATUSES)}")
    if source and source not in settings.FEEDS:
        raise UnableToList(f"{source!r} is no feed: FEEDS names them")
    return {**(_STATUSES[status] if status else {}), **({"source": source} if source else {})}


def _fine_steps(row: Mapping[str, str]) -> dict[str, Decimal | None]:
    """Return the finer steps that the row says; where it says nothing, shares have the law's."""
    said = row.get("fine_increment"), row.get("fine_below")
    names = ("fine_increment", "fine_below")
    if None not in said:
        return {
            name: decimals.parse(each) if each else None
            for name, each in zip(names, said, strict=True)
        }
    is_in_cents = decimals.parse(row["price_increment"]) == price_steps.US_EQUITY
    if row["asset_class"] == Instrument.AssetClass.US_EQUITY and is_in_cents:
        law = price_steps.US_EQUITY_FINE, price_steps.US_EQUITY_FINE_BELOW
        return dict(zip(names, law, strict=True))
    return {}


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(enumerate(csv.DictReader(file, strict=True), start=2))


def _listed(row: Mapping[str, str], *, where: str) -> Listed:
    try:
        is_crypto = row["asset_class"] == Instrument.AssetClass.CRYPTO
        code = row.get("code") or (
            f"{'CRYPTO' if is_crypto else 'US'}.{row['symbol'].replace('/', '-')}"
        )
        told = _status_and_source(row)
        instrument = Instrument(
            id=instrument_id(code),
            code=code,
            symbol=row["symbol"],
            name=row["name"],
            asset_class=row["asset_class"],
            exchange=row["exchange"],
            price_increment=decimals.parse(row["price_increment"]),
            **_fine_steps(row),
            quantity_increment=decimals.parse(row["quantity_increment"]),
            quantity_min=decimals.parse(row["quantity_min"]),
            fractionable=row["fractionable"] == "true",
            marginable=not is_crypto,
            shortable=not is_crypto,
            easy_to_borrow=not is_crypto,
            calendar=calendars.ALWAYS if is_crypto else settings.MARKET_HOURS,
            reference_price=decimals.parse(row["reference_price"]),
            sector=row.get("sector") or "",
            **told,
        )
        calendars.check(instrument.calendar)
        instrument.clean_fields()
        instrument.clean()
        return Listed(
            instrument=instrument,
            daily_volume=decimals.parse(row["daily_volume"]),
            volatility=decimals.parse(row["volatility"]),
            told=tuple(told),
        )
    except KeyError as missing:
        raise UnableToList(f"{where}: the column {missing} is missing") from missing
    except UnableToList as error:
        raise UnableToList(f"{where}: {error}") from error
    except (decimals.InvalidDecimal, calendars.UnknownCalendar, ValidationError) as error:
        raise UnableToList(f"{where}: {error}") from error
