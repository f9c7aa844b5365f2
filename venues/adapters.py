"""How a venue is reached. Every adapter passes the same contract test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from venues import outbox
from venues.exchange import service as exchange
from venues.messages import ExecutionReport, Request


class VenueUnavailable(RuntimeError):
    """The venue cannot be reached now: nothing is known of what was being sent."""


class Unsendable(ValueError):
    """The venue's wire cannot carry one of these requests, now or ever; none was sent."""


class Adapter(Protocol):
    """One venue, seen from the gateway."""

    venue: str

    def is_reachable(self) -> bool:
        """Return whether this process can reach the venue at all."""

    def send(self, requests: Sequence[Request]) -> None:
        """Hand over the requests in order; return when the venue has them safely.

        Raises VenueUnavailable, after which any of them may or may not have arrived, and
        Unsendable.
        """

    def reports(self, after: int, limit: int) -> Sequence[ExecutionReport]:
        """Return the venue's reports after that sequence, in order, without a gap."""


class EmbeddedExchange:
    """The exchange that lives in this program."""

    venue = outbox.EMBEDDED

    def is_reachable(self) -> bool:
        return exchange.is_open()

    def send(self, requests: Sequence[Request]) -> None:
        try:
            exchange.enter(requests)
        except exchange.ExchangeUnavailable as error:
            raise VenueUnavailable(str(error)) from error
        except exchange.MalformedRequest as error:
            raise Unsendable(str(error)) from error

    def reports(self, after: int, limit: int) -> Sequence[ExecutionReport]:
        return exchange.reports(after, limit)
