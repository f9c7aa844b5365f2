"""What margin accounts must have: worked examples of the rules, and properties of all of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk.margin import requirements as margin
from risk.margin.requirements import IN_FULL, Close, Holding, Intent, Rates

D = Decimal


def held(quantity: str, price: str, **rates: str) -> Holding:
    return Holding(D(quantity), D(price), Rates(**{name: D(rate) for name, rate in rates.items()}))


def standing(*holdings: Holding, cash: str, held: str = "0", **more: object) -> margin.Standing:
    return margin.standing(holdings, cash=D(cash), held=D(held), **more)


@pytest.mark.parametrize(
    ("holding", "initial", "maintenance"),
    [
        # 12 CFR 220.12(a), FINRA 4210(c)(1): half to buy, a quarter to keep.
        (held("100", "100"), "5000", "2500"),
        # The house may ask for more to keep than half: then that much is needed to buy as well.
        (held("100", "100", long="0.75"), "7500", "7500"),
        # 12 CFR 220.12(c): 150 % of a short sale, of which its proceeds are 100.
        (held("-100", "100"), "5000", "3000"),
        # FINRA 4210(c)(3): at least 5 USD a share at 5 USD or above,
        (held("-100", "10"), "500", "500"),
        (held("-100", "5"), "500", "500"),
        # and (c)(2): below, 2.50 a share or the whole value.
        (held("-100", "4.99"), "499", "499"),
        (held("-100", "2"), "250", "250"),
        (held("-100", "0.10"), "250", "250"),
        # Rounded up to the cent.
        (held("3", "33.33"), "50.00", "25.00"),
        (held("1", "33.33"), "16.67", "8.34"),
    ],
)
def test_a_holding_requires(holding: Holding, initial: str, maintenance: str) -> None:
    assert margin.initial_of(holding) == D(initial)
    assert margin.maintenance_of(holding) == D(maintenance)


def test_what_is_not_marginable_requires_its_whole_value() -> None:
    bought = Holding(D("0.5"), D("60000"), IN_FULL)
    assert margin.initial_of(bought) == margin.maintenance_of(bought) == D("30000")


@pytest.mark.parametrize(
    ("gross", "maintenance"),
    [
        ("20000", "2500"),  # half of it and no more
        ("10000", "3000"),  # all of it: a tenth of the 5,000 beyond the half
        ("12500", "2875"),
    ],
)
def test_a_large_part_of_an_account_requires_more(gross: str, maintenance: str) -> None:
    assert margin.maintenance_of(held("100", "100"), gross=D(gross)) == D(maintenance)


def test_a_long_position_never_requires_more_than_its_value() -> None:
    whole = Holding(D(100), D(100), IN_FULL)
    assert margin.maintenance_of(whole, gross=D(10_000)) == D(10_000)


def test_standing_of_an_account_that_owes() -> None:
    found = standing(held("100", "100"), held("100", "50"), cash="-5000")
    assert (found.equity, found.gross) == (D(10_000), D(15_000))
    assert found.initial == D(7_500)
    assert found.maintenance == D("2500") + D("1250") + D("250")  # 2,500 USD beyond the half
    assert (found.excess, found.available) == (D(2_500), D(2_500))
    assert (found.buying_power, found.multiplier) == (D(5_000), 2)
    assert (found.deficit, found.sma) == (D(0), D(2_500))


def test_standing_of_an_account_that_is_short() -> None:
    found = standing(held("-100", "100"), cash="20000")
    assert (found.equity, found.short_value) == (D(10_000), D(-10_000))
    assert found.initial == D(5_000)
    assert found.maintenance == D(3_500)
    assert found.buying_power == D(10_000)


def test_a_crash_makes_a_deficit() -> None:
    before = standing(held("200", "100"), cash="-10000")
    assert (before.equity, before.deficit) == (D(10_000), D(0))
    after = standing(held("200", "60"), cash="-10000")
    assert after.equity == D(2_000)
    assert after.maintenance == D("3600")  # a quarter, and a tenth of the half
    assert after.deficit == D(1_600)
    assert not margin.is_below_floor(after)
    assert margin.is_below_floor(standing(held("200", "58"), cash="-10000"))


def test_below_2000_of_equity_nothing_is_lent() -> None:
    found = standing(held("10", "100"), cash="999.99")
    assert (found.multiplier, found.equity) == (1, D("1999.99"))
    assert found.available == D("999.99")  # the cash, though half of the position is free
    assert found.buying_power == D("999.99")
    enough = standing(held("10", "100"), cash="1000")
    assert (enough.multiplier, enough.available) == (2, D(1_500))


def test_an_account_may_choose_to_borrow_nothing() -> None:
    found = standing(cash="50000", multiplier_max=1)
    assert (found.multiplier, found.buying_power) == (1, D(50_000))


@pytest.mark.parametrize(
    ("holdings", "cash", "more", "withdrawable"),
    [
        ((), "500", {}, "500"),
        ((held("100", "100"),), "5000", {}, "10000"),  # of which 5,000 is lent on the shares
        ((held("100", "100"),), "-5000", {}, "0"),
        ((held("10", "300"),), "0", {}, "1000"),  # 1,500 are free; 2,000 of equity must stay
        ((held("-100", "100"),), "20000", {}, "5000"),  # never the proceeds of a short sale
        ((held("-10", "100"),), "3200", {}, "200"),
        ((held("100", "100"),), "5000", {"unpriced": ("AAPL",)}, "0"),
        ((), "500", {"held": "200"}, "300"),
    ],
)
def test_what_may_be_withdrawn(
    holdings: tuple[Holding, ...], cash: str, more: dict, withdrawable: str
) -> None:
    assert standing(*holdings, cash=cash, **more).withdrawable == D(withdrawable)


def test_a_day_trader_has_four_times_what_was_free_at_the_close() -> None:
    close = Close(equity=D(30_000), maintenance=D(0))
    found = standing(cash="30000", multiplier_max=4, is_day_trader=True, close=close)
    assert (found.multiplier, found.is_intraday) == (4, True)
    assert found.buying_power == found.day_buying_power == D(120_000)
    assert found.overnight_buying_power == D(60_000)
    opened = standing(
        held("400", "100"),
        cash="-10000",
        multiplier_max=4,
        is_day_trader=True,
        close=close,
    )
    assert opened.maintenance == D(12_000)
    assert opened.day_excess == D(18_000)


@pytest.mark.parametrize(
    ("equity", "multiplier"), [("24999.99", 2), ("25000", 4), ("1999.99", 1), ("2000", 2)]
)
def test_multiplier_at_its_bounds(equity: str, multiplier: int) -> None:
    close = Close(equity=D(equity), maintenance=D(0))
    found = standing(cash=equity, multiplier_max=4, is_day_trader=True, close=close)
    assert found.multiplier == multiplier


def test_without_a_close_there_is_nothing_for_the_day() -> None:
    found = standing(cash="30000", multiplier_max=4, is_day_trader=True)
    assert (found.multiplier, found.day_buying_power) == (2, D(0))


@pytest.mark.parametrize(
    ("intent", "price", "more", "per_unit"),
    [
        (Intent.BUY_TO_OPEN, "100", {}, "50"),
        (Intent.BUY_TO_OPEN, "100", {"multiplier": 1}, "100"),
        (Intent.BUY_TO_OPEN, "100", {"multiplier": 4, "is_intraday": True}, "25"),
        (Intent.BUY_TO_OPEN, "100", {"rates": IN_FULL}, "100"),
        (Intent.SELL_TO_OPEN, "100", {}, "50"),
        (Intent.SELL_TO_OPEN, "100", {"multiplier": 4, "is_intraday": True}, "30"),
        (Intent.SELL_TO_OPEN, "2", {}, "2.50"),
        (Intent.SELL_TO_OPEN, "6", {}, "5"),
        (Intent.BUY_TO_CLOSE, "100", {}, "0"),
        (Intent.SELL_TO_CLOSE, "100", {}, "0"),
    ],
)
def test_an_order_requires(intent: Intent, price: str, more: dict, per_unit: str) -> None:
    found = margin.per_unit(intent, price=D(price), **{"rates": Rates(), **more})
    assert found == D(per_unit)


@pytest.mark.parametrize(
    ("is_buy", "position", "intent"),
    [
        (True, "0", "buy_to_open"),
        (True, "5", "buy_to_open"),
        (True, "-5", "buy_to_close"),
        (False, "5", "sell_to_close"),
        (False, "0", "sell_to_open"),
        (False, "-5", "sell_to_open"),
    ],
)
def test_intent_follows_from_the_position(is_buy: bool, position: str, intent: str) -> None:
    assert margin.intent_of(is_buy=is_buy, position=D(position)) == intent


# --- Properties --------------------------------------------------------------------------------

prices = st.decimals("0.01", "5000", places=2)
rates = st.builds(
    Rates,
    initial=st.decimals("0.5", "1", places=2),
    long=st.decimals("0.25", "1", places=2),
    short=st.decimals("0.3", "2", places=2),
)
holdings = st.builds(
    Holding,
    quantity=st.integers(-5_000, 5_000).filter(bool).map(D),
    price=prices,
    rates=rates,
)
accounts = st.lists(holdings, max_size=6)
money = st.decimals("-500000", "500000", places=2)


@given(holdings)
def test_to_open_never_requires_less_than_to_keep(holding: Holding) -> None:
    assert margin.initial_of(holding) >= margin.maintenance_of(holding)


@given(holdings, accounts)
def test_requirements_are_whole_cents_and_within_the_rules(
    holding: Holding, others: list[Holding]
) -> None:
    gross = sum((abs(each.value) for each in [holding, *others]), D(0))
    required = margin.maintenance_of(holding, gross=gross)
    value = abs(holding.value)
    assert required == required.quantize(D("0.01"))
    assert required >= margin.maintenance_of(holding)
    if holding.quantity > 0:
        assert min(value * D("0.25"), value) <= required <= value
    else:
        assert required >= value * D("0.30")
        assert required >= abs(holding.quantity) * D("2.50")


@given(accounts, money, holdings)
def test_what_an_order_requires_bears_what_it_opens(
    before: list[Holding], cash: D, opened: Holding
) -> None:
    """An order that fits in what is available leaves an account that fulfils its requirement."""
    found = margin.standing(before, cash=cash, held=D(0))
    intent = Intent.BUY_TO_OPEN if opened.quantity > 0 else Intent.SELL_TO_OPEN
    unit = margin.per_unit(
        intent, price=opened.price, rates=opened.rates, multiplier=found.multiplier
    )
    needed = margin.required(unit, abs(opened.quantity))
    paid = opened.value
    after = margin.standing([*before, opened], cash=cash - paid, held=D(0))
    if needed <= found.available:
        assert after.equity == found.equity
        assert after.equity >= after.initial
        assert not after.deficit
        assert after.equity - after.initial == found.equity - found.initial - margin.initial_of(
            opened
        )


@given(accounts, money)
def test_values_add_up(before: list[Holding], cash: D) -> None:
    found = margin.standing(before, cash=cash, held=D(0))
    assert found.equity == cash + sum((each.value for each in before), D(0))
    assert found.gross == sum((abs(each.value) for each in before), D(0))
    assert found.deficit == max(found.maintenance - found.equity, D(0))
    assert found.maintenance <= found.initial


@given(st.lists(holdings, min_size=1, max_size=5), st.integers(0, 4), st.integers(1, 5_000))
def test_closing_never_requires_more(before: list[Holding], index: int, quantity: int) -> None:
    """Closing at the price of the market relieves: the concentration of the rest never costs
    more than what is closed has freed."""
    index %= len(before)
    one = before[index]
    closed = min(D(quantity), abs(one.quantity))
    left = one.quantity - closed.copy_sign(one.quantity)
    after = [Holding(left, one.price, one.rates), *(h for h in before if h is not one)]
    cents = D("0.01") * (len(before) + 1)
    assert (
        margin.standing(after, cash=D(0), held=D(0)).maintenance
        <= margin.standing(before, cash=D(0), held=D(0)).maintenance + cents
    )
