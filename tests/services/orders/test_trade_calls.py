"""Calls that the trades of a day make: for what they opened overnight, and for day trades."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Account
from marketdata import calendars
from marketdata.models import Quote
from orders.models import Order
from orders.safeguards.liquidation import Watch
from risk.margin import book as margin_book
from risk.margin import calls, trade_calls
from risk.margin.day_end import Fill
from risk.margin.trade_calls import TradeDay
from risk.models import LiquidationWave, MarginCall, MarginStatus
from tests import held, on_margin, world
from tests.on_margin import submit
from tests.services.orders.watched import Firm, told
from venues.messages import Side

pytestmark = pytest.mark.django_db
D = Decimal
DAY = timedelta(days=1)


@pytest.fixture
def firm():
    on_margin.instrument()
    on_margin.instrument("MSFT")
    return Firm()


def day_trader(cash: str = "30000.00", *, excess: str | None = None, days: int = 3) -> Account:
    """A pattern day trader who had this much, or this excess, at the last close."""
    account = on_margin.customer(cash=cash)
    today = calendars.date_of(timezone.now())
    MarginStatus.objects.create(
        account=account,
        at=timezone.now(),
        day=today - DAY,
        judged_day=today - DAY,
        equity=D(excess or cash),
        maintenance=D(0),
        day_trader_since=today - timedelta(days=days),
    )
    return account


def both(firm: Firm, account: Account, quantity: str) -> None:
    """Buy so many of each of two, so that neither is more than half of all."""
    firm.buy(account, quantity)
    firm.buy(account, quantity, "MSFT")


def sell(firm: Firm, account: Account, quantity: str, symbol: str = "AAPL", price: str = "100.00"):
    firm.price(symbol, price)
    wanted = world.limit_ticket(account, price, symbol=symbol, side=Side.SELL, quantity=D(quantity))
    firm.fill(submit(wanted)[0].order, price)


def turn(firm: Firm) -> None:
    """Let the day end: what was called for then is called for as of now."""
    firm.look()
    firm.look(after=DAY)
    MarginCall.objects.filter(kind__in=trade_calls.KINDS).update(made_at=timezone.now())


def deposit(account: Account, amount: str) -> None:
    on_margin.deposit(account, amount, reference=f"paid {amount}")


def found(kind: str) -> MarginCall:
    return MarginCall.objects.get(kind=kind)


@pytest.mark.parametrize(
    ("apple", "microsoft", "amount"),
    [("540", "540", "24000.00"), ("310", "311", "1050.00"), ("310", "310", None)],
)
def test_what_the_day_leaves_beyond_twice_is_called_for(firm, apple, microsoft, amount):
    account = day_trader()
    firm.buy(account, apple)
    firm.buy(account, microsoft, "MSFT")
    firm.look()
    assert not MarginCall.objects.exists()  # within the day it is allowed
    firm.look(after=DAY)
    status = MarginStatus.objects.get(account=account)
    assert status.judged_day == calendars.date_of(timezone.now())
    if amount is None:  # 1,000 USD are disregarded
        assert not MarginCall.objects.exists()
        return
    call = MarginCall.objects.get()
    assert (call.kind, call.status, call.amount) == ("reg_t", "open", D(amount))
    today = calendars.date_of(timezone.now())
    assert call.due_at == calls.due_after(today, days=3, calendar=calendars.ALWAYS)
    assert told(account) == ["margin.called"]


def test_a_day_is_looked_at_once_whoever_starts_again(firm):
    both(firm, day_trader(), "540")
    turn(firm)
    firm.watch = Watch(held.at_once)
    firm.look(after=DAY)
    assert found("reg_t").history.count() == 1


def test_a_day_waits_until_prices_count(firm):
    account = day_trader()
    both(firm, account, "540")
    Quote.objects.filter(instrument__symbol="AAPL").update(doubts=1)
    later = timezone.now() + DAY
    day = calendars.date_of(timezone.now())
    firm.look()
    Quote.objects.update(received_at=later - timedelta(hours=1))
    traded = TradeDay(day, [Fill("MSFT", D(540), D(100))])  # AAPL was there before
    assert not trade_calls.judge(account.pk, traded=traded, now=later)
    assert MarginStatus.objects.get().judged_day == day - DAY
    Quote.objects.update(received_at=later, doubts=0)
    assert trade_calls.judge(account.pk, traded=traded, now=later)
    assert MarginStatus.objects.get().judged_day == day


def test_after_a_week_of_silence_nobody_is_due_before_he_is_told(firm):
    account = day_trader()
    both(firm, account, "540")
    firm.look()
    firm.look(after=7 * DAY)
    yesterday = calendars.date_of(timezone.now() + 6 * DAY)
    due_at = calls.due_after(yesterday, days=3, calendar=calendars.ALWAYS)
    assert found("reg_t").due_at == due_at


def test_what_was_sold_since_is_no_part_of_the_day(firm):
    account = day_trader()
    both(firm, account, "540")
    on_margin.instrument("NVDA")
    firm.price("NVDA", "100.00")
    now = timezone.now() + DAY
    firm.look()
    Quote.objects.update(received_at=now)
    day = calendars.date_of(timezone.now())
    bought = [Fill("AAPL", D(580), D(100)), Fill("MSFT", D(540), D(100))]
    sold = [Fill("AAPL", D(-40), D(100)), Fill("NVDA", D(-10), D(100))]
    assert trade_calls.judge(account.pk, traded=TradeDay(day, bought, sold), now=now)
    # 580 and 540 at 100 and 10 that were there before, of 30,000.
    assert found("reg_t").amount == D("26500.00")


def test_what_another_day_makes_is_added_and_due_no_later(firm):
    account = day_trader()
    both(firm, account, "540")
    turn(firm)
    before = found("reg_t")
    now = timezone.now() + 2 * DAY
    Quote.objects.update(received_at=now)
    # As if 30 of them had been bought only on the next day.
    traded = TradeDay(calendars.date_of(now) - DAY, [Fill("AAPL", D(30), D(100))])
    assert trade_calls.judge(account.pk, traded=traded, now=now)
    call = found("reg_t")
    assert (call.amount, call.amount_max) == (D(25500), D(25500))
    assert call.due_at == before.due_at


def test_a_deposit_meets_a_reg_t_call_to_the_cent(firm):
    account = day_trader()
    both(firm, account, "540")
    turn(firm)
    deposit(account, "23999.99")
    firm.look(after=DAY)
    assert found("reg_t").status == "open"
    deposit(account, "0.01")
    firm.look(after=DAY)
    assert (found("reg_t").status, found("reg_t").met_by) == ("met", "deposit")
    assert told(account) == ["margin.called", "margin.call_met"]


def test_sales_meet_a_reg_t_call_when_nothing_is_missing(firm):
    account = day_trader("30010.00")
    both(firm, account, "540")
    turn(firm)
    sell(firm, account, "479")  # 40 USD of 23,990 are missing
    firm.look()
    assert found("reg_t").status == "open"
    sell(firm, account, "1")
    firm.look()
    assert (found("reg_t").status, found("reg_t").met_by) == ("met", "sale")


def overdue(firm: Firm) -> None:
    MarginCall.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    firm.look()


def test_an_overdue_reg_t_call_is_cured_by_what_it_takes_and_not_a_share_more(firm):
    account = day_trader("30010.00")
    both(firm, account, "450")
    turn(firm)
    overdue(firm)
    assert margin_book.sheet(account.pk, now=timezone.now()).is_being_liquidated
    [order] = firm.fill_liquidations("100.00")
    assert (order.side, order.quantity) == ("sell", D(300))  # each releases 50 of 14,990
    firm.look()
    assert (found("reg_t").status, found("reg_t").met_by) == ("met", "liquidation")
    assert LiquidationWave.objects.get().deficit == D(14990)


def test_what_the_market_has_taken_is_not_liquidated_for(firm):
    account = day_trader()
    both(firm, account, "450")
    turn(firm)
    for symbol in ("AAPL", "MSFT"):
        firm.price(symbol, "98.00")
    overdue(firm)
    # 15,900 are missing now, of which 15,000 were called for, 49 a share.
    [order] = firm.fill_liquidations("98.00")
    assert order.quantity == D(307)
    firm.look()
    call = found("reg_t")
    assert (call.status, call.met_by, call.spared) == ("met", "liquidation", D(900))
    assert not MarginCall.objects.exclude(status="met").exists()


def test_a_maintenance_call_stands_beside_a_reg_t_call_and_goes_first(firm):
    account = day_trader()
    both(firm, account, "540")
    turn(firm)
    for symbol in ("AAPL", "MSFT"):
        firm.price(symbol, "95.00")
    firm.look()
    assert {call.kind for call in calls.unmet()} == {"reg_t", "maintenance"}
    assert found("maintenance").amount == D(1050)
    overdue(firm)
    [first] = calls.to_liquidate(calls.unmet(), now=timezone.now())
    assert first.kind == "maintenance"
    assert Order.objects.filter(client_order_id__startswith="liq", account=account).count() == 1
    firm.fill_liquidations("95.00")
    firm.look()
    assert (found("maintenance").status, found("reg_t").status) == ("met", "liquidating")


# --- Day trades --------------------------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "amount"), [("1200", None), ("1201", "25.00")])
def test_day_trades_beyond_their_buying_power_are_called_for(firm, quantity, amount):
    account = day_trader("100000.00", excess="30000.00")  # 70,000 were paid in today
    firm.buy(account, quantity)
    sell(firm, account, quantity)
    turn(firm)
    if amount is None:
        assert not MarginCall.objects.exists()
        return
    call = MarginCall.objects.get()
    assert (call.kind, call.amount) == ("day_trade", D(amount))
    today = calendars.date_of(timezone.now())
    assert call.due_at == calls.due_after(today, days=5, calendar=calendars.ALWAYS)
    assert told(account) == ["margin.called"]


def test_who_became_a_day_trader_on_the_day_has_had_no_such_buying_power(firm):
    account = day_trader("100000.00", excess="30000.00", days=0)
    firm.buy(account, "1201")
    sell(firm, account, "1201")
    turn(firm)
    assert not MarginCall.objects.exists()


def called_for_day_trades(firm: Firm) -> Account:
    account = day_trader("100000.00", excess="30000.00")
    firm.buy(account, "1201")
    sell(firm, account, "1201")
    turn(firm)
    return account


def multiplier(account: Account, *, after: timedelta = timedelta()) -> int:
    sheet = margin_book.sheet(account.pk, now=timezone.now() + after)
    return sheet.standing().multiplier


def test_until_it_is_met_there_is_twice_and_once_overdue_cash_alone(firm):
    account = called_for_day_trades(firm)
    call = found("day_trade")
    now = timezone.now()
    assert multiplier(account, after=DAY) == 2
    assert multiplier(account, after=call.due_at - now - timedelta(minutes=5)) == 2
    assert multiplier(account, after=call.due_at - now + timedelta(minutes=5)) == 1
    MarginCall.objects.update(due_at=now)
    firm.look(after=DAY)
    assert not LiquidationWave.objects.exists()
    assert not margin_book.sheet(account.pk, now=now + DAY).is_being_liquidated
    firm.look(after=timedelta(days=90) - timedelta(minutes=5))
    assert found("day_trade").status == "open"
    firm.look(after=timedelta(days=90) + timedelta(minutes=5))
    assert (found("day_trade").status, found("day_trade").met_by) == ("met", "time")


def test_a_deposit_meets_it_and_stays_two_business_days(firm):
    account = called_for_day_trades(firm)
    deposit(account, "24.99")
    firm.look(after=DAY)
    assert found("day_trade").status == "open"
    deposit(account, "0.01")
    firm.look(after=DAY)
    assert (found("day_trade").status, found("day_trade").met_by) == ("met", "deposit")
    assert multiplier(account, after=DAY) == 4
    sheet = margin_book.sheet(account.pk, now=timezone.now())
    met_on = calendars.date_of(found("day_trade").met_at)
    until = calls.due_after(met_on, days=2, calendar=calendars.ALWAYS)
    assert trade_calls.kept_back(sheet, now=until - timedelta(minutes=1)) == D(25)
    assert trade_calls.kept_back(sheet, now=until) == 0
