"""Feeds and instruments that have fallen silent: each silence is counted once, for operations.

That a price is stale is seen from its age wherever it is read, and needs nobody to look. This is
so that people hear of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from foundation import bulk
from marketdata import calendars

log = structlog.get_logger(__name__)

REASON: Final = "silent"

_HEARD: Final = """
    SELECT instrument_id, source, received_at FROM marketdata_quote WHERE source = ANY(%s)
"""
_COUNT: Final = """
    INSERT INTO marketdata_suspectcount AS total (day, source, reason, count)
    SELECT %s, source, %s, count FROM unnest(%s::text[], %s::bigint[]) AS told(source, count)
    ON CONFLICT (day, source, reason) DO UPDATE SET count = total.count + EXCLUDED.count
"""


class Watch:
    """Who is silent now, as far as this process has looked."""

    def __init__(self) -> None:
        self._silent: set[UUID] = set()
        self._silent_feeds: set[str] = set()

    @property
    def silent_feeds(self) -> frozenset[str]:
        """The feeds of whose instruments none was heard of for longer than a quote may age."""
        return frozenset(self._silent_feeds)

    def look(self, *, sources: Iterable[str], now: datetime) -> None:
        """Count the instruments of these feeds that have fallen silent, and tell of whole feeds."""
        oldest = now - timedelta(seconds=settings.QUOTE_AGE_SECONDS_MAX)
        rows = bulk.execute(_HEARD, [list(sources)])
        heard: set[str] = set()
        silent: dict[UUID, str] = {}
        for instrument_id, source, received_at in rows:
            if received_at < oldest:
                silent[instrument_id] = source
            else:
                heard.add(source)
        fallen = Counter(source for key, source in silent.items() if key not in self._silent)
        self._silent = set(silent)
        _count(fallen, now=now)
        self._tell(set(silent.values()) - heard)

    def _tell(self, silent_feeds: set[str]) -> None:
        for source in sorted(silent_feeds - self._silent_feeds):
            log.warning("feed_silent", source=source)
        for source in sorted(self._silent_feeds - silent_feeds):
            log.info("feed_heard_again", source=source)
        self._silent_feeds = silent_feeds


def _count(fallen: Counter[str], *, now: datetime) -> None:
    if not fallen:
        return
    day = calendars.date_of(now)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [day, REASON, list(fallen), list(fallen.values())])
