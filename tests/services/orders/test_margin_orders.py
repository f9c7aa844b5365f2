"""Orders of margin accounts: what they do, what they are held for, and what keeps them back."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from marketdata.models import Quote
from portfolio import selectors as portfolio
from portfolio.models import Balance, Hold, Position
from reconciliation.invariants import check_invariants
from risk import services
from risk.margin.requirements import Intent
from risk.models import Decision, MarginStatus
from tests import on_margin, world
from tests.services.orders.margin_desk import buy, cash_held, fill, holds, place, sell, short

pytestmark = pytest.mark.django_db
D = Decimal


# --- What is required ----------------------------------------------------------------------------


def test_a_margin_account_buys_for_twice_its_equity_and_a_cent_more_is_denied(venue):
    on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    [denied] = place(buy(account, 201))
    assert (denied.status, denied.denial_code) == ("rejected", "insufficient_buying_power")
    [order] = place(buy(account, 200))
    assert (order.status, order.position_intent) == ("submitted", "buy_to_open")
    assert cash_held(account) == D("10000.00")
    [nothing_left] = place(buy(account, 1))
    assert nothing_left.denial_code == "insufficient_buying_power"
    fill(venue, order)
    balance = Balance.objects.get(account=account, asset="USD")
    assert (balance.amount, balance.held) == (D("-10000.00"), D(0))
    found = on_margin.standing(account)
    Quote.objects.update(last=D(100))
    found = on_margin.standing(account)
    assert (found.equity, found.initial) == (D("10000.00"), D("10000.00"))
    holds(account)


def test_the_decision_keeps_the_figures(venue):
    on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    [order] = place(buy(account, 200))
    inputs = Decision.objects.get(order_id=order.pk).inputs["situation"]["margin"]
    assert inputs["required"] == "10000"
    assert inputs["standing"]["cash"] == "10000"
    assert inputs["standing"]["held"] == "0"


def test_two_tickets_of_a_batch_share_what_is_available():
    on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    first, second = place(buy(account, 150), buy(account, 60))
    assert (first.denial_code, second.denial_code) == ("", "insufficient_buying_power")


def test_a_cash_account_borrows_nothing():
    on_margin.instrument()
    account = world.customer(cash="10000.00")
    [denied] = place(buy(account, 101))
    [short_sale] = place(sell(account, 1))
    assert denied.denial_code == "insufficient_buying_power"
    assert (short_sale.denial_code, short_sale.position_intent) == (
        "insufficient_position",
        "sell_to_close",
    )


def test_below_2000_of_equity_only_cash_buys():
    on_margin.instrument()
    account = on_margin.customer(cash="1999.99")
    [denied] = place(buy(account, 20))
    [order] = place(buy(account, 19))
    assert (denied.denial_code, order.status) == ("insufficient_buying_power", "submitted")
    assert cash_held(account) == D("1900.00")


def test_an_order_by_value_requires_half_of_it(venue):
    listed = on_margin.instrument()
    listed.fractionable, listed.quantity_increment = True, D("0.000000001")
    listed.quantity_min = D("0.000000001")
    listed.save()
    account = on_margin.customer(cash="10000.00")
    [order] = place(world.ticket(account, quantity=None, notional=D("19000.00")))
    assert order.status == "submitted", order.status_reason
    assert D("9500.00") <= cash_held(account) <= D("9500.02")
    holds(account)


def test_a_stale_price_of_what_is_held_keeps_back_what_opens_and_lets_go_what_closes(venue):
    aapl = on_margin.instrument()
    on_margin.instrument("MSFT")
    account = on_margin.customer(cash="10000.00")
    world.own(account, "AAPL", "10", venue, price="100.00")
    world.quote(aapl, bid="99.99", ask="100.00", at=timezone.now() - timedelta(minutes=5))
    [denied] = place(buy(account, 1, symbol="MSFT"))
    assert denied.denial_code == "position_price_stale"
    world.quote(aapl, bid="99.99", ask="100.00")
    msft = Quote.objects.get(instrument__symbol="MSFT").instrument
    world.own(account, "MSFT", "10", venue, price="100.00")
    world.quote(aapl, bid="99.99", ask="100.00", at=timezone.now() - timedelta(minutes=5))
    world.quote(msft, bid="99.99", ask="100.00")
    [order] = place(sell(account, 10, symbol="MSFT"))
    assert order.status == "submitted"


# --- Nothing flips -------------------------------------------------------------------------------


def test_a_sale_while_long_is_for_no_more_than_there_is(venue):
    on_margin.instrument()
    account = on_margin.customer()
    world.own(account, "AAPL", "10", venue, price="100.00")
    [too_large] = place(sell(account, 11))
    [fits] = place(sell(account, 10))
    [held] = place(sell(account, 1))
    assert too_large.denial_code == held.denial_code == "insufficient_position"
    assert (fits.status, fits.position_intent) == ("submitted", "sell_to_close")


def test_a_purchase_while_short_is_for_no_more_than_is_short(venue):
    on_margin.instrument()
    account = on_margin.customer()
    short(account, 10, venue)
    [too_large] = place(buy(account, 11))
    first, second = place(buy(account, 6), buy(account, 5))
    assert too_large.denial_code == second.denial_code == "cover_too_large"
    assert (first.status, first.position_intent) == ("submitted", "buy_to_close")
    assert cash_held(account) == D(0)
    fill(venue, first, quantity="4")
    [rest] = place(buy(account, 4))
    assert rest.status == "submitted"
    holds(account)
    fill(venue, rest)
    venue.cancels(first)
    world.apply_reports()
    [last] = place(buy(account, 2))
    fill(venue, last)
    assert Position.objects.get(account=account).quantity == D(0)
    assert not Hold.objects.filter(account=account, status="pending").exists()
    holds(account)


def test_what_is_available_of_a_short_is_what_no_order_covers_yet(venue):
    on_margin.instrument()
    account = on_margin.customer()
    short(account, 10, venue)
    place(buy(account, 6, "90.00"))
    [position] = portfolio.snapshot(account.pk, now=timezone.now()).positions
    assert (position.quantity, position.available) == (D(-10), D(-4))


def test_an_intent_that_does_not_agree_is_denied(venue):
    on_margin.instrument()
    account = on_margin.customer()
    [denied] = place(buy(account, 1, position_intent=Intent.BUY_TO_CLOSE))
    assert denied.denial_code == "position_intent_mismatch"
    [order] = place(sell(account, 1, position_intent=Intent.SELL_TO_OPEN))
    assert order.status == "submitted"


def test_a_cover_is_replaced_within_what_is_short(venue):
    on_margin.instrument()
    account = on_margin.customer()
    short(account, 10, venue)
    [cover] = place(buy(account, 6, "99.00"))
    venue.accepts(cover)
    world.apply_reports()
    [too_large] = place(world.replace_ticket(cover, quantity=D(11)))
    assert too_large.denial_code == "cover_too_large"
    [larger] = place(world.replace_ticket(cover, quantity=D(10)))
    assert larger.status == "pending", larger.status_reason
    holds(account)


# --- Day trades ----------------------------------------------------------------------------------


def test_the_fourth_day_trade_of_a_small_account_is_denied(venue):
    for symbol in ("AAPL", "MSFT", "NVDA", "TSLA"):
        on_margin.instrument(symbol)
    account = on_margin.customer(cash="20000.00")
    for symbol in ("AAPL", "MSFT", "NVDA"):
        world.own(account, symbol, "1", venue, price="100.00")
        [closing] = place(sell(account, 1, symbol=symbol))
        assert closing.denial_code == ""
        fill(venue, closing)
    world.own(account, "TSLA", "1", venue, price="100.00")
    [denied] = place(sell(account, 1, symbol="TSLA"))
    assert denied.denial_code == "day_trade_limit"
    on_margin.deposit(account, "10000.00", reference="more")
    [allowed] = place(sell(account, 1, symbol="TSLA"))
    assert allowed.status == "submitted"


def test_what_is_under_way_counts_as_a_day_trade(venue):
    symbols = ("AAPL", "MSFT", "NVDA", "TSLA")
    for symbol in symbols:
        on_margin.instrument(symbol)
    account = on_margin.customer(cash="20000.00")
    for symbol in symbols:
        world.own(account, symbol, "1", venue, price="100.00")
    codes = [place(sell(account, 1, symbol=s))[0].denial_code for s in symbols]
    assert codes == ["", "", "", "day_trade_limit"]


def test_a_pattern_day_trader_buys_for_four_times_the_excess_of_the_close(venue):
    on_margin.instrument()
    account = on_margin.customer(cash="30000.00")
    today = timezone.now().date()
    MarginStatus.objects.create(
        account=account,
        at=timezone.now(),
        day=today - timedelta(days=3),
        equity=D(30000),
        maintenance=D(0),
        day_trader_since=today - timedelta(days=3),
    )
    [order] = place(buy(account, 1200))
    assert order.status == "submitted", order.status_reason
    [denied] = place(buy(account, 1))
    assert denied.denial_code == "insufficient_buying_power"


def test_a_decision_that_equity_did_not_bear_is_found():
    on_margin.instrument()
    account = on_margin.customer(cash="10000.00")
    [order] = place(buy(account, 200))
    kept = Decision.objects.get(order_id=order.pk)
    holds(account)
    again = services.recompute(kept)
    assert again.denial is None
    kept.inputs["situation"]["margin"]["standing"]["cash"] = "9999.99"
    wrong = Decision(order_id=uuid.uuid4(), account=account, at=kept.at, allowed=True)
    wrong.inputs = kept.inputs
    wrong.save()
    broken = [f for f in check_invariants(now=timezone.now()) if f.number == 2 and f.breaches]
    assert [breach.account_id for finding in broken for breach in finding.breaches] == [account.pk]
