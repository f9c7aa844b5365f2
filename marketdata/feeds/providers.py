"""Who tells prices from outside: the settings say it, one provider for each feed. Pure reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from marketdata.ticks import SIMULATED

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,11}")
_OURS: Final = frozenset({SIMULATED, "replay"})
_PAST_SCHEMES: Final = {"ws": "http", "wss": "https"}


class UnusableFeed(ValueError):
    """A setting of a feed makes no sense; the message says which and why, and names no secret."""


class Market(StrEnum):
    """What a provider has an address of its own for; named as the asset classes are."""

    EQUITIES = "us_equity"
    CRYPTO = "crypto"


@dataclass(frozen=True, slots=True)
class Provider:
    """A feed: its name, where it streams (ws, wss), where its past is (http, https), its key."""

    name: str
    stream: str
    past: str
    tape: str
    key_id: str
    secret: str = field(repr=False)

    def stream_of(self, market: Market) -> str:
        path = "v1beta3/crypto/us" if market is Market.CRYPTO else f"v2/{self.tape}"
        return f"{self.stream}/{path}"

    def trades_of(self, market: Market) -> str:
        return f"{self._past_of(market)}/trades"

    def latest_quotes_of(self, market: Market) -> str:
        words = "latest/quotes" if market is Market.CRYPTO else "quotes/latest"
        return f"{self._past_of(market)}/{words}"

    def _past_of(self, market: Market) -> str:
        return f"{self.past}/{'v1beta3/crypto/us' if market is Market.CRYPTO else 'v2/stocks'}"


def configured() -> dict[str, Provider]:
    """Return every feed of the settings by its name. Raises UnusableFeed."""
    for setting in ("FEED_KEYS", "FEED_PASTS", "FEED_TAPES"):
        if strangers := getattr(settings, setting).keys() - settings.FEEDS.keys():
            raise UnusableFeed(f"{setting} names {min(strangers)!r}, which FEEDS does not.")
    return {name: _provider(name, address) for name, address in settings.FEEDS.items()}


def _provider(name: str, address: str) -> Provider:
    if not _NAME.fullmatch(name) or name in _OURS:
        raise UnusableFeed(
            f"FEEDS: {name!r} is no name for a feed: up to 12 small letters, digits, - and _."
        )
    scheme = _scheme(f"FEEDS: {name}", address, allowed=_PAST_SCHEMES)
    past = settings.FEED_PASTS.get(name) or _PAST_SCHEMES[scheme] + address[len(scheme) :]
    _scheme(f"FEED_PASTS: {name}", past, allowed=dict.fromkeys(_PAST_SCHEMES.values(), ""))
    key_id, _, secret = settings.FEED_KEYS.get(name, "").partition(":")
    if not key_id or not secret:
        raise UnusableFeed(f"FEED_KEYS has no KEY_ID:SECRET for {name}.")
    return Provider(
        name=name,
        stream=address.rstrip("/"),
        past=past.rstrip("/"),
        tape=settings.FEED_TAPES.get(name, "iex"),
        key_id=key_id,
        secret=secret,
    )


def _scheme(what: str, address: str, *, allowed: Mapping[str, str]) -> str:
    try:
        parts = urlsplit(address)
        is_whole = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_whole = False
    if not is_whole or parts.scheme not in allowed or parts.username or parts.query:
        raise UnusableFeed(f"{what} needs an address such as {next(iter(allowed))}://host:port.")
    return parts.scheme
