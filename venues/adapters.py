"""How a venue is reached. Every adapter passes the same contract test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from venues import outbox
from venues.exchange import service as exchange
from venues.messages import ExecutionReport, Request


class VenueUnavailable(RuntimeError):
    """The venue cannot be reached now: nothing is known of what was being sent."""


class Unsendable(ValueError):
    """The venue's wire cannot carry one of these requests, now or ever; none was sent."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request on its way: the `number`th that the venue is sent on `session_date`.

    `is_repeat` says that it may have been sent before, with this very number.
    """

    session_date: date
    number: int
    request: Request
    is_repeat: bool = False


class Adapter(Protocol):
    """One venue, seen from its gateway. No call takes longer than ten seconds."""

    venue: str

    def is_reachable(self) -> bool:
        """Return whether this process can reach the venue at all, or another has to."""

    def connect(self, after: int, on_news: Callable[[], None]) -> None:
        """Make the venue ready to talk, with its reports after that sequence.

        `on_news` is called from any thread when there may be more of them, or the link is lost;
        a venue that hints otherwise need not. Raises VenueUnavailable.
        """

    def close(self) -> None:
        """Talk no more; a closed adapter can connect again."""

    def send(self, outgoing: Sequence[Outgoing]) -> None:
        """Hand over the requests in order; return when the venue has them safely.

        Raises VenueUnavailable, after which any of them may or may not have arrived, and
        Unsendable.
        """

    def statuses(self, client_order_ids: Sequence[str]) -> Sequence[ExecutionReport]:
        """Ask how these orders stand: one STATUS for each that the venue has ever heard of.

        What it has not heard of by now does not reach it any more, unless it is sent again.
        All reports that came before the answer can be had from `reports` after it. Raises
        VenueUnavailable.
        """

    def reports(self, after: int, limit: int) -> Sequence[ExecutionReport]:
        """Return the venue's reports after that sequence, in order.

        When the first is not the next one, some are missing: asking again asks the venue too.
        Raises VenueUnavailable, also when the venue has been silent for too long.
        """


class EmbeddedExchange:
    """The exchange that lives in this program."""

    def __init__(self, venue: str = outbox.EMBEDDED) -> None:
        self.venue = venue

    def is_reachable(self) -> bool:
        return exchange.is_open()

    def connect(self, after: int, on_news: Callable[[], None]) -> None:
        self._check()

    def close(self) -> None:
        """There is nothing to hang up."""

    def send(self, outgoing: Sequence[Outgoing]) -> None:
        try:
            exchange.enter([each.request for each in outgoing])
        except exchange.ExchangeUnavailable as error:
            raise VenueUnavailable(str(error)) from error
        except exchange.MalformedRequest as error:
            raise Unsendable(str(error)) from error

    def statuses(self, client_order_ids: Sequence[str]) -> Sequence[ExecutionReport]:
        try:
            return exchange.order_status(client_order_ids)
        except exchange.ExchangeUnavailable as error:
            raise VenueUnavailable(str(error)) from error

    def reports(self, after: int, limit: int) -> Sequence[ExecutionReport]:
        self._check()
        return exchange.reports(after, limit)

    def _check(self) -> None:
        if not exchange.is_open():
            raise VenueUnavailable("the exchange is not running")
