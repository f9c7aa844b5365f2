"""What is told on lines reaches who wants it: everything once, quotes the latest."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from trading.streams import data_lines
from trading.streams.data_lines import Box, DataHub, Lagging, Place, Told
from trading.streams.data_wire import EVERY, Channel

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def trade(symbol: str, price: int) -> Told:
    return Told(Place(Channel.TRADES, symbol), AT, lambda: {"p": price})


def quote(symbol: str, price: int) -> Told:
    return Told(Place(Channel.QUOTES, symbol), AT, lambda: {"bp": price})


async def taken(box: Box, hub: DataHub) -> list[dict[str, Any]]:
    await asyncio.sleep(0)  # let the loop hear what was told
    return [{"S": each.symbol, **each.make()} for each in box.take(hub.lines)]


async def test_each_hears_what_it_wants_once_and_in_order() -> None:
    hub, named, all_trades = DataHub(), Box(), Box()
    assert not hub.is_heard
    hub.subscribe(named, {Place(Channel.TRADES, "IBM"), Place(Channel.QUOTES, "BAC")})
    hub.subscribe(all_trades, {Place(Channel.TRADES, EVERY)})
    hub.tell([trade("IBM", 1), quote("BAC", 2), trade("BAC", 3)])
    hub.tell([trade("IBM", 4), quote("IBM", 5), quote("BAC", 6)])
    assert await taken(named, hub) == [
        {"S": "IBM", "p": 1},
        {"S": "IBM", "p": 4},
        {"S": "BAC", "bp": 6},  # the latest quote alone
    ]
    assert [each["p"] for each in await taken(all_trades, hub)] == [1, 3, 4]
    assert await taken(named, hub) == await taken(all_trades, hub) == []
    hub.tell([trade("IBM", 7)])
    assert await taken(named, hub) == [{"S": "IBM", "p": 7}]
    for box in (named, all_trades):
        hub.subscribe(box, set())
    assert not hub.is_heard


async def test_what_was_before_a_subscription_is_not_told() -> None:
    hub, first, second = DataHub(), Box(), Box()
    hub.subscribe(first, {Place(Channel.TRADES, "IBM")})
    hub.tell([trade("IBM", 1), trade("BAC", 2)])
    hub.subscribe(second, {Place(Channel.TRADES, "IBM")})
    hub.subscribe(first, {Place(Channel.TRADES, "IBM"), Place(Channel.TRADES, "BAC")})
    hub.tell([trade("IBM", 3), trade("BAC", 4)])
    assert [each["p"] for each in await taken(second, hub)] == [3]
    assert [each["p"] for each in await taken(first, hub)] == [1, 3, 4]


async def test_what_is_wanted_twice_is_told_once_and_what_is_wanted_no_more_not_at_all() -> None:
    hub, box = DataHub(), Box()
    hub.subscribe(box, {Place(Channel.TRADES, "IBM"), Place(Channel.TRADES, EVERY)})
    hub.tell([trade("IBM", 1)])
    assert [each["p"] for each in await taken(box, hub)] == [1]
    hub.tell([trade("IBM", 2), trade("BAC", 3)])
    hub.subscribe(box, {Place(Channel.TRADES, "IBM")})
    assert [each["p"] for each in await taken(box, hub)] == [2]


async def test_who_lags_behind_what_is_kept_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_lines, "KEPT_MAX", 3)
    hub, quick, slow = DataHub(), Box(), Box()
    for box in (quick, slow):
        hub.subscribe(box, {Place(Channel.TRADES, "IBM"), Place(Channel.QUOTES, "IBM")})
    hub.tell([trade("IBM", 1), trade("IBM", 2), trade("IBM", 3)])
    assert len(await taken(quick, hub)) == 3
    hub.tell([quote("IBM", each) for each in range(9)])  # quotes crowd nobody out
    hub.tell([trade("IBM", 4)])
    assert len(await taken(quick, hub)) == 2
    with pytest.raises(Lagging):
        await taken(slow, hub)
