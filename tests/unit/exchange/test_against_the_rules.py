"""The whole exchange against a reading of its rules that knows nothing of its data structures."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.unit.exchange.floor_words import NOON, an_engine, cancel, order, replace
from tests.unit.exchange.naive_exchange import NaiveExchange, NaiveOrder
from venues.exchange.book import BUY, SELL
from venues.exchange.commands import Halt, Report, Trade, Wake

SIDES = st.sampled_from(["buy", "sell"])
PRICES = st.integers(97, 103)
QUANTITIES = st.integers(1, 30)
DISPLAYS = st.sampled_from([None, None, None, 0, 0, 2, 5])
PARTIES = st.sampled_from(["", "", "p", "q"])
PREVENTIONS = st.sampled_from(["cancel_newest", "cancel_oldest", "cancel_both"])
CASH = st.sampled_from([None, None, None, None, 250, 999, 1500])


class AgainstTheRules(RuleBasedStateMachine):
    """Whatever is asked of both exchanges, they execute, end and keep the same."""

    @initialize()
    def start(self):
        self.engine, self.naive = an_engine(), NaiveExchange()
        self.now = NOON
        self.number = 0
        self.entered = 0
        self.fills, self.ended, self.prices = [], [], []

    def _apply(self, command):
        events = self.engine.apply(command, self.now)
        said = [event.report for event in events if isinstance(event, Report)]
        filled = [report for report in said if report.kind == "fill"]
        self.prices = [int(each.price * 100) for each in events if isinstance(each, Trade)]
        self.fills += [
            (one.client_order_id, other.client_order_id, int(one.price * 100), int(one.quantity))
            for one, other in zip(filled[::2], filled[1::2], strict=True)
        ]
        self.ended += [
            (report.client_order_id, str(report.reason))
            for report in said
            if report.kind in ("cancelled", "rejected")
        ]

    @rule(
        side=SIDES,
        price=PRICES,
        quantity=QUANTITIES,
        tif=st.sampled_from(["gtc", "gtc", "gtc", "day", "ioc", "fok"]),
        display=DISPLAYS,
        party=PARTIES,
        prevention=PREVENTIONS,
        cash=CASH,
        post_only=st.sampled_from([False, False, False, True]),
    )
    def enter(self, side, price, quantity, tif, display, party, prevention, cash, post_only):
        self.number += 1
        name = str(self.number)
        post_only = post_only and tif in ("gtc", "day")
        self._apply(
            order(
                name, side, str(quantity), f"{price / 100:.2f}", tif=tif, party=party,
                display=None if display is None else str(display), prevention=prevention,
                cash=None if cash is None else f"{cash / 100:.2f}", post_only=post_only,
            )
        )  # fmt: skip
        self.naive.enter(
            NaiveOrder(
                name, 1 if side == "buy" else -1, price, quantity, display=display, party=party,
                prevention=prevention, cash=cash, is_post_only=post_only,
            ),
            tif,
        )  # fmt: skip

    def _a_name(self, data):
        return data.draw(st.sampled_from(sorted(each.name for each in self.naive.resting)))

    @precondition(lambda self: self.naive.resting)
    @rule(data=st.data())
    def cancel(self, data):
        name = self._a_name(data)
        self.number += 1
        self._apply(cancel(name, f"cancel-{self.number}"))
        self.naive.cancel(name)

    @precondition(lambda self: self.naive.resting)
    @rule(data=st.data(), total=QUANTITIES, price=st.one_of(st.none(), PRICES))
    def replace(self, data, total, price):
        name = self._a_name(data)
        self.number += 1
        new = str(self.number)
        self._apply(replace(name, new, str(total), None if price is None else f"{price / 100:.2f}"))
        self.naive.replace(name, new, total, price)

    @precondition(lambda self: not self.naive.is_collecting)
    @rule()
    def collect(self):
        self._apply(Halt("AAPL", True))
        self._apply(Halt("AAPL", False, 60))
        self.naive.collect()

    @precondition(lambda self: self.naive.is_collecting)
    @rule()
    def uncross(self):
        volumes = {price: self.naive.volume(price) for price in range(90, 111)}
        self.now += timedelta(seconds=60)
        before = len(self.fills)
        self._apply(Wake())
        most = max(volumes.values())
        price = self.prices[0] if most else None
        self.naive.uncross(price)
        if most:
            assert volumes[price] == most
            assert sum(lots for *_, at, lots in self.fills[before:] if at == price) >= most
        assert self.engine.is_trading("AAPL")

    @invariant()
    def executes_and_ends_the_same(self):
        assert self.fills == self.naive.fills
        assert sorted(self.ended) == sorted(self.naive.ended)

    @invariant()
    def keeps_the_same_in_the_same_order(self):
        book = self.engine.listings["AAPL"].book
        for sign, sides in (
            (BUY, (book.bids, book.hidden_bids)),
            (SELL, (book.asks, book.hidden_asks)),
        ):
            for side, is_hidden in zip(sides, (False, True), strict=True):
                ours = [(o.owner.client_order_id, o.price, o.leaves) for o in side.orders()]
                theirs = [
                    (o.name, o.price, o.shown)
                    for o in self.naive.queue(sign)
                    if o.is_hidden == is_hidden
                ]
                assert ours == theirs
            assert sides[0].depth(100) == self.naive.depth(sign)

    @invariant()
    def is_never_crossed_while_it_trades(self):
        if not self.naive.is_collecting:
            bids, asks = self.naive.queue(1), self.naive.queue(-1)
            assert not bids or not asks or bids[0].price < asks[0].price


AgainstTheRules.TestCase.settings = settings(max_examples=75, stateful_step_count=40, deadline=None)
TestAgainstTheRules = AgainstTheRules.TestCase
