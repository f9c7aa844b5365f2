"""Tax lots: by hand, and by property over random trades and busts."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio.lots import records
from portfolio.lots.records import Closing, Deal, Lot, Method
from portfolio.lots.relief import Lots

D = Decimal
NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
METHODS = st.sampled_from(list(Method))
TRADES = st.lists(
    st.tuples(
        st.decimals("0.001", "50", places=3),
        st.decimals("0.01", "500", places=2),
        st.booleans(),
    ),
    min_size=1,
    max_size=14,
)


def ids():
    numbers = itertools.count(1)
    return lambda: UUID(int=next(numbers))


def none_yet(method: Method = Method.FIFO) -> Lots:
    return Lots(lots={}, method=method, new_id=ids())


def trade_id(number: int) -> UUID:
    return UUID(int=1_000_000 + number)


def deal(number: int, quantity: str, cash: str) -> Deal:
    return Deal(trade_id(number), D(quantity), D(cash), NOON + timedelta(hours=number))


def open_lots(of: Lots) -> list[tuple[Decimal, Decimal]]:
    left = sorted((lot for lot in of.lots.values() if lot.quantity), key=lambda lot: lot.number)
    return [(lot.quantity, lot.cost) for lot in left]


def three_purchases(method: Method) -> Lots:
    found = none_yet(method)
    for number, cash in enumerate(("100.00", "130.00", "110.00"), start=1):
        found.trade(deal(number, "10", cash))
    return found


@pytest.mark.parametrize(
    ("method", "left", "realised"),
    [
        # 15 sold for 180.00: ten of one lot for 120.00, five of the next for 60.00.
        (Method.FIFO, [("5", "65.00"), ("10", "110.00")], "15.00"),
        (Method.LIFO, [("10", "100.00"), ("5", "65.00")], "5.00"),
        (Method.HIGHEST_COST, [("10", "100.00"), ("5", "55.00")], "-5.00"),
    ],
)
def test_the_method_says_which_lots_a_sale_closes(method, left, realised):
    found = three_purchases(method)
    found.trade(deal(4, "-15", "180.00"))
    assert open_lots(found) == [(D(q), D(c)) for q, c in left]
    assert sum(closing.realised for closing in found.closings) == D(realised)
    assert found.moved == records.Moved(D(15), found.cost, D(realised))


def test_named_lots_come_first_and_the_first_in_after_them():
    found = three_purchases(Method.SPECIFIC)
    third = next(lot.id for lot in found.lots.values() if lot.number == 3)
    found.trade(deal(4, "-15", "180.00"), named=[third])
    assert open_lots(found) == [(D(5), D("50.00")), (D(10), D("130.00"))]
    assert [c.realised for c in found.closings] == [D("10.00"), D("10.00")]


def test_what_goes_beyond_zero_opens_a_short_lot():
    found = none_yet()
    found.trade(deal(1, "10", "100.00"))
    found.trade(deal(2, "-16", "176.00"))
    assert open_lots(found) == [(D(-6), D("-66.00"))]
    assert found.moved.realised == D("10.00")
    [covered] = found.trade(deal(3, "6", "60.00"))
    assert (covered.quantity, covered.cost, covered.proceeds) == (D(-6), D("-66.00"), D("-60.00"))
    assert covered.realised == D("6.00")
    assert open_lots(found) == []


def test_the_highest_cost_of_a_short_position_is_what_brought_the_least():
    found = none_yet(Method.HIGHEST_COST)
    found.trade(deal(1, "-10", "120.00"))
    found.trade(deal(2, "-10", "100.00"))
    found.trade(deal(3, "10", "90.00"))
    assert open_lots(found) == [(D(-10), D("-120.00"))]


def test_a_bust_of_a_sale_opens_again_what_it_had_closed():
    found = three_purchases(Method.FIFO)
    before = dict(found.lots)
    sale = deal(4, "-15", "180.00")
    done = found.trade(sale)
    found.bust(sale, bust_id=trade_id(9), at=NOON, done=done)
    assert found.lots == before
    assert found.moved == records.Moved(D(30), D("340.00"), D(0))


def test_what_was_sold_of_a_busted_purchase_is_sold_of_others():
    found = three_purchases(Method.FIFO)
    first = deal(1, "10", "100.00")
    done = found.trade(deal(4, "-15", "180.00"))
    found.bust(first, bust_id=trade_id(9), at=NOON, done=done[:1])
    # Fifteen were sold for 180.00: five of the second already, ten of the second and third now.
    assert open_lots(found) == [(D(5), D("55.00"))]
    assert found.moved.realised == D("180.00") - D("130.00") - D("55.00")


def test_a_bust_of_a_purchase_that_was_sold_leaves_a_short_lot():
    found = none_yet()
    bought = deal(1, "10", "100.00")
    found.trade(bought)
    done = found.trade(deal(2, "-10", "120.00"))
    found.bust(bought, bust_id=trade_id(9), at=NOON, done=done)
    [lot] = [lot for lot in found.lots.values() if lot.quantity]
    assert (lot.quantity, lot.cost) == (D(-10), D("-120.00"))
    assert (lot.opened_by, lot.acquired_at) == (trade_id(2), NOON + timedelta(hours=2))


def test_a_bust_between_a_long_and_a_short_lets_them_close_each_other():
    found = none_yet()
    found.trade(deal(1, "10", "100.00"))
    sold = deal(2, "-10", "120.00")
    done = found.trade(sold)
    found.trade(deal(3, "-4", "52.00"))  # a short sale, as it turned out
    found.bust(sold, bust_id=trade_id(9), at=NOON, done=done)
    # Without the sale of ten, the sale of four would have been of those bought.
    assert open_lots(found) == [(D(6), D("60.00"))]
    assert found.moved == records.Moved(D(6), D("60.00"), D("12.00"))


def test_a_trade_of_before_there_were_lots_is_undone_by_its_opposite():
    old = Lot(UUID(int=77), 1, None, NOON - timedelta(days=9), D(10), D("100.00"))
    found = Lots(lots={old.id: old}, method=Method.FIFO, new_id=ids(), count=1)
    found.bust(deal(1, "4", "48.00"), bust_id=trade_id(9), at=NOON, done=[])
    assert open_lots(found) == [(D(6), D("60.00"))]
    assert found.moved.realised == D("8.00")


def test_more_than_a_year_is_long_term():
    assert not records.is_long_term(NOON, datetime(2027, 3, 2, 17, tzinfo=UTC))
    assert records.is_long_term(NOON, datetime(2027, 3, 3, 17, tzinfo=UTC))
    leap = datetime(2028, 2, 29, 17, tzinfo=UTC)
    assert not records.is_long_term(leap, datetime(2029, 2, 28, 17, tzinfo=UTC))
    assert records.is_long_term(leap, datetime(2029, 3, 1, 17, tzinfo=UTC))


def active_of(found: Lots, number: int) -> list[Closing]:
    """Return what a bust of this trade has to undo."""
    own = {lot.id for lot in found.lots.values() if lot.opened_by == trade_id(number)}
    undone = {closing.undoes for closing in found.closings}
    return [
        closing
        for closing in found.closings
        if closing.undoes is None
        and closing.id not in undone
        and (closing.closed_by == trade_id(number) or closing.lot_id in own)
    ]


def check(found: Lots, paid: Decimal, quantity: Decimal) -> None:
    """Nothing is lost: what was paid is what is left at cost, less what was realised."""
    assert found.quantity == quantity
    assert found.moved.quantity == quantity
    assert found.moved.cost == found.cost
    assert found.cost - found.moved.realised == paid
    assert len({lot.quantity > 0 for lot in found.lots.values() if lot.quantity}) <= 1
    for lot in found.lots.values():
        assert lot.quantity * lot.cost >= 0
        assert lot.quantity or not lot.cost
    assert replayed(found) == found.lots


def replayed(found: Lots) -> dict[UUID, Lot]:
    """Return the lots that the append-only rows add up to."""
    state = {lot.id: lot for lot in found.opened}
    for closing in found.closings:
        lot = state[closing.lot_id]
        state[lot.id] = Lot(
            lot.id,
            lot.number,
            lot.opened_by,
            lot.acquired_at,
            lot.quantity - closing.quantity,
            lot.cost - closing.cost,
        )
    return state


@given(TRADES, METHODS, st.integers(0, 2**32), st.integers(-2, 2))
def test_random_trades_and_busts_lose_nothing(trades, method, seed, cents):
    """Also where a bust gives back some cents more or less than its fill took."""
    draw = random.Random(seed)
    found, paid, quantity = none_yet(method), D(0), D(0)
    done: dict[int, Deal] = {}
    for number, (units, price, is_buy) in enumerate(trades):
        signed = units if is_buy else -units
        done[number] = Deal(
            trade_id(number), signed, (units * price).quantize(D("0.01")), NOON + timedelta(number)
        )
        found.trade(done[number])
        quantity += signed
        paid += done[number].cash.copy_sign(signed)
        check(found, paid, quantity)
        if draw.random() < 0.4:
            chosen = draw.choice(list(done))
            deal_ = done.pop(chosen)
            back = max(deal_.cash + D(cents) / 100, D(0))
            found.bust(
                Deal(deal_.trade_id, deal_.signed_quantity, back, deal_.at),
                bust_id=trade_id(1000 + number),
                at=NOON + timedelta(number),
                done=active_of(found, chosen),
            )
            quantity -= deal_.signed_quantity
            paid -= back.copy_sign(deal_.signed_quantity)
            check(found, paid, quantity)


@given(TRADES, METHODS)
def test_a_bust_of_the_last_trade_leaves_all_as_it_was(trades, method):
    found = none_yet(method)
    for number, (units, price, is_buy) in enumerate(trades):
        before = {lot.id: lot for lot in found.lots.values() if lot.quantity}
        done = Deal(
            trade_id(number),
            units if is_buy else -units,
            (units * price).quantize(D("0.01")),
            NOON + timedelta(number),
        )
        found.trade(done)
        if number % 2:
            found.bust(done, bust_id=UUID(int=5), at=NOON, done=active_of(found, number))
            assert {lot.id: lot for lot in found.lots.values() if lot.quantity} == before


@given(TRADES, METHODS)
def test_busting_everything_leaves_nothing(trades, method):
    found, done = none_yet(method), []
    for number, (units, price, is_buy) in enumerate(trades):
        cash = (units * price).quantize(D("0.01"))
        deal_ = Deal(trade_id(number), units if is_buy else -units, cash, NOON + timedelta(number))
        found.trade(deal_)
        done.append(deal_)
    for number, deal_ in enumerate(done):
        found.bust(deal_, bust_id=UUID(int=5), at=NOON, done=active_of(found, number))
    assert found.moved == records.Moved(D(0), D(0), D(0))
    assert not any(lot.quantity or lot.cost for lot in found.lots.values())


@given(TRADES, METHODS, st.integers(0, 2**32))
def test_what_leaves_and_comes_back_changes_nothing_for_good(trades, method, seed):
    """Withdrawals between random trades: what stands of them is gone at its cost, and no profit;
    once all of them are back, the lots are what the trades alone have made of them."""
    draw = random.Random(seed)
    found, twin, away = none_yet(method), none_yet(method), []
    for number, (quantity, cash, is_buy) in enumerate(trades, start=1):
        signed = quantity if is_buy else -min(quantity, max(found.quantity, D(0)))
        if not signed:
            continue
        for each in (found, twin):
            each.trade(deal(number, str(signed), str(cash)))
        if found.quantity > 0 and draw.random() < 0.6:
            leaving = (found.quantity * D(draw.randrange(1, 100)) / 100).quantize(D("0.001"))
            if leaving:
                before, by = found.moved, trade_id(100 + number)
                found.leave(quantity=leaving, by=by, at=NOON + timedelta(hours=number))
                assert found.moved.realised == before.realised
                assert found.moved.quantity == before.quantity - leaving
                away.append((by, leaving))
        if away and draw.random() < 0.5:
            come_back(found, *away.pop(draw.randrange(len(away))))
        assert len({lot.quantity > 0 for lot in found.lots.values() if lot.quantity}) < 2
    for by, quantity in reversed(away):
        come_back(found, by, quantity)
    assert found.quantity == twin.quantity
    assert found.cost - found.moved.realised == twin.cost - twin.moved.realised


def come_back(found: Lots, by: UUID, quantity: Decimal) -> None:
    undone = {each.undoes for each in found.closings}
    done = [each for each in found.closings if each.closed_by == by and each.id not in undone]
    standing = [each for each in done if each.undoes is None]
    at = NOON + timedelta(days=9)
    found.come_back(quantity=quantity, by=UUID(int=by.int + 500), at=at, done=standing, left_by=by)


def test_more_than_may_leave_does_not():
    found = three_purchases(Method.FIFO)
    with pytest.raises(ValueError, match="in no lot"):
        found.leave(quantity=D("30.001"), by=trade_id(9), at=NOON)
