"""Who may read the metrics: programs of ours. They tell strangers too much of us."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from accounts.sessions import addresses

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Fence:
    """Where who reads must come from, and the token that they must bring, if there is one.

    Without either it is open to this machine alone; with a token and no networks, to whoever
    brings it.
    """

    networks: tuple[addresses.Network, ...]
    token: str

    @classmethod
    def of(cls, *, networks: Iterable[str], token: str) -> Self:
        """Return the fence of these settings. Raises ValueError for what is no network."""
        given = tuple(networks) or (() if token else LOOPBACK)
        return cls(tuple(addresses.networks(given)), token)

    def lets_in(self, *, address: str, authorization: str, is_forwarded: bool) -> bool:
        """Tell whether a call from `address` with this header may read.

        One that a proxy has forwarded without our believing it comes from wherever: its address
        is the proxy's, which stands inside the fence.
        """
        if self.networks and (is_forwarded or not addresses.is_in(address, self.networks)):
            return False
        return not self.token or hmac.compare_digest(_token_in(authorization), self.token.encode())


def _token_in(authorization: str) -> bytes:
    if not authorization.lower().startswith(_BEARER):
        return b""
    return authorization[len(_BEARER) :].strip().encode()
