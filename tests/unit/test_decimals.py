"""Numbers at the door."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation import decimals


@pytest.mark.parametrize("text", ["1", "0.01", "-3.5", "000.10", "123456789012345678.123456789"])
def test_plain_numbers_come_in_exactly(text):
    assert decimals.parse(text) == Decimal(text)


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-inf", "1e5", "1E400", "", " ", ".5", "5.", "1_000", "0x1", "１",
     "1" * 19, "0." + "1" * 19, None, True, 1.5, b"1", Decimal("NaN"), Decimal("1E+30"),
     Decimal("1E+999999999"), Decimal("1E-999999999"), Decimal("Infinity")],
)  # fmt: skip
def test_anything_else_is_refused(value):
    with pytest.raises(decimals.InvalidDecimal):
        decimals.parse(value)


@given(st.decimals(-(10**15), 10**15, places=9))
def test_text_gives_back_what_it_was_given(value):
    text = decimals.text(value)
    assert Decimal(text) == value
    assert "E" not in text and text != "-0"
    assert not ("." in text and text.endswith(("0", ".")))
