"""The read model under load: whatever happens at once, it shows what the books say.

Threads trade, pay in, take trades back and move prices, each in transactions of its own, while the
model follows by the same hints that a web process follows. When they rest, what every page shows
is compared with a recomputation, figure by figure: by the selectors, from the balances and
positions, and by plain sums over the transfers and trades alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Account
from foundation import wakeups
from marketdata import services as marketdata
from marketdata.batches.columns import TickColumns
from marketdata.models import Quote
from marketdata.ticks import QuoteTick, TradeTick
from orders.entry import submission
from orders.models import Order, Trade
from portfolio import selectors
from portfolio.models import EquityPoint, Transfer
from portfolio.worth import closing
from tests import holdings, world
from tests.patience import DEADLINE_SECONDS, until
from trading.api import accounts_now, wire
from trading.streams import desk as desks
from trading.streams import hub as hubs
from trading.streams.faces import Seen
from trading.streams.mailbox import Mailbox
from venues.messages import Side

pytestmark = pytest.mark.usefixtures("committed")

D = Decimal
CENT = D("0.01")
SYMBOLS = ("AAPL", "IBM", "BAC", "XOM")
ACCOUNTS = 6
ROUNDS = 4
STEPS = 12


class Silent(Mailbox):
    """A socket that nobody wakes: it looks by itself."""

    def __init__(self) -> None:
        self.shows_worth, self.sequence, self.seen = True, 0, None
        self.loop = asyncio.new_event_loop()
        self.loop.close()


class Shown:
    """What a page of one account shows, made of nothing but the frames that it was sent."""

    def __init__(self, account: Account) -> None:
        self.account_id = account.pk
        self.seen: Seen | None = None
        self.account: dict[str, Any] = {}
        self.positions: dict[str, dict[str, Any]] = {}
        self.differences = 0

    def look(self, desk: desks.Desk) -> None:
        news = desk.news(self.account_id, self.seen)
        if news is None:
            return
        message = json.loads(news[0])
        if message["since"] is None:
            self.account, self.positions = {}, {}
        else:
            assert self.seen == Seen(message["stream"], message["since"])
            self.differences += 1
        self.account |= message["account"]
        for symbol in message["closed"]:
            del self.positions[symbol]
        for each in message["positions"]:
            self.positions.setdefault(each["symbol"], {}).update(each)
        self.seen = news[1]


@contextmanager
def following(accounts: list[Account]) -> Iterator[tuple[desks.Desk, hubs.Hub]]:
    """Run a desk that follows these accounts' hints, beside whatever the test does."""
    desk, hub, stop = desks.Desk(), hubs.Hub(), threading.Event()
    failures: list[BaseException] = []

    def follow() -> None:
        try:
            while not stop.is_set():
                _, quotes = hub.look()
                desk.prices_moved(quotes)
                desk.read_books(lambda: None)
                desk.take_prices()
        except BaseException as error:  # noqa: BLE001  shown by the test
            failures.append(error)
        finally:
            connection.close()

    def listen() -> None:
        try:
            wakeups.listener.run(stop, lambda: None)
        finally:
            connection.close()

    wakeups.listener.subscribe(wakeups.Channel.ACTIVITY, desk.hear)
    for account in accounts:
        desk.join(account.pk, Silent())
    threads = [threading.Thread(target=work) for work in (follow, listen)]
    for thread in threads:
        thread.start()
    try:
        yield desk, hub
    finally:
        stop.set()
        for thread in threads:
            thread.join(DEADLINE_SECONDS)
        wakeups.listener.unsubscribe(wakeups.Channel.ACTIVITY, desk.hear)
    assert failures == []


def told(symbol: str, last: Decimal, *, trade: str) -> None:
    """Let the feed tell a trade at `last`, and a quote around it."""
    now = timezone.now()
    ticks = [
        QuoteTick(symbol, now, last - CENT, D(100), last + CENT, D(100)),
        TradeTick(symbol, now, last, D(1), trade),
    ]
    marketdata.accept(TickColumns.of(ticks), source="test", now=now)


class Load:
    """Random work on the accounts, of several kinds that may all run at once."""

    def __init__(self, accounts: list[Account], seed: int) -> None:
        self.accounts = accounts
        self.dice = random.Random(seed)
        self.venue = world.Venue()
        self.numbers = itertools.count()
        self._filled: list[tuple[Order, Any]] = []

    def trades(self, dice: random.Random) -> None:
        """Buy, or sell some of what there is; the venue fills it, some of it in two parts."""
        for _ in range(STEPS):
            account, symbol = dice.choice(self.accounts), dice.choice(SYMBOLS)
            owned = {
                view.instrument.symbol: view.available
                for view in selectors.snapshot(account.pk).positions
            }
            there = int(owned.get(symbol, 0))
            is_sale = there > 0 and dice.random() < 0.45
            ticket = world.limit_ticket(
                account,
                "60.00" if is_sale else "140.00",
                symbol=symbol,
                side=Side.SELL if is_sale else Side.BUY,
                quantity=D(dice.randint(1, there) if is_sale else dice.randint(1, 9)),
            )
            [answer] = submission.submit_batch([ticket], now=timezone.now())
            if answer.order is None or answer.order.status != "submitted":
                continue
            price = f"{dice.randint(6100, 13900) / 100:.2f}"
            total = int(answer.order.quantity)
            parts = [total] if total == 1 or dice.random() < 0.5 else [1, total - 1]
            for part in parts:
                fill = self.venue.fills(answer.order, str(part), price)
                self._filled.append((answer.order, fill))

    def busts(self, dice: random.Random) -> None:
        """Take some fill back, now and then."""
        for _ in range(STEPS // 4):
            if self._filled:
                order, fill = self._filled.pop(dice.randrange(len(self._filled)))
                self.venue.busts(order, fill)
            world.apply_reports()

    def reports(self, _dice: random.Random) -> None:
        for _ in range(STEPS):
            world.apply_reports()

    def deposits(self, dice: random.Random) -> None:
        for _ in range(STEPS):
            amount = f"{dice.randint(1, 50000) / 100:.2f}"
            holdings.deposit(dice.choice(self.accounts), amount)

    def prices(self, dice: random.Random) -> None:
        for _ in range(STEPS):
            last = D(dice.randint(9600, 10400)) / 100
            told(dice.choice(SYMBOLS), last, trade=f"T{next(self.numbers)}")

    def run(self) -> None:
        """Do all of it at once; raise what any of it raises."""
        kinds = (self.trades, self.trades, self.busts, self.reports, self.deposits, self.prices)
        failures: list[BaseException] = []

        def work(kind: Callable[[random.Random], None], seed: int) -> None:
            try:
                kind(random.Random(seed))
            except BaseException as error:  # noqa: BLE001  raised below
                failures.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(kind, self.dice.random())) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_SECONDS)
        if failures:
            raise failures[0]
        world.apply_reports()


def expected(account: Account) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return what the books say, as the API would."""
    snapshot = selectors.snapshot(account.pk)
    [shown] = accounts_now.shown([snapshot], now=timezone.now()).values()
    positions = {view.instrument.symbol: wire.position(view) for view in snapshot.positions}
    plain = json.loads(json.dumps([shown, positions]))
    return plain[0], plain[1]


def from_the_ledger(account: Account) -> tuple[Decimal, Decimal, dict[str, Decimal]]:
    """Return cash, equity and quantities, of transfers and quotes alone, with plain sums."""
    own = {"owner": account, "kind": "customer"}
    amounts: dict[str, Decimal] = {}
    for side, sign in (("credit", 1), ("debit", -1)):
        rows = Transfer.objects.filter(**{f"{side}__{key}": value for key, value in own.items()})
        for asset, total in rows.values_list("asset").annotate(total=Sum("amount")):
            amounts[asset] = amounts.get(asset, D(0)) + sign * total
    cash = amounts.pop("USD", D(0))
    quantities = {code: amount for code, amount in amounts.items() if amount}
    equity = cash
    for quote in Quote.objects.filter(instrument__code__in=quantities).select_related("instrument"):
        price = selectors.price_of(quote)
        assert price is not None
        value = price * quantities[quote.instrument.code]
        equity += value.quantize(CENT, rounding=ROUND_HALF_EVEN)
    return cash, equity, quantities


@pytest.mark.parametrize("seed", [1, 2])
def test_what_pages_show_is_what_the_books_say(seed: int) -> None:
    for symbol in SYMBOLS:
        world.instrument(symbol)
    Quote.objects.all().delete()  # the feed begins; its numbers are its own
    for symbol in SYMBOLS:
        told(symbol, D("100.00"), trade="opening")
    accounts = [world.customer(cash="20000.00") for _ in range(ACCOUNTS)]
    pages = [Shown(account) for account in accounts]
    load = Load(accounts, seed)
    with following(accounts) as (desk, _):
        for _ in range(ROUNDS):
            # Pages look while everything moves: what they see is overtaken, and never wrong.
            looking = threading.Event()

            def look(looking: threading.Event = looking) -> None:
                while not looking.wait(0.01):
                    for page in pages:
                        page.look(desk)

            thread = threading.Thread(target=look)
            thread.start()
            load.run()
            looking.set()
            thread.join(DEADLINE_SECONDS)
            for account, page in zip(accounts, pages, strict=True):
                # A hint may still be on its way; what it leads to is compared to the last digit.
                until(lambda page=page, account=account: _agrees(page, desk, account))  # type: ignore[misc]
                cash, equity, quantities = from_the_ledger(account)
                shown = {symbol: D(each["qty"]) for symbol, each in page.positions.items()}
                assert (D(page.account["cash"]), shown) == (cash, quantities)
                assert D(page.account["equity"]) == equity
    assert all(page.differences for page in pages)
    assert Trade.objects.filter(busts__isnull=False).exists()
    # And what is written down for everybody, by the database's own arithmetic, is the same.
    now = timezone.now() + timedelta(seconds=1)
    closing.mark_equity(now=now)
    for page in pages:
        point = EquityPoint.objects.get(account_id=page.account_id)
        assert point.equity == D(page.account["equity"])


def _agrees(page: Shown, desk: desks.Desk, account: Account) -> bool:
    page.look(desk)
    return (page.account, page.positions) == expected(account)


def test_a_day_of_nothing_but_prices_touches_no_books() -> None:
    """Prices alone are taken without a statement: the books are read when something happened."""
    aapl, account = world.instrument("AAPL"), world.customer(cash="100.00")
    holdings.hold(account, aapl, D(3), cost=D("300.00"))
    desk, page = desks.Desk(), Shown(account)
    desk.join(account.pk, Silent())
    desk.read_books(lambda: None)
    page.look(desk)
    assert (page.account["equity"], page.positions["AAPL"]["current_price"]) == ("399.98", "99.995")
    world.quote(aapl, bid="109.00", ask="111.00")
    quote = Quote.objects.select_related("instrument").get()
    with connection.execute_wrapper(_refuse):
        desk.prices_moved([quote])
        desk.take_prices()
    page.look(desk)
    assert (page.account["equity"], page.positions["AAPL"]["current_price"]) == ("430", "110")
    assert page.differences == 1


def test_a_price_changes_what_a_margin_account_must_have() -> None:
    """Of what the API shows of an account nothing changes with prices that pages are not told."""
    aapl, ibm = world.instrument("AAPL"), world.instrument("IBM")
    account = world.customer(cash="10000.00")
    Account.objects.filter(pk=account.pk).update(margin=True)
    holdings.hold(account, aapl, D(30), cost=D("3000.00"))
    holdings.hold(account, ibm, D(-20), cost=D("2000.00"))
    desk, page = desks.Desk(), Shown(account)
    desk.join(account.pk, Silent())
    desk.read_books(lambda: None)
    page.look(desk)
    before = dict(page.account)
    assert _agrees(page, desk, account)
    world.quote(aapl, bid="89.00", ask="91.00")
    world.quote(ibm, bid="119.00", ask="121.00")
    desk.prices_moved(Quote.objects.select_related("instrument"))
    desk.take_prices()
    assert _agrees(page, desk, account)
    assert page.differences == 1
    assert page.account["short_market_value"] == "-2400"
    assert page.account["maintenance_margin"] != before["maintenance_margin"]
    assert page.account["buying_power"] != before["buying_power"]


def _refuse(*_: object) -> None:
    raise AssertionError("a statement was sent")
