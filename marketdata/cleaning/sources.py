"""One source of prices for each instrument: whose ticks count, and whose are refused.

An instrument without a `source` has the prices of the house: those of the embedded exchange, and
of a recording that is played on it. One with a source has those of the feed of that name and no
others. Two sources are never mixed; a change of source is a change of the instrument, in its
history.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from marketdata.models import Quote


def may_tell(source: str, *, chosen: str) -> bool:
    """Tell whether `source` tells the prices of an instrument whose source is `chosen`."""
    return source == chosen if chosen else source not in settings.FEEDS


def others(quotes: Mapping[str, Quote], *, source: str) -> set[str]:
    """Return the symbols of `quotes` whose prices `source` is not asked for."""
    return {
        symbol
        for symbol, quote in quotes.items()
        if not may_tell(source, chosen=quote.instrument.source)
    }
