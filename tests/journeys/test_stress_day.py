"""A day on which the market falls by a fifth, in simulated time and through the real order path.

Customers, some of them on borrowed money and some short, trade into the fall; prices drop every
half hour; margin accounts are called and, when it is time, liquidated by rule. A venue
that obeys executes at bid and ask. After each step the books balance to the cent, the invariants
hold and nobody has lost more than what cures.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
import time_machine
from django.db import connection, models
from django.utils import timezone

from accounts.models import Account
from marketdata.models import Instrument, Quote
from orders.entry import submission
from orders.models import Order
from orders.safeguards import liquidation as waves
from portfolio import selectors as portfolio
from portfolio.models import Balance, Position
from reconciliation.invariants import check_invariants
from risk.margin import book as margin_book
from risk.margin import calls
from risk.margin import rates as margin_rates
from risk.margin import requirements as margin
from risk.margin.requirements import Holding, Rates
from risk.models import LiquidationWave, MarginCall, MarginStatus
from tests import held, on_margin, world
from venues.messages import Side
from venues.models import OutboxMessage

pytestmark = pytest.mark.django_db
D = Decimal
CENT = D("0.01")
OPENS = datetime(2026, 1, 8, 14, 30, tzinfo=UTC)  # a Thursday, 9:30 in New York
STEPS = 13  # of half an hour, to 16:00
FALL = D("0.20")
BETAS = {"AAPL": D("1.0"), "MSFT": D("0.8"), "NVDA": D("1.4"), "TSLA": D("1.2")}
SCHEDULE = {"AAPL": "0.30", "MSFT": "0.30", "NVDA": "0.50", "TSLA": "0.50"}
PRICES = {"AAPL": D(200), "MSFT": D(400), "NVDA": D(150), "TSLA": D(250)}


class Day:
    """The firm, its customers and the market on one day; `seed` says what they do."""

    def __init__(self, clock: time_machine.Coordinates, seed: int) -> None:
        self.clock, self.random = clock, random.Random(seed)
        self.venue, self.watch = world.Venue(), waves.Watch(held.at_once)
        self.deposited = D(0)
        self.prices: dict[str, Decimal] = {}
        self.fills = self.proved = 0
        risk_officer = world.customer(cash="0").user
        for symbol, kept in SCHEDULE.items():
            margin_rates.propose(
                instrument=on_margin.instrument(symbol),
                rates=Rates(long=D(kept), short=D("0.40")),
                since=timezone.now().date(),
                reason="How much it moves",
                by=risk_officer,
                now=timezone.now(),
            )
        self.move(dict(PRICES))

    # --- The market --------------------------------------------------------------------------

    def move(self, prices: dict[str, Decimal]) -> None:
        """Set every price, with a cent between bid and ask."""
        self.prices = {s: p.quantize(CENT, ROUND_HALF_EVEN) for s, p in prices.items()}
        self.quote()

    def quote(self) -> None:
        for symbol, price in self.prices.items():
            listed = Instrument.objects.get(symbol=symbol)
            world.quote(listed, bid=str(price - CENT), ask=str(price))
            Quote.objects.filter(instrument=listed).update(last=price)

    def execute(self) -> None:
        """Execute all that rests at the venue where the market is, and end what is cancelled."""
        OutboxMessage.objects.filter(sent_at=None).update(sent_at=timezone.now())
        for order in Order.objects.filter(status__in=["submitted", "partially_filled"]):
            symbol = order.instrument.symbol
            at = self.prices[symbol] - (CENT if order.side == "sell" else D(0))
            limit = order.limit_price or order.protection_price
            if limit is None or (at <= limit if order.side == "buy" else at >= limit):
                self.venue.fills(order, str(order.leaves_quantity), str(at))
                self.fills += 1
        for order in Order.objects.filter(status="pending_cancel"):
            self.venue.cancels(order)
        world.apply_reports()

    # --- The customers -----------------------------------------------------------------------

    def customer(self, *, cash: str, margin: bool = True) -> Account:
        account = on_margin.customer(cash=cash) if margin else world.customer(cash=cash)
        self.deposited += D(cash)
        return account

    def is_day_trader(self, account: Account) -> None:
        """Let the account be a pattern day trader who had all of it at the last close."""
        self.watch.look(now=timezone.now())
        MarginStatus.objects.filter(account=account).update(
            day_trader_since=timezone.now().date(),
            close_equity=models.F("equity"),
            close_maintenance=D(0),
        )

    def order(self, account: Account, symbol: str, side: Side, quantity: int) -> Order:
        """Place a limit order at the market; it is executed at once when it may go."""
        price = self.prices[symbol] - (CENT if side is Side.SELL else D(0))
        ticket = world.limit_ticket(
            account, str(price), symbol=symbol, side=side, quantity=D(quantity)
        )
        [answer] = submission.submit_batch([ticket], now=timezone.now())
        assert answer.order is not None
        return answer.order

    def open(self, account: Account, symbol: str, quantity: int) -> None:
        side = Side.BUY if quantity > 0 else Side.SELL
        order = self.order(account, symbol, side, abs(quantity))
        assert order.status == "submitted", order.status_reason
        self.execute()

    def trade(self, accounts: list[Account]) -> None:
        """Let some customers do something, sensible or not."""
        for account in self.random.sample(accounts, 4):
            symbol = self.random.choice(list(PRICES))
            side = self.random.choice([Side.BUY, Side.SELL])
            self.order(account, symbol, side, self.random.randint(1, 15))

    # --- The rule ----------------------------------------------------------------------------

    def look(self) -> None:
        """Let the monitor look until nothing of it is under way, and check what it closed."""
        for _ in range(20):
            before = LiquidationWave.objects.count()
            self.watch.look(now=timezone.now())
            self.execute()
            self.clock.shift(timedelta(seconds=1))
            self.quote()
            is_busy = Order.objects.filter(
                client_order_id__startswith="liquidation", status="submitted"
            ).exists()
            if LiquidationWave.objects.count() == before and not is_busy:
                return
        raise AssertionError("liquidations do not come to an end")

    def check(self) -> None:
        broken = [f for f in check_invariants(now=timezone.now()) if not f.holds]
        assert broken == [], broken
        self.check_value()
        sheets = margin_book.sheets(margin_book.all_accounts(), now=timezone.now())
        for account_id, sheet in sheets.items():
            # Risk and the portfolio value an account alike, shorts and debts included.
            assert sheet.standing().equity == portfolio.snapshot(account_id).equity
        for wave in LiquidationWave.objects.filter(call__status="met").select_related("call"):
            if wave.number == wave.call.wave and wave.call.met_at == self._met_now(wave):
                self.check_minimal(wave)

    def _met_now(self, wave: LiquidationWave) -> datetime | None:
        """Return when its call was met if prices have not moved since."""
        met_at = wave.call.met_at
        return met_at if met_at and timezone.now() - met_at < timedelta(seconds=30) else None

    def check_value(self) -> None:
        """All money and all securities are somewhere, to the cent and to the unit."""
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT l.kind, l.asset, sum(CASE WHEN t.credit_id = l.id THEN t.amount
                                                    ELSE -t.amount END)
                     FROM portfolio_ledgeraccount l
                     JOIN portfolio_transfer t ON l.id IN (t.debit_id, t.credit_id)
                    GROUP BY 1, 2"""
            )
            sums = {(kind, asset): amount for kind, asset, amount in cursor.fetchall()}
        cash = sum(b.amount for b in Balance.objects.filter(asset="USD"))
        assert sums["customer", "USD"] == cash
        assert sums["bank", "USD"] == -self.deposited
        house = sum(
            (amount for (kind, asset), amount in sums.items()
             if asset == "USD" and kind not in ("customer", "bank")),
            D(0),
        )  # fmt: skip
        assert cash + house == self.deposited
        for symbol in PRICES:
            ours = sum(p.quantity for p in Position.objects.filter(instrument__symbol=symbol))
            assert sums.get(("settlement", symbol), D(0)) == -ours

    def check_minimal(self, wave: LiquidationWave) -> None:
        """With one unit less of what was closed last, the account would still lack equity."""
        sheet = margin_book.sheet(wave.call.account_id, now=timezone.now())
        assert sheet is not None
        assert not sheet.standing().deficit
        code, side, *_ = wave.orders[-1]
        sign = 1 if side == "sell" else -1
        price = self.prices[code] - (CENT if side == "sell" else D(0))
        listed = Instrument.objects.get(code=code)
        back = Holding(D(sign), self.prices[code], margin_rates.schedule().of(listed))
        holdings = {h.code: h.holding for h in sheet.positions if h.holding is not None}
        if code in holdings:
            back = Holding(holdings[code].quantity + sign, back.price, back.rates)
        holdings[code] = back
        undone = margin.standing(list(holdings.values()), cash=sheet.cash - sign * price, held=D(0))
        assert undone.deficit > 0, (wave, undone)
        self.proved += 1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_market_falls_by_a_fifth(seed: int) -> None:
    with time_machine.travel(OPENS - timedelta(minutes=30), tick=False) as clock:
        margin_rates.forget()
        day = Day(clock, seed)
        leveraged = [day.customer(cash="30000.00") for _ in range(4)]
        for account in leveraged:  # nearly twice what they have
            for symbol, part in zip(PRICES, (1, 1, 2, 2), strict=True):
                day.open(account, symbol, int(9_500 * part / PRICES[symbol]))
        careful = day.customer(cash="50000.00")
        day.open(careful, "MSFT", 60)
        concentrated = day.customer(cash="20000.00")
        day.open(concentrated, "NVDA", 260)
        bear = day.customer(cash="30000.00")
        day.open(bear, "TSLA", -100)
        saver = day.customer(cash="20000.00", margin=False)
        day.open(saver, "AAPL", 50)
        pays = day.customer(cash="20000.00")
        day.open(pays, "TSLA", 155)
        gambler = day.customer(cash="40000.00")
        day.is_day_trader(gambler)
        day.open(gambler, "AAPL", 600)  # three times what is there
        margined = [*leveraged, careful, concentrated, bear, pays]
        day.watch.look(now=timezone.now())
        day.check()

        for step in range(1, STEPS + 1):
            clock.shift(timedelta(minutes=30))
            fallen = FALL * step / STEPS
            day.move(
                {
                    s: PRICES[s]
                    * (1 - fallen * beta)
                    * (1 + D(day.random.randint(-20, 20)) / 10_000)
                    for s, beta in BETAS.items()
                }
            )
            day.trade([*margined, saver])
            day.execute()
            day.look()
            call = MarginCall.objects.filter(account=pays, status="open").first()
            if call is not None:
                amount = call.amount_max + D("2000.00")
                on_margin.deposit(pays, str(amount), reference=f"call {call.pk}:{step}")
                day.deposited += amount
                day.look()
            day.check()

        assert day.prices["AAPL"] <= D("161")
        assert day.fills > 40
        called = {call.account_id for call in MarginCall.objects.all()}
        assert {account.pk for account in leveraged} & called
        assert {concentrated.pk, gambler.pk} <= called
        assert MarginCall.objects.filter(account=gambler, kind="house").exists()
        assert careful.pk not in called and bear.pk not in called
        assert MarginCall.objects.filter(account=pays).exists() is False or (
            MarginCall.objects.filter(account=pays, met_by="deposit").exists()
        )

        # The second business day's close has come: what was called and not met is closed.
        day.move(day.prices)
        clock.shift(timedelta(days=5))
        day.quote()
        day.look()
        day.check()
        assert not calls.of_equity().exists()
        # Of three times what was there more was kept than twice: he has three days to pay for it.
        for call in calls.unmet():
            assert (call.account_id, call.kind, call.status) == (gambler.pk, "reg_t", "open")
            assert call.due_at > timezone.now()
        liquidated = MarginCall.objects.filter(met_by="liquidation")
        assert liquidated.exists()
        assert day.proved >= 3
        for status in MarginStatus.objects.all():
            assert status.excess >= 0
        for call in liquidated:
            kept = Position.objects.filter(account_id=call.account_id).exclude(quantity=0)
            assert kept.exists()  # a fifth costs nobody all that they have
