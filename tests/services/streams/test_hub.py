"""What the hub shows: also when it fails, and when symbols change hands."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.db import OperationalError

from marketdata import selectors
from marketdata.models import Instrument
from tests.services.streams.conftest import tell
from trading.streams import hub as hubs
from trading.streams.hub import Hub

pytestmark = [pytest.mark.usefixtures("committed")]


@pytest.fixture(autouse=True)
def prices_do_not_age(settings: Any) -> None:
    settings.QUOTE_AGE_SECONDS_MAX = 3600


def shown(hub: Hub, symbol: str) -> tuple[str, bool]:
    """Return the bid that is shown of `symbol`, and whether it is stale."""
    (text,) = hub.entries([symbol])
    entry = json.loads(text)
    assert entry["symbol"] == symbol
    return entry["bid"], entry["stale"]


def fail(**_: object) -> None:
    raise OperationalError("the database is away")


def test_a_hub_that_fails_leaves_no_price_that_looks_fresh_and_misses_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tell("IBM", "99", "101")
    hubs.hub.look()
    assert shown(hubs.hub, "IBM") == ("99", False)
    tell("IBM", "99.5", "101")
    with monkeypatch.context() as away:
        away.setattr(selectors, "stale_instruments", fail)
        with pytest.raises(OperationalError):
            hubs.run(threading.Event(), lambda: None)
    assert shown(hubs.hub, "IBM") == ("99", True)
    symbols, news = hubs.hub.look()
    assert "IBM" in symbols
    assert [str(quote.bid.normalize()) for quote in news if quote.bid] == ["99.5"]
    assert shown(hubs.hub, "IBM") == ("99.5", False)


def test_what_a_symbol_costs_that_nobody_has_any_more_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hubs, "STANDING_SECONDS", 0)
    tell("FB", "99", "101")
    hub = Hub()
    hub.look()
    Instrument.objects.filter(symbol="FB").update(symbol="META")
    symbols, news = hub.look()
    assert (symbols, news) == ({"FB", "META"}, [])
    assert shown(hub, "META") == ("99", False)
    assert shown(hub, "FB") == ("99", True)
    link = hub.chains.strand("FB").link
    assert link is not None and link.picture.status is not None
    assert not link.picture.status.is_tradable
    assert hub.look() == (set(), [])


def test_symbols_that_change_hands_cost_what_their_new_owners_do() -> None:
    tell("OLD", "10", "11")
    tell("NEW", "20", "21")
    hub = Hub()
    hub.look()
    for symbol, becomes in (("OLD", "GONE"), ("NEW", "OLD")):
        Instrument.objects.filter(symbol=symbol).update(symbol=becomes)
    tell("OLD", "20.5", "21")  # which tells the hub to look what is called how
    symbols, _ = hub.look()
    assert symbols == {"OLD", "NEW", "GONE"}
    assert [shown(hub, each) for each in ("OLD", "NEW", "GONE")] == [
        ("20.5", False), ("20.5", True), ("10", False),
    ]  # fmt: skip
