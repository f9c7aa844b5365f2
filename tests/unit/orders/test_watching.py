"""The watched orders of an instrument, against a naive reference that looks at all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from orders.held.watching import SLACK, Moved, Reached, Watched, Watching
from venues.messages import Side

D = Decimal
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def stop(number: int, price: str, side: Side = Side.SELL, **terms: object) -> Watched:
    return watched(number, side, stop_price=D(price), **terms)


def trailing(number: int, side: Side = Side.SELL, **terms: object) -> Watched:
    return watched(number, side, **terms)


def watched(number: int, side: Side, **terms: object) -> Watched:
    who = {"order_id": UUID(int=number), "account_id": UUID(int=number % 7)}
    return Watched(**{**who, "side": side, "since": NOON, **terms})  # type: ignore[arg-type]


def later(seconds: float = 1) -> datetime:
    return NOON + timedelta(seconds=seconds)


def watching(*orders: Watched) -> Watching:
    made = Watching()
    for order in orders:
        made.watch(order)
    return made


def numbers(found: tuple[Reached, ...]) -> list[int]:
    return [each.order.order_id.int for each in found]


@pytest.mark.parametrize(
    ("side", "price", "is_reached"),
    [
        (Side.SELL, "95.01", False),
        (Side.SELL, "95", True),
        (Side.SELL, "94.99", True),
        (Side.BUY, "94.99", False),
        (Side.BUY, "95.00", True),
        (Side.BUY, "95.01", True),
    ],
)
def test_a_stop_triggers_at_its_price_and_beyond(side, price, is_reached):
    orders = watching(stop(1, "95", side))

    assert numbers(orders.see(D(price), later()).reached) == [1] * is_reached
    assert len(orders) == 1 - is_reached


def test_a_stop_triggers_once():
    orders = watching(stop(1, "95"))
    orders.see(D("94"), later(1))

    assert orders.see(D("93"), later(2)).reached == ()


def test_the_stops_that_a_fall_passes_first_come_first():
    orders = watching(stop(1, "93"), stop(2, "95"), stop(3, "94"), stop(4, "95"))

    assert numbers(orders.see(D("93.5"), later()).reached) == [2, 4, 3]


def test_only_a_price_after_the_watch_began_counts():
    orders = watching(stop(1, "95"), trailing(2, trail_amount=D(1)))
    seen = orders.see(D("90"), NOON)

    assert (seen.reached, seen.moved) == ((), ())
    assert numbers(orders.see(D("90"), later()).reached) == [1]


def test_a_trailing_stop_follows_the_price_up_and_triggers_on_the_way_down():
    order = trailing(1, trail_amount=D(2))
    orders = watching(order)

    assert orders.see(D(100), later(1)).moved == (Moved(order, D(100)),)
    assert orders.see(D(105), later(2)).moved == (Moved(order, D(105)),)
    assert orders.see(D("103.01"), later(3)).moved == ()
    assert orders.see(D("103"), later(4)).reached == (Reached(order, D(105)),)


def test_a_buy_follows_the_price_down_by_percent():
    order = trailing(1, Side.BUY, trail_percent=D(5))
    orders = watching(order)
    orders.see(D(100), later(1))

    assert orders.see(D(80), later(2)).moved == (Moved(order, D(80)),)
    assert orders.see(D("83.99"), later(3)).reached == ()
    assert orders.see(D("84.00"), later(4)).reached == (Reached(order, D(80)),)


def test_a_mark_that_was_written_down_is_taken_up_again():
    order = trailing(1, trail_percent=D(10), mark=D(200))
    orders = watching(order)

    assert orders.see(D("180"), later()).reached == (Reached(order, D(200)),)


def test_an_order_told_of_again_keeps_its_mark_and_one_on_other_terms_begins_anew():
    order = trailing(1, trail_amount=D(2))
    orders = watching(order)
    orders.see(D(100), later(1))
    orders.watch(replace(order, mark=D(90)))
    assert orders.see(D(98), later(2)).reached == (Reached(order, D(100)),)

    orders = watching(order)
    orders.see(D(100), later(1))
    orders.watch(wider := replace(order, trail_amount=D(5)))
    assert orders.see(D(98), later(2)).moved == (Moved(wider, D(98)),)


def test_young_orders_see_apart_what_the_others_have_seen_and_come_back_with_their_marks():
    seasoned = trailing(1, trail_amount=D(2))
    orders = watching(seasoned)
    orders.see(D(106), later(5))
    stays, goes, unborn = (
        trailing(2, trail_amount=D(8)),
        stop(3, "101"),
        stop(4, "101", since=later(9)),
    )
    for order in (stays, goes, unborn):
        orders.watch(order)
    young = orders.take_young([UUID(int=n) for n in (1, 2, 3, 4, 5)])
    assert (len(young), orders.order_ids) == (3, {seasoned.order_id})

    moved = [*young.see(D(108), later(1)).moved]
    assert numbers(young.see(D("100.5"), later(2)).reached) == [3]
    orders.take_back(young, {each.order.order_id: each.mark for each in moved})
    assert len(orders) == 3
    assert numbers(orders.see(D("104"), later(6)).reached) == [1]
    assert orders.see(D("100"), later(10)).reached == (
        Reached(unborn, None),
        Reached(replace(stays, mark=D(108)), D(108)),
    )


def test_what_is_forgotten_is_not_reached():
    orders = watching(stop(1, "95"), stop(2, "95"), trailing(3, trail_amount=D(1), mark=D(100)))
    orders.forget(UUID(int=1))
    orders.see(D(99.5), later(1))
    orders.forget(UUID(int=3))
    orders.forget(UUID(int=77))

    assert numbers(orders.see(D("90"), later(2)).reached) == [2]
    assert len(orders) == 0


def test_a_price_older_than_the_latest_is_passed_over():
    orders = watching(stop(1, "95"))
    orders.see(D(100), later(5))

    assert orders.see(D(90), later(4)).reached == ()


def test_the_structures_keep_no_more_than_is_watched():
    orders = Watching()
    for number in range(5_000):
        orders.watch(stop(number, "50"))
        orders.watch(trailing(10_000 + number, trail_amount=D(5)))
        orders.see(D(100) + D(number) / 100, later(number))
        orders.forget(UUID(int=number))
        orders.forget(UUID(int=10_000 + number))
    sells = orders._sides[Side.SELL]
    kept = len(sells._stops) + len(sells._marks) + len(sells._frontiers) + len(sells._groups)
    kept += sum(map(len, sells._groups.values()))

    assert kept < 8 * SLACK


class Naive:
    """Looks at every order for every price, with fractions, which are exact by nature."""

    def __init__(self) -> None:
        self.orders: dict[int, Watched] = {}
        self.marks: dict[int, Fraction | None] = {}

    def watch(self, order: Watched) -> None:
        number = order.order_id.int
        self.orders[number] = order
        self.marks[number] = None if order.mark is None else Fraction(order.mark)

    def see(self, price: Decimal, at: datetime) -> tuple[set[int], dict[int, Fraction]]:
        reached, moved = set(), {}
        for number, order in list(self.orders.items()):
            if order.since >= at:
                continue
            mark = self.marks[number]
            better = max if order.side is Side.SELL else min
            if order.stop_price is None:
                now = Fraction(price) if mark is None else better(mark, Fraction(price))
                if now != mark:
                    moved[number] = self.marks[number] = now
            threshold = self.threshold(order, self.marks[number])
            is_through = price <= threshold if order.side is Side.SELL else price >= threshold
            if is_through:
                reached.add(number)
                del self.orders[number]
        return reached, moved

    @staticmethod
    def threshold(order: Watched, mark: Fraction | None) -> Fraction:
        if order.stop_price is not None:
            return Fraction(order.stop_price)
        trail = (
            Fraction(order.trail_amount)
            if order.trail_amount is not None
            else mark * Fraction(order.trail_percent) / 100
        )
        return mark - trail if order.side is Side.SELL else mark + trail


# Few different numbers, so that orders share thresholds and marks, and a price meets several.
prices = st.integers(90, 110).map(lambda cents: D(cents) / 10)
trails = st.integers(1, 12).map(lambda tenths: D(tenths) / 10)
percents = st.sampled_from([D("0.5"), D(1), D("3.3"), D(5), D("12.345678901")])
kinds = st.one_of(
    st.fixed_dictionaries({"stop_price": prices}),
    st.fixed_dictionaries({"trail_amount": trails, "mark": st.none() | prices}),
    st.fixed_dictionaries({"trail_percent": percents, "mark": st.none() | prices}),
)


class Comparison(RuleBasedStateMachine):
    """Whatever is watched, forgotten and seen, in whatever order: both say the same."""

    def __init__(self) -> None:
        super().__init__()
        self.real, self.naive = Watching(), Naive()
        self.number = 0
        self.at = NOON

    @rule(
        side=st.sampled_from(Side), terms=kinds, ahead=st.integers(-2, 2), copies=st.integers(1, 3)
    )
    def watch(self, side, terms, ahead, copies):
        for _ in range(copies):
            self.number += 1
            order = watched(
                self.number, side, **{**terms, "since": self.at + timedelta(seconds=ahead)}
            )
            self.real.watch(order)
            self.naive.watch(order)

    @rule(which=st.integers(0, 50))
    def forget(self, which):
        if self.naive.orders:
            number = sorted(self.naive.orders)[which % len(self.naive.orders)]
            del self.naive.orders[number]
            self.real.forget(UUID(int=number))

    @rule(price=prices, seconds=st.integers(0, 2))
    def see(self, price, seconds):
        self.at += timedelta(seconds=seconds)
        seen = self.real.see(price, self.at)
        reached, moved = self.naive.see(price, self.at)
        assert {each.order.order_id.int for each in seen.reached} == reached
        assert len(seen.reached) == len(reached)
        told = {each.order.order_id.int: Fraction(each.mark) for each in seen.moved}
        assert told == moved
        assert len(seen.moved) == len(moved)
        for each in seen.reached:
            mark = self.naive.marks[each.order.order_id.int]
            assert (None if each.mark is None else Fraction(each.mark)) == mark

    @invariant()
    def both_watch_the_same(self):
        assert {order_id.int for order_id in self.real.order_ids} == set(self.naive.orders)


TestComparison = Comparison.TestCase
TestComparison.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)


@given(st.lists(prices, min_size=1, max_size=30), trails)
def test_marks_only_rise_for_a_sell_and_only_fall_for_a_buy(path, trail):
    orders = watching(trailing(1, trail_amount=trail), trailing(2, Side.BUY, trail_amount=trail))
    marks: dict[int, list[Decimal]] = {1: [], 2: []}
    for second, price in enumerate(path, start=1):
        for each in orders.see(price, later(second)).moved:
            marks[each.order.order_id.int].append(each.mark)

    assert marks[1] == sorted(set(marks[1]))
    assert marks[2] == sorted(set(marks[2]), reverse=True)
