"""The arithmetic of owning, by property."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from foundation.decimals import CASH
from portfolio import accounting
from portfolio.accounting import HoldTerms
from portfolio.fees.rules import NO_FEES, FeeTerms, fee_of

PRICES = st.decimals("0.0001", "5000", places=4)
QUANTITIES = st.decimals("0.000000001", "1000", places=9)
CENT = Decimal("0.01")
D = Decimal


@given(st.lists(st.tuples(PRICES, QUANTITIES), min_size=1, max_size=20))
def test_many_fills_cost_what_their_total_costs(fills):
    value, cash = Decimal(0), Decimal(0)
    for price, quantity in fills:
        cash += accounting.cash_of_fill(value_before=value, value=price * quantity)
        value += price * quantity
    assert cash == value.quantize(CENT)


FEES = st.sampled_from(
    [NO_FEES, FeeTerms(D("1.00"), D("0.005"), D("0.0025")), FeeTerms(rate=D("0.01"))]
)
SMALL = st.decimals("0.001", "1.2", places=3)  # fills of half a cent, and of whole ones


@given(
    PRICES | st.decimals("0.97", "1.01", places=2),
    st.lists(st.tuples(QUANTITIES | SMALL, st.decimals(0, 1, places=2)), min_size=1),
    FEES,
)
def test_each_fill_is_covered_by_what_it_frees(limit, fills, fees):
    """A buyer's fills come at the limit or better. What one frees is gone before the next comes."""
    total = sum(quantity for quantity, _ in fills)
    terms = HoldTerms(CASH, limit, fees=fees)
    amount = held = terms.of(total)
    filled = value = spent = D(0)
    for quantity, better in fills:
        before = held
        price = limit * (1 - better / 2)
        value += price * quantity
        filled += quantity
        cost = value.quantize(CENT) + fee_of(fees, quantity=filled, value=value) - spent
        spent += cost
        held = terms.left(amount=amount, filled=filled, leaves=total - filled, value=value)
        assert before - held >= cost
        assert held >= 0
    # The most that it may have cost is rounded up: no more than a cent of that is left.
    assert held <= CENT


@given(
    PRICES,
    QUANTITIES,
    FEES,
    PRICES,
    QUANTITIES,
    FEES,
    st.lists(st.floats(0, 1), max_size=6),
    st.floats(0, 1),
)
def test_a_replace_is_covered_whatever_executes_meanwhile(
    old_price, quantity, old_fees, price, total, new_fees, parts, share
):
    """What both orders hold covers what the venue may make of it, to four cents of rounding."""

    old, new = HoldTerms(CASH, old_price, fees=old_fees), HoldTerms(CASH, price, fees=new_fees)
    amount = old.of(quantity)
    extra = accounting.replaced_hold(
        asset=CASH,
        needed=new.of(total),
        needed_beyond=max(new.of(max(total - quantity, D(0))), new_fees.per_order),
        held=amount,
        due=old_fees.per_order,
        available=D(10) ** 20,
        roundings=4,
    )
    filled = D(0)
    for part in [0.0, *parts, 1.0]:
        more = ((quantity - filled) * D(str(part))).quantize(D("0.000000001"))
        filled += min(more, quantity - filled)
        held = old.left(
            amount=amount,
            filled=filled,
            leaves=quantity - filled,
            value=filled * old_price * D(str(share)).quantize(D("0.01")),
        )
        assert held + extra >= new.of(max(total - filled, D(0)))


def test_an_order_by_value_uses_up_what_it_spends():
    held = HoldTerms(CASH, D(0), D(0)).left(
        amount=D("100.00"), filled=D(7), leaves=D(2), value=D("71.234")
    )
    assert held == Decimal("28.77")
