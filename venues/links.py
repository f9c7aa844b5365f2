"""How the links to venues are: written by gateways, read by whoever must not be unsure.

A link is up while its gateway says so and the venue has been heard of lately. A gateway that
died says nothing any more, so silence alone takes the link down for everybody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from foundation import bulk
from venues.models import VenueLink

AGE_SECONDS_MAX: Final = 1.0
DETAIL_LENGTH_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Link:
    """The link to one venue. `missing_sequence` is a report that the venue owes us."""

    venue: str
    is_enabled: bool
    is_up: bool
    since: datetime
    heard_at: datetime
    detail: str
    missing_sequence: int | None

    def silence_seconds(self, now: datetime) -> float:
        """Return how long the venue has not been heard of; zero when clocks differ."""
        return max(0.0, (now - self.heard_at).total_seconds())

    def is_up_at(self, now: datetime) -> bool:
        return self.is_up and self.silence_seconds(now) <= settings.VENUE_SILENCE_SECONDS_MAX


_lock = threading.Lock()
_read_at = float("-inf")
_links: Mapping[str, Link] = {}


def is_up(venue: str, now: datetime) -> bool:
    """Tell whether the venue can be reached, as it was known at most a second ago."""
    global _read_at, _links  # noqa: PLW0603  what this process knows, under its lock
    with _lock:
        if time.monotonic() - _read_at > AGE_SECONDS_MAX:
            _links = {link.venue: link for link in current()}
            _read_at = time.monotonic()
        link = _links.get(venue)
    return link is not None and link.is_enabled and link.is_up_at(now)


def forget() -> None:
    """Read the links anew the next time: for whoever has just changed one."""
    global _read_at  # noqa: PLW0603
    with _lock:
        _read_at = float("-inf")


def current() -> list[Link]:
    """Return every venue's link as it is now, by the venue's name."""
    rows = VenueLink.objects.select_related("venue").order_by("venue__name")
    return [
        Link(
            venue=row.venue.name,
            is_enabled=row.venue.is_enabled,
            is_up=row.is_up,
            since=row.since,
            heard_at=row.heard_at,
            detail=row.detail,
            missing_sequence=row.missing_sequence,
        )
        for row in rows
    ]


def open_anew(venue: str, *, now: datetime) -> None:
    """The link has come up, from now on."""
    bulk.execute(
        "UPDATE venues_venuelink SET is_up = false"
        " WHERE venue_id = (SELECT id FROM venues_venue WHERE name = %s)",
        [venue],
    )
    hear(venue, now=now)


def hear(venue: str, *, now: datetime) -> None:
    """The venue was heard of: its link is up."""
    _write(venue, is_up=True, now=now, heard_at=now, detail="", missing_sequence=None)


def lose(venue: str, *, now: datetime, detail: str, missing_sequence: int | None = None) -> None:
    """The link is down, for this reason; `missing_sequence` names a report that never came."""
    _write(
        venue,
        is_up=False,
        now=now,
        heard_at=None,
        detail=detail[:DETAIL_LENGTH_MAX],
        missing_sequence=missing_sequence,
    )


def _write(
    venue: str,
    *,
    is_up: bool,
    now: datetime,
    heard_at: datetime | None,
    detail: str,
    missing_sequence: int | None,
) -> None:
    bulk.execute(
        "INSERT INTO venues_venuelink AS link"
        " (venue_id, is_up, since, heard_at, detail, missing_sequence)"
        " SELECT id, %s, %s::timestamptz, coalesce(%s::timestamptz, 'epoch'), %s, %s::bigint"
        " FROM venues_venue WHERE name = %s"
        " ON CONFLICT (venue_id) DO UPDATE SET is_up = excluded.is_up,"
        " since = CASE WHEN link.is_up = excluded.is_up THEN link.since ELSE excluded.since END,"
        " heard_at = greatest(link.heard_at, excluded.heard_at),"
        " detail = excluded.detail, missing_sequence = excluded.missing_sequence",
        [is_up, now, heard_at, detail, missing_sequence, venue],
    )
