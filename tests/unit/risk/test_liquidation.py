"""What is closed to cure a deficit: enough, of the right things, and not a unit more."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from risk.margin import liquidation
from risk.margin import requirements as margin
from risk.margin.liquidation import Closable, Closing
from risk.margin.requirements import Holding, Rates

D = Decimal


def long(code, quantity, price, *, bid=None, unit="1", rate="0.25"):
    holding = Holding(D(quantity), D(price), Rates(long=D(rate)))
    return Closable(code, holding, D(bid or price), D(unit))


def after(positions, cash, closings):
    """Return the account once these closings are done at the prices planned with."""
    done = {each.code: each for each in closings}
    holdings, money = [], cash
    for each in positions:
        quantity = each.holding.quantity
        if each.code in done:
            signed = done[each.code].quantity.copy_sign(quantity)
            money += Holding(signed, each.price).value
            quantity -= signed
        holdings.append(Holding(quantity, each.holding.price, each.holding.rates))
    return margin.standing(holdings, cash=money, held=D(0))


def test_as_much_is_sold_as_cures_the_deficit_rounded_up_to_a_unit():
    # 200 at 60, 10,000 lent: equity 2,000, required 3,600 (a quarter, and a tenth of the half).
    positions = [long("AAPL", "200", "60")]
    # Each share that is sold relieves 60 x 30 % = 18: 1,600 / 18 = 88.9.
    assert liquidation.plan(positions, cash=D(-10_000)) == (Closing("AAPL", D(89), is_buy=False),)


def test_nothing_is_closed_without_a_deficit():
    assert liquidation.plan([long("AAPL", "200", "100")], cash=D(-10_000)) == ()


def test_what_requires_most_for_its_value_goes_first():
    positions = [long("AAPL", "100", "60"), long("RISKY", "100", "60", rate="1")]
    found = liquidation.plan(positions, cash=D(-8_000))
    assert [each.code for each in found] == ["RISKY"]


def test_a_short_is_bought_back():
    short = Closable("AAPL", Holding(D(-100), D(150)), D(150), D(1))
    [closing] = liquidation.plan([short], cash=D(18_000))
    assert closing.is_buy
    assert closing.quantity < 100


def test_what_cannot_be_cured_is_closed_whole():
    positions = [long("AAPL", "100", "40"), long("MSFT", "100", "40")]
    found = liquidation.plan(positions, cash=D(-10_000))
    assert {(each.code, each.quantity) for each in found} == {("AAPL", D(100)), ("MSFT", D(100))}


def test_what_has_no_price_to_be_closed_at_is_left():
    positions = [
        Closable("HALTED", Holding(D(100), D(60), Rates(long=D(1))), None, D(1)),
        long("AAPL", "100", "60"),
    ]
    assert [c.code for c in liquidation.plan(positions, cash=D(-9_000))] == ["AAPL"]


def test_what_costs_more_to_close_than_it_relieves_is_left():
    wide = long("WIDE", "100", "60", bid="20")
    assert liquidation.plan([wide], cash=D(-5_000)) == ()


prices = st.decimals("1", "500", places=2)
positions_of = st.lists(
    st.tuples(
        st.integers(-500, 500).filter(bool),
        prices,
        st.sampled_from(["0.25", "0.30", "0.50", "1"]),
        st.sampled_from(["0", "0.01", "0.02"]),
        st.sampled_from(["1", "0.01"]),
    ),
    min_size=1,
    max_size=5,
)


@given(positions_of, st.decimals("-200000", "200000", places=2))
def test_a_plan_cures_and_nothing_goes_beyond(rows, cash):
    positions = []
    for number, (quantity, price, rate, spread, unit) in enumerate(rows):
        away = 1 - D(spread) if quantity > 0 else 1 + D(spread)
        holding = Holding(D(quantity), price, Rates(initial=D(max(rate, "0.5")), long=D(rate)))
        at = max((price * away).quantize(D("0.01")), D("0.01"))
        positions.append(Closable(f"C{number}", holding, at, D(unit)))
    before = after(positions, cash, ())
    plan = liquidation.plan(positions, cash=cash)
    cured = after(positions, cash, plan)
    held = {each.code: each for each in positions}
    assert bool(plan) <= bool(before.deficit)
    assert len({each.code for each in plan}) == len(plan)
    for each in plan:
        assert 0 < each.quantity <= abs(held[each.code].holding.quantity)
        assert each.is_buy == (held[each.code].holding.quantity < 0)
    if not plan:
        return
    assert cured.deficit < before.deficit
    if not cured.deficit:
        # One unit less of the last one would not have been enough, nor would all but the last.
        *others, last = plan
        unit = held[last.code].unit
        less = [*others, Closing(last.code, last.quantity - unit, is_buy=last.is_buy)]
        assert after(positions, cash, [c for c in less if c.quantity > 0]).deficit > 0
