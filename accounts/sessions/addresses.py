"""Where a request came from, when proxies stand before us; and lists of addresses. Pure.

`X-Forwarded-For` is what anybody may write. Each proxy adds, at its end, whom it heard from: so it
is read from the end, as long as those who wrote it are proxies of ours.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from typing import Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

HOPS_MAX: Final = 20


class UnreadableNetwork(ValueError):
    """This line is neither an address nor a network in CIDR form."""


def parsed(text: str) -> Address | None:
    """Return the address that `text` is, an IPv4 one in IPv6 clothes as IPv4; or None."""
    bare = text.strip().strip('"')
    if bare.startswith("["):  # [2001:db8::1]:443
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:  # 192.0.2.1:443
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def networks(lines: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that `lines` name, one a line; "#" begins a remark.

    Raises UnreadableNetwork, which says which line.
    """
    found = []
    for number, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            found.append(ip_network(text, strict=False))
        except ValueError:
            raise UnreadableNetwork(f"line {number}: {text[:60]!r} is no network") from None
    return tuple(found)


def is_in(address: str, those: Sequence[Network]) -> bool:
    found = parsed(address)
    return found is not None and any(
        found in each for each in those if each.version == found.version
    )


def client(*, peer: str, forwarded_for: str, proxies: Sequence[Network]) -> str:
    """Return who made the request: `peer`, or whom our proxies say that they heard from.

    What a stranger wrote before our proxies did is not looked at, nor what is no address.
    """
    nearest = peer
    for said in reversed(forwarded_for.split(",")[-HOPS_MAX:]):
        if not is_in(nearest, proxies):
            break
        heard = parsed(said)
        if heard is None:
            break
        nearest = str(heard)
    return nearest


class AddressList:
    """Many networks, asked for one address in logarithmic time."""

    def __init__(self, those: Iterable[Network]) -> None:
        self._ranges: dict[int, tuple[list[int], list[int]]] = {}
        of_version: dict[int, list[Network]] = {4: [], 6: []}
        for each in those:
            of_version[each.version].append(each)
        for version, found in of_version.items():
            apart = sorted(collapse_addresses(found))  # type: ignore[type-var]
            self._ranges[version] = (
                [int(each.network_address) for each in apart],
                [int(each.broadcast_address) for each in apart],
            )

    def __contains__(self, address: str) -> bool:
        found = parsed(address)
        if found is None:
            return False
        firsts, lasts = self._ranges[found.version]
        at = bisect_right(firsts, int(found)) - 1
        return at >= 0 and int(found) <= lasts[at]
