"""A body is read exactly, or refused in a way that a client can read."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading.api import parsing
from trading.api.errors import ApiError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refusal(body: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parsing.parse(body)
    return caught.value


def test_fractions_become_exact_decimals() -> None:
    assert parsing.parse(b'{"limit_price": 190.10, "qty": 3}') == {
        "limit_price": Decimal("190.10"),
        "qty": 3,
    }


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"qty": 1, "qty": 2}',
        b'{"a": 1e999999999}',
        b'{"a": 1e-999999999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 0.' + b"1" * 5000 + b"}",
        b'{"a": "\\ud800"}',
        b'{"\\u0000": 1}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
    ],
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    error = refusal(body)
    assert error.status == 400
    assert error.body["code"] == 40010000


def test_a_body_is_bounded() -> None:
    error = refusal(b'"' + b"a" * parsing.BODY_BYTES_MAX + b'"')
    assert error.status == 413
    assert error.body["code"] == 41310000


def test_escapes_that_make_sound_text_are_read() -> None:
    assert parsing.parse(b'{"a": "\\u00e9\\ud83d\\ude00"}') == {"a": "é\N{GRINNING FACE}"}


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        parsing.parse(body)
    except ApiError as refused:
        status = refused.status
    else:
        status = 400
    assert status in (400, 413)


@settings(max_examples=50)
@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    try:
        parsing.parse(json.dumps(value).encode())
    except ApiError as refused:
        status = refused.status
    else:
        status = 400
    assert status in (400, 413)
