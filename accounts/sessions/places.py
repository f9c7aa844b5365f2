"""Where an address is: by a database of countries that comes with us, or a finer one in its place.

`countries.mmdb` knows the country of most addresses, and nothing closer; what it does not know is
unknown. `PLACES_DATABASE` names another file of MaxMind's format; from one with cities we also
take city and coordinates. `countries.csv` has each country's middle and how far it reaches.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import maxminddb
from django.conf import settings

from accounts.sessions import addresses
from accounts.sessions.anomalies import Spot

COUNTRIES: Final = Path(__file__).with_name("atlas") / "countries.csv"
DATABASE: Final = Path(__file__).with_name("atlas") / "countries.mmdb"
CITY_RADIUS_KM: Final = 50.0
PLACE_LENGTH_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Country:
    code: str
    name: str
    spot: Spot


@dataclass(frozen=True, slots=True)
class Place:
    """Where an address is; `country` is its ISO code, "" and "unknown place" where nobody knows."""

    country: str
    name: str
    spot: Spot | None


UNKNOWN: Final = Place(country="", name="unknown place", spot=None)


@cache
def countries() -> dict[str, Country]:
    """Return every country by its ISO 3166-1 code, in the order of their codes."""
    with COUNTRIES.open(newline="") as lines:
        return {
            row["code"]: Country(
                row["code"],
                row["name"],
                Spot(float(row["latitude"]), float(row["longitude"]), float(row["radius_km"])),
            )
            for row in csv.DictReader(lines)
        }


def of(address: str | None) -> Place:
    """Return where `address` is, as far as the database knows."""
    found = addresses.parsed(address) if address else None
    record = _database(settings.PLACES_DATABASE).get(str(found)) if found else None
    return _place(record) if isinstance(record, dict) else UNKNOWN


@cache
def _database(path: str) -> maxminddb.Reader:
    return maxminddb.open_database(path or DATABASE)


def _place(record: dict[str, Any]) -> Place:
    """Read a record of the countries that we bring, or of the shape that GeoIP2 has."""
    named = record.get("country")
    code = record.get("country_code") or (named or {}).get("iso_code") or ""
    country = countries().get(str(code))
    if country is None:
        return UNKNOWN
    city = str(((record.get("city") or {}).get("names") or {}).get("en") or "")
    at = record.get("location") or {}
    spot = country.spot
    if "latitude" in at and "longitude" in at:
        radius = float(at.get("accuracy_radius") or CITY_RADIUS_KM)
        spot = Spot(float(at["latitude"]), float(at["longitude"]), radius)
    name = f"{city}, {country.name}" if city else country.name
    return Place(country.code, name[:PLACE_LENGTH_MAX], spot)
