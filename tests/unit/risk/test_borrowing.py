"""What is lent for all is lent once, and nobody is kept from what is lent to him alone."""

from __future__ import annotations

import uuid
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from risk.margin.borrowing import Lent

D = Decimal
A, B, C = (uuid.UUID(int=number) for number in range(1, 4))


def test_each_uses_his_own_first_and_all_share_the_rest():
    lent, sold = Lent(own={A: D(50)}, shared=D(100), taken=D(10)), {A: D(70), B: D(30)}
    # Of the 100 others have: beside A 30 and 10, beside B 20 and 10, beside C all of it: 60.
    assert lent.to(A, sold=sold) == D(50 + 60)
    assert lent.to(B, sold=sold) == D(70)
    assert lent.to(C, sold=sold) == D(40)
    assert lent.to(C, sold={A: D(49)}) == D(90)


def test_what_is_taken_beyond_what_is_there_leaves_nothing_and_not_less():
    lent = Lent(own={A: D(5)}, shared=D(10), taken=D(11))
    assert (lent.to(A, sold={}), lent.to(B, sold={})) == (D(5), D(0))


quantities = st.integers(0, 20).map(D)
accounts = st.sampled_from([A, B, C])


@given(
    own=st.dictionaries(accounts, quantities),
    shared=quantities,
    asked=st.lists(st.tuples(accounts, st.integers(1, 9).map(D)), max_size=20),
)
def test_whoever_comes_first_never_is_more_sold_than_is_lent(own, shared, asked):
    lent, sold = Lent(own=own, shared=shared, taken=D(0)), {}
    for account, quantity in asked:
        after = sold.get(account, D(0)) + quantity
        if after <= lent.to(account, sold=sold):
            sold[account] = after
    assert sum(max(much - own.get(each, D(0)), D(0)) for each, much in sold.items()) <= shared
