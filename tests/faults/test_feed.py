"""One running program is the provider of another: its prices are followed, lost, and made good.

The consumer has the prices of one instrument from the provider's stream, and trades on them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.live_server import LiveServer
from tests.patience import DEADLINE_SECONDS, until

FEED = "feed acme us_equity"
STALE_AFTER_SECONDS = "10"
FOLLOW = """
from marketdata.models import Instrument
ibm = Instrument.objects.get(symbol="IBM")
ibm.source, ibm._change_reason = "acme", "Prices of the provider."
ibm.save()
"""
ENDED = frozenset({"filled", "canceled", "rejected", "expired"})
HALT = """
from marketdata.models import Instrument
ibm = Instrument.objects.get(symbol="IBM")
ibm.halted, ibm._change_reason = True, "The end of a test."
ibm.save()
"""


class Program:
    """A running program, and a customer of it with a key."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        told = server.console(
            "open_account", "trader@example.com", "--deposit", "1000000", "--api-key"
        )
        self.key: dict[str, Any] = json.loads(told)
        headers = {
            "APCA-API-KEY-ID": self.key["key_id"],
            "APCA-API-SECRET-KEY": self.key["secret_key"],
        }
        self.client = httpx.Client(
            base_url=server.base_url, headers=headers, timeout=DEADLINE_SECONDS
        )

    def quote(self) -> tuple[float, ...]:
        return _sides(self.client.get("/v2/stocks/IBM/quotes/latest").json()["quote"])

    def quotes(self, since: str) -> set[tuple[float, ...]]:
        """Return what it has quoted since then, the latest of it."""
        asked = {"start": since, "sort": "desc"}
        told = self.client.get("/v2/stocks/IBM/quotes", params=asked).json()["quotes"]
        return set(map(_sides, told))

    def minutes(self, since: str) -> list[dict[str, Any]]:
        asked = {"timeframe": "1Min", "start": since}
        found: list[dict[str, Any]] = self.client.get("/v2/stocks/IBM/bars", params=asked).json()[
            "bars"
        ]
        return found

    def buys(self) -> httpx.Response:
        wanted = {"symbol": "IBM", "side": "buy", "qty": "1", "type": "market"}
        return self.client.post("/v2/orders", json={**wanted, "time_in_force": "day"})

    def has_bought(self) -> bool:
        """Buy, and tell whether that was filled: nobody may be selling while quotes are renewed."""
        answer = self.buys()
        return answer.status_code == 200 and self._outcome(answer.json()["id"]) == "filled"

    def _outcome(self, order: str) -> str:
        return until(
            lambda: (
                (status := self.client.get(f"/v2/orders/{order}").json()["status"]) in ENDED
                and status
            )
        )

    @property
    def feed(self) -> dict[str, Any]:
        found: dict[str, Any] = self.server.readiness()[1].get(FEED, {})
        return found


def _sides(quote: dict[str, Any]) -> tuple[float, ...]:
    return quote["bp"], quote["bs"], quote["ap"], quote["as"]


@pytest.fixture
def provider(live_servers: Callable[..., LiveServer]) -> Iterator[Program]:
    server = live_servers()
    server.start()
    program = Program(server)
    yield program
    program.client.close()


@pytest.fixture
def consumer(live_servers: Callable[..., LiveServer], provider: Program) -> Iterator[Program]:
    server = live_servers(
        FEEDS=f"acme=ws://127.0.0.1:{provider.server.port}",
        FEED_KEYS=f"acme={provider.key['key_id']}:{provider.key['secret_key']}",
        QUOTE_AGE_SECONDS_MAX=STALE_AFTER_SECONDS,
        MARKET_SEED="2",  # a market of its own, which is another
    )
    server.start()
    program = Program(server)
    yield program
    program.client.close()


def test_one_program_feeds_another_which_survives_its_death_without_a_gap(provider, consumer):
    consumer.server.console("shell", "--no-imports", "-c", FOLLOW)
    until(lambda: consumer.feed.get("ready"))
    since = consumer.feed["since"][:16] + ":00Z"
    until(lambda: consumer.quote() in provider.quotes(since))
    until(consumer.has_bought)

    provider.server.kill()
    until(lambda: consumer.feed.get("state") == "lost")
    until(lambda: consumer.buys().json().get("reason") == "quote_stale")
    until(lambda: consumer.server.readiness()[1]["exchange"]["ready"])  # the rest goes on

    provider.server.start()
    until(lambda: consumer.feed.get("ready"))
    back_at = consumer.feed["since"].replace("+00:00", "Z")
    until(lambda: consumer.quote() in provider.quotes(back_at))
    until(consumer.has_bought)

    # Nothing is traded there any more, and so nothing here: the bars can be compared.
    provider.server.console("shell", "--no-imports", "-c", HALT)
    until(lambda: provider.minutes(since) == consumer.minutes(since) != [])
