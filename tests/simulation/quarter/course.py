"""The course of the quarter: what happens on each day, and its close.

Everything is the real program over PostgreSQL but the clock, which jumps, and those outside, who
are a test's: a venue that executes what it is asked to, a custodian, a bank (`outside.py`). Some of
what they say in the evening is wrong (`planting.py`). On some days the program is off, and makes
up for them; in the middle it dies at work, and somebody deletes what he must not (`disaster.py`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

import time_machine
from django.utils import timezone

from accounts.models import Account, User
from foundation import failpoints
from foundation.failpoints import FailpointReached
from marketdata import calendars
from marketdata.models import Bar, Instrument, Quote
from orders.actions import carrying_out
from orders.entry import submission
from orders.lifecycle import Status
from orders.models import Order
from portfolio import services as portfolio
from portfolio.actions import services as corporate_actions
from portfolio.funding import services as funding
from portfolio.funding.passage import Step
from portfolio.models import EquitySnapshot, InterestDay, Position, Transfer
from reconciliation.day import plan, services
from reconciliation.day.models import DayRun, JobRun
from reconciliation.day.plan import State
from reconciliation.invariants import check_invariants
from tests import held, issuers, on_margin, world
from tests.simulation.quarter import disaster
from tests.simulation.quarter.ending import Ending
from tests.simulation.quarter.outside import Bank, Custodian, Exchange, hand_in
from tests.simulation.quarter.planting import Planting
from venues import links, outbox
from venues.messages import ReportKind, Side
from venues.models import OutboxMessage

FIRST: Final = date(2026, 10, 1)
DAYS: Final = 92
DAY: Final = timedelta(days=1)
CENT: Final = Decimal("0.01")
SYMBOLS: Final = ("AAPL", "IBM")
NIGHT, MORNING, NOON, EVENING = time(4, 30), time(6, 5), time(12), time(21)
SETTLES: Final = 2
"""So many sessions nothing is planted before the end: what is late has to come, and be seen."""
UNSENT: Final = 10
"""The invariant that nothing waits to be sent for long: nobody sends here."""


class Quarter:
    """One run, in the database as it is. Raises AssertionError when something is not as it must.

    `breaks` are planted at most on each session.
    """

    def __init__(
        self, *, seed: int = 1, first: date = FIRST, days: int = DAYS, breaks: int = 2
    ) -> None:
        self.draw = random.Random(seed)
        self.days = [first + number * DAY for number in range(days)]
        self.sessions = [day for day in self.days if plan.is_session(day)]
        self.breaks = breaks
        self.count: Counter[str] = Counter()
        self.venue, self.custodian, self.bank = Exchange(), Custodian(), Bank()
        self.planting = Planting(random.Random(seed), self.venue, self.custodian, self.bank)
        self.ending = Ending(self.count)
        self.prices = {"AAPL": Decimal(100), "IBM": Decimal(250)}
        self.accounts: list[Account] = []
        self.ann: User
        self.bob: User
        self._told_until = first - 2 * DAY
        self._overdue: list[date] = []
        self._resting: list[Order] = []
        # A dividend of the one and a split of the other, early and again every five weeks.
        self._actions = {
            first + number * DAY: kind
            for start in range(0, days, 35)
            for number, kind in ((start + 1, "dividend"), (start + 4, "split"))
        }

    # --- The course of it --------------------------------------------------------------------

    def run(self) -> None:
        """Live through every day and close it, then compare all there is."""
        with at(self.days[0], time(1)):
            self._open()
        for number, day in enumerate(self.days):
            # In every third week the program is off from Friday night to Monday morning.
            is_off = number // 7 % 3 == 1 and day.weekday() in (5, 6)
            if is_off:
                self.count["days off"] += 1
                continue
            self._live_through(day)
            if day.weekday() == 4:
                self.check(day)
        with at(self.days[-1] + DAY, MORNING):
            self._expire()
            self._go_on()
        self.finish()

    @property
    def _middle(self) -> date:
        return self.sessions[len(self.sessions) // 2]

    def _live_through(self, day: date) -> None:
        for moment, work in (
            (time(0, 20), self._carry_out_actions),
            (NIGHT, self._go_on),
            (MORNING, self._go_on),
            (time(11), self._resolve),
            (NOON, self._trade),
            (time(15), self._move_money),
            (time(16, 30), self._end_of_trading),
            (time(18), self._tell),
            (time(19), self._lose),
            (EVENING, self._go_on),
        ):
            with at(day, moment):
                work()

    def _open(self) -> None:
        self.ann, self.bob = issuers.person("ann"), issuers.person("bob")
        self.planting.open_sources()
        for symbol in SYMBOLS:
            on_margin.instrument(symbol)
        Instrument.objects.update(calendar="XNYS", asset_class="us_equity")
        self.accounts = [world.customer(cash="50000.00") for _ in range(3)]
        self.accounts.append(on_margin.customer(cash="20000.00"))
        for cash in (50_000, 50_000, 50_000, 20_000):
            self.bank.moves(self.days[0], Decimal(cash), "opening")

    def _go_on(self) -> None:
        """Take in what has come, and do what is due; once the program dies in the middle of it."""
        now = timezone.now()
        self._take_in(calendars.date_of(now) - DAY)
        if calendars.date_of(now) == self._middle and now.astimezone(calendars.NEW_YORK).hour == 4:
            with dying_at("day.worked", 4):
                try:
                    services.go_on(now=now)
                except FailpointReached:
                    self.count["closes cut short"] += 1
        self.count["jobs done"] += services.go_on(now=now)

    # --- What others say -----------------------------------------------------------------------

    def _tell(self) -> None:
        """Let those outside come to their versions of the day, some of it wrong."""
        day = calendars.date_of(timezone.now())
        if not plan.is_session(day):
            return
        self.custodian.told += self.venue.told
        left = [session for session in self.sessions if session > day]
        if len(left) >= SETTLES:
            self.planting.plant(day, left[0], most=self.breaks)
        self.venue.write_down()

    def _take_in(self, until: date) -> None:
        """Take in the files of the sessions up to `until`; what is late comes with the next."""
        while self._told_until < until:
            self._told_until += DAY
            day = self._told_until
            if not plan.is_session(day):
                continue
            hand_in(self.bank, day)
            for owed in (*self._overdue, *(() if day in self.custodian.late else (day,))):
                hand_in(self.custodian, owed)
            self._overdue = [day] if day in self.custodian.late else []

    def _resolve(self) -> None:
        self.planting.resolve(ann=self.ann, bob=self.bob, now=timezone.now())

    def _lose(self) -> None:
        """Once, somebody who owns the database deletes a day of the ledger, unseen."""
        now = timezone.now()
        if calendars.date_of(now) == self._middle:
            before = max(day for day in self.sessions if day < self._middle)
            disaster.strike(before, now=now)
            self.count["disasters named and undone"] += 1

    # --- What customers do -------------------------------------------------------------------

    def _trade(self) -> None:
        today = calendars.date_of(timezone.now())
        if not plan.is_session(today):
            return
        for symbol in SYMBOLS:
            self._quote(symbol)
        for account in self.accounts:
            for symbol in SYMBOLS:
                self._order(account, symbol)
        # One rests far from the market, and ends with the day.
        far = (self.prices["AAPL"] / 2).quantize(CENT)
        resting = self._submit(self.accounts[0], "AAPL", Side.BUY, 1, far)
        if resting is not None:
            self.venue.accepts(resting)
            self._resting.append(resting)
        world.apply_reports()
        OutboxMessage.objects.filter(sent_at=None).update(sent_at=timezone.now())

    def _quote(self, symbol: str) -> None:
        step = Decimal(self.draw.randint(-300, 310)) / 10_000
        price = self.prices[symbol] = (self.prices[symbol] * (1 + step)).quantize(CENT)
        listed = Instrument.objects.get(code=symbol)
        world.quote(listed, bid=str(price - CENT), ask=str(price))
        Quote.objects.filter(instrument=listed).update(last=price)
        now = timezone.now()
        Bar.objects.get_or_create(
            instrument=listed, timeframe="1Day", start=calendars.midnight(calendars.date_of(now)),
            defaults={
                "source": "test", "open": price, "high": price, "low": price, "close": price,
                "volume": Decimal(1), "trades": 1, "turnover": price, "open_at": now,
                "close_at": now,
            },
        )  # fmt: skip

    def _order(self, account: Account, symbol: str) -> None:
        held_now = Position.objects.filter(account=account, instrument__code=symbol).first()
        quantity = int(held_now.quantity) if held_now else 0
        is_sale = quantity > 0 and self.draw.random() < 0.4
        wanted = self.draw.randint(1, max(1, quantity)) if is_sale else self.draw.randint(1, 40)
        side, price = (Side.SELL if is_sale else Side.BUY), self.prices[symbol]
        limit = price - CENT if is_sale else price
        order = self._submit(account, symbol, side, wanted, limit)
        if order is not None:
            self.venue.fills(order, str(wanted), str(limit))
            self.count["fills"] += 1

    def _submit(
        self, account: Account, symbol: str, side: Side, quantity: int, limit: Decimal
    ) -> Order | None:
        ticket = world.limit_ticket(
            account, str(limit), symbol=symbol, side=side, quantity=Decimal(quantity)
        )
        [answer] = submission.submit_batch([ticket], now=timezone.now())
        self.count["orders"] += 1
        assert answer.order is not None, answer.refusal
        if answer.order.status == Status.REJECTED:
            self.count[f"denied: {answer.order.denial_code}"] += 1
            return None
        return answer.order

    def _end_of_trading(self) -> None:
        """Let the venue expire what rests; a few times it only does so a day later."""
        if self.draw.random() < 0.9:
            self._expire()
        elif self._resting:
            self.count["expiries forgotten"] += 1

    def _expire(self) -> None:
        for order in self._resting:
            self.venue.says(order, ReportKind.EXPIRED)
        self._resting.clear()
        world.apply_reports()

    def _move_money(self) -> None:
        now = timezone.now()
        today = calendars.date_of(now)
        if today.weekday() == 0:
            for number, account in enumerate(self.accounts):
                reference, amount = f"D{today:%Y%m%d}-{number}", Decimal("500.00")
                portfolio.deposit(
                    account_id=account.pk, amount=amount, reference=reference,
                    actor="operator:test", now=now,
                )  # fmt: skip
                self.bank.moves(today, amount, reference)
                self.count["deposits"] += 1
        if today.weekday() == 2:
            self._withdraw(self.accounts[today.day % 3], now)

    def _withdraw(self, account: Account, now: datetime) -> None:
        reference, amount = f"W{now:%Y%m%d}", Decimal("75.00")
        try:
            asked = funding.request_withdrawal(
                account_id=account.pk, payee_id=world.payee(account).pk, amount=amount,
                reference=reference, actor=f"user:{account.user_id}", now=now,
            )  # fmt: skip
        except ValueError:
            self.count["withdrawals refused"] += 1
            return
        funding.approve(asked.pk, by=self.ann, reason="Known", now=now)
        for step in (Step.SEND, Step.SETTLE):
            funding.take(asked.pk, step, actor="operator:bank", reason="Done", now=now)
        self.bank.moves(calendars.date_of(now), -amount, reference)
        self.count["withdrawals"] += 1

    # --- What issuers do ---------------------------------------------------------------------

    def _carry_out_actions(self) -> None:
        """Take in what is announced for today, and carry out what is due, as a person does."""
        today = calendars.date_of(timezone.now())
        kind = self._actions.get(today)
        if kind == "dividend":
            ibm = Instrument.objects.get(code="IBM")
            issuers.dividend(ibm, "0.40", pay_date=today + 3 * DAY)
        elif kind == "split":
            aapl = Instrument.objects.get(code="AAPL")
            price = (self.prices["AAPL"] / 2).quantize(CENT)
            issuers.split(aapl, 2, 1, price=str(price))
            self.prices["AAPL"] = price
            self.custodian.splits.append((today, "AAPL", Decimal(2)))
        for reference in corporate_actions.waiting_on(today):
            self._carry_out(reference)

    def _carry_out(self, reference: str) -> None:
        for looks in range(10):
            now = (
                timezone.now() + looks * carrying_out.STILL
            )  # a halt and its end take a venue time
            links.hear(outbox.EMBEDDED, now=now)
            found = carrying_out.carry_out(reference, enter=held.at_once, now=now)
            self.count["entitled"] += found.entitled
            if found.is_done or found.waits_for_a_day:
                self.count["actions carried out"] += found.is_done
                return
        raise AssertionError(f"{reference} waits for {found.waits_for}")

    # --- What must be true -------------------------------------------------------------------

    def check(self, day: date) -> None:
        """Check the invariants of the house."""
        with at(day, time(22)):
            found = check_invariants(now=timezone.now())
        broken = [each for each in found if not each.holds and each.number != UNSENT]
        assert broken == [], f"{day}: {broken}"
        self.count["weeks checked"] += 1

    def finish(self) -> None:
        """Compare what the days have left behind with the days that there were."""
        self.check(self.days[-1] + DAY)
        closed = DayRun.objects.filter(day__in=self.days).exclude(ended_at=None).count()
        assert closed == len(self.days), f"{closed} of {len(self.days)} days are closed"
        left = JobRun.objects.filter(day__in=self.days).exclude(
            state__in=[State.DONE.value, State.SKIPPED.value]
        )
        assert not left.exists(), list(left)
        assert InterestDay.objects.filter(day__in=self.days).count() == len(self.days)
        for account in self.accounts:
            written = EquitySnapshot.objects.filter(account=account, day__in=self.days)
            assert written.count() == len(self.days)
        self.count["days closed"] = closed
        self.planting.check()
        self.count.update(self.planting.count)
        with at(self.days[-1] + DAY, time(7)):
            self.ending.check(self.accounts)
        for kind in ("dividend", "interest"):
            self.count[f"transfers of {kind}"] = Transfer.objects.filter(kind=kind).count()


def at(day: date, moment: time) -> AbstractContextManager[object]:
    """Return a clock that goes on from that moment in New York."""
    there = datetime.combine(day, moment, calendars.NEW_YORK).astimezone(UTC)
    travel: Callable[..., AbstractContextManager[object]] = time_machine.travel
    return travel(there, tick=True)


@contextmanager
def dying_at(name: str, arrival: int) -> Iterator[None]:
    """Let the program fail there as if it were killed: nothing that it would still do is done."""
    before = failpoints._points
    failpoints._points = {name: ("raise", arrival)}
    failpoints._arrivals.clear()
    try:
        yield
    finally:
        failpoints._points = before
