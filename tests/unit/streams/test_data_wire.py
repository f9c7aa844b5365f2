"""What compatible data clients say and are told, in both codecs."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import msgpack
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading.streams import data_wire
from trading.streams.data_wire import (
    Authenticate,
    Channel,
    Code,
    Message,
    Refused,
    Subscribe,
    Unsubscribe,
)

AT = datetime(2026, 3, 2, 15, 0, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_client_authenticates_and_subscribes(is_packed: bool) -> None:
    def asked(**message: Any) -> data_wire.Asked:
        pack = msgpack.packb if is_packed else orjson.dumps
        return data_wire.asked(pack(message), is_packed=is_packed)

    assert asked(action="auth", key="PK", secret="s") == Authenticate("PK", "s")
    assert asked(action="subscribe", trades=["IBM", "IBM"], bars=["*"]) == Subscribe(
        {Channel.TRADES: frozenset({"IBM"}), Channel.BARS: frozenset({"*"})}
    )
    assert asked(action="unsubscribe", updatedBars=[]) == Unsubscribe(
        {Channel.UPDATED_BARS: frozenset()}
    )


def test_text_is_json_whatever_the_codec() -> None:
    text = '{"action":"auth","key":"PK","secret":"s"}'
    assert data_wire.asked(text, is_packed=True) == Authenticate("PK", "s")
    assert data_wire.asked(text.encode(), is_packed=False) == Authenticate("PK", "s")


@pytest.mark.parametrize(
    "message",
    [
        [],
        {"action": "dance"},
        {"action": "auth", "key": "PK"},
        {"action": "auth", "key": "PK", "secret": 7},
        {"action": "subscribe", "horoscopes": ["IBM"]},
        {"action": "subscribe", "trades": "IBM"},
        {"action": "subscribe", "trades": [7]},
        {"action": "subscribe", "trades": [""]},
        {"action": "subscribe", "trades": ["X" * 25]},
    ],
)
def test_what_has_no_meaning_is_refused(message: Any) -> None:
    for data, is_packed in ((json.dumps(message), False), (msgpack.packb(message), True)):
        with pytest.raises(Refused) as refused:
            data_wire.asked(data, is_packed=is_packed)
        assert refused.value.code is Code.SYNTAX


@given(data=st.one_of(st.binary(max_size=80), st.text(max_size=80)), is_packed=st.booleans())
def test_whatever_a_client_sends_is_read_or_refused(data: str | bytes, is_packed: bool) -> None:
    # Nothing else is raised.
    with contextlib.suppress(Refused):
        data_wire.asked(data, is_packed=is_packed)


def message(number: int, **content: Any) -> Message:
    return Message(number, Channel.TRADES, "IBM", AT, lambda: content)


def test_a_frame_is_an_array_of_messages() -> None:
    messages = [message(1, p=100.5, s=3), message(2, p=100.25, s=1)]
    text = data_wire.frame(messages, is_packed=False)
    assert json.loads(text) == [
        {"T": "t", "S": "IBM", "t": "2026-03-02T15:00:00.123456Z", "p": 100.5, "s": 3},
        {"T": "t", "S": "IBM", "t": "2026-03-02T15:00:00.123456Z", "p": 100.25, "s": 1},
    ]
    packed = data_wire.frame(messages, is_packed=True)
    found = msgpack.unpackb(packed)
    assert [each["p"] for each in found] == [100.5, 100.25]
    # An extension of type -1, as clients expect; theirs has nanoseconds.
    assert found[0]["t"] == msgpack.Timestamp.from_datetime(AT)


def test_a_message_is_made_once_whoever_asks() -> None:
    made = []

    def make() -> dict[str, int]:
        made.append(1)
        return {"p": 1}

    told = Message(1, Channel.TRADES, "IBM", AT, make)
    for _ in range(3):
        data_wire.frame([told], is_packed=False)
        data_wire.frame([told], is_packed=True)
    assert len(made) == 2  # once for each codec


def test_an_answer_names_every_channel() -> None:
    answer = data_wire.subscription({Channel.BARS: frozenset({"B", "A"})}, is_packed=False)
    assert json.loads(answer) == [
        {
            "T": "subscription",
            "trades": [], "quotes": [], "bars": ["A", "B"], "updatedBars": [], "dailyBars": [],
            "statuses": [], "lulds": [], "corrections": [], "cancelErrors": [],
        }
    ]  # fmt: skip
    assert msgpack.unpackb(data_wire.error(Code.SLOW_CLIENT, "slow client", is_packed=True)) == [
        {"T": "error", "code": 407, "msg": "slow client"}
    ]
