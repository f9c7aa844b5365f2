"""Wash sales, by hand and by property."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from portfolio.lots import wash_sales
from portfolio.lots.wash_sales import Loss, Purchase, Wash

D = Decimal
SOLD = datetime(2026, 6, 15, 17, tzinfo=UTC)


def days(number: int) -> timedelta:
    return timedelta(days=number)


def loss(quantity="10", amount="100.00", **more) -> Loss:
    return Loss(UUID(int=1), UUID(int=2), SOLD, D(quantity), D(amount), **more)


def bought(number: int, after: int, quantity: str, **more) -> Purchase:
    return Purchase(UUID(int=number), SOLD + days(after), D(quantity), **more)


def test_the_window_is_thirty_days_either_way():
    for after, washes in ((-31, False), (-30, True), (30, True), (31, False)):
        assert bool(wash_sales.found([loss()], [bought(9, after, "10")])) is washes


def test_a_part_that_is_bought_again_disallows_its_part_of_the_loss():
    [wash] = wash_sales.found([loss()], [bought(9, 3, "4")])
    assert wash == Wash(UUID(int=1), UUID(int=9), D(4), D("40.00"))


def test_the_earliest_purchase_replaces_first_and_each_share_once():
    found = wash_sales.found([loss()], [bought(8, 9, "7"), bought(9, -2, "5")])
    assert [(w.lot_id.int, w.quantity, w.disallowed) for w in found] == [
        (9, D(5), D("50.00")),
        (8, D(5), D("50.00")),
    ]
    assert wash_sales.found([loss()], [bought(9, 3, "4", used=D(4))]) == []


def test_what_was_sold_before_replaces_nothing_and_no_lot_replaces_itself():
    gone = bought(9, -5, "10", sold=((SOLD, D(10)),))
    assert wash_sales.found([loss()], [gone]) == []
    later = bought(9, 5, "10", sold=((SOLD + days(6), D(10)),))
    assert len(wash_sales.found([loss()], [later])) == 1
    assert wash_sales.found([loss()], [bought(2, -5, "10")]) == []


def test_what_is_known_is_not_found_again():
    known = loss(washed=D(4), disallowed=D("40.00"))
    assert wash_sales.found([known], [bought(9, 3, "4", used=D(4))]) == []
    [more] = wash_sales.found([known], [bought(9, 3, "4", used=D(4)), bought(10, 20, "99")])
    assert (more.quantity, more.disallowed) == (D(6), D("60.00"))


@given(
    st.lists(st.tuples(st.integers(-40, 40), st.decimals("0.1", "20", places=1)), max_size=8),
    st.lists(
        st.tuples(
            st.integers(0, 20),
            st.decimals("0.1", "20", places=1),
            st.decimals("0.01", "500", places=2),
        ),
        max_size=6,
    ),
)
def test_no_more_than_a_loss_is_disallowed_and_no_share_replaces_twice(purchases, losses):
    lots = [Purchase(UUID(int=100 + n), SOLD + days(d), q) for n, (d, q) in enumerate(purchases)]
    sales = [
        Loss(UUID(int=n), UUID(int=5000 + n), SOLD + days(d), q, amount)
        for n, (d, q, amount) in enumerate(losses)
    ]
    found = wash_sales.found(sales, lots)
    for sale in sales:
        mine = [wash for wash in found if wash.closing_id == sale.closing_id]
        washed, disallowed = sum(w.quantity for w in mine), sum(w.disallowed for w in mine)
        assert washed <= sale.quantity and disallowed <= sale.amount
        assert washed != sale.quantity or disallowed == sale.amount
    for lot in lots:
        assert sum(wash.quantity for wash in found if wash.lot_id == lot.lot_id) <= lot.quantity
