"""What is charged, by property and by hand."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from foundation.decimals import CASH
from portfolio import accounting
from portfolio.accounting import HoldTerms
from portfolio.fees import rules as fees
from portfolio.fees.rules import FeeRule, FeeTerms, Schedule

D = Decimal
PRICES = st.decimals("0.01", "5000", places=2)
QUANTITIES = st.decimals("0.0001", "1000", places=4)
RATES = st.sampled_from([D(0), D("0.0000278"), D("0.0025"), D("0.01")])
TERMS = st.builds(
    FeeTerms,
    per_order=st.sampled_from([D(0), D("1.00"), D("4.95")]),
    per_unit=st.sampled_from([D(0), D("0.000166"), D("0.005")]),
    rate=RATES,
)
DAY = date(2026, 11, 20)


@given(TERMS, PRICES, st.lists(st.tuples(QUANTITIES, st.decimals(0, 1, places=2)), min_size=1))
def test_a_buys_hold_covers_its_fills_and_their_fees(terms, limit, fills):
    """At the limit or better, whatever the fills: and nothing is left over at the end."""
    total = sum(quantity for quantity, _ in fills)
    held_for = HoldTerms(CASH, limit, fees=terms)
    amount = held_for.of(total)
    filled = value = spent = charged = D(0)
    for quantity, better in fills:
        price = limit * (1 - better / 2)
        before = fees.fee_of(terms, quantity=filled, value=value)
        spent += accounting.cash_of_fill(value_before=value, value=price * quantity)
        value += price * quantity
        filled += quantity
        charged += fees.fee_of(terms, quantity=filled, value=value) - before
        held = held_for.left(amount=amount, filled=filled, leaves=total - filled, value=value)
        assert held >= 0
        assert held + spent + charged <= amount
    assert held <= D("0.01")
    assert charged == fees.fee_of(terms, quantity=total, value=value)


@given(
    TERMS,
    st.decimals("1", "9000", places=2),
    st.lists(st.tuples(PRICES, st.decimals(0, 1, places=2)), min_size=1, max_size=8),
)
def test_an_order_by_value_holds_its_fees_besides(terms, notional, fills):
    """`quantity` is the most that it may buy; it spends no more than its value."""
    bought = value = D(0)
    steps = []
    for price, part in fills:
        quantity = ((notional - value) * part / price).quantize(D("0.0001"), rounding="ROUND_DOWN")
        value += price * quantity
        bought += quantity
        steps.append((bought, value))
    amount = notional + fees.fee_of(terms, quantity=bought, value=notional)
    for filled, spent in steps:
        held = HoldTerms(CASH, D(0), D(0), terms).left(
            amount=amount, filled=filled, leaves=D(0), value=spent
        )
        fee = fees.fee_of(terms, quantity=filled, value=spent)
        assert held == amount - spent.quantize(D("0.01")) - fee
        assert held >= 0


@given(TERMS, st.lists(st.tuples(PRICES, QUANTITIES), min_size=1, max_size=20))
def test_a_sale_is_charged_as_one_and_never_more_than_it_brings(terms, fills):
    lines = (
        FeeRule("commission", "fees", DAY, terms),
        FeeRule("taf", "regulatory", DAY, FeeTerms(per_unit=D("0.000166"), most=D("8.30"))),
    )
    quantity = value = D(0)
    charged = {"fees": D(0), "regulatory": D(0)}
    for price, more in fills:
        for charge in fees.fees_of_sale(
            lines,
            quantity_before=quantity,
            value_before=value,
            quantity=more,
            value=price * more,
        ):
            charged[charge.beneficiary] += charge.amount
        quantity, value = quantity + more, value + price * more
        assert sum(charged.values()) <= value.quantize(D("0.01"))
    at_once = fees.fees_of_sale(
        lines, quantity_before=D(0), value_before=D(0), quantity=quantity, value=value
    )
    assert {c.beneficiary: c.amount for c in at_once} == {k: v for k, v in charged.items() if v}


def shipped() -> Schedule:
    """The lines that matter of what is shipped."""
    equity = {"asset_class": "us_equity", "is_buy": False}
    return Schedule(
        (
            FeeRule("commission", "fees", date(2020, 1, 1), FeeTerms(), asset_class="us_equity"),
            FeeRule(
                "commission",
                "fees",
                date(2020, 1, 1),
                FeeTerms(rate=D("0.0025")),
                asset_class="crypto",
            ),
            FeeRule(
                "section_31",
                "regulatory",
                date(2024, 5, 22),
                FeeTerms(rate=D("0.0000278")),
                **equity,
            ),
            FeeRule("section_31", "regulatory", date(2025, 5, 14), FeeTerms(), **equity),
            FeeRule(
                "taf",
                "regulatory",
                date(2024, 1, 1),
                FeeTerms(per_unit=D("0.000166"), most=D("8.30")),
                **equity,
            ),
        )
    )


def estimated(day: date, *, is_buy: bool, quantity: str, asset_class: str = "us_equity"):
    return fees.estimate(
        shipped(),
        asset_class=asset_class,
        is_buy=is_buy,
        tier="standard",
        day=day,
        quantity=D(quantity),
        price=D("100"),
    )


def test_a_sale_of_equities_by_hand():
    """1,000 shares at 100: 100,000 x 27.80 per million = 2.78, 1,000 x 0.000166 -> 0.17."""
    before = estimated(date(2025, 5, 13), is_buy=False, quantity="1000")
    assert before.lines == (("section_31", D("2.78")), ("taf", D("0.17")))
    assert before.total == D("2.95")
    after = estimated(date(2025, 5, 14), is_buy=False, quantity="1000")
    assert after.lines == (("taf", D("0.17")),)
    assert estimated(DAY, is_buy=False, quantity="60000").lines == (("taf", D("8.30")),)


def test_buying_equities_is_free_and_crypto_is_not():
    assert estimated(DAY, is_buy=True, quantity="1000").lines == ()
    crypto = estimated(DAY, is_buy=True, quantity="1.5", asset_class="crypto")
    assert crypto.lines == (("commission", D("0.38")),)  # 150 x 0.0025 = 0.375
    terms = shipped().terms_of_buy(asset_class="us_equity", tier="standard", day=DAY)
    assert terms is fees.NO_FEES


def test_a_line_for_the_tier_comes_first_and_the_later_of_two_lines_counts():
    lines = (
        FeeRule("commission", "fees", date(2026, 1, 1), FeeTerms(per_order=D(1))),
        FeeRule("commission", "fees", date(2026, 1, 1), FeeTerms(per_order=D(2))),
        FeeRule("commission", "fees", date(2025, 1, 1), FeeTerms(per_order=D(9)), tier="gold"),
        FeeRule("commission", "fees", date(2027, 1, 1), FeeTerms(per_order=D(7))),
    )
    terms = {
        tier: Schedule(lines).terms_of_buy(asset_class="us_equity", tier=tier, day=DAY).per_order
        for tier in ("standard", "gold")
    }
    assert terms == {"standard": D(2), "gold": D(9)}
