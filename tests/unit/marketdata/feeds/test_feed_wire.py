"""What providers say is read as it was meant, and what makes no sense is counted and no more."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.feeds import wire
from marketdata.feeds.wire import Heard, Minute, Said, Status, Subscribed
from marketdata.ticks import QuoteTick, TradeTick
from trading.streams import data_wire as server

D = Decimal
AT = datetime(2026, 3, 2, 17, 0, 0, 250000, tzinfo=UTC)
TRADE = {"T": "t", "S": "AAPL", "i": 71, "x": "", "p": 190.1, "s": 5, "c": ["@"], "z": "C"}
QUOTE = {"T": "q", "S": "AAPL", "bp": 190.1, "bs": 3, "ap": 190.12, "as": 0.5}


def packed(*messages: object, at: object = AT) -> bytes:
    told = [{**each, "t": at} if isinstance(each, dict) else each for each in messages]
    return msgpack.packb(told, datetime=True)


def text(*messages: dict[str, object], at: str = "2026-03-02T17:00:00.250000Z") -> str:
    return json.dumps([{**each, "t": at} for each in messages])


@pytest.mark.parametrize("frame", [packed, text])
def test_trades_and_quotes_are_exact_in_either_codec(frame):
    heard = wire.heard(frame(TRADE, QUOTE))
    assert heard.ticks == [
        TradeTick("AAPL", AT, D("190.1"), D(5), "71"),
        QuoteTick("AAPL", AT, D("190.1"), D(3), D("190.12"), D("0.5")),
    ]
    assert (heard.malformed, heard.is_of_the_market) == (0, True)


def test_times_are_of_microseconds_whatever_the_provider_has():
    told = text(TRADE, at="2026-03-02T12:00:00.250000999-05:00")
    assert wire.heard(told).ticks[0].at == AT
    assert wire.heard(packed(TRADE, at=msgpack.Timestamp.from_datetime(AT))).ticks[0].at == AT


def test_a_price_of_nothing_is_a_side_without_orders():
    (quote,) = wire.heard(packed(QUOTE | {"bp": 0, "bs": 0})).ticks
    assert (quote.bid, quote.bid_size, quote.ask) == (None, 0, D("190.12"))


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({"c": ["@"]}, True),
        ({"c": ["Z"]}, False),
        ({"c": ["@", "I"]}, False),
        ({"c": ["W"]}, False),  # of tape C
        ({"c": None}, True),
        ({"c": ["?"]}, False),
        ({"c": ["?"], "z": None}, True),  # crypto has no tape
    ],
)
def test_conditions_say_what_sets_a_last_price(changes, counts):
    (trade,) = wire.heard(packed(TRADE | changes)).ticks
    assert trade.sets_last is counts


def test_an_official_close_is_no_trade():
    heard = wire.heard(packed(TRADE | {"c": ["M"]}))
    assert (heard.ticks, heard.malformed) == ([], 0)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"T": "success", "msg": "connected"}, Said("connected")),
        ({"T": "error", "code": 406, "msg": "connection limit"}, Said("connection limit", 406)),
        ({"T": "error"}, Said("None", 0)),
        (
            {"T": "subscription", "trades": ["A"], "quotes": []},
            Subscribed({"trades": frozenset("A"), "quotes": frozenset()}),
        ),
    ],
)
def test_the_conversation_is_understood(message, said):
    assert wire.heard(msgpack.packb([message])).said == [said]


def test_minutes_and_halts_are_understood():
    minute = {"T": "b", "S": "AAPL", "n": 7, "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}
    assert wire.heard(packed(minute, minute | {"T": "u"})).minutes == [Minute("AAPL", AT, 7)] * 2
    halts = [{"T": "s", "S": "AAPL", "sc": code} for code in ("H", "2", "T", "3", "Q")]
    assert wire.heard(packed(*halts)).statuses == [
        Status("AAPL", AT, is_halted) for is_halted in (True, True, False, False)
    ]


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -1.5, 0.0, 19010.0, 1e300])
def test_prices_that_are_wrong_come_through_for_cleaning_to_count(price):
    for frame in (packed, text):
        (trade,) = wire.heard(frame(TRADE | {"p": price})).ticks
        assert str(trade.price) == str(wire.number(price))
    assert wire.number(1e300) == D("Infinity")


WRONG: list[object] = [
    None, 7, "trade", [], {}, {"T": 7}, TRADE | {"S": None}, TRADE | {"S": ""},
    TRADE | {"S": "A" * 25}, TRADE | {"p": None}, TRADE | {"p": "190"}, TRADE | {"p": True},
    TRADE | {"s": []}, TRADE | {"i": None}, TRADE | {"i": "\n"}, TRADE | {"i": "1" * 41},
    TRADE | {"c": "@"}, TRADE | {"c": [7]}, QUOTE | {"bp": None}, QUOTE | {"as": {}},
    {"T": "b", "S": "A", "n": -1}, {"T": "b", "S": "A", "n": 1.0},
    {"T": "subscription", "trades": "A"}, {"T": "subscription", "trades": [7]},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_message_that_makes_no_sense_is_counted_and_the_others_are_taken(wrong):
    heard = wire.heard(packed(TRADE, wrong, QUOTE))
    assert (len(heard.ticks), heard.malformed) == (2, 1)


@pytest.mark.parametrize("at", [None, 7, "yesterday", "2026-03-02T17:00:00", "9" * 50, []])
def test_a_time_that_makes_no_sense_is_malformed(at):
    assert wire.heard(packed(TRADE, at=at)).malformed == 1


@pytest.mark.parametrize(
    "frame",
    [b"", b"\xc1", b"\x82\xa1", b"\x91" * 3000, b"\xc7\x0c\xff" + b"\xff" * 12, b"\x81\x90\x01",
     "", "{", "[" * 100_000, "\x00"],
)  # fmt: skip
def test_a_frame_that_cannot_be_read_is_one_malformed_message(frame):
    heard = wire.heard(frame)
    assert (heard.malformed, heard.is_of_the_market, heard.said) == (1, False, [])


def test_what_is_newer_than_we_are_is_passed_over():
    assert wire.heard(packed({"T": "x", "S": "AAPL"})) == Heard()


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_nothing_that_comes_over_the_wire_ends_the_reader(frame):
    assert isinstance(wire.heard(frame), Heard)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@given(
    st.sampled_from("tqbus"),
    st.dictionaries(st.sampled_from(["S", "t", "p", "s", "i", "c", "z", "n", "sc"]), JSON),
)
def test_no_field_ends_the_reader(kind, fields):
    assert isinstance(wire.heard(json.dumps([{**fields, "T": kind}])), Heard)


def test_what_we_say_is_understood_by_our_own_server():
    channels = ("trades", "quotes", "bars", "updatedBars", "statuses")
    wanted = {server.Channel(channel): frozenset("AB") for channel in channels}
    asked = server.asked(wire.subscribe({"B", "A"}), is_packed=True)
    assert asked == server.Subscribe(wanted)
    asked = server.asked(wire.authenticate("k", "s"), is_packed=True)
    assert asked == server.Authenticate("k", "s")
