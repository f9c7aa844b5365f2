"""What the program consists of, and which role of a process runs which part."""

from __future__ import annotations

import pkgutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.conf import settings

Run = Callable[[threading.Event, Callable[[], None]], None]


class Role(StrEnum):
    WEB = "web"
    FEED = "feed"
    VENUE = "venue"
    EXECUTIONS = "executions"
    WORKER = "worker"


EVERY: Final = frozenset(Role)


@dataclass(frozen=True)
class Part:
    """A loop of the program: `place` names its `run(stop, beat)`.

    One that `trades` must beat, in whatever process, before orders can be taken. One with a
    `setting` is there only when that is set.
    """

    name: str
    roles: frozenset[Role]
    place: str
    trades: bool = False
    setting: str = ""

    @property
    def is_wanted(self) -> bool:
        return not self.setting or bool(getattr(settings, self.setting))

    def resolve(self) -> Run:
        found: Run = pkgutil.resolve_name(self.place)
        return found


# The embedded exchange prints its tape in its own process, so the feed runs there too.
PARTS: Final = (
    Part("wakeups", EVERY, "foundation.wakeups:listener.run"),
    Part("feed", frozenset({Role.FEED, Role.VENUE}), "marketdata.arrival.tape:run", trades=True),
    Part("board", frozenset({Role.FEED, Role.VENUE}), "marketdata.current.board:run"),
    Part("feeds", frozenset({Role.FEED}), "marketdata.feeds.following:run", setting="FEEDS"),
    Part("exchange", frozenset({Role.VENUE}), "venues.exchange.service:run", trades=True),
    Part("port", frozenset({Role.VENUE}), "venues.exchange.port:run", setting="EXCHANGE_PORT"),
    Part("gateway", frozenset({Role.VENUE}), "venues.gateway:run", trades=True),
    Part("executions", frozenset({Role.EXECUTIONS}), "orders.executions:run", trades=True),
    Part("triggers", frozenset({Role.EXECUTIONS}), "orders.held.triggers:run", trades=True),
    Part("expiry", frozenset({Role.EXECUTIONS}), "orders.held.expiry:run", trades=True),
    Part("killing", frozenset({Role.EXECUTIONS}), "orders.safeguards.killing:run", trades=True),
    Part("guarding", frozenset({Role.EXECUTIONS}), "orders.safeguards.guarding:run", trades=True),
    Part("surveillance", frozenset({Role.WORKER}), "orders.surveillance.survey:run"),
    Part("alerts", frozenset({Role.WORKER}), "risk.surveillance.telling:run"),
    Part("letters", frozenset({Role.WORKER}), "accounts.letters.sending:run"),
    Part("messages", frozenset({Role.WORKER}), "accounts.factors.senders.sending:run"),
    Part("margin", frozenset({Role.EXECUTIONS}), "orders.safeguards.liquidation:run"),
    Part("metrics", EVERY, "trading.metrics.listener:run", setting="METRICS_PORT"),
    Part("measuring", EVERY, "trading.status.measuring:run"),
    Part("hub", frozenset({Role.WEB}), "trading.streams.hub:run"),
    Part("desk", frozenset({Role.WEB}), "trading.streams.desk:run"),
    Part("watch", frozenset({Role.WEB}), "trading.streams.watch:run"),
    Part(
        "backups",
        frozenset({Role.WORKER}),
        "trading.recovery.archiving:run",
        setting="EMBEDDED_POSTGRES",
    ),
    Part("worker", frozenset({Role.WORKER}), "trading.jobs:run_worker"),
    Part("beat", frozenset({Role.WORKER}), "trading.jobs:run_beat"),
)


def of_roles(roles: frozenset[Role]) -> list[Part]:
    return [part for part in PARTS if part.roles & roles and part.is_wanted]
