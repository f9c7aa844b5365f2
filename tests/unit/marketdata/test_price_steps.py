from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata import price_steps
from marketdata.price_steps import PriceSteps, UnfitSteps

D = Decimal
SHARES = price_steps.of(D("0.01"), D("0.0001"), D(1))
COINS = price_steps.of(D("0.01"), None, None)


@pytest.mark.parametrize(
    ("price", "step", "down", "up"),
    [
        ("0.99995", "0.0001", "0.9999", "1.0000"),
        ("0.5", "0.0001", "0.5", "0.5"),
        ("0.00005", "0.0001", "0", "0.0001"),
        ("1", "0.01", "1", "1"),
        ("1.0001", "0.01", "1", "1.01"),
        ("41.085", "0.01", "41.08", "41.09"),
    ],
)
def test_steps_are_finer_below_a_dollar(price, step, down, up):
    price = D(price)
    assert SHARES.at(price) == D(step)
    assert (SHARES.down(price), SHARES.up(price)) == (D(down), D(up))
    assert SHARES.fits(price) == (D(down) == price)


def test_without_finer_steps_all_are_the_usual():
    assert (COINS.down(D("0.019")), COINS.up(D("0.011"))) == (D("0.01"), D("0.02"))
    assert not COINS.fits(D("0.0001"))


@given(st.integers(1, 400), st.sampled_from([PriceSteps(1, 1, 0), PriceSteps(10, 2, 100)]))
def test_what_is_rounded_to_a_step_is_the_nearest_price_that_there_is(price, steps):
    prices = [each for each in range(500) if steps.fits(each)]
    assert steps.down(price) == max(each for each in prices if each <= price)
    assert steps.up(price) == min(each for each in prices if each >= price)


@pytest.mark.parametrize(
    ("usual", "fine", "below"),
    [
        ("0.01", "0.0001", None),
        ("0.01", None, "1"),
        ("0.01", "0.003", "1"),
        ("0.01", "0.01", "1"),
        ("0.01", "0", "1"),
        ("0.01", "0.001", "1.005"),
        ("0.01", "0.001", "0"),
    ],
)
def test_steps_that_do_not_go_into_each_other_are_refused(usual, fine, below):
    with pytest.raises(UnfitSteps):
        price_steps.check(D(usual), fine and D(fine), below and D(below))
