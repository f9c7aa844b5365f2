"""Which venue an order goes to: a table that operations keep, read at most once a second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.utils import timezone

from foundation.reading import Reading
from venues.models import Route, Venue

AGE_SECONDS_MAX: Final = 1.0

Target = tuple[UUID | None, str | None]
"""What a route is for: an instrument, an asset class, or, with neither, everything."""


class NoRoute(LookupError):
    """No route leads to an enabled venue."""


@dataclass(frozen=True, slots=True)
class Routing:
    """The routes as they stand. Pure."""

    overrides: Mapping[Target, str]
    usual: Mapping[Target, str]

    def venue_for(self, instrument_id: UUID, asset_class: str) -> str:
        """Return the name of the venue: overrides first, then the most specific. Raises NoRoute."""
        for table in (self.overrides, self.usual):
            for target in ((instrument_id, None), (None, asset_class), (None, None)):
                if target in table:
                    return table[target]
        raise NoRoute(f"no route leads to a venue for instrument {instrument_id}")


def routing_of(table: Iterable[Route], *, now: datetime) -> Routing:
    """Return what these routes, with their venues, say at `now`."""
    overrides: dict[Target, str] = {}
    usual: dict[Target, str] = {}
    for route in table:
        is_over = route.until is not None and route.until <= now
        if route.is_enabled and route.venue.is_enabled and not is_over:
            chosen = overrides if route.is_override else usual
            chosen[route.instrument_id, route.asset_class] = route.venue.name
    return Routing(overrides=overrides, usual=usual)


def routes() -> Routing:
    """Return the routes as they stood at most a second ago."""
    return _routes.latest()


def is_known(venue: str) -> bool:
    """Tell whether there is a venue of this name, enabled or not."""
    return Venue.objects.filter(name=venue).exists()


def forget() -> None:
    """Read the routes anew the next time: for whoever has just changed them."""
    _routes.forget()


def _read() -> Routing:
    return routing_of(Route.objects.select_related("venue"), now=timezone.now())


_routes: Final = Reading(_read, age_seconds_max=AGE_SECONDS_MAX)
