"""What accounts are worth: worked examples, and every way to get there agrees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from portfolio.worth.valuation import (
    DayStart,
    Owned,
    OwnedPosition,
    Price,
    Valuation,
    market_value,
    worth_of,
)

D = Decimal
CLOSED_AT = datetime(2026, 11, 20, 5, 5, tzinfo=UTC)
ACCOUNT, AAPL, IBM = UUID(int=1), UUID(int=11), UUID(int=12)


def position(instrument: UUID, quantity: str, cost: str, *, hours: int = -1) -> OwnedPosition:
    """Return a position that was opened so many hours after the last close."""
    return OwnedPosition(
        instrument, D(quantity), D(quantity), D(cost), CLOSED_AT + timedelta(hours=hours)
    )


def owned(*positions: OwnedPosition, cash: str = "1000.00", start: DayStart | None = None) -> Owned:
    return Owned(ACCOUNT, D(cash), D("100.00"), D("2000.00"), D("30.00"), start, positions)


def price(now: str | None, before: str | None = None, *, sequence: int = 1) -> Price:
    return Price(now and D(now), before and D(before), sequence)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "quantity", "value"),
    [
        ("100.00", "10", "1000.00"),
        ("90.50", "-10", "-905.00"),  # a short is owed
        ("0.005", "1", "0.00"),  # half to even
        ("0.015", "1", "0.02"),
        ("0.005", "-1", "0.00"),
        ("0.015", "-1", "-0.02"),
        ("64000.123", "0.00012345", "7.90"),
    ],
)
def test_a_market_value_is_in_cents(at: str, quantity: str, value: str) -> None:
    assert market_value(D(at), D(quantity)) == D(value)


def test_a_long_and_a_short_position() -> None:
    worth = worth_of(
        owned(position(AAPL, "10", "1000.00"), position(IBM, "-5", "-1000.00")),
        {AAPL: price("110", "105"), IBM: price("190", "195")},
    )
    assert (worth.long_market_value, worth.short_market_value) == (D("1100.00"), D("-950.00"))
    assert worth.equity == D("1150.00")
    # Before the first close all is of today: the price of yesterday says nothing about it.
    assert (worth.unrealised, worth.unrealised_day) == (D("150.00"), D("150.00"))
    assert (worth.last_equity, worth.paid_in_since, worth.realised_day) == (D(0), D(2000), D(30))


def test_a_day_begins_where_the_last_was_closed() -> None:
    start = DayStart(at=CLOSED_AT, equity=D("2100.00"), paid_in=D("1900.00"), realised=D("10.00"))
    worth = worth_of(
        owned(
            position(AAPL, "10", "900.00"),
            position(IBM, "-5", "-1000.00", hours=1),
            start=start,
        ),
        {AAPL: price("110", "105"), IBM: price("190", "195")},
    )
    assert (worth.last_equity, worth.paid_in_since, worth.realised_day) == (D(2100), D(100), D(20))
    assert worth.unrealised == D("250.00")
    assert worth.unrealised_day == D("100.00")  # 50 since the close, 50 since it was sold short


def test_what_has_no_price_is_worth_what_it_cost() -> None:
    worth = worth_of(owned(position(AAPL, "10", "900.00")), {AAPL: price(None, "105")})
    assert (worth.equity, worth.unrealised, worth.unrealised_day) == (D("1900.00"), D(0), D(0))
    assert worth.positions[0].price is None


def test_a_debit_is_subtracted() -> None:
    worth = worth_of(owned(position(AAPL, "10", "900.00"), cash="-400"), {AAPL: price("100")})
    assert worth.equity == D("600.00")


def test_a_price_touches_its_holders_alone() -> None:
    model = Valuation()
    model.put(owned(position(AAPL, "10", "900.00")))
    assert model.reprice([(IBM, price("190"))]) == {}
    assert model.reprice([(AAPL, price("100", sequence=2))]) == {ACCOUNT: {AAPL}}
    assert model.reprice([(AAPL, price("100", sequence=3))]) == {}  # the same again
    assert model.reprice([(AAPL, price("90", sequence=2))]) == {}  # from before
    assert model.worth(ACCOUNT).equity == D("2000.00")
    model.put(owned())
    assert model.reprice([(AAPL, price("101", sequence=4))]) == {}
    assert model.worth(ACCOUNT).equity == D("1000.00")


# --- Any sequence of changes ---------------------------------------------------------------------

_ids = st.integers(1, 4).map(lambda number: UUID(int=number))
_instruments = st.integers(11, 16).map(lambda number: UUID(int=number))
_cents = st.decimals("-100000", "100000", places=2)
_quantities = st.decimals("-1000", "1000", places=9).filter(bool)
_prices = st.none() | st.decimals("0", "70000", places=9)


@st.composite
def _positions(draw: st.DrawFn) -> tuple[OwnedPosition, ...]:
    return tuple(
        OwnedPosition(
            each,
            quantity := draw(_quantities),
            quantity,
            draw(_cents).copy_sign(quantity),
            CLOSED_AT + timedelta(hours=draw(st.integers(-2, 2))),
        )
        for each in draw(st.lists(_instruments, unique=True, max_size=6))
    )


_starts = st.none() | st.builds(
    DayStart, at=st.just(CLOSED_AT), equity=_cents, paid_in=_cents, realised=_cents
)


class Changes(RuleBasedStateMachine):
    """Books and prices that change in any order; `worth_of` begins anew each time."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Valuation()
        self.books: dict[UUID, Owned] = {}
        self.prices: dict[UUID, Price] = {}

    @rule(account_id=_ids, cash=_cents, paid_in=_cents, positions=_positions(), day_start=_starts)
    def books_change(
        self,
        account_id: UUID,
        cash: Decimal,
        paid_in: Decimal,
        positions: tuple[OwnedPosition, ...],
        day_start: DayStart | None,
    ) -> None:
        owned = Owned(account_id, cash, D(0), paid_in, D(0), day_start, positions)
        self.books[account_id] = owned
        self.model.put(owned)

    @rule(account_id=_ids)
    def nobody_looks_any_more(self, account_id: UUID) -> None:
        self.books.pop(account_id, None)
        self.model.drop(account_id)

    @rule(
        news=st.lists(
            st.tuples(_instruments, st.builds(Price, _prices, _prices, st.integers(0, 30))),
            max_size=8,
        )
    )
    def prices_change(self, news: list[tuple[UUID, Price]]) -> None:
        before = {each: worth_of(self.books[each], self.prices) for each in self.books}
        for instrument, told in news:
            known = self.prices.get(instrument)
            if known is None or told.sequence > known.sequence:
                self.prices[instrument] = told
        touched = self.model.reprice(news)
        # Whoever is worth something else is named, and nobody who does not hold any of it.
        for each, owned in self.books.items():
            if worth_of(owned, self.prices) != before[each]:
                assert each in touched
        told_of = {instrument for instrument, _ in news}
        for each, instruments in touched.items():
            held = {position.instrument_id for position in self.books[each].positions}
            assert instruments <= held & told_of

    @invariant()
    def every_figure_is_what_a_new_valuation_says(self) -> None:
        for account_id, owned in self.books.items():
            assert self.model.worth(account_id) == worth_of(owned, self.prices)

    @invariant()
    def it_knows_the_accounts_of_the_books(self) -> None:
        assert [each in self.model for each in self.books] == [True] * len(self.books)


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
