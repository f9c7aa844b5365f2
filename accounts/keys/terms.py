"""What a key for programs may do, from where, how often and until when. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

NETWORKS_MAX: Final = 20
NETWORK_LENGTH_MAX: Final = 43
LASTS_MAX: Final = timedelta(days=366 * 2)
CALLS_MAX: Final = 600_000


class Scope(StrEnum):
    """What a call does with the account. There is none for withdrawals: no key takes money out."""

    READ = "read"
    TRADE = "trade"
    """Place, change and cancel orders, and all that reading is: who trades looks at the order."""


ALL: Final = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Terms:
    """`networks` are in CIDR notation, none of them means anywhere; `calls_per_minute` None is
    what every key has."""

    scopes: frozenset[Scope] = ALL
    networks: tuple[str, ...] = ()
    expires_at: datetime | None = None
    calls_per_minute: int | None = None


class InvalidTerms(ValueError):
    """`field` is what cannot be so."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def checked(terms: Terms, *, now: datetime) -> Terms:
    """Return the terms in the form that is kept. Raises InvalidTerms."""
    if not terms.scopes:
        raise InvalidTerms("scopes", "A key that may do nothing is of no use.")
    if terms.expires_at is not None and not now < terms.expires_at <= now + LASTS_MAX:
        raise InvalidTerms("expires_at", "A key ends in the future, within two years.")
    if terms.calls_per_minute is not None and not 1 <= terms.calls_per_minute <= CALLS_MAX:
        raise InvalidTerms(
            "calls_per_minute", f"A key may make 1 to {CALLS_MAX:,} calls in a minute."
        )
    scopes = ALL if Scope.TRADE in terms.scopes else terms.scopes
    return replace(terms, scopes=scopes, networks=parsed_networks(terms.networks))


def parsed_networks(texts: Iterable[str]) -> tuple[str, ...]:
    """Return networks in CIDR notation, each once; a lone address is a network of one.

    Raises InvalidTerms.
    """
    found: dict[str, None] = {}
    for text in texts:
        try:
            if len(text) > NETWORK_LENGTH_MAX:
                raise ValueError(text)
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            raise InvalidTerms(
                "networks",
                f"{text[:NETWORK_LENGTH_MAX]!r} is no address such as 192.0.2.7, 192.0.2.0/24 or "
                "2001:db8::/48.",
            ) from None
        if network.prefixlen == 0:
            raise InvalidTerms("networks", f"{network} is every address: leave the list empty.")
        found[str(network)] = None
    if len(found) > NETWORKS_MAX:
        raise InvalidTerms("networks", f"{NETWORKS_MAX} addresses are the most.")
    return tuple(found)


def admits(networks: tuple[str, ...], address: str) -> bool:
    """Tell whether a call from `address` is from one of `networks`; without any it always is."""
    return not networks or _is_within(networks, address)


@lru_cache(maxsize=10_000)
def _is_within(networks: tuple[str, ...], address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False  # whoever cannot be placed is not let in
    # A socket that takes both families shows the older one inside the newer.
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network) for network in networks)
