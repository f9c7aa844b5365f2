"""One source of prices for each instrument: whose ticks count, and whose are refused.

An instrument without a `source` has the prices of the house: those of the embedded exchange, and
of a recording that is played on it. One with a source has those of the feed of that name and no
others. Two sources are never mixed; a change of source is a change of the instrument, in its
history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from django.conf import settings

from marketdata.cleaning.rules import Reason, Suspect
from marketdata.models import Quote
from marketdata.ticks import Tick

Told = TypeVar("Told", bound=Tick)


def may_tell(source: str, *, chosen: str) -> bool:
    """Tell whether `source` tells the prices of an instrument whose source is `chosen`."""
    return source == chosen if chosen else source not in settings.FEEDS


def separated(
    told: Sequence[Told], quotes: Mapping[str, Quote], *, source: str
) -> tuple[Sequence[Told], dict[str, Quote], list[Suspect]]:
    """Take out of a batch what `source` is not asked for; return the rest, its quotes, and that."""
    own = {
        symbol: quote
        for symbol, quote in quotes.items()
        if may_tell(source, chosen=quote.instrument.source)
    }
    if len(own) == len(quotes):
        return told, own, []
    others = quotes.keys() - own.keys()
    refused = [Suspect(tick, Reason.OTHER_SOURCE) for tick in told if tick.symbol in others]
    return [tick for tick in told if tick.symbol not in others], own, refused
